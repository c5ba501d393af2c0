#!/bin/sh
# A real Slurm on this machine: a grid is submitted, its node's daemon killed
# once, a running task requeued, another cancelled behind our back; what is
# collected in the end are the losses and weights of a local run, bit for bit.
#
#   real_slurm.sh QLAW SOURCE_ROOT
#
# Without Slurm, or not as root, it is skipped, and says so.  A Slurm that is
# there and does not start is a failure with QLAW_NEED_SLURM=1, as in .ci/run.
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
. "$2/tests/slurm/slurm_start.sh"
dir=$(mktemp -d /tmp/qlaw-slurm-XXXXXX)
trap 'status=$?; slurm_stop "$dir"; [ $status -eq 0 ] || [ $status -eq 77 ] &&
    rm -rf "$dir" || echo "left in $dir"' EXIT

trap 'exit 143' TERM INT # the daemons must not stay

fail() {
    echo "FAILED: $*"
    tail -n 5 "$dir"/*.log "$dir"/w/runs/slurm/*.out 2>/dev/null || :
    exit 1
}
skip() {
    echo "SKIPPED: $* (apt-get install slurm-wlm munge)"
    exit 77
}
sql() {
    sqlite3 -cmd '.timeout 10000' qlaw.db "$1"
}
until_true() { # until_true SECONDS COMMAND...
    seconds=$1
    shift
    for i in $(seq $((seconds * 5))); do
        "$@" && return
        sleep 0.2
    done
    fail "never true: $*"
}

for tool in munged slurmctld slurmd sbatch; do
    command -v $tool >/dev/null || skip "no $tool"
done
[ "$(id -u)" = 0 ] || skip "not root"
if ! slurm_start "$dir"; then
    cat "$dir/start.log"
    [ -z "${QLAW_NEED_SLURM:-}" ] || fail "Slurm does not start"
    skip "Slurm does not start here"
fi

mkdir "$dir/w"
cd "$dir/w"
markov_text
cat >grid.ini <<'INI'
[grid]
name = real
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
seq_len = 16
[train]
batch = 4
lr = 0.01
[sweep]
model.d_model = 16, 32
train.tokens = 64k, 192k
[block "int4"]
quant.w = int4
quant.x = int4
quant.group = 8
[run]
checkpoint = 0.1s
log_every = 20
[slurm]
partition = main
target = 2s
INI
dump() {
    sqlite3 "$1" "select p.arm, p.n_body, p.tokens, r.seed, r.state, x.loss,
        x.weights_sha256, x.steps,
        (select count(*) from curve c where c.run_id=r.run_id)
        from run r join point p using(point_id) left join result x using(run_id)
        order by 1,2,3,4"
}

echo "locally"
"$qlaw" run -q grid.ini --slots 2
dump qlaw.db >want.txt
[ "$(grep -c '|done|' want.txt)" = 8 ] || fail "the local run is not done"
rm -rf qlaw.db* runs

echo "submitted"
"$qlaw" submit grid.ini --speed 2e8 2>said.txt || fail "submit: $(cat said.txt)"
# MaxArraySize=6 limits the index: arrays of at most 0-5
[ "$(grep -c '^#SBATCH --array=0-[0-5]$' runs/bundles/*.sh | wc -l)" -ge 2 ] ||
    fail "one array of more than six tasks?"
rc=0
"$qlaw" run grid.ini 2>said.txt || rc=$?
[ $rc -eq 75 ] && grep -q "in Slurm's hands" said.txt ||
    fail "a local run took what Slurm holds ($rc): $(cat said.txt)"

running() {
    "$qlaw" collect -q
    [ "$(sql "select count(*) from run where state='running'")" -ge 1 ]
}
until_true 60 running

echo "the node's daemon is killed"
kill -9 "$(cat "$dir/slurmd.pid")"
rm -f "$dir/slurmd.pid"
sleep 1
"$qlaw" collect -q
slurm_node "$dir" || fail "the node does not come back"

echo "a task is requeued, another cancelled"
task=$(squeue -h -r -t RUNNING -o '%F_%K' | head -1)
[ -z "$task" ] || scontrol requeue "$task" || :
task=$(squeue -h -r -t PENDING -o '%F_%K' | tail -1)
[ -z "$task" ] || scancel "$task"

all_done() {
    "$qlaw" status >status.txt 2>&1 || fail "status: $(cat status.txt)"
    # what is left is submitted again, by the same command
    if [ -z "$(squeue -h)" ]; then
        "$qlaw" submit -q grid.ini --speed 2e8
    fi
    [ "$(sql "select count(*) from run where state='done'")" = 8 ]
}
until_true 300 all_done
dump qlaw.db >now.txt
cmp -s want.txt now.txt || { diff want.txt now.txt || :; fail "other losses"; }
[ "$(sql "select count(*) from attempt where outcome is null")" = 0 ] ||
    fail "attempts are left open"
[ "$(sql "select count(*) from attempt where backend<>'slurm' or host is null or
    slurm_job not like '%\_%' escape '\'")" = 0 ] || fail "whose attempts are these?"
echo "8 runs, $(sql 'select count(*) from attempt') attempts, begun \
$(cat runs/*/metrics.jsonl | grep -c '"begin":') times: the same bits"
