#!/bin/sh
# Absence is not an end: whatever squeue, scontrol and sacct answer, a worker
# that lives keeps its run, a finished record is a result, and what is given up
# is never begun later; one damaged record keeps nobody else from being taken.
#
#   absence.sh QLAW SOURCE_ROOT
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
here=$(realpath "$2")/tests/slurm
dir=$(mktemp -d /tmp/qlaw-absent-XXXXXX)
workers=
trap 'status=$?; for p in $workers; do kill -9 $p 2>/dev/null || :; done
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
export LC_ALL=C

mkdir bin
for name in sbatch squeue scontrol sacct scancel; do
    ln -s "$here/stub_slurm.py" bin/$name
done
STUB_SLURM=$dir
export STUB_SLURM
PATH=$dir/bin:$PATH

# A trainer that ends when it is told to, with a loss of its own.
cat >tr.sh <<'S'
#!/bin/sh
echo '{"step":1,"tokens":128,"train_loss":5}' >>$QLAW_METRICS
while [ ! -e "$QLAW_DIR/../../go" ]; do sleep 0.05; done
echo '{"final":true,"loss":2.5,"steps":8,"tokens":1024}' >>$QLAW_METRICS
S
chmod +x tr.sh
grid() { # grid SWEEP
    cat >grid.ini <<INI
[grid]
name = gone
[trainer]
kind = exec
command = $dir/tr.sh
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 8
tokens = 1024
[sweep]
train.lr = $1
[slurm]
target = 1s
INI
}
fresh() { # fresh [JSON]: no database, an empty Slurm
    rm -rf qlaw.db* runs go squeue.last worker.txt
    echo "{\"next\":100,\"tasks\":[],\"max_array\":1001${1:+,$1}}" >state.json
}
modes() { # modes JSON: how commands misbehave
    python3 - "$1" <<'P'
import json, sys
s = json.load(open("state.json"))
s["mode"] = json.loads(sys.argv[1])
json.dump(s, open("state.json", "w"))
P
}
all() { # all STATE: of tasks in Slurm
    sed -i "s/\"state\": \"[A-Z_]*\"/\"state\": \"$1\"/g" state.json
}
work() { # work TASK: in the background; its number is in $!
    SLURM_ARRAY_JOB_ID=100 "$qlaw" worker --bundle "$(ls runs/bundles/*.jsonl |
        head -1)" --task "$1" >>worker.txt 2>&1 &
    workers="$workers $!"
}
begun() { # begun N: so many runs have a first line
    for i in $(seq 200); do
        n=$(cat runs/*/claim-*.jsonl 2>/dev/null | grep -c train_loss || :)
        [ "$n" -ge "$1" ] && return
        sleep 0.05
    done
    fail "the workers did not begin: $(cat worker.txt)"
}
long_ago() { # what was missed was missed long ago
    sqlite3 qlaw.db "update attempt set heartbeat_at='2026-01-01T00:00:00.000Z'
        where outcome is null and heartbeat_at is not null"
}

echo "a worker that lives, and every answer there is"
grid "0.01, 0.02"
fresh '"cluster":"alpha"'
"$qlaw" submit -q grid.ini
all RUNNING
work 0
work 1
begun 2
for answers in empty:forgetful:empty empty:other:other banner:ok:fail \
    cut:garbage:garbage other:fail:other other:forgetful:empty \
    garbage:other:fail stale:forgetful:empty fail:fail:fail hang:ok:ok \
    empty:hang:ok; do
    squeue=${answers%%:*} sacct=${answers##*:} scontrol=${answers#*:}
    modes "{\"squeue\":\"$squeue\",\"scontrol\":\"${scontrol%:*}\",\"sacct\":\"$sacct\"}"
    case $answers in
    *hang*) export QLAW_SLURM_PATIENCE=0.5 ;;
    *) unset QLAW_SLURM_PATIENCE ;;
    esac
    "$qlaw" collect -q 2>said.txt || fail "collect: $(cat said.txt)"
    long_ago
    "$qlaw" collect -q
done
unset QLAW_SLURM_PATIENCE
is 2 "select count(*) from run where state='running'"
all NODE_FAIL # the node does not answer, but its worker does
modes '{"sacct":"ok"}'
"$qlaw" status -q >/dev/null
is 2 "select count(*) from run where state='running'"
modes '{"squeue":"empty","scontrol":"forgetful"}'
ends 0 "2 of them unknown to this queue since" "$qlaw" collect
ends 0 "unknown to this queue since" "$qlaw" status --no-collect
ends 0 '"unseen":2' "$qlaw" collect --json
touch go
wait
"$qlaw" collect -q
is '2|5.0' "select count(*), sum(loss) from run join result using(run_id) where
    state='done' and attempts=1"
is 0 "select count(*) from attempt where heartbeat_at is not null and outcome is null"

echo "nobody lives, and nobody remembers: after a while it is tried again"
fresh
"$qlaw" submit -q grid.ini
all RUNNING
work 0
begun 1
"$qlaw" collect -q
kill -9 $!
wait
modes '{"squeue":"empty","scontrol":"forgetful"}'
"$qlaw" collect -q
is '1 1' "select sum(state='running')||' '||sum(state='queued') from run"
long_ago
QLAW_NETFS=NFS "$qlaw" collect -q # locks may not reach: records are quiet first
is 1 "select count(*) from run where state='running'"
"$qlaw" collect -q
is 2 "select count(*) from run where state='pending'"
is lost "select outcome from attempt"
touch go
work 0 # they come late
work 1
wait
grep -q ' 2 skipped' worker.txt || [ "$(grep -c ' 1 skipped' worker.txt)" = 2 ] ||
    fail "what was given up was begun: $(cat worker.txt)"

echo "another cluster than it was given to is no witness"
fresh '"cluster":"alpha"'
"$qlaw" submit -q grid.ini
all RUNNING
modes '{"squeue":"empty","scontrol":"other","sacct":"other"}'
for i in 1 2; do
    "$qlaw" collect -q
    long_ago
done
is 2 "select count(*) from run where state='queued'"

echo "a record that was taken for lost comes to its end"
fresh
"$qlaw" submit -q grid.ini
all RUNNING
work 0
begun 1
cp runs/*/claim-*.jsonl half.jsonl
claim=$(echo runs/*/claim-*.jsonl)
touch go
wait $!
cp "$claim" whole.jsonl
cp half.jsonl "$claim"
all NODE_FAIL
"$qlaw" collect -q
is 'lost|1' "select outcome, count(*) from attempt"
mv whole.jsonl "$claim"
"$qlaw" --db again.db db rebuild >/dev/null # before anybody has collected it
is 'done|2.5' "select state, loss from run join result using(run_id)" again.db
rm again.db
"$qlaw" collect -q
is 'done|2.5|1' "select state, loss, attempts from run join result using(run_id)"
[ ! -e "$claim" ] || fail "it is still there"
"$qlaw" --db again.db db rebuild >/dev/null
is 'done|2.5' "select state, loss from run join result using(run_id)" again.db
rm again.db

echo "cancelling and pausing what Slurm holds"
fresh
"$qlaw" submit -q grid.ini
all RUNNING
work 0
begun 1
"$qlaw" collect -q
ends 6 "2 of them in Slurm's hands" "$qlaw" pause gone
mv bin/scancel bin/scancel.not
printf '#!/bin/sh\necho "scancel: error: Unable to contact slurm controller" >&2\nexit 1\n' >bin/scancel
chmod +x bin/scancel
rc=0
"$qlaw" cancel gone 2>said.txt || rc=$?
mv bin/scancel.not bin/scancel
[ $rc -eq 0 ] || fail "cancel ended with $rc: $(cat said.txt)"
for words in "2 runs cancelled" "Slurm was not told (scancel ended with 1" \
    "1 of them may have begun"; do
    tr '\n' ' ' <said.txt | tr -s ' ' | grep -q "$words" ||
        fail "cancel does not say '$words' but $(cat said.txt)"
done
is 1 "select count(*) from attempt" # the other is given back
work 1
wait # the one is told to stop, the other is not begun
grep -q ' 1 skipped' worker.txt || fail "it was begun: $(cat worker.txt)"
"$qlaw" collect -q
is 'cancelled|2' "select state, count(*) from run"
is 'cancelled' "select outcome from attempt"

echo "one damaged record"
grid "0.01, 0.02, 0.03"
fresh
"$qlaw" submit -q grid.ini
touch go
for t in 0 1 2; do
    work $t
    wait $!
done
all COMPLETED
claim=$(ls runs/*/claim-*.jsonl | head -1)
sed -i 's/"loss":2.5/"loss":1.5/' "$claim"
rc=0
"$qlaw" collect 2>said.txt || rc=$?
[ $rc -eq 1 ] || fail "collect ended with $rc: $(cat said.txt)"
tr -d '\n ' <said.txt | grep -q "$(echo "$claim" | tr -d '\n ')" || fail "it is not named: $(cat said.txt)"
is '2|5.0' "select count(*), sum(loss) from result"
is 'pending|lost|its records were changed since they were written' \
    "select state, outcome, message from run join attempt using(run_id) where
    state<>'done'"
ends 1 "nothing of it is taken" "$qlaw" collect
"$qlaw" submit -q grid.ini 2>/dev/null
b=$(ls -t runs/bundles/*.jsonl | head -1)
"$qlaw" worker -q --bundle "$b" --task 0 >>worker.txt 2>&1
ends 0 "" "$qlaw" collect
is '3|7.5' "select count(*), sum(loss) from result"

echo "two clusters and a scheduler here, with databases of their own"
grid "0.01"
fresh
"$qlaw" submit -q grid.ini
all RUNNING
"$qlaw" --db other.db run -q grid.ini 2>>worker.txt &
other=$!
workers="$workers $other"
for i in $(seq 200); do
    grep -q train_loss runs/*/metrics.jsonl 2>/dev/null && break
    sleep 0.05
done
rc=0
work 0
wait $! || rc=$?
[ $rc -eq 75 ] || fail "the worker ended with $rc"
grep -q "is being trained by another qlaw: left for later" worker.txt ||
    fail "$(cat worker.txt)"
touch go
wait $other
is 1 "select count(*) from result" other.db
[ "$(grep -c '"begin"' runs/*/metrics.jsonl)" = 1 ] || fail "it was trained twice"
rm -f other.db*

echo "the database is lost and rebuilt while a worker trains"
fresh
"$qlaw" submit -q grid.ini
all RUNNING
work 0
begun 1
rm qlaw.db*
"$qlaw" db rebuild >/dev/null
is pending "select state from run"
touch go
wait $!
"$qlaw" run -q grid.ini
is 'done|2.5|1' "select state, loss, attempts from run join result using(run_id)"
[ "$(cat runs/*/*.jsonl | grep -c '"begin"')" = 1 ] || fail "it was trained again"
echo "passed"
