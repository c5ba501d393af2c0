#!/bin/sh
# What a machine can do to a grid, one fault at a time: kills at every system
# call that writes, failing syncs, full disks, limits, locks, stopped
# processes, closed descriptors, replaced programs.  After each the same
# command brings the same end state.
#
#   grid_faults.sh QLAW [STRIDE [SEED]]
#
# STRIDE 1 tries every call, 10 every tenth (from a start that the seed
# chooses).  Some faults need strace, some need root; without these they are
# left out with a word.
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
stride=${2:-25}
seed=${3:-1}
export seed
left_out=

dir=$(mktemp -d /tmp/qlaw-fault-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*"
    tail -3 log.txt
    exit 1
}
without() { # without WHY FAULT
    left_out="$left_out
SKIPPED: $2 ($1)"
}

markov_text
cat >tiny.ini <<'INI'
[grid]
name = tiny
[data]
path = text.txt
val_tokens = 256
[model]
n_layer = 1
n_head = 1
d_model = 8
seq_len = 8
[train]
batch = 2
tokens = 640
lr = 0.01
[run]
log_every = 10
checkpoint = 0.001s
INI
sed 's/tokens = 640/tokens = 150k, 300k, 450k, 600k/; s/^name.*/name = four/
    s/^log_every.*/log_every = 2500/; s/^checkpoint.*/checkpoint = 0.2s/' \
    tiny.ini >four.ini
sed -i 's/^tokens = 150k.*//' four.ini
printf '[sweep]\ntrain.tokens = 150k, 300k, 450k, 600k\n' >>four.ini

dump() {
    sqlite3 qlaw.db "select point_id, seed, state, loss, weights_sha256, steps,
        (select count(*)||','||min(step)||','||max(step)||','||
        total(train_loss) from curve c where c.run_id=r.run_id)
        from run r left join result using(run_id) order by 1, 2"
}
fresh() {
    chmod -R u+w . 2>/dev/null || :
    rm -rf qlaw.db* runs
}
# The invariants that hold whatever has happened.
whole() { # whole WANT WHAT
    dump >now.txt
    cmp -s "$1" now.txt || {
        diff "$1" now.txt || :
        fail "$2: another end state"
    }
    "$qlaw" db check >check.txt 2>&1 || fail "$2: $(cat check.txt)"
    left=$(sqlite3 qlaw.db "select count(*) from attempt where outcome is null")
    [ "$left" = 0 ] || fail "$2: $left attempts without an end"
    left=$(find . -name '*.tmp' | wc -l)
    [ "$left" = 0 ] || fail "$2: $left temporary files are left: $(find . -name '*.tmp')"
}
# The same command again, until it is done.
again() { # again GRID WANT WHAT
    "$qlaw" run "$1" --retry-failed 2>>log.txt || fail "$3: the second run ended with $?"
    whole "$2" "$3"
}
workers() {
    for p in $(pgrep -f ' train --config ' || :); do
        [ "$(readlink "/proc/$p/cwd" 2>/dev/null)" != "$dir" ] || echo "$p"
    done
}
dice() { # dice N: 0 .. N-1
    rolls=$((${rolls:-0} + 1))
    echo $(((seed * 7919 + rolls * 104729 + rolls * rolls * 1299709) % $1))
}

"$qlaw" run tiny.ini 2>>log.txt || fail "the tiny grid ended with $?"
dump >tiny.txt
fresh
"$qlaw" run four.ini 2>>log.txt || fail "the grid ended with $?"
dump >four.txt
[ "$(grep -c '|done|' four.txt)" = 4 ] || fail "not all are done: $(cat four.txt)"

# --- at every call ----------------------------------------------------------------

