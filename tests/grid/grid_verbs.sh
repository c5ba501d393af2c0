#!/bin/sh
# The verbs about grids, from outside: what they print and how they end.
#
#   grid_verbs.sh QLAW SOURCE_ROOT
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
root=$(realpath "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cp "$root/tests/grid/grids/corpus.txt" .

fail() {
    echo "grid_verbs.sh: $*" >&2
    exit 1
}
says() { # says TEXT COMMAND...: the output holds TEXT, the command succeeds
    ends 0 "$@"
}

# The first example of the manual is a grid; 3 sizes x 4 lengths without the
# longest of the smallest: 11 cells, four arms and their twins.
awk '/^```ini/{p=1;next} /^```/{if(p)exit} p' "$root/docs/grid.md" |
    sed 's,corpus/.*,corpus.txt,' >manual.ini
says "manual.ini: ok (55 points" "$qlaw" check manual.ini

# Two lengths cannot tell the floor from the cost of little data.
says ": identifiable" "$qlaw" plan manual.ini --speed 10G
says "NOT identifiable" "$qlaw" plan manual.ini --speed 10G \
    -s train.tokens=100k,200k
"$qlaw" plan manual.ini --speed 10G --json | grep -q '"law_identifiable":true' ||
    fail "plan --json says nothing of the law"

cat >g.ini <<'INI'
[data]
path = corpus.txt
[model]
n_layer = 1
d_model = 32
seq_len = 32
[train]
batch = 2
[sweep]
train.tokens = 2k, 4k
[block "int4"]
quant.w = int4
INI
says "g.ini: ok (4 points, 4 runs)" "$qlaw" check g.ini
says "ok (8 points, 16 runs)" "$qlaw" check g.ini -s train.lr=1e-3,2e-3 \
    -s seeds.count=2
says '"ok":true' "$qlaw" check g.ini --json
# what is perhaps not meant is said, and done
while IFS='|' read -r set want; do
    says "$want" "$qlaw" check g.ini -s "$set"
done <<'ROWS'
train.lr=2,5e-4|train.lr = 2,5e-4 is a list of values; if it is one, the decimal
train.tokens=4,500,200|train.tokens = 4,500,200 is a list of values
train.tokens=2,480|train.tokens = 2,480 is a list
ROWS
for set in train.lr=1e-3,2e-3 train.lr=0.1,0.05 train.tokens=2000,4000 \
    train.tokens=16,128,256k model.d_model=32,64,128 model.d_model=128,256; do
    ! "$qlaw" check g.ini -s "$set" 2>&1 | grep 'is a list' || fail "a note on $set"
done
while IFS='|' read -r expression want; do
    { cat g.ini; printf '[x]\nk = 3\n[derive]\ntrain.lr = %s\n' "$expression"; } >near.ini
    says "$want" "$qlaw" check near.ini
done <<'ROWS'
0.1 * x.k|note: near.ini:16: train.lr becomes 0.30000000000000004, which is another point than 0.3
0.7 * x.k - 1.4|which is another point than
x.k * 1.1|train.lr becomes 3.3000000000000003, which is another point than 3.3
ROWS
for expression in 'x.k / 10' '1 / x.k' '0.125 * x.k' 'sqrt(x.k) / 1000'; do
    { cat g.ini; printf '[x]\nk = 3\n[derive]\ntrain.lr = %s\n' "$expression"; } >near.ini
    ! "$qlaw" check near.ini 2>&1 | grep 'another point' || fail "a note on $expression"
done
doc() { # doc LINE: a text with the line ten times
    awk -v line="$1" 'NR == 2 { for (i = 0; i < 10; i++) printf "%s\n", line } 1' corpus.txt >doc.txt
}
while IFS='|' read -r line want; do
    doc "$line"
    says "$want" "$qlaw" check g.ini -s data.path=doc.txt -s 'data.delimiter=<END>'
done <<'ROWS'
<END>\r|data.delimiter <END> stands alone on 0 lines; 10 lines have blanks or a carriage return
<END>  |stands alone on 0 lines; 10 lines have blanks
<END>\t|stands alone on 0 lines; 10 lines have blanks
a word <END> and another|stands alone on 0 lines; 10 times it stands within a line and cuts nothing
<end>|data.delimiter <END> is on no line of the data
ROWS
doc '<END>'
! "$qlaw" check g.ini -s data.path=doc.txt -s 'data.delimiter=<END>' 2>&1 | grep note ||
    fail "a note on a delimiter that is found"

# data that are seen again: the plan says how often, and what is stored lets a
# law tell.  A twentieth is held out, but not beside a text of its own.
cat corpus.txt corpus.txt corpus.txt | head -c 4000 >small.txt
tail -c 2000 corpus.txt >held.txt
again="-s data.path=small.txt -s train.tokens=1900,7600,38k -s model.seq_len=16"
says "epochs  0.51 .. 10 of 3.8k tokens" "$qlaw" plan g.ini --speed 1G $again
says "epochs  0.96 .. 19 of 2k tokens" "$qlaw" plan g.ini --speed 1G $again \
    -s data.max_bytes=2000 -s data.val=held.txt
says "epochs  2 .. 2 of 3.2k tokens" "$qlaw" plan g.ini --speed 1G $again \
    -s train.tokens=6400 -s data.val_fraction=0.2
! "$qlaw" plan g.ini --speed 1G -s data.path=small.txt -s train.tokens=1k |
    grep epochs || fail "the plan says epochs of data that are seen once"
"$qlaw" -q run g.ini --slots 2 $again
[ "$(sqlite3 qlaw.db 'SELECT group_concat(U || " " || round(epochs,2), ", ")
    FROM (SELECT U, epochs FROM points WHERE is_base ORDER BY D)')" = \
    "1920 0.51, 3800.0 2.0, 3800.0 10.0" ] ||
    fail "U: $(sqlite3 qlaw.db 'SELECT D, U, epochs FROM points WHERE is_base')"
rm -rf qlaw.db runs
# a database is a file, whatever SQLite makes of a name
for name in :memory: file:z.db 'file:z.db?mode=memory' 'file:///tmp/z.db'; do
    ends 2 "$name: a database is a file; one of that name is ./$name" \
        "$qlaw" --db "$name" run g.ini $again
    ends 2 "one of that name is ./$name" env QLAW_DB="$name" "$qlaw" status
done
[ ! -e runs ] || fail "something ran without a database"

cat >two.ini <<'INI'
[train]
lrr = 1
batch = x
INI
"$qlaw" check two.ini --json 2>/dev/null | python3 -c 'import json, sys
d = json.load(sys.stdin)
assert not d["ok"] and len(d["errors"]) == 2, d
assert all(e.startswith("two.ini:%d: " % (i + 2))
           for i, e in enumerate(d["errors"])), d' || fail "check --json"
"$qlaw" config g.ini --json train | python3 -c 'import json, sys
keys = {k["key"]: k for k in json.load(sys.stdin)["keys"]}
assert keys["train.batch"]["value"] == "2", keys
assert keys["train.batch"]["line"] == 8, keys
assert keys["train.tokens"]["how"] == "sweep", keys' || fail "config --json"
ends 3 "-s 'train.rate=1': unknown key 'train.rate'" \
    "$qlaw" check g.ini -s train.rate=1
ends 7 "nowhere.ini" "$qlaw" check nowhere.ini
ends 2 "check needs GRID.ini" "$qlaw" check

# The merged text is a grid of its own: the same one.
"$qlaw" check g.ini --canonical -s train.lr=2e-3 >merged.ini
"$qlaw" check merged.ini --canonical >again.ini
cmp merged.ini again.ini || fail "the merged text changes when read again"
"$qlaw" plan merged.ini --list --speed 1G >a.txt
"$qlaw" plan g.ini --list --speed 1G -s train.lr=2e-3 >b.txt
cmp a.txt b.txt || fail "the merged text is another grid"

# A note goes to stderr, data to stdout.
"$qlaw" check g.ini -s 'filter.exclude=D > 1G' >out.txt 2>notes.txt
[ "$(cat out.txt)" = "g.ini: ok (4 points, 4 runs)" ] || fail "stdout"
grep -q "note: " notes.txt && fail "a rule of the command line got a note"
says "g.ini: ok (2 points, 2 runs)" "$qlaw" check g.ini \
    -s 'filter.keep=D < 5k' -s 'filter.exclude=D < 3k'
ends 3 "unknown key 'kep' in [filter], did you mean 'keep'?" \
    "$qlaw" check g.ini -s 'filter.kep=D < 5k'
"$qlaw" -q check g.ini -s 'filter.x=1' 2>/dev/null && fail "filter.x is a key"

says "4 points, 4 runs (4 new)" "$qlaw" plan g.ini --speed 1G
ends 6 "budget.max_runs = 2, but the runs need 4" \
    "$qlaw" plan g.ini --speed 1G -s budget.max_runs=2
"$qlaw" plan g.ini --speed 1G --json >plan.json
grep -q '"schema":"qlaw/plan/1"' plan.json || fail "plan --json"
[ "$(grep -o '"point_id"' plan.json | wc -l)" = 4 ] || fail "plan --json runs"
[ "$("$qlaw" plan g.ini --speed 1G --list | wc -l)" = 5 ] || fail "--list"
[ ! -e qlaw.db ] || fail "plan made a database"

# --only and --skip choose what is started, twins with it: the grid stays.
"$qlaw" check g.ini --canonical >whole.ini
"$qlaw" check g.ini --canonical --only 'bits == 4 && D < 3k' >chosen.ini
cmp whole.ini chosen.ini || fail "--only is part of the grid"
says "ok (4 points, 4 runs, 2 of them chosen)" "$qlaw" check g.ini \
    --only 'bits == 4 && D < 3k'
says "chosen  2 points, 2 runs (2 to do) by --only 'D < 3k' --skip 'D < 1k'" \
    "$qlaw" plan g.ini --speed 1G --only 'D < 3k' --skip 'D < 1k'
[ "$("$qlaw" plan g.ini --speed 1G --list --only 'D < 3k' | wc -l)" = 3 ] ||
    fail "--list --only"
"$qlaw" plan g.ini --speed 1G --json --skip 'bits == 4 && D < 3k' >plan.json
[ "$(grep -o '"chosen":true' plan.json | wc -l)" = 2 ] || fail "plan --skip"
grep -q '"runs":4,"chosen":2,"to_do":2' plan.json || fail "counts of --skip"
says "4 points, 4 runs, 2 of them chosen" "$qlaw" run g.ini --dry-run \
    --only 'D < 3k'
says "     1      2 " "$qlaw" submit g.ini --dry-run --speed 1G --only 'D < 3k'
ends 6 "budget.max_runs = 1, but the runs need 2" \
    "$qlaw" plan g.ini --speed 1G -s budget.max_runs=1 --only 'D < 3k'

id=$("$qlaw" plan g.ini --speed 1G --list | awk '/int4 W/ {print $2; exit}')
says "not in the database" "$qlaw" plan g.ini --why "$id"
ends 2 "no point of the grid begins with 'zz'" "$qlaw" plan g.ini --why zz

# With a database: what is there counts, and a difference is named.
"$qlaw" -q run g.ini >/dev/null 2>&1 || fail "run ended with $?"
says "(0 new, 4 already in qlaw.db)" "$qlaw" plan g.ini --speed 1G
says "(4 new, 0 already in qlaw.db)" "$qlaw" plan g.ini --speed 1G \
    -s train.lr=9e-3
says "seed 1: done after 1 attempt" "$qlaw" plan g.ini --why "$id"
says "train.lr: here 0.003, there 0.009" "$qlaw" plan g.ini \
    -s train.lr=9e-3 --why "$id"

says "g.ini:10 (sweep)" "$qlaw" config g.ini --origin train.tokens
says "-s 'train.lr=5'" "$qlaw" config g.ini --origin train.lr -s train.lr=5
says "quant.w = int4" "$qlaw" config g.ini quant.w
says "quant.group" "$qlaw" keys group
says '"schema":"qlaw/keys/1"' "$qlaw" keys --json
ends 2 "no key matches 'wandb'" "$qlaw" keys wandb
for verb in check plan config keys; do
    "$qlaw" "$verb" --help >help.txt
    awk -v v="$verb" 'length > 80 {print v ": " $0; exit 1}' help.txt ||
        fail "help of $verb is too wide"
    [ "$(wc -l <help.txt)" -le 24 ] || fail "help of $verb is too long"
done
