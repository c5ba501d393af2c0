#!/bin/sh
# Runs that begin with another's weights: parents come first and are trained once,
# whatever is killed, lost or damaged; their weights go with the last child; a
# parent that comes to nothing takes its children with it.
#
#   family.sh QLAW [KILLS [SEED]]
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
kills=${2:-3}
seed=${3:-1}

dir=$(mktemp -d /tmp/qlaw-family-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

markov_text
cat >grid.ini <<'INI'
[grid]
name = family
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
[sweep]
train.tokens = 16k, 32k
[post]
w = int3, int4
group = 16
fit = rtn, gptq
calib = 8
[run]
checkpoint = 0.05s
slots = 2
retries = 50
[seeds]
count = 2
INI

# All that may not depend on how a run came about.
dump() {
    sqlite3 qlaw.db "select p.arm, p.tokens, r.seed, r.state, x.loss, x.loss_se,
        x.steps, x.weights_sha256 from run r join point p using(point_id)
        left join result x using(run_id) order by 1, 2, 3" \
        "select p.arm, p.tokens, r.seed, m.name, m.value from metric m
        join run r using(run_id) join point p using(point_id)
        where m.name in ('delta', 'kl', 'bits_w', 'parent_loss') order by 1, 2, 3, 4"
}
trained_again() { # runs that did not find the weights
    cat runs/*/log* | grep -c 'is done first' || :
}
start_over() {
    rm -rf qlaw.db* runs
}

echo "parents first, each trained once; children measure what they were"
"$qlaw" run grid.ini -q 2>log.txt
dump >want.txt
[ "$(sqlite3 qlaw.db "select count(*) from run where state='done'")" = 20 ]
[ "$(trained_again)" = 0 ] || fail "a child trained its parent"
[ -z "$(find runs -name 'weights*' -o -name 'checkpoint*')" ] ||
    fail "weights were left: $(find runs -name 'weights*')"
[ "$(sqlite3 qlaw.db "select count(*) from metric m join run r using(run_id)
    join point p using(point_id) join point b on b.point_id=p.twin_id
    join run br on br.point_id=b.point_id and br.seed=r.seed
    join result x on x.run_id=br.run_id
    where m.name='parent_loss' and m.value=x.loss")" = 16 ] ||
    fail "a child measured another parent"

echo "the view posts says what each measured, and whose child it is"
"$qlaw" query "select run_id from posts limit 1" >/dev/null
is 16 "select count(*) from posts p join metric m using(run_id) join metric d
    using(run_id) where m.name='delta' and d.name='bits_w' and m.value=p.delta
    and d.value=p.bits_w and p.bits_w=p.Ppost+2"
is 16 "select count(*) from posts p join run r on r.point_id=p.parent_id and
    r.seed=p.seed join result x on x.run_id=r.run_id where x.loss=p.parent_loss"
is "gptq|8
rtn|8" "select fit, count(*) from posts group by fit"
is 4 "select count(*) from runs where post=''"
is 0 "select count(*) from best_split"
"$qlaw" query posts >said.txt
[ "$(wc -l <said.txt)" = 10 ] || fail "$(cat said.txt)"
"$qlaw" --db other.db db merge qlaw.db -q >/dev/null
is 16 "select count(parent_id) from posts" other.db
"$qlaw" fit family --law kumar-ptq-delta --space linear --where "post = 'rtn'" >said.txt 2>>log.txt ||
    [ $? = 8 ] || fail "$(cat said.txt)"
grep -q 'on 8 rows' said.txt || fail "$(cat said.txt)"
rm -f other.db*

echo "between sessions the weights wait"
start_over
"$qlaw" run grid.ini -q --limit 6 2>>log.txt || :
[ -n "$(find runs -name weights)" ] || fail "no weights are kept for the others"
"$qlaw" run grid.ini -q 2>>log.txt
dump >now.txt
cmp want.txt now.txt
[ -z "$(find runs -name weights)" ] || fail "weights were left"
[ "$(trained_again)" = 0 ] || fail "a child trained its parent"

echo "weights that are gone cost one training a family"
"$qlaw" run grid.ini -q -s post.w=int3,int4,int8 2>>log.txt
[ "$(trained_again)" -le 4 ] || fail "$(trained_again) children trained"
[ -z "$(find runs -name weights)" ] || fail "weights were left"

echo "damaged weights are never used"
start_over
"$qlaw" run grid.ini -q --limit 6 2>>log.txt || :
for file in $(find runs -name weights); do
    printf 'x' | dd of="$file" bs=1 seek=3000 conv=notrunc 2>/dev/null
done
"$qlaw" run grid.ini -q 2>>log.txt
dump >now.txt
cmp want.txt now.txt
[ "$(trained_again)" -gt 0 ] || fail "damaged weights were used"

echo "killed at any time"
start_over
i=0 ended=0
while [ $i -lt "$kills" ]; do
    i=$((i + 1))
    "$qlaw" run grid.ini -q 2>>log.txt &
    pid=$!
    sleep "0.$(((seed * 7919 + i * 104729) % 9 + 1))"
    [ $((i % 2)) = 0 ] || { pkill -9 -P $pid && sleep 0.2 || :; } # workers first
    kill -9 $pid 2>/dev/null || :
    wait $pid 2>/dev/null || :
    [ "$(sqlite3 qlaw.db "select count(*) from run where state='done'")" = 20 ] ||
        continue
    dump >now.txt
    cmp want.txt now.txt
    ended=$((ended + 1))
    start_over
done
"$qlaw" run grid.ini -q 2>>log.txt
dump >now.txt
cmp want.txt now.txt
"$qlaw" db check >/dev/null
echo "  $kills kills, $((ended + 1)) grids with the same end"

echo "a parent that diverges takes its children with it"
start_over
"$qlaw" run grid.ini -q -s stop.loss=0.1 2>>log.txt && fail "no failure" || :
[ "$(sqlite3 qlaw.db "select count(*) from run where state='diverged'")" = 20 ]
[ "$(sqlite3 qlaw.db "select count(*) from attempt")" = 4 ] ||
    fail "children of a diverged parent were started"
"$qlaw" db check >/dev/null

echo "without parents in the grid a family trains one"
start_over
"$qlaw" run grid.ini -q -s grid.parents=no -s grid.twins=no 2>>log.txt
[ "$(trained_again)" = 4 ] || fail "$(trained_again) children trained"
[ -z "$(find runs -name weights)" ] || fail "weights were left"

echo "run.keep_weights keeps them"
start_over
"$qlaw" run grid.ini -q -s run.keep_weights=yes 2>>log.txt
[ "$(find runs -name weights | wc -l)" = 4 ]

echo "a trainer of one's own is told"
start_over
cat >own.sh <<'SH'
echo "$QLAW_PARENT" | sed 's|.*/||' >>parents.txt
printf '{"final":true,"loss":3,"tokens":%s}\n' "$1" >>"$QLAW_METRICS"
SH
"$qlaw" run grid.ini -q -s trainer.kind=exec \
    -s 'trainer.command=sh own.sh ${train.tokens} ${job.parent}' 2>>log.txt
[ "$(sort -u parents.txt | grep -c .)" = 4 ] || fail "$(sort parents.txt | uniq -c)"
