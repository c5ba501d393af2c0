#!/bin/sh
# A writer is killed in the middle of a commit and leaves X-journal.  SQLite plays
# that into whatever file is called X next: neither a database that is made again
# (db rebuild, run), nor a copy (db backup), nor one that is merged or imported
# into, may become half of the old one.
#
#   journal.sh QLAW [STRIDE]     a kill at every STRIDE-th call (default 9)
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
stride=${2:-9}
dir=$(mktemp -d /tmp/qlaw-journal-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
export OMP_WAIT_POLICY=passive

markov_text
cat >g.ini <<'INI'
[grid]
name = g
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
[seeds]
count = 2
[run]
log_every = 10
INI
losses() { sqlite3 "$1" 'select point_id, seed, state, loss, steps,
    (select count(*) from curve c where c.run_id=r.run_id) from run r left join
    result using(run_id) order by 1, 2'; }
good() { # good DATABASE WHAT [WANT]: check is content, and the losses are those
    "$qlaw" --db "$1" db check >check.txt 2>&1 || fail "$2: $(cat check.txt)"
    losses "$1" >now.txt
    [ -z "${3:-}" ] || cmp -s "$3" now.txt || fail "$2: $(diff "$3" now.txt)"
    [ -z "$(ls | grep -v "^$1.lock" | grep "^$1\..*tmp" || :)" ] ||
        fail "$2: left $(ls)"
}

"$qlaw" run -q g.ini
losses qlaw.db >whole.txt
"$qlaw" export -q g --out folder
mkdir keep
mv qlaw.db runs keep/

# What was left under the name x.db-journal, beside a file that is made there.
all_ways() { # all_ways WHAT JOURNAL
    rm -rf x.db* y.db*
    cp -r keep/runs .
    for end in journal wal shm; do cp "$2" x.db-$end; done
    "$qlaw" --db x.db db rebuild -q >/dev/null || fail "$1: rebuild"
    good x.db "$1: rebuild" whole.txt
    rm -rf x.db*
    for end in journal wal shm; do cp "$2" x.db-$end; done
    "$qlaw" --db keep/qlaw.db db backup x.db -q || fail "$1: backup"
    good x.db "$1: backup" whole.txt
    rm -rf x.db* runs
    for end in journal wal shm; do cp "$2" x.db-$end; done
    "$qlaw" --db x.db db merge keep/qlaw.db >/dev/null || fail "$1: merge"
    good x.db "$1: merge" whole.txt
    rm -rf x.db*
    for end in journal wal shm; do cp "$2" x.db-$end; done
    "$qlaw" --db x.db import folder -q >/dev/null || fail "$1: import"
    good x.db "$1: import" whole.txt
    rm -rf x.db*
}

# --- a journal as hot as any -----------------------------------------------------------
cp keep/qlaw.db hot.db
python3 - <<'PY' || :
import os, sqlite3
d = sqlite3.connect('hot.db', isolation_level=None)
d.execute('pragma cache_size=1')
d.execute('pragma journal_mode=truncate')
d.execute('begin immediate')
d.execute('pragma cache_spill=1')
for t in 'curve', 'metric':
    d.execute('delete from %s' % t)
d.execute("with recursive c(n) as (select 1 union all select n+1 from c where "
          "n<20000) insert into event(kind,detail) select 'x', n from c")
os._exit(1)
PY
[ -s hot.db-journal ] || fail 'no hot journal was made'
cp hot.db-journal hot
all_ways 'a hot journal' hot
good hot.db 'its own file' whole.txt

# --- and those of our own commits ------------------------------------------------------
if ! { command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; }; then
    echo 'journal: ok (without strace no commit was killed)'
    exit 0
fi
tried=0 hot=0
for call in ftruncate unlink rename pwrite64; do
    rm -rf qlaw.db* runs
    strace -o calls.txt -e trace=$call "$qlaw" run g.ini -q
    total=$(grep -c "^$call" calls.txt || :)
    every=$stride
    [ $call != pwrite64 ] || every=$((stride * 5))
    for n in $(seq $((1 + every / 2)) $every "$total"); do
        what="killed at $call $n of $total"
        rm -rf qlaw.db* runs
        strace -o /dev/null -e trace=$call -e inject=$call:signal=SIGKILL:when=$n \
            "$qlaw" run g.ini -q 2>/dev/null || :
        sleep 0.1
        tried=$((tried + 1))
        if [ -s qlaw.db-journal ]; then
            hot=$((hot + 1))
            cp qlaw.db-journal hot
            all_ways "$what" hot
        fi
        [ -d runs ] || continue
        # The file is moved away and made again beside its own journal.
        cp qlaw.db moved 2>/dev/null || :
        cp qlaw.db-journal moved-journal 2>/dev/null || :
        rm -f qlaw.db
        "$qlaw" db rebuild -q >/dev/null 2>err || fail "$what: rebuild: $(cat err)"
        good qlaw.db "$what: rebuild"
        "$qlaw" run g.ini -q || fail "$what: run"
        good qlaw.db "$what: run" whole.txt
        # And the old one is itself again.
        [ ! -s moved ] || good moved "$what: what was moved away"
        rm -f moved*
    done
done
echo "journal: ok, $tried kills, $hot of them with a journal to play"
