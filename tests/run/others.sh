#!/bin/sh
# Where qlaw meets other programs: pipes as files, includes that multiply, copies
# and exports beside a writer, logs of any length and with any bytes, the umask,
# a secret in the environment, what ^C leaves behind.
#
#   others.sh QLAW [N]     N exports and backups beside a writer (default 15)
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-others-XXXXXX)
times=${2:-15}
pid=
trap 'status=$?; [ -z "$pid" ] || kill -9 $pid 2>/dev/null || :
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
TMPDIR=$dir/tmp
export TMPDIR
mkdir tmp

cat >trainer.sh <<'SH'
#!/bin/sh
echo "webhook: ${QLAW_WEBHOOK-none}"
[ "$1" = 1 ] || { head -c 300000 /dev/zero; echo; echo "the cause"; exit 1; }
for i in 1 2 3 4 5 6 7 8; do
    echo "{\"step\":$i,\"tokens\":$i,\"train_loss\":3}"
done >>"$QLAW_METRICS"
echo '{"final":true,"loss":2,"tokens":1024,"steps":8}' >>"$QLAW_METRICS"
SH
chmod +x trainer.sh
cat >g.ini <<'INI'
[grid]
name = g
[train]
tokens = 1024
[seeds]
list = 1, 2
[trainer]
kind = exec
command = ./trainer.sh ${job.seed}
[run]
retries = 0
INI

# --- pipes ---------------------------------------------------------------------------
slowly() { sleep 0.2; cat "$1"; }
slowly g.ini | "$qlaw" check /dev/stdin --json >/dev/null || fail 'a slow pipe'
: | "$qlaw" check /dev/stdin 2>/dev/null && fail 'an empty pipe is no grid'
mkfifo pipe
for text in '[include]\npath = pipe\n' '[sweep]\ntrain.lr = load("pipe")\n'; do
    { cat g.ini; printf "$text"; } >piped.ini
    timeout 10 "$qlaw" check piped.ini 2>err && fail 'a named pipe is no file'
    grep -q 'is a named pipe' err || fail "named pipe: $(cat err)"
done
timeout 10 "$qlaw" import csv --grid p pipe 2>err && fail 'a named pipe is no table'
grep -q 'is a named pipe' err || fail "named pipe: $(cat err)"

# --- includes that multiply ----------------------------------------------------------
for k in 1 2 3 4 5; do
    printf '[include]\npath = %s\n' "$(yes "l$((k + 1)).ini" | head -40 | paste -sd,)" >l$k.ini
done
: >l6.ini
{ cat g.ini; cat l1.ini; } >bomb.ini
timeout 20 "$qlaw" check bomb.ini 2>err && fail 'a hundred million includes'
grep -q 'more than 256 files' err || fail "includes: $(head -3 err)"

# --- the umask, a secret, a log ------------------------------------------------------
QLAW_WEBHOOK=http://127.0.0.1:1/secret
export QLAW_WEBHOOK
code=0; (umask 077; "$qlaw" run g.ini -q 2>/dev/null) || code=$?
[ $code -eq 1 ] || fail "run: $code"
open=$(find qlaw.db* runs -perm /077)
[ -z "$open" ] || fail "open to others: $open"
mkdir private
cp g.ini trainer.sh private/
(
    umask 077
    cd private
    QLAW_CACHE=$PWD/cache
    export QLAW_CACHE
    printf 'N,D,loss\n1e6,1e7,3\n2e6,1e7,2.9\n1e6,4e7,2.7\n' >t.csv
    "$qlaw" run g.ini -q 2>/dev/null || :
    "$qlaw" run g.ini -q -s run.threads=2 --slots 1 >log 2>&1 || :
    for what in 'export g --out ex' 'import csv --grid t t.csv' 'db backup b.db' \
        'db merge b.db' 'db tag g +x' 'db delete t' 'db vacuum --yes' \
        'report g --out rep --no-fit --format html,md' 'plot g --out fig' \
        '--db new.db import ex' '--db new.db db rebuild' 'db check' 'pause g' \
        'query losses --out q.csv' 'train -q --dump-weights w 1'; do
        "$qlaw" $what >>log 2>&1 || echo "$what: $?" >>failed
    done
)
open=$(find private -perm /077 ! -name g.ini ! -name trainer.sh ! -path private)
[ -z "$open" ] || fail "open to others: $open"
[ -d private/ex ] && [ -d private/rep ] && [ -s private/b.db ] ||
    fail "not all was made: $(cat private/log)"
