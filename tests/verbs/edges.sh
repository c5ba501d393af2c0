#!/bin/sh
# Two databases, copies and other hosts on one runs/, from outside: one worker a
# run, nobody's worker killed, nobody's file swept, no identity believed that is
# not the hash of its configuration.
#
#   edges.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-edges-XXXXXX)
trap 'status=$?
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

# A trainer of one's own that notices when it is not alone in its folder.
cat >trainer.sh <<'SH'
#!/bin/sh
cd "$QLAW_DIR"
mkdir alone || echo "not alone" >>../../together
for i in 1 2 3 4; do
    echo "{\"step\":$i,\"tokens\":$((i * 128)),\"train_loss\":$i}" >>"$QLAW_METRICS"
    sleep 0.2
done
rmdir alone
echo '{"final":true,"loss":2.5,"steps":8,"tokens":1024}' >>"$QLAW_METRICS"
SH
chmod +x trainer.sh
cat >own.ini <<'INI'
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 32
[train]
batch = 4
tokens = 1024
[trainer]
kind = exec
command = ./trainer.sh
[seeds]
count = 2
INI

# Three databases at the same time: each run is trained by one after another.
for db in a b c; do
    "$qlaw" --db $db.db run -q own.ini --slots 2 >$db.log 2>&1 &
done
wait
[ ! -e together ] || fail "$(wc -l <together) trainers were not alone"
for db in a b c; do
    is 2 "SELECT count(*) FROM result" $db.db
    is 2 "SELECT count(*) FROM attempt" $db.db
    is "ok" "SELECT DISTINCT outcome FROM attempt" $db.db
done
rm -rf runs

# A copy of the database beside the living scheduler of the original.
"$qlaw" --db live.db run -q own.ini -s seeds.count=3 --slots 3 >live.log 2>&1 &
live=$!
i=0
until [ "$(sqlite3 live.db "SELECT count(*) FROM run WHERE state = 'running'" \
    2>/dev/null)" = 3 ] || [ $i -gt 100 ]; do
    sleep 0.05
    i=$((i + 1))
done
"$qlaw" --db live.db db backup copy.db >log
"$qlaw" --db copy.db run -q own.ini -s seeds.count=3 --slots 3 >copy.log 2>&1 ||
    fail "the copy's scheduler: $(cat copy.log)"
wait $live || fail "the original's scheduler: $(cat live.log)"
is "ok|3" "SELECT outcome, count(*) FROM attempt GROUP BY outcome" live.db
is 3 "SELECT count(*) FROM result" copy.db
[ ! -e together ] || fail "a copy's trainer was not alone"

# Files that others are writing are theirs, for a day; our own of the dead go.
dead=$(sh -c 'echo $$')
mkdir -p runs/env
: >runs/env/x.json.00c0ffee.$dead.0.tmp # another host
: >runs/env/y.json.$dead.tmp            # an earlier version
: >runs/env/z.json.00c0ffee.$dead.0.tmp
touch -d '2 days ago' runs/env/z.json.00c0ffee.$dead.0.tmp
: >runs/env/w.tmp
"$qlaw" --db new.db run -q own.ini >log 2>&1
[ -e runs/env/x.json.00c0ffee.$dead.0.tmp ] || fail "another host's file was swept"
[ -e runs/env/y.json.$dead.tmp ] || fail "a young file was swept"
[ -e runs/env/w.tmp ] || fail "a file of somebody else was swept"
[ ! -e runs/env/z.json.00c0ffee.$dead.0.tmp ] || fail "an old file stayed"