calls="write pwrite64 fsync fdatasync rename ftruncate unlink"
traced() { # traced OPTIONS...: exit status of the program in $rc
    rc=0
    timeout 60 strace -o /dev/null "$@" "$qlaw" run tiny.ini -q 2>>log.txt || rc=$?
    # what was killed with its tracer goes on for two seconds at most
    for i in $(seq 30); do
        [ -n "$(workers)" ] || break
        sleep 0.1
    done
    [ -z "$(workers)" ] || fail "workers are left after strace $*"
}
# How often each call is made, by the process that makes it most.
count_calls() { # count_calls CALL [-f]
    fresh
    strace ${2:-} -o calls.txt -e trace="$1" "$qlaw" run tiny.ini -q 2>>log.txt
    if [ -n "${2:-}" ]; then
        awk '{n[$1]++} END {for (p in n) if (n[p] > m) m = n[p]; print m + 0}' calls.txt
    else
        grep -c "^$1" calls.txt || :
    fi
}
each_call() { # each_call FAULT WHAT [-f]
    for call in $calls; do
        total=$(count_calls $call ${3:-})
        n=$((1 + $(dice $stride) % ($total + 1)))
        tried=0
        while [ $n -le "$total" ]; do
            fresh
            traced ${3:-} -e trace=$call -e inject=$call:$1:when=$n
            again tiny.ini tiny.txt "$2 at $call $n${3:+ of any process} (it ended with $rc)"
            tried=$((tried + 1))
            n=$((n + stride))
        done
        echo "  $call: $tried of $total"
    done
}

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    echo "the scheduler is killed at a call"
    each_call signal=SIGKILL kill
    echo "any process is killed at a call"
    each_call signal=SIGKILL kill -f
    echo "a sync fails"
    calls="fsync fdatasync"
    each_call error=EIO "EIO"
    each_call error=EIO "EIO" -f
    echo "no space from a call on"
    calls="write pwrite64"
    for call in $calls; do
        total=$(count_calls $call -f)
        n=$((1 + $(dice $stride) % ($total + 1)))
        while [ $n -le "$total" ]; do
            fresh
            traced -f -e trace=$call -e inject=$call:error=ENOSPC:when=$n+
            again tiny.ini tiny.txt "ENOSPC from $call $n on (it ended with $rc)"
            n=$((n + stride))
        done
    done
else
    without "needs strace" "faults at every call"
fi

# --- disks ------------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
    echo "a full disk"
    for free in 1 40 90 150 220; do
        fresh
        mkdir -p small
        cat >small.sh <<SH
mount -t tmpfs -o size=1m tmpfs small && cp four.ini text.txt small && cd small
head -c \$(((\$(df --output=avail -k . | tail -1) - $free) * 1024)) /dev/zero >fill
"$qlaw" run four.ini 2>>../log.txt
rc=\$?
echo "\$rc" >../rc.txt
find . -name '*.tmp' >../tmp.txt
rm fill
"$qlaw" run four.ini --retry-failed 2>>../log.txt || exit 1
cp qlaw.db ..
"$qlaw" db check
SH
        unshare -m sh small.sh >small.txt 2>&1 || fail "a disk with $free kB: $(cat small.txt)"
        dump >now.txt
        cmp -s four.txt now.txt || fail "a disk with $free kB: another end state"
        case $(cat rc.txt) in
        0 | 1 | 5 | 7 | 75) ;;
        *) fail "a disk with $free kB ends with $(cat rc.txt)" ;;
        esac
    done
    echo "a read-only file system"
    fresh
    "$qlaw" run tiny.ini 2>>log.txt
    cat >ro.sh <<SH
mount --bind . . && mount -o remount,ro,bind . . && cd "$dir" || exit 9
"$qlaw" status >/dev/null && "$qlaw" query progress >/dev/null &&
    "$qlaw" db check >/dev/null || exit 8
"$qlaw" run four.ini
SH
    rc=0
    unshare -m sh ro.sh >ro.txt 2>&1 || rc=$?
    case $rc in 5 | 7) ;; *) fail "run on a read-only disk: $rc $(cat ro.txt)" ;; esac
    grep -q "Read-only\|readonly\|read-only" ro.txt || fail "it does not say why: $(cat ro.txt)"
    whole tiny.txt "read-only"
else
    without "needs root" "full and read-only disks"
fi

echo "a limit on the size of files"
fresh
rc=0
(ulimit -f 100 && "$qlaw" run four.ini 2>>log.txt) || rc=$?
[ $rc -ne 153 ] && [ $rc -ne 0 ] || fail "with ulimit -f it ended with $rc"
again four.ini four.txt "ulimit -f"

# --- locks ------------------------------------------------------------------------

hold() { # hold SQL: in a shell that stays until release
    mkfifo hold
    sqlite3 qlaw.db <hold >/dev/null & holder=$!
    exec 9>hold
    echo "$1" >&9
    sleep 0.2
}
release() { # in words, because who was started meanwhile holds the pipe too
    echo ".quit" >&9
    exec 9>&-
    wait $holder || :
    rm hold
}
echo "a write lock that lasts"
fresh
"$qlaw" run four.ini --limit 1 2>>log.txt || :
hold "begin exclusive;"
"$qlaw" run four.ini 2>lock.txt & pid=$!
sleep 0.5
# it waits for its first transaction, so let it begin and lock it then
release
for i in $(seq 50); do [ "$(sqlite3 qlaw.db "select count(*) from run where
    state='running'" 2>/dev/null)" = 0 ] || break; sleep 0.02; done
hold "begin exclusive;"
sleep 7
release
wait $pid || fail "with a locked database it ended with $?: $(cat lock.txt)"
whole four.txt "a write lock"
echo "a reader that never ends"
fresh
"$qlaw" run four.ini --limit 1 2>>log.txt || :
"$qlaw" run four.ini 2>lock.txt & pid=$!
for i in $(seq 50); do [ "$(sqlite3 qlaw.db "select count(*) from run where
    state='running'" 2>/dev/null)" = 0 ] || break; sleep 0.02; done
