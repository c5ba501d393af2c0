#!/bin/sh
# A grid lives through what people and machines do to it: signals, a second
# scheduler, a locked database, divergence.  After each the same command brings
# the same end state: every run done once, the same losses and weights, whole
# curves, nobody left alive.  (scripts/soak.sh kills.)
#
#   grid_life.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")

dir=$(mktemp -d /tmp/qlaw-life-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

markov_text
cat >grid.ini <<'INI'
[grid]
name = life
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
train.tokens = 16k, 48k
[block "int4"]
quant.w = int4
quant.x = int4
quant.group = 8
[run]
checkpoint = 0.05s
log_every = 20
INI

dump() {
    sqlite3 "$1" "select p.arm, p.n_body, p.tokens, r.seed, r.state, x.loss,
        x.weights_sha256, x.steps,
        (select count(*) from curve c where c.run_id=r.run_id),
        (select max(step) from curve c where c.run_id=r.run_id)
        from run r join point p using(point_id) left join result x using(run_id)
        order by 1,2,3,4"
}

# Trainers that work in this folder, whoever their parent is.
workers() {
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/cwd" 2>/dev/null)" = "$dir" ] || continue
        tr '\0' ' ' <"$p/cmdline" 2>/dev/null | grep -q ' train --config' &&
            echo "${p#/proc/}"
    done
    :
}

check_end_state() {
    dump qlaw.db >now.txt
    cmp -s want.txt now.txt || { diff want.txt now.txt || :; fail "$1: another end state"; }
    open=$(sqlite3 qlaw.db "select count(*) from attempt where outcome is null")
    [ "$open" = 0 ] || fail "$1: $open attempts left open"
    twice=$(sqlite3 qlaw.db "select count(*) from (select run_id from attempt
        where outcome='ok' group by run_id having count(*) > 1)")
    [ "$twice" = 0 ] || fail "$1: $twice runs succeeded twice"
    check=$(sqlite3 qlaw.db 'pragma integrity_check')
    [ "$check" = ok ] || fail "$1: the database is damaged: $check"
}

fresh() {
    rm -rf qlaw.db* runs
}

run() {
    "$qlaw" run grid.ini "$@" 2>>log.txt
}

echo "undisturbed"
run || fail "the first run ended with $?"
dump qlaw.db >want.txt
[ "$(grep -c '|done|' want.txt)" = 8 ] || fail "not all runs are done"
[ "$(sqlite3 qlaw.db 'select count(*) from degradation')" = 4 ] ||
    fail "degradation is not filled"

echo "a finished grid does nothing"
before=$(sqlite3 qlaw.db 'select count(*) from attempt')
start=$(date +%s%N)
run || fail "a finished grid ended with $?"
took=$((($(date +%s%N) - start) / 1000000))
tail -1 log.txt | grep -q 'nothing to do' || fail "it does not say so"
[ "$before" = "$(sqlite3 qlaw.db 'select count(*) from attempt')" ] ||
    fail "something ran twice"
echo "  $took ms"
[ "$took" -lt 1000 ] || echo "  (more than a second: is the machine busy?)"

echo "what is started does not change the grid"
fresh
n_runs() { sqlite3 qlaw.db "select group_concat(runs || ' ' || done, ', ') from progress"; }
run --only 'bits == 4 && D < 20k && model.d_model == 16' ||
    fail "--only ended with $?"
[ "$(n_runs)" = "8 2" ] || fail "--only: runs and done are $(n_runs)"
run --limit 1 || [ $? -eq 75 ] || fail "--limit ended with $?"
[ "$(n_runs)" = "8 3" ] || fail "--limit: runs and done are $(n_runs)"
run --skip 'D > 20k' || fail "--skip ended with $?"
[ "$(sqlite3 qlaw.db "select count(*) from run join point using(point_id)
    where tokens < 20000 and state='done'")" = 4 ] || fail "--skip: some are open"
run --skip 'D > 20k' || fail "--skip ended with $?"
tail -1 log.txt | grep -q 'nothing to do' || fail "--skip: $(tail -1 log.txt)"
[ "$(sqlite3 qlaw.db 'select count(*) from grid')" = 1 ] ||
    fail "there are several versions of the grid"