# What stands in the place of records is no trap.
for kind in fifo folder link; do
    rm -rf runs made.db*
    "$qlaw" --db made.db run -q own.ini --limit 1 >log 2>&1 || :
    rm -rf runs/*-2/metrics.jsonl runs/*-1/metrics.jsonl
    mkdir -p "$(ls -d runs/*-1 | head -1)"
    for run in runs/*-1 runs/*-2; do
        [ -d "$run" ] || continue
        case $kind in
        fifo) mkfifo "$run/metrics.jsonl" ;;
        folder) mkdir "$run/metrics.jsonl" ;;
        link) ln -s /dev/null "$run/metrics.jsonl" ;;
        esac
    done
    rc=0
    timeout 20 "$qlaw" --db other.db run -q own.ini >log 2>&1 || rc=$?
    [ $rc = 75 ] || fail "records that are a $kind: exit $rc: $(cat log)"
    grep -q "metrics.jsonl" log || fail "records that are a $kind: $(cat log)"
    rm -rf runs other.db*
done

# Identities are hashes, in a merge and in a check.
rm -rf runs
"$qlaw" --db good.db run -q own.ini
for change in "config = '{}'" "config = replace(config, '1024', '2048')" \
    "point_id = 'feedfeedfeedfeed', twin_id = 'feedfeedfeedfeed'"; do
    cp good.db evil.db
    sqlite3 evil.db "PRAGMA foreign_keys = OFF; UPDATE point SET $change;
        UPDATE run SET point_id = (SELECT point_id FROM point);
        UPDATE grid_point SET point_id = (SELECT point_id FROM point)"
    rm -f mine.db*
    "$qlaw" --db mine.db db check >log 2>&1 || :
    ends 5 "is not the hash of the configuration; nothing is taken" \
        "$qlaw" --db mine.db db merge evil.db
    is 0 "SELECT count(*) FROM point" mine.db
    ends 5 "identities that are not the hash" "$qlaw" --db evil.db db check
done

# A fit whose request is not words is refused, not followed.
for argv in '{"argv":[1,2,null]}' '{"argv":[]}' '{}' '{"argv":"qlaw fit"}'; do
    cp good.db fit.db
    sqlite3 fit.db "INSERT INTO fit(name, law, expr, n_def, selection, loss_fn,
        n_starts, rng_seed, n_points, n_params, converged, status, data_sha256,
        created_at) VALUES('f', 'chinchilla', 'loss = E + A/N^alpha + B/D^beta',
        'body', '$argv', 'l2', 12, 1, 2, 5, 1, 'ok', '', '2026-01-01')"
    ends 5 "cannot be made again" "$qlaw" --db fit.db predict --fit 1 N=1e6 D=1e7
done

# Two grids of one text come back as two.
rm -rf runs qlaw.db*
cp own.ini other.ini
"$qlaw" run -q own.ini
"$qlaw" run -q other.ini
rm -f qlaw.db*
"$qlaw" db rebuild >log
is "other,own" "SELECT group_concat(name) FROM (SELECT name FROM grid
    ORDER BY name)" qlaw.db

# A helper in a session of its own does not outlive its trainer, however that
# ends: by itself, too slow, or killed for lines that are no records.
cat >leaves.sh <<'SH'
#!/bin/sh
echo '{"step":1,"tokens":128,"train_loss":5}' >>"$QLAW_METRICS"
case $1 in
twice) (setsid sh -c 'setsid sh -c "echo \$\$ >../../helper; trap \"\" TERM HUP
    sleep 60; sleep 60" &' &) ;;
*) setsid nohup sh -c 'echo $$ >../../helper; trap "" TERM; sleep 60; sleep 60' \
    >/dev/null 2>&1 & ;;
esac
while [ ! -s ../../helper ]; do sleep 0.05; done
case $1 in
ends) exit 1 ;;
lines) i=0; while [ $i -lt 1100 ]; do echo none; i=$((i + 1)); done >>"$QLAW_METRICS"
    sleep 30 ;;
*) trap '' TERM; sleep 30 ;;
esac
SH
chmod +x leaves.sh
for kind in ends slow lines twice; do
    rm -rf runs qlaw.db* helper
    sed "s|./trainer.sh|sh -c 'cd \"\$QLAW_DIR\"; exec $dir/leaves.sh $kind'|" \
        own.ini >leaves.ini
    printf '[run]\nretries = 0\ntimeout = 1s\ngrace = 1s\n' >>leaves.ini
    ! "$qlaw" run -q leaves.ini -s seeds.count=1 >log 2>&1 || fail "$kind: $(cat log)"
    [ -s helper ] || fail "$kind: no helper was started: $(cat log runs/*/log.txt)"
    i=0
    while kill -0 "$(cat helper)" 2>/dev/null && [ $i -lt 20 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    ! kill -0 "$(cat helper)" 2>/dev/null || fail "$kind: the helper lives on"
done

# A database that goes away under its scheduler is no full disk.
for change in 'rm qlaw.db' 'mv qlaw.db away.db' 'cp qlaw.db x.db; mv x.db qlaw.db'; do
    rm -rf runs ./*.db*
    "$qlaw" run -q own.ini --slots 1 >log 2>&1 &
    run=$!
    i=0
    until ls runs/*/alone >/dev/null 2>&1 || [ $i -gt 100 ]; do
        sleep 0.05
        i=$((i + 1))
    done
    sh -c "$change"
    rc=0
    wait $run || rc=$?
    [ $rc = 75 ] || fail "$change: exit $rc: $(cat log)"
    grep -q "was moved, removed or replaced" log || fail "$change: $(cat log)"
    ! grep -q "make room" log || fail "$change is a full disk: $(cat log)"
done