hold "begin; select count(*) from run;"
for i in $(seq 100); do grep -q "waiting for the database" lock.txt && break; sleep 0.1; done
kill -9 $pid 2>/dev/null || :
wait $pid 2>/dev/null || :
release
again four.ini four.txt "a reader that never ends"
n=$(sqlite3 qlaw.db "select count(*) from attempt")
[ "$n" = 4 ] || fail "after the reader $n attempts were needed, not 4"

# --- processes --------------------------------------------------------------------

echo "everything is killed at once"
for i in 1 2 3; do
    fresh
    "$qlaw" run four.ini 2>>log.txt & pid=$!
    sleep "0.$(printf %03d "$(dice 900)")"
    kill -9 $pid $(workers) 2>/dev/null || :
    wait $pid 2>/dev/null || :
    again four.ini four.txt "everything killed"
done
echo "a stopped worker outlives its scheduler"
fresh
"$qlaw" run four.ini 2>>log.txt & pid=$!
for i in $(seq 100); do [ -z "$(workers)" ] || break; sleep 0.01; done
victim=$(workers | head -1)
kill -STOP $victim
kill -9 $pid
wait $pid 2>/dev/null || :
again four.ini four.txt "a stopped worker"
kill -CONT $victim 2>/dev/null && fail "the stopped worker is still there" || :
echo "a stopped worker is not given up"
fresh
"$qlaw" run four.ini 2>>log.txt & pid=$!
for i in $(seq 100); do [ -z "$(workers)" ] || break; sleep 0.01; done
victim=$(workers | head -1)
kill -STOP $victim
sleep 1
kill -CONT $victim
wait $pid || fail "after SIGSTOP it ended with $?"
whole four.txt "a stopped worker"
[ "$(sqlite3 qlaw.db "select max(number) from attempt")" = 1 ] ||
    fail "a stopped worker was given up"

echo "signals at random moments"
for s in INT "INT INT" "INT INT INT" TERM "TERM TERM" HUP; do
    fresh
    "$qlaw" run four.ini 2>>log.txt & pid=$!
    sleep "0.$(printf %03d "$(dice 900)")"
    start=$(date +%s)
    for one in $s; do
        kill -s $one $pid 2>/dev/null || :
        sleep 0.02
    done
    rc=0
    wait $pid || rc=$?
    # The grace is 10 s; what this finds is waiting for ever, on any machine.
    [ $(($(date +%s) - start)) -le 120 ] || fail "after $s it hung"
    [ -z "$(workers)" ] || fail "after $s workers are left"
    case $rc in
    0 | 75 | 130 | 143) ;;
    129) ;; # SIGHUP before the first run was started
    *) fail "after $s it ended with $rc" ;;
    esac
    again four.ini four.txt "signals $s"
done

echo "nobody listens"
fresh
"$qlaw" run four.ini --json >/dev/full 2>/dev/full || fail "/dev/full: $?"
whole four.txt "/dev/full"
fresh
"$qlaw" run four.ini --json >&- 2>&- || fail "closed descriptors: $?"
whole four.txt "closed descriptors"
fresh
"$qlaw" run four.ini --json 2>>log.txt | head -1 >first.txt
grep -q '"event":"begin"' first.txt || fail "no events: $(cat first.txt)"
again four.ini four.txt "| head"

echo "few descriptors"
fresh
rc=0
(ulimit -n 16 && "$qlaw" run four.ini --slots 8 2>>log.txt) || rc=$?
case $rc in 0 | 1 | 5 | 7 | 75) ;; *) fail "with ulimit -n it ended with $rc" ;; esac
again four.ini four.txt "ulimit -n"

echo "the program is replaced"
fresh
cp "$qlaw" mine
./mine run four.ini 2>>log.txt & pid=$!
for i in $(seq 100); do [ -z "$(workers)" ] || break; sleep 0.01; done
rm mine
printf '#!/bin/sh\nexit 1\n' >mine
chmod +x mine
wait $pid || fail "with its file replaced it ended with $?"
whole four.txt "replaced"

# --- data -------------------------------------------------------------------------

echo "the text changes"
fresh
"$qlaw" run four.ini --limit 1 2>>log.txt || :
sqlite3 qlaw.db "select count(*) from run where state='done'" >before.txt
cp text.txt keep.txt
"$qlaw" run four.ini 2>>log.txt & pid=$!
for i in $(seq 100); do [ -z "$(workers)" ] || break; sleep 0.01; done
printf 'a different end\n' >>text.txt
rc=0
wait $pid || rc=$?
mv keep.txt text.txt
again four.ini four.txt "another text (it ended with $rc)"

echo "passed$left_out"
