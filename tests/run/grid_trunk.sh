#!/bin/sh
# Runs that share their beginning: a grid with a shared trunk and the same grid
# without give the same losses, weights and curves, also when workers and
# schedulers are killed and when a checkpoint is lost; the plan says what is
# saved, and it is.
#
#   grid_trunk.sh QLAW [KILLS [SEED]]
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
kills=${2:-6}
seed=${3:-1}

dir=$(mktemp -d /tmp/qlaw-trunk-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

markov_text
cat >grid.ini <<'INI'
[grid]
name = trunk
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 32
seq_len = 16
[train]
batch = 4
lr = 0.01
schedule = wsd
warmup = 20
[sweep]
train.tokens = 16k, 32k, 64k, 128k
[block "int4"]
quant.w = int4/g8/stochastic
quant.x = int4
[run]
checkpoint = 0.05s
log_every = 20
INI

# All that may not depend on how a run came about.
dump() {
    sqlite3 qlaw.db "select p.arm, p.tokens, r.state, x.loss, x.loss_se,
        x.train_loss, x.best_loss, x.steps, x.weights_sha256
        from run r join point p using(point_id) left join result x using(run_id)
        order by 1, 2" \
        "select p.arm, p.tokens, c.step, c.tokens, c.train_loss, c.val_loss, c.lr,
        c.grad_norm from curve c join run using(run_id) join point p
        using(point_id) order by 1, 2, 3"
}

same() {
    dump >now.txt
    cmp -s want.txt now.txt || { diff want.txt now.txt | head; fail "$1"; }
}

# Steps that were trained, over all attempts that ended well.
trained() {
    sqlite3 qlaw.db "select sum(x.steps - a.from_step) from attempt a
        join result x using(run_id) where a.outcome='ok'"
}

fresh() {
    rm -rf qlaw.db* runs
}

run() {
    "$qlaw" run grid.ini "$@" 2>>log.txt
}

echo "each alone"
run -s run.share_trunk=no || fail "the first run ended with $?"
dump >want.txt
[ "$(grep -c '|done|' want.txt)" = 8 ] || fail "not all runs are done"
alone=$(trained)

for slots in 1 3; do
    echo "shared, $slots at once"
    fresh
    run --slots $slots || fail "the shared run ended with $?"
    same "shared, $slots at once: other results"
    shared=$(trained)
    echo "  $alone steps alone, $shared shared"
    [ $((alone * 2)) -ge $((shared * 3)) ] || fail "not 1.5 times less"
    [ "$(sqlite3 qlaw.db 'select count(*) from attempt')" = 8 ] ||
        fail "a run took more than one attempt"
    left=$(ls runs/*-1/checkpoint.* 2>/dev/null || :)
    [ -z "$left" ] || fail "checkpoints are left: $left"
done

echo "the plan says so"
"$qlaw" --db other.db plan grid.ini --speed 1e9 2>>log.txt | tr -s '\n ' '  ' >plan.txt
grep -q '6 of 8 runs begin with .* 1\.6[0-9]x less to train' plan.txt ||
    fail "the plan does not say what is saved: $(cat plan.txt)"
"$qlaw" --db other.db plan grid.ini --speed 1e9 -s run.share_trunk=no >plain.txt 2>>log.txt
! grep -q 'less to train' plain.txt || fail "the plan shares what it should not"

echo "kill -9 of workers and schedulers, $kills times each"
dice() {
    n=$((n + 1))
    echo $(((seed * 7919 + n * 104729 + n * n * 1299709) % 900))
}
n=0
for i in $(seq "$kills"); do
    fresh
    "$qlaw" run grid.ini --slots 2 2>>log.txt & pid=$!
    sleep "0.$(printf %03d "$(dice)")"
    kill -9 $pid 2>/dev/null || :
    wait $pid 2>/dev/null || :
    run --slots 2 || fail "scheduler kill $i (seed $seed): ended with $?"
    same "scheduler kill $i (seed $seed): other results"

    fresh
    "$qlaw" run grid.ini --slots 2 2>>log.txt & pid=$!
    for k in 1 2; do
        sleep "0.$(printf %03d "$(dice)")"
        victim=$(pgrep -P $pid | head -1)
        [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || :
    done
    wait $pid || fail "worker kill $i (seed $seed): ended with $?"
    same "worker kill $i (seed $seed): other results"
done

echo "a checkpoint of the trunk is lost"
fresh
run --limit 2 --slots 1 || [ $? -eq 75 ]
ls runs/*-1/checkpoint.* >/dev/null 2>&1 || fail "the trunk left no checkpoint"
rm -f runs/*-1/checkpoint.*
run || fail "without checkpoints the run ended with $?"
same "without the trunk's checkpoints: other results"

echo "a trunk that cannot be run"
fresh
run --limit 1 --slots 1 || [ $? -eq 75 ]
longest=$(sqlite3 qlaw.db "select point_id from run join point using(point_id)
    where state='pending' order by tokens desc limit 1")
"$qlaw" cancel "$longest" 2>>log.txt || fail "cancel ended with $?"
run || fail "with a cancelled trunk the run ended with $?"
states=$(sqlite3 qlaw.db "select state, count(*) from run group by 1")
[ "$(echo $states)" = "cancelled|1 done|7" ] || fail "states: $states"

echo "passed"
