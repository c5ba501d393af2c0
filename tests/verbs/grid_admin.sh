#!/bin/sh
# The verbs that look after runs and their database, from outside: cancel,
# pause, retry with and without a scheduler; db info, check, backup, merge,
# rebuild; status and watch.
#
#   grid_admin.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-admin-XXXXXX)
pid=
trap 'status=$?; [ -z "$pid" ] || kill -9 $pid 2>/dev/null || :
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

sql() { # sql [FILE] QUERY
    [ $# -eq 2 ] || set -- qlaw.db "$1"
    sqlite3 -cmd '.timeout 10000' "$1" "$2"
}
is() { # is WANT QUERY
    got=$(sql "$2")
    [ "$got" = "$1" ] || fail "$2: '$got', not '$1'"
}
until_true() { # until_true QUERY: at most ten seconds
    for i in $(seq 100); do
        [ "$(sqlite3 -cmd '.timeout 1000' qlaw.db "$1" 2>/dev/null)" = 1 ] &&
            return
        sleep 0.1
    done
    fail "never true: $1"
}

markov_text
cat >grid.ini <<'INI'
[grid]
name = admin
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
[sweep]
train.tokens = 16k, 32k
[block "int4"]
quant.w = int4
quant.group = 8, row
[run]
log_every = 20
INI

# Everything that matters, without numbers that only count rows.
dump() {
    sql "$1" "select p.*, d.name, d.sha256 from point p join dataset d
        using(dataset_id) order by point_id" |
        sed 's/|[0-9]*|builtin/|builtin/'
    sql "$1" "select point_id, seed, data_seed, state, state_reason, loss,
        loss_se, train_loss, steps, tokens, weights_sha256 from run left join
        result using(run_id) order by 1, 2"
    sql "$1" "select point_id, seed, number, fingerprint, host, pid, outcome,
        exit_code, message, token, started_at, ended_at from attempt join run
        using(run_id) join env using(env_id) order by 1, 2, 3"
    sql "$1" "select point_id, seed, step, c.tokens, train_loss, val_loss, lr,
        grad_norm from curve c join run using(run_id) order by 1, 2, 3"
    sql "$1" "select name, ini_sha256, argv, point_id, ordinal, block, seeds
        from grid_point join grid using(grid_id) order by 1, 2, 5"
    sql "$1" "select grid, runs, done, waiting, pct_flops from progress"
}
same() { # same A B WHAT
    dump "$1" >a.txt
    dump "$2" >b.txt
    cmp -s a.txt b.txt || { diff a.txt b.txt | head; fail "$3: not the same"; }
}

echo "states without a scheduler"
"$qlaw" run grid.ini --limit 2 -q 2>log.txt || [ $? -eq 75 ]
is 2 "select done from progress"
ends 2 "name a grid or a run" "$qlaw" cancel
ends 2 "no grid and no run 'nobody'" "$qlaw" cancel nobody
ends 2 "--where: " "$qlaw" cancel admin --where "N >"
ends 2 "one condition" "$qlaw" cancel --where "1) ; delete from run; --"
ends 0 "2 runs cancelled" "$qlaw" cancel admin \
    --where "D > 20000 and state = 'pending' and fmt = 'int4'"
is "2|2" "select left_out, waiting from progress"
ends 0 "0 runs set to pending" "$qlaw" retry admin
ends 0 "1 run set to pending" "$qlaw" retry admin --cancelled --where "gran='row'"
ends 0 '"runs":1' "$qlaw" retry --cancelled --where 1 --json
ends 0 "4 runs paused" "$qlaw" pause admin
is 4 "select count(*) from run where state='paused'"
"$qlaw" run grid.ini -q || fail "the grid ended with $?"
is "6|6" "select runs, done from progress"
first=$(sql "select min(point_id) from point")
ends 0 "0 runs cancelled" "$qlaw" cancel "$first"
ends 0 "done" "$qlaw" show "$(echo "$first" | cut -c1-8)"
# Left behind by a scheduler that is gone: nobody is told that they were changed.
two='run_id in (select run_id from run order by 1 limit 2)'
sql "update run set state='running' where $two"
ends 6 "2 runs are left as they are" "$qlaw" cancel admin
ends 6 "0 runs paused" "$qlaw" pause admin
ends 6 '"runs":0,"left":2' "$qlaw" cancel --where 1 --json
is 2 "select count(*) from run where state='running'"
sql "update run set state='done' where $two"

echo "info, check, backup"
ends 0 "curve_rows" "$qlaw" db info
ends 0 '"schema":"qlaw/db-info/1"' "$qlaw" db info --json
ends 0 "no problem found" "$qlaw" db check
ends 2 "did you mean 'backup'" "$qlaw" db bakcup x
"$qlaw" db backup copy.db -q
same qlaw.db copy.db backup
ends 5 "is there already" "$qlaw" db backup copy.db

echo "rebuild"
ends 5 "move it away first" "$qlaw" db rebuild
mv qlaw.db was.db
# a scheduler that was killed while it wrote
last=$(ls -d runs/*-1 | tail -1)
printf '{"attempt":9,"beg' >>"$last/metrics.jsonl"
mkdir runs/0123456789ab-1
echo '{"model":{"d_model":"wide"}}' >runs/0123456789ab-1/config.json
ends 1 "odd          1" "$qlaw" db rebuild
same was.db qlaw.db rebuild
ends 0 "nothing to do" "$qlaw" run grid.ini
ends 0 "no problem found" "$qlaw" db check
rm -r runs/0123456789ab-1

echo "merge"
mkdir one two
for half in one two; do
    cp grid.ini text.txt $half
done
(cd one && "$qlaw" run grid.ini -q --only "D < 20000")
(cd two && "$qlaw" run grid.ini -q --limit 1 2>log.txt) || [ $? -eq 75 ]
(cd two && "$qlaw" run grid.ini -q --skip "D < 20000")
"$qlaw" --db two/qlaw.db db merge one/qlaw.db >merge.txt
grep -q "conflicts *0" merge.txt || fail "conflicts: $(cat merge.txt)"
sql two/qlaw.db "select point_id, seed, state, loss, weights_sha256 from run
    join result using(run_id) order by 1" >a.txt
sql was.db "select point_id, seed, state, loss, weights_sha256 from run
    join result using(run_id) order by 1" >b.txt
cmp a.txt b.txt || fail "the halves do not make the whole"
(cd two && ends 0 "nothing to do" "$qlaw" run grid.ini)
"$qlaw" --db two/qlaw.db db merge one/qlaw.db >merge.txt
grep -q "runs *0" merge.txt || fail "merged twice: $(cat merge.txt)"
ends 0 "no problem found" "$qlaw" --db two/qlaw.db db check
sql one/qlaw.db "update result set loss=loss+1 where run_id=1"
ends 1 "finished in both with different losses" \
    "$qlaw" --db two/qlaw.db db merge one/qlaw.db
ends 5 "not an SQLite database" "$qlaw" db merge text.txt

echo "damage"
cp was.db bad.db
dd if=/dev/urandom of=bad.db bs=4096 seek=20 count=3 conv=notrunc 2>/dev/null
rc=0
"$qlaw" --db bad.db db check >check.txt 2>&1 || rc=$?
[ $rc -eq 5 ] || fail "a damaged file is checked with $rc: $(cat check.txt)"
sql was.db "delete from result where run_id=1"
ends 5 "done without a result: run 1" "$qlaw" --db was.db db check

echo "asking a scheduler"
rm -rf qlaw.db* runs
sed 's/16k, 32k/16M, 32M/' grid.ini >long.ini
"$qlaw" run long.ini --slots 2 2>log.txt & pid=$!
until_true "select count(*)=2 from curve where step=20"
ends 0 '"scheduler_pid":' "$qlaw" status --json
ends 0 "scheduler: pid $pid" "$qlaw" status
ends 0 "scheduler: pid $pid" "$qlaw" watch admin
# For programs a look is a line, and the next one follows.
"$qlaw" watch admin --json -n 0.2 | head -n 2 >looks.txt
python3 -c 'import json, sys
looks = [json.loads(line) for line in open("looks.txt")]
assert len(looks) == 2 and looks[0]["at"] < looks[1]["at"], looks
for look in looks:
    assert look["schema"] == "qlaw/status/1", look
    assert look["scheduler_pid"] == int(sys.argv[1]), look
    assert look["grids"][0]["grid"] == "admin", look
    assert look["grids"][0]["running"] == 2 == len(look["running"]), look
    assert all(r["run"] and r["D"] > 1e6 and r["loss"] > 0
               for r in look["running"]), look' "$pid" || fail "watch --json"
ends 2 "--plot draws for people" "$qlaw" watch admin --json --plot
"$qlaw" version --json | python3 -c 'import json, sys
v = json.load(sys.stdin)
assert v["schema"] == "qlaw/version/1" and v["version"] and v["commit"], v
assert v["compiler"] and v["kernels"] in ("ref", "avx2", "avx512"), v
assert v["libraries"]["sqlite"] and v["libraries"]["gsl"], v' ||
    fail "version --json"
"$qlaw" query --json | grep -q '"name":"best-split"' || fail "query --json"
ends 0 '[{"grid":"admin"' "$qlaw" query progress --json
ends 5 "is in use by another qlaw run (pid $pid" "$qlaw" db vacuum
"$qlaw" db backup during.db -q
ends 0 "no problem found" "$qlaw" --db during.db db check
a=$(sql "select run_id from run where state='running' limit 1")
b=$(sql "select max(run_id) from run where state='running'")
ends 0 "the scheduler is asked about 1 run" "$qlaw" cancel "$a"
until_true "select state='cancelled' from run where run_id=$a"
is "1|cancelled|asked for" "select number, outcome, message from attempt where
    run_id=$a"
ends 0 "asked about 1 run" "$qlaw" pause "$b"
until_true "select state='paused' from run where run_id=$b"
until_true "select count(*)=2 from run where state='running'"
ends 0 "asked about 2 runs" "$qlaw" retry "$a" "$b" --cancelled --paused
until_true "select count(*)=2 from run where run_id in ($a,$b) and state in
    ('pending','running')"
until_true "select count(*)=0 from request" # a reader may hold the file first
kill -TERM $pid
rc=0
wait $pid || rc=$?
pid=
[ $rc -eq 75 ] || fail "the scheduler ended with $rc: $(cat log.txt)"
is "2|0" "select count(*), (select count(*) from run where state='running')
    from run where state='paused'"
# what was asked while nobody listened is done by the next one
sql "insert into request(run_id, wish) select run_id, 'cancel' from run where
    state='pending'"
timeout -s TERM 2 "$qlaw" run long.ini -q || :
is 0 "select count(*) from request"
is "2" "select count(*) from run where state='cancelled' and run_id in ($a,$b)"

# A new database names arms as presets are named; one that was begun without
# goes on without.
for begun in new old; do
    "$qlaw" --db $begun.db run grid.ini -q --limit 1 >log.txt 2>&1 || [ $? = 75 ]
    [ $begun = new ] || sql $begun.db "delete from meta where key='arms'"
    "$qlaw" --db $begun.db run grid.ini -q -s quant.w=mxfp4 \
        -s model.d_model=32 -s quant.group=32 >log.txt 2>&1
done
[ "$(sql new.db "select count(*) > 0 from point where arm='mxfp4 W'")" = 1 ] ||
    fail "the preset is not in the label"
[ "$(sql old.db "select count(*) > 0 from point where arm='e2m1 W g32 e8m0'")" \
    = 1 ] || fail "a label of another kind in an old database"
echo "passed"
