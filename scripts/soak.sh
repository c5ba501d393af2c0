#!/bin/sh
# The long half of the tests: faults in numbers, at moments drawn from a seed
# that is printed.  docs/reliability.md has what it measured.
#
#   scripts/soak.sh                       everything, about two hours
#   scripts/soak.sh kills 100 100 20      workers, schedulers, everything
#   scripts/soak.sh posts 200             parents and children: kills, lost weights
#   scripts/soak.sh two 500               two schedulers at the same instant
#   scripts/soak.sh calls 1               a fault at every (1), tenth (10) ... call
#   scripts/soak.sh texts 10000           random bytes in every text (20 min)
#   scripts/soak.sh exports 200           beside a writer, each consistent
#   scripts/soak.sh commits 1             a kill at every call of a commit
#   scripts/soak.sh resume 40             stop at every step of so many, all kinds
#   scripts/soak.sh signals 100           each signal at random moments
#   scripts/soak.sh lies 500              histories under a Slurm that says anything
#
# SEED=N chooses other moments (default: the date); QLAW_BUILD the folder of a
# build (default build-test, made by scripts/test.sh).  A failure leaves its
# folder behind and says which.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tests/parts.sh"
build=$(realpath "${QLAW_BUILD:-$root/build-test}")
qlaw=$build/harness/qlaw
[ -x "$qlaw" ] || { echo "soak: no $qlaw; run scripts/test.sh first" >&2; exit 4; }
SEED=${SEED:-$(date +%Y%m%d)}
echo "soak: seed $SEED, $("$qlaw" version | head -1)"

dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-soak-XXXXXX")
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED (seed $SEED): $*"
    tail -5 log.txt
    exit 1
}
# A number in 0 .. $1-1, the next of a sequence that the seed sets.
state=$SEED
dice() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    rolled=$((state / 65536 % $1))
}
pause() { # up to $1 milliseconds
    dice "$1"
    sleep "$(printf '%d.%03d' $((rolled / 1000)) $((rolled % 1000)))"
}

# --- a grid of eight short runs, which share trunks ---------------------------

grid=trunks
make_grid() {
    make_$grid
}
make_trunks() {
    markov_text
    cat >grid.ini <<'INI'
[grid]
name = soak
[data]
path = text.txt
val_tokens = 512
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 4
lr = 0.01
schedule = wsd
warmup = 20
[sweep]
train.tokens = 8k, 16k, 32k, 64k
[block "int4"]
quant.w = int4/g8/stochastic
quant.x = int4/g8
[run]
checkpoint = 0.02s
log_every = 20
INI
}
# Eight children of two parents, and the twins of these.
make_posts() {
    make_trunks
    sed -i 's/^train.tokens = .*/train.tokens = 16k, 32k/' grid.ini
    cat >>grid.ini <<'INI'
[post]
w = int3, int4
group = 8
fit = rtn, gptq
calib = 8
INI
}
run() {
    "$qlaw" run grid.ini --slots 2 "$@" 2>>log.txt
}
launch() { # in the background, so that $! is the scheduler itself
    exec "$qlaw" run grid.ini --slots 2 "$@" 2>>log.txt
}
fresh() {
    rm -rf qlaw.db* runs
}
dump() { # everything that may not depend on how a run came about
    sqlite3 qlaw.db "select point_id, seed, state, loss, loss_se, train_loss,
        best_loss, steps, weights_sha256 from run left join result using(run_id)
        order by 1, 2" \
        "select point_id, step, c.tokens, train_loss, val_loss, lr, grad_norm
        from curve c join run using(run_id) order by 1, 2" \
        "select point_id, name, value from metric join run using(run_id)
        where name in ('parent_loss', 'delta', 'delta_se', 'kl', 'kl25', 'bits_w')
        order by 1, 2"
}
workers() { # trainers of this folder, whoever their parent is
    for p in $(pgrep -f ' train --config ' || :); do
        [ "$(readlink "/proc/$p/cwd" 2>/dev/null)" != "$dir" ] || echo "$p"
    done
}
# The invariants: one result a run, whole curves, no open attempt, no
# temporary file, no survivor, the same bits.
whole() {
    dump >now.txt
    cmp -s want.txt now.txt || { diff want.txt now.txt | head -5; fail "$1: another end state"; }
    "$qlaw" db check >check.txt 2>&1 || fail "$1: $(cat check.txt)"
    bad=$(sqlite3 qlaw.db "select count(*) from attempt where outcome is null" \
        "select count(*) from (select 1 from attempt where outcome='ok' group by run_id having count(*)>1)")
    [ "$(echo $bad)" = "0 0" ] || fail "$1: attempts open and runs done twice: $bad"
    left=$(find . -name '*.tmp')
    [ -z "$left" ] || fail "$1: temporary files are left: $left"
}
nobody_left() { # within two seconds
    start=$(date +%s%N)
    while [ -n "$(workers)" ]; do
        took=$((($(date +%s%N) - start) / 1000000))
        [ $took -lt 2500 ] || fail "$1: $(workers) live on after $took ms"
        [ $took -le $longest ] || longest=$took
        sleep 0.02
    done
}
undisturbed() {
    make_grid
    fresh
    begin=$(date +%s%N)
    run || fail "the undisturbed run ended with $?"
    length=$((($(date +%s%N) - begin) / 1000000))
    dump >want.txt
    case $grid in trunks) all=8 ;; posts) all=12 ;; esac
    [ "$(grep -c '|done|' want.txt)" = $all ] || fail "not all are done"
}