grep "instead of" log.txt && fail "a choice is said to change the grid"
run || fail "the rest ended with $?"
check_end_state "chosen parts"

echo "what changes the grid is said"
"$qlaw" run grid.ini -s train.tokens=16k 2>said.txt || fail "-s ended with $?"
grep -q "grid 'life' now has 4 runs instead of 8 (4 of those are not in it);" \
    said.txt || fail "a smaller grid: $(cat said.txt)"
grep -q "its text before is grid_id [0-9]*; to keep both: -s grid.name=" \
    said.txt || fail "how to keep both: $(cat said.txt)"
"$qlaw" run grid.ini 2>said.txt || fail "the whole ended with $?"
grep -q "grid 'life' now has 8 runs instead of 4$" said.txt ||
    fail "a larger grid: $(cat said.txt)"
"$qlaw" run grid.ini -s run.log_every=10 2>said.txt
grep "instead of" said.txt && fail "the same runs are said to be others"

echo "signals"
for signals in "INT" "INT INT" "TERM"; do
    fresh
    "$qlaw" run grid.ini 2>>log.txt & pid=$!
    sleep 0.4
    for s in $signals; do
        kill -s "$s" $pid 2>/dev/null || :
        sleep 0.05
    done
    status=0
    wait $pid || status=$?
    # 130 and 143: nothing had been started yet
    case $status in 0 | 75 | 130 | 143) ;; *) false ;; esac ||
        fail "after $signals the run ended with $status"
    [ -z "$(workers)" ] || fail "after $signals workers are left"
    run || fail "after $signals the second run ended with $?"
    check_end_state "$signals"
done

echo "a second scheduler"
fresh
"$qlaw" run grid.ini 2>>log.txt & pid=$!
sleep 0.3
status=0
"$qlaw" run grid.ini 2>second.txt || status=$?
[ $status -eq 5 ] || fail "the second scheduler ended with $status"
grep -q "in use by another qlaw run (pid " second.txt ||
    fail "it does not name the holder: $(cat second.txt)"
wait $pid || fail "the first scheduler was disturbed"
check_end_state "second scheduler"

echo "a locked database"
fresh
run --limit 1 || [ $? -eq 75 ]
mkfifo hold
sqlite3 qlaw.db <hold >/dev/null & holder=$!
exec 9>hold
echo "begin exclusive;" >&9
sleep 0.2
"$qlaw" run grid.ini 2>>log.txt & pid=$!
sleep 1.5
echo "rollback;" >&9
exec 9>&-
wait $holder || :
wait $pid || fail "with a locked database the run ended with $?"
check_end_state "locked database"

echo "divergence is a result"
fresh
status=0
"$qlaw" run grid.ini -s train.lr=10 -s train.grad_clip=0 -s train.warmup=0 \
    -s stop.loss=4 --slots 2 2>>log.txt || status=$?
[ $status -eq 1 ] || fail "a diverging grid ended with $status"
lost=$(sqlite3 qlaw.db "select count(*) from run where state not in
    ('done','diverged')")
[ "$lost" = 0 ] || fail "$lost runs are neither done nor diverged"
[ "$(sqlite3 qlaw.db "select count(*) from failures where
    message like '%at step%'")" -gt 0 ] || fail "no cause is given"

echo "rules of [stop]: diverged, or left out and not tried again"
fresh
status=0
run -s 'stop.early=step > 300' || status=$?
[ $status -eq 0 ] || fail "a grid with stop.early ended with $status"
states=$(sqlite3 qlaw.db "select state, count(*), max(attempts) from run group by 1")
[ "$(echo $states)" = "cancelled|4|1 done|4|1" ] || fail "stop.early: $states"
[ "$(sqlite3 qlaw.db "select count(*) from run where state_reason='stop.early is true at step 301'")" = 4 ] ||
    fail "stop.early gives no cause"
fresh
run -s 'stop.diverge=grad_norm > 0 && step >= 5' && fail "nothing diverged" || :
[ "$(sqlite3 qlaw.db "select count(*) from failures where message='stop.diverge is true at step 5'")" = 8 ] ||
    fail "stop.diverge gives no cause"
status=0
run -s 'stop.diverge=los > 3' 2>wrong.txt || status=$?
[ $status -eq 3 ] || fail "a wrong rule ended with $status"
echo "passed"