grep -qr secret runs && fail 'a trainer has the address'
grep -q 'webhook: none' runs/*-1/log.txt || fail 'no log'
failed=$(sqlite3 qlaw.db "select run_id from run where state='failed'")
"$qlaw" show "$failed" | grep -q 'the cause' || fail 'a log of zeros is not shown'
truncate -s 3G sparse && cat runs/*-2/log.txt >tail && rm runs/*-2/log.txt
mv sparse "$(echo runs/*-2)/log.txt" && cat tail >>"$(echo runs/*-2)/log.txt"
"$qlaw" show "$failed" | grep -q 'the cause' || fail 'a log of 3 GB is not shown'

# --- beside a writer -----------------------------------------------------------------
# Each transaction moves a step from the curve to metric: their sum never changes.
cat >writer.py <<'PY'
import fcntl, sqlite3, sys, time
lock = open('qlaw.db.lock', 'a')
fcntl.lockf(lock, fcntl.LOCK_EX)            # as a scheduler is known by
d = sqlite3.connect('qlaw.db', timeout=30, isolation_level=None)
run = d.execute("select run_id from run where state='done'").fetchone()[0]
d.execute("create table filler(x blob)")
d.execute("with recursive c(n) as (select 1 union all select n+1 from c where "
          "n<2000) insert into filler select zeroblob(10000) from c")
d.execute("drop table filler")
end = time.time() + 3600
while time.time() < end:
    for i in range(8):
        d.execute('begin immediate')
        d.execute('delete from curve where run_id=? and step=(select max(step) '
                  'from curve where run_id=?)', (run, run))
        d.execute("insert into metric(run_id, name, step, value) values(?,?,0,1)",
                  (run, 'm%d' % i))
        d.execute('commit')
        time.sleep(0.01)
    d.execute('begin immediate')
    d.execute("delete from metric where name glob 'm[0-9]'")
    for i in range(1, 9):
        d.execute('insert or replace into curve(run_id, step, tokens, train_loss) '
                  'values(?,?,?,3)', (run, i, i))
    d.execute('commit')
PY
python3 writer.py & pid=$!
sleep 0.5
for i in $(seq $times); do
    "$qlaw" export g --out ex -q >/dev/null
    rows=$(for t in curve metric; do
        zcat ex/$t.csv.gz | tail -n +2
    done | wc -l)
    [ "$rows" -eq 8 ] || fail "export $i: $rows rows of curve and metric, not 8"
    timeout 20 "$qlaw" db backup b.db -q || fail "backup $i"
    is=$(sqlite3 b.db "select (select count(*) from curve)+(select count(*)
        from metric); pragma integrity_check" | paste -sd' ')
    [ "$is" = '8 ok' ] || fail "backup $i: $is"
    timeout 20 "$qlaw" status --json >/dev/null || fail "status $i"
    rm -r ex b.db
done
"$qlaw" report g --out rep --no-fit --format md -q >/dev/null 2>err ||
    fail "a report beside a writer: $(cat err)"
kill $pid || :; wait $pid 2>/dev/null || :
pid=
for i in *.db.*; do
    case $i in *.lock | *-journal) ;; *) fail "left: $i" ;; esac
done
[ -z "$(ls tmp)" ] || fail "left: $(ls tmp)"
echo 'others: ok'
