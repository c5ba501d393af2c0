#!/bin/sh
# submit, collect, calibrate, cancel and retry from outside, against
# stub_slurm.py: Slurm missing, refusing and answering oddly; network file
# systems; nothing is ever lost or given out twice.
#
#   verbs.sh QLAW SOURCE_ROOT
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
here=$(realpath "$2")/tests/slurm
dir=$(mktemp -d /tmp/qlaw-submit-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
export LC_ALL=C

fresh() { # fresh [JSON]: no database, an empty Slurm
    rm -rf qlaw.db* runs
    echo "{\"next\":100,\"tasks\":[],\"max_array\":3${1:+,$1}}" >state.json
}
mode() { # mode COMMAND HOW
    sed -i "s/}\$/,\"mode\":{\"$1\":\"$2\"}}/" state.json
}
all() { # all STATE: of tasks in Slurm
    sed -i "s/\"state\": \"[A-Z_]*\"/\"state\": \"$1\"/g" state.json
}
work() { # every task of every bundle
    for b in runs/bundles/*.jsonl; do
        n=$(($(wc -l <"$b") - 1)) t=0
        while [ $t -lt $n ]; do
            "$qlaw" worker -q --bundle "$b" --task $t >>worker.txt 2>&1 || :
            t=$((t + 1))
        done
    done
    all COMPLETED
}
submit() {
    "$qlaw" submit -q grid.ini --speed 1e8 "$@"
}

mkdir bin
for name in sbatch squeue scontrol sacct scancel; do
    ln -s "$here/stub_slurm.py" bin/$name
done
STUB_SLURM=$dir
export STUB_SLURM
plain=$PATH
PATH=$dir/bin:$PATH

markov_text
cat >grid.ini <<'INI'
[grid]
name = stub
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 4
lr = 0.01
tokens = 6400
[sweep]
quant.group = 8
quant.w = int2, int3, int4, int5, int6, int7, int8
[run]
retries = 1
[slurm]
target = 1s
max_running = 2
INI

echo "a dry run writes nothing"
fresh
ends 0 "#SBATCH --array=0-2%1" "$qlaw" submit grid.ini --speed 1e8 --dry-run
[ ! -e runs ] && [ ! -e qlaw.db ] || fail "something was written"

echo "Slurm is missing, refuses, answers oddly"
fresh
rc=0
PATH=$plain "$qlaw" submit grid.ini --speed 1e8 2>said.txt || rc=$?
command -v sbatch | grep -q "^$dir/" || fail "the stub is not the first"
if [ "$(PATH=$plain command -v sbatch || :)" = "" ]; then
    [ $rc -eq 4 ] && grep -q "cannot run sbatch" said.txt || fail "$(cat said.txt)"
    [ ! -e runs ] || fail "something was claimed without Slurm"
fi
ends 2 "the only place so far is slurm" "$qlaw" submit grid.ini --on pbs
fresh
mode sbatch refuse
ends 4 "sbatch ended with 1: sbatch: error: Batch job submission failed" \
    "$qlaw" submit grid.ini --speed 1e8
is 8 "select count(*) from run where state='pending' and attempts=0"
is 0 "select count(*) from attempt"
[ -z "$(ls runs/bundles)" ] || fail "bundles are left"
fresh
mode sbatch odd
ends 4 "gave no job number but 'Submitted, I think" \
    "$qlaw" submit grid.ini --speed 1e8
sed -i 's/,"mode":{"sbatch":"odd"}//; s/, "mode": {"sbatch": "odd"}//' state.json
"$qlaw" collect -q # the first array is there all the same, by its name
is 1 "select count(distinct substr(slurm_job, 1, 4)) = 1 and min(slurm_job) glob '100_*' from attempt"
submit
is 0 "select count(*) from run where state<>'queued'"
work
"$qlaw" collect -q
is '8|8' "select count(*), sum(attempts) from run where state='done'"

echo "nobody answers: unknown is not failed"
fresh
submit
mode squeue fail
ends 0 "Slurm does not answer (squeue ended with 1: slurm_load_jobs error" \
    "$qlaw" collect
is 8 "select count(*) from run where state='queued'"

echo "a task that is gone gives its runs back"
fresh
submit
all NODE_FAIL
"$qlaw" status -q >/dev/null
is 8 "select count(*) from run where state='pending' and attempts=0 and
    state_reason='its Slurm task ended before it began (NODE_FAIL)'"
all CANCELLED
submit
all CANCELLED # by somebody in Slurm: left alone until it is asked for
"$qlaw" collect -q
is 8 "select count(*) from run where state='paused'"

echo "a result comes once, whoever brings it again"
fresh
submit
work
"$qlaw" collect -q
is 8 "select count(*) from run where state='done'"
before=$(sqlite3 qlaw.db 'select * from run, attempt, result using(run_id)' | md5sum)
work # the same tasks once more
"$qlaw" collect -q
[ "$before" = "$(sqlite3 qlaw.db 'select * from run, attempt, result using(run_id)' |
    md5sum)" ] || fail "something came twice"
ends 0 "nothing to submit" "$qlaw" submit grid.ini --speed 1e8

echo "calibrate takes a few, submit the others"
fresh
"$qlaw" calibrate -q grid.ini --speed 1e8 --runs 3
is 3 "select count(*) from run where state='queued'"
[ "$(grep -o '"job"' state.json | wc -l)" = 3 ] || fail "not a task each"
ends 0 '"in_slurm":3' "$qlaw" submit grid.ini --speed 1e8 --json
is 8 "select count(*) from run where state='queued'"

echo "cancel, retry with words for sbatch"
"$qlaw" cancel -q stub --where "fmt in ('int2', 'int3')"
is 2 "select count(*) from run where state='cancelled'"
work
"$qlaw" collect -q
is '6 2' "select sum(state='done')||' '||sum(state='cancelled') from run"
"$qlaw" retry -q stub --cancelled --slurm-args='--exclude=gpu07 --nice'
grep -q '"args": \["--exclude=gpu07", "--nice"\]' state.json || fail "no words for sbatch"
work
"$qlaw" collect -q
is 8 "select count(*) from run where state='done'"

echo "failures are tried again as often as run.retries says"
cat >fail.ini <<'INI'
[grid]
name = fails
[trainer]
kind = exec
command = sh -c 'echo out of paper; exit 9'
[model]
d_model = 32
[run]
retries = 1
INI
fresh
for i in 1 2; do
    "$qlaw" submit -q fail.ini
    work
    "$qlaw" collect -q
done
is 'failed|2|exit 9: out of paper' "select state, attempts, message from failures
    join run using(run_id, state)"
ends 0 "nothing to submit" "$qlaw" submit fail.ini

echo "a trainer that loses its task again and again is given up"
cat >lost.ini <<'INI'
[grid]
name = lost
[trainer]
kind = exec
; the process before it is its guard, the one before that the worker
command = sh -c 'kill -9 $(ps -o ppid= -p $(ps -o ppid= -p $$))'
[model]
d_model = 32
INI
fresh
for i in 1 2 3; do
    "$qlaw" submit -q lost.ini
    work
    all TIMEOUT
    "$qlaw" collect -q
done
is 'timeout|3' "select state, attempts from run"

echo "runs that begin with another's weights are submitted once that is collected"
cat >post.ini <<'INI'
[include]
path = grid.ini
[sweep]
quant.group = 8
quant.w = none
[post]
w = int4, int8
group = 8
fit = rtn, gptq
calib = 8
INI
fresh
ends 0 "4 runs wait for the runs they begin with" "$qlaw" submit post.ini --speed 1e8
is 1 "select count(*) from run where state='queued'"
ends 0 "4 runs wait" "$qlaw" submit post.ini --speed 1e8
work
"$qlaw" collect -q
[ -n "$(find runs -name weights)" ] || fail "no weights for the children"
"$qlaw" submit -q post.ini --speed 1e8
is 4 "select count(*) from run where state='queued'"
work
"$qlaw" collect -q
is 5 "select count(*) from run where state='done'"
[ "$(cat runs/*/log* | grep -c 'is done first')" = 0 ] || fail "a child trained"
[ -z "$(find runs -name weights)" ] || fail "weights were left"

echo "network file systems: late records, other hosts"
fresh
submit
all NODE_FAIL
QLAW_NETFS=NFS "$qlaw" collect -q
is 8 "select count(*) from run where state='queued'" # perhaps not seen yet
sqlite3 qlaw.db "update attempt set heartbeat_at=strftime('%Y-%m-%dT%H:%M:%fZ',
    'now', '-61 seconds')"
QLAW_NETFS=NFS "$qlaw" collect -q
is 8 "select count(*) from run where state='pending'"
echo 'pid 7 start 1 boot x host elsewhere since 2026-11-24T09:00:00.000Z' >qlaw.db.lock
QLAW_NETFS=NFS ends 5 "is written by host elsewhere (pid 7 since" \
    "$qlaw" submit grid.ini --speed 1e8
QLAW_NETFS=NFS ends 5 "remove $dir/qlaw.db.lock" "$qlaw" run grid.ini
rm qlaw.db.lock
QLAW_NETFS=NFS "$qlaw" run -q grid.ini
is 8 "select count(*) from run where state='done'"
echo "passed"