# --- parts --------------------------------------------------------------------

kill_workers() { # N: one or two workers in each
    undisturbed
    hit=0
    for i in $(seq "$1"); do
        fresh
        launch & pid=$!
        for k in 1 2; do
            pause $((length / 2))
            for victim in $(workers); do
                kill -9 "$victim" 2>/dev/null && hit=$((hit + 1))
                break
            done
        done
        wait $pid || fail "worker kill $i: ended with $?"
        whole "worker kill $i"
    done
    echo "workers: $hit killed in $1 grids: same end state $1 of $1"
}
kill_schedulers() { # N
    undisturbed
    longest=0
    for i in $(seq "$1"); do
        fresh
        launch & pid=$!
        pause $length
        kill -9 $pid 2>/dev/null || :
        wait $pid 2>/dev/null || :
        nobody_left "scheduler kill $i"
        run || fail "scheduler kill $i: the second run ended with $?"
        whole "scheduler kill $i"
    done
    echo "schedulers: same end state $1 of $1; 0 survivors, the last gone after $longest ms"
}
kill_everything() { # N: as a node that is lost
    undisturbed
    for i in $(seq "$1"); do
        fresh
        launch & pid=$!
        pause $length
        kill -9 $pid $(workers) 2>/dev/null || :
        wait $pid 2>/dev/null || :
        run || fail "kill of everything $i: the second run ended with $?"
        whole "kill of everything $i"
    done
    echo "everything at once: same end state $1 of $1"
}
two_schedulers() { # N: at the same instant, some of them killed
    undisturbed
    for i in $(seq "$1"); do
        fresh
        launch --limit 1 & a=$!
        launch --limit 1 & b=$!
        x=0; y=0
        wait $a || x=$?
        wait $b || y=$?
        case "$x $y" in
        "75 5" | "5 75" | "75 75") ;; # 75 75: one after the other
        *) fail "two schedulers $i ended with $x and $y" ;;
        esac
        n=$(sqlite3 qlaw.db "select count(*) from attempt" \
            "select count(*) from run where state='done'" | tr '\n' ' ')
        case "$x $y $n" in
        "75 5 1 1 " | "5 75 1 1 " | "75 75 2 2 ") ;;
        *) fail "two schedulers $i: $x $y, attempts and done: $n" ;;
        esac
    done
    echo "two schedulers: one winner $1 of $1"
}
signals() { # N each
    undisturbed
    slowest=0
    for s in INT "INT INT" "INT INT INT" TERM HUP; do
        for i in $(seq "$1"); do
            fresh
            launch & pid=$!
            pause $length
            begin=$(date +%s%N)
            for one in $s; do
                kill -s "$one" $pid 2>/dev/null || :
                sleep 0.02
            done
            rc=0
            wait $pid || rc=$?
            took=$((($(date +%s%N) - begin) / 1000000))
            [ $took -le $slowest ] || slowest=$took
            [ $took -le 10500 ] || fail "$s $i: took $took ms"
            [ -z "$(workers)" ] || fail "$s $i: workers are left"
            case $rc in 0 | 75 | 129 | 130 | 143) ;; *) fail "$s $i: ended with $rc" ;; esac
            run || fail "$s $i: the second run ended with $?"
            whole "$s $i"
        done
    done
    echo "signals: INT, INT twice, INT three times, TERM, HUP: $1 of $1 each; the slowest end took $slowest ms"
}
kills() {
    kill_workers "$1"
    kill_schedulers "$2"
    kill_everything "$3"
}
# The weights of a parent that is done, while children need them: gone, cut off, or
# with another bit.  Nothing where there are none at the moment.
lose_weights() {
    file=$(find runs -name weights 2>/dev/null | head -1)
    [ -n "$file" ] || return 0
    lost=$((lost + 1))
    size=$(stat -c %s "$file" 2>/dev/null) || return 0
    dice 3
    case $rolled in
    0) rm -f "$file" ;;
    1) truncate -s $((size / 2)) "$file" ;;
    2)
        dice 30000
        printf '\377' | dd of="$file" bs=1 seek=$((rolled % size)) conv=notrunc 2>/dev/null
        ;;
    esac
}
posts() { # N
    grid=posts
    undisturbed
    longest=0 lost=0
    for i in $(seq "$1"); do
        fresh
        launch & pid=$!
        pause $length
        dice 4
        case $rolled in
        0) kill -9 $(workers | head -1) 2>/dev/null || : ;;
        1) kill -9 $pid 2>/dev/null || : ;;
        2) kill -9 $pid $(workers) 2>/dev/null || : ;;
        3) lose_weights ;;
        esac
        kind=$rolled
        wait $pid 2>/dev/null || :
        nobody_left "posts $i"
        dice 2
        [ $rolled = 0 ] || lose_weights
        run || fail "posts $i ($kind): the second run ended with $?"
        whole "posts $i ($kind)"
        [ -z "$(find runs -name weights)" ] || fail "posts $i ($kind): weights are left"
    done
    echo "parents and children: same end state $1 of $1; weights lost, cut or changed $lost times"
    grid=trunks
}
calls() {
    "$root/tests/run/grid_faults.sh" "$qlaw" "$1" "$SEED"
}
texts() {
    python3 "$root/tests/verbs/texts.py" "$qlaw" "$1" "$SEED"
}
exports() {
    sh "$root/tests/run/others.sh" "$qlaw" "$1"
}
commits() {
    sh "$root/tests/store/journal.sh" "$qlaw" "$1"
}
lies() {
    python3 "$root/tests/slurm/lies.py" "$qlaw" "$1" "$SEED"
}
resume() {
    "$build/tests/trainer/soak_resume" "$1"
}

case ${1:-all} in
kills) kills "${2:-1000}" "${3:-1000}" "${4:-200}" ;;
posts) posts "${2:-200}" ;;
two) two_schedulers "${2:-500}" ;;
calls) calls "${2:-1}" ;;
exports) exports "${2:-200}" ;;
texts) texts "${2:-10000}" ;;
commits) commits "${2:-1}" ;;
resume) resume "${2:-40}" ;;
signals) signals "${2:-100}" ;;
lies) lies "${2:-500}" ;;
all)
    kills 1000 1000 200
    posts 200
    two_schedulers 500
    resume 40
    signals 100
    texts 10000
    exports 200
    commits 1
    lies 500
    calls 1
    ;;
*)
    sed -n '2,21s/^# \{0,1\}//p' "$root/scripts/soak.sh" >&2
    exit 2
    ;;
esac
