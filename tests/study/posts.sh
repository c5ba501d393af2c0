#!/bin/sh
# A grid whose points are rounded after training, and some of them before: what
# its rows say in SQL, in other files, and as input of laws.
#
#   posts.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
root=$(realpath "$(dirname "$0")/../..")

dir=$(mktemp -d /tmp/qlaw-posts-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

markov_text
cat >grid.ini <<'INI'
[grid]
name = posts
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
[quant]
w = none, int4
group = 16
[sweep]
model.d_model = 16, 32
train.tokens = 16k, 32k
[post]
w = int2, int3
group = 16
fit = rtn
[seeds]
count = 2
INI
"$qlaw" run grid.ini -q 2>log.txt

everything="select point_id, parent_id, seed, state, N, D, fit, w_fmt, Ppost, G,
    x_fmt, draw, bits_w, bits_all, bits_x, loss, parent_loss, delta, delta_se, kl,
    kl25, arm, grid from posts order by 1, 3"
dump() { # dump DATABASE
    sqlite3 "$1" "$everything"
}
fits() { # fits ROWS WHERE FORMULA...: so many rows are fitted where that holds
    rows=$1 where=$2
    shift 2
    "$qlaw" fit posts --formula "$@" --no-store --where "$where" >said.txt 2>&1 ||
        [ $? = 8 ] || fail "$where: $(cat said.txt)"
    grep -q " on $rows rows" said.txt || fail "$where: not $rows: $(head -3 said.txt)"
}

echo "each was measured beside its own parent"
is 32 "select count(*) from posts where state='done'"
# By hand: the parent has the same settings but those of [post].
is 32 "select count(*) from posts p join point c using(point_id) join point b
    on b.point_id=p.parent_id and b.config=json_remove(c.config,'\$.post')
    join run r on r.point_id=b.point_id and r.seed=p.seed join result x
    on x.run_id=r.run_id where p.parent_loss=x.loss
    and abs(p.loss-x.loss-p.delta) < 1e-12 and p.bits_w=p.Ppost+2"
# Beside the twin a model that was rounded in training too has both costs.
is 16 "select count(*) from posts p join deltas d using(run_id)
    where p.arm like 'int4%' and d.delta<>p.delta"
is 16 "select count(*) from posts p join deltas d using(run_id)
    where p.arm not like 'int4%' and abs(d.delta-p.delta)<1e-12"
is 0 "select count(*) from degradation where post='' and arm like '%PTQ%'"

echo "a run says what it measured, and beside whom"
child=$(sqlite3 qlaw.db "select run_id from posts limit 1")
"$qlaw" show "$child" >said.txt
for name in delta parent_loss; do
    grep -Eq "^  $name +$(sqlite3 qlaw.db "select printf('%.12g', $name) from posts where run_id=$child")" said.txt ||
        fail "$(cat said.txt)"
done
grep -Eq "^  parent_run +$(sqlite3 qlaw.db "select r.run_id from posts p join run r
    on r.point_id=p.parent_id and r.seed=p.seed where p.run_id=$child")\$" said.txt ||
    fail "$(cat said.txt)"
"$qlaw" show "$child" --json | grep -q '"metrics":{"bits_all":' || fail "show --json"

echo "a parent that came out another way is seen"
"$qlaw" db check >/dev/null
cp qlaw.db other.db
sqlite3 other.db "update metric set value=value+1e-12 where run_id=$child and name='parent_loss'"
"$qlaw" --db other.db db check >said.txt 2>&1 && fail "other weights are not seen"
tr -s '\n ' '  ' <said.txt | grep -q "measured beside other weights than its parent's: run $child, whose parent is run " ||
    fail "$(cat said.txt)"

echo "a question by name"
"$qlaw" query posts --format csv >said.txt
[ "$(wc -l <said.txt)" = 17 ] || fail "$(cat said.txt)"
sqlite3 -csv qlaw.db "select arm, N, D, count(*), avg(delta),
    (max(delta)-min(delta))/sqrt(2) from posts group by 1, 2, 3" >want.txt
python3 - <<'PY' || fail "query posts says something else than SQL by hand"
import csv
want = {tuple(r[:3]): r[3:] for r in csv.reader(open("want.txt"))}
rows = list(csv.DictReader(open("said.txt")))
assert len(want) == 16
for r in rows:
    n, delta, sd = want[r["arm"], r["N"], r["D"]]
    assert n == r["seeds"]
    assert abs(float(delta) - float(r["delta"])) < 2e-5, r
    assert abs(float(sd) - float(r["sd"])) < 2e-5, r
PY

echo "laws are fitted to what each run measured"
"$qlaw" fit posts --law kumar-ptq-delta --space linear --where "post <> ''" >said.txt 2>&1 ||
    [ $? = 8 ] || fail "$(cat said.txt)"
is 32 "select count(*) from fit_point f join posts p using(run_id)
    where f.observed=p.delta"
"$qlaw" fit posts --law kumar-ptq --paired --space linear --where "post <> ''" --no-store \
    >paired.txt 2>&1 || [ $? = 8 ] || fail "$(cat paired.txt)"
[ "$(sed -n '/objective/,/AICc/p' paired.txt)" = "$(sed -n '/objective/,/AICc/p' \
    said.txt)" ] || fail "--paired is another law: $(cat paired.txt)"
fits 8 "Pw = 4 and Ppost = 2" 'delta = c/N' --paired
fits 8 "Pw = 16 and Ppost = 3 and bits_w = 5" 'delta = c/N' --paired
fits 8 "Ppost = 16 and Pw = 4 and Pa = 16" 'delta = c/N' --paired
fits 8 "post = '' and Pw = 16 and bits_w = 16" 'loss = c/N'
fits 48 "Pw*Pa*Ppost > 0" 'loss = c*Pw/Pa/Ppost'
# What is in no file is not missed: a child needs no twin.
cp qlaw.db alone.db
sqlite3 alone.db "delete from result where run_id in (select run_id from run join
    point using(point_id) where is_base)"
"$qlaw" --db alone.db fit posts --paired --formula 'delta = c/N' >said.txt
grep -q ' on 32 rows' said.txt || fail "$(cat said.txt)"

echo "what a bit is worth"
if command -v gnuplot >/dev/null; then
    "$qlaw" --db lab.db import "$root/experiments/results/ptq-or-qat" -q >/dev/null
    "$qlaw" --db lab.db plot cost-by-bits ptq-or-qat >/dev/null 2>said.txt
    grep -q 'int W 0.15 at 3' said.txt || fail "$(cat said.txt)"
    # 3 ways, 3 numbers of bits, 4 places; one cost is below nothing.
    [ "$(awk -F'\t' '/^# points/ { on = 1 } /^# curves/ { on = 0 } on && $1 ~ /^[0-3]$/' \
        figures/cost-by-bits.dat | wc -l)" = 35 ] || fail "points"
    grep -q '1 cost is not above nothing' figures/cost-by-bits.dat || fail "note"
else
    echo "SKIPPED: no gnuplot, no picture"
fi
ends 2 "three numbers of bits" "$qlaw" plot cost-by-bits posts
ends 2 "chooses its lines and panels itself" "$qlaw" plot cost-by-bits posts --by N
ends 2 "chooses its lines and panels itself" "$qlaw" plot ablation posts --at D=1M

echo "the same in every file that takes the runs over"
dump qlaw.db >want.txt
[ "$(wc -l <want.txt)" = 32 ]
"$qlaw" --db merged.db db merge qlaw.db -q >/dev/null
"$qlaw" --db merged.db query "select 1" >/dev/null
dump merged.db >now.txt
cmp want.txt now.txt
"$qlaw" export posts --out taken >/dev/null
"$qlaw" --db imported.db import taken -q >/dev/null
dump imported.db >now.txt
cmp want.txt now.txt
"$qlaw" db delete posts -q >/dev/null
is 0 "select count(*) from posts"
"$qlaw" db undelete posts -q >/dev/null
dump qlaw.db >now.txt
cmp want.txt now.txt
rm qlaw.db*
"$qlaw" db rebuild -q >/dev/null
dump qlaw.db >now.txt
cmp want.txt now.txt

echo "nothing says that they were trained so"
"$qlaw" report posts --no-fit --format md >/dev/null 2>>log.txt
"$qlaw" compare --arms --grid posts "PTQ int2 W rtn" "PTQ int3 W rtn" >>report/posts.md
grep -q 'PTQ int3 W' report/posts.md || fail "the report knows no PTQ"
grep -qi 'trained with' report/posts.md && fail "$(grep -i 'trained with' report/*.md)"
exit 0
