#!/bin/sh
# Tables of others as grids, from outside: what is corrected, repeated, joined,
# unpaired or pooled is said; the same table gives the same fit either way.
#
#   import.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-import-XXXXXX)
trap 'status=$?
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

import() { "$qlaw" import "$@"; }

# rows FACTOR SEEDS: loss = FACTOR (1.8 + 400/N^0.34 + 410/D^0.28), and twice
# that many thousandths more with int4 in groups of 32 and 128.
rows() {
    awk -v f="$1" -v seeds="$2" 'BEGIN {
        print "N,D,fmt,G,loss"
        for (n = 1e6; n <= 64e6; n *= 4) for (d = 2e7; d <= 5e8; d *= 5)
            for (s = 1; s <= seeds; s++) {
                y = f * (1.8 + 400 / n^0.34 + 410 / d^0.28) + 0.001 * (s % 2)
                printf "%d,%d,none,,%.5f\n", n, d, y
                printf "%d,%d,int4,32,%.5f\n", n, d, y + 0.01
                printf "%d,%d,int4,128,%.5f\n", n, d, y + 0.02
            } }'
}

# The same again is nothing, a corrected table is an error that names its rows,
# and --replace puts them right.
rows 1 1 >v1.csv
rows 0.9 1 >v2.csv
ends 0 "grid 'a': 36 runs of 36 points" import v1.csv --grid a
ends 0 "0 runs of 0 points, 36 there already" import v1.csv --grid a
before=$(sqlite3 qlaw.db 'SELECT sum(loss) FROM result')
ends 2 "36 rows of v2.csv differ from what grid 'a' has: line 2: loss" \
    import v2.csv --grid a
is "$before" 'SELECT sum(loss) FROM result'
is 1 'SELECT count(*) FROM grid'
ends 0 "36 there already, 36 of them with another loss now" \
    import v2.csv --grid a --replace
is 36 'SELECT count(*) FROM result'
[ "$(sqlite3 qlaw.db 'SELECT sum(loss) FROM result')" != "$before" ] ||
    fail "--replace changed nothing"
ends 0 "0 runs of 0 points, 36 there already" import v2.csv --grid a

# Half of a table corrected: only those rows.
sed '3s/[0-9.]*$/7.5/; 5s/[0-9.]*$/7.25/' v2.csv >v3.csv
ends 2 "2 rows of v3.csv differ" import v3.csv --grid a
ends 2 "line 3: loss 7.5, and seed 1" import v3.csv --grid a

# So is an error of the loss.
awk -F, 'NR == 1 { print $0 ",loss_se"; next } { print $0 ",0.5" }' v1.csv >se1.csv
sed 's/,0.5$/,0.01/' se1.csv >se2.csv
import se1.csv --grid se >log
ends 2 "with another loss_se than seed 1" import se2.csv --grid se
ends 0 "36 there already, 36 of them" import se2.csv --grid se --replace
is 0.01 'SELECT DISTINCT loss_se FROM result WHERE loss_se IS NOT NULL'

# A grid without groups is one of sizes and tokens alone.
cut -d, -f1,2,5 v1.csv | awk 'NR == 1 || NR % 3 == 2' >plain.csv
import plain.csv --grid plain >log
ends 0 "chinchilla on 12 rows" "$qlaw" fit plain --no-store

# Replicates without a column seed are as many runs, equal or not, and all of
# them are the grid's.
rows 1 3 >reps.csv
ends 0 "grid 'r': 108 runs of 36 points" import reps.csv --grid r
is 108 "SELECT count(*) FROM grid_run JOIN grid USING(grid_id) WHERE name = 'r'"
is 108 "SELECT sum(runs) FROM grid_count JOIN grid USING(grid_id)
        WHERE name = 'r'"
ends 0 "0 runs of 0 points, 108 there already" import reps.csv --grid r
ends 0 "chinchilla on 108 rows" "$qlaw" fit r --law chinchilla --no-store

# Rows of another file join the grid; the first file again changes nothing.
head -19 v1.csv >first.csv
(head -1 v1.csv; tail -18 v1.csv) >more.csv
import first.csv --grid j >log
ends 0 "18 runs of 18 points, beside 18 it had" import more.csv --grid j
ends 0 "chinchilla on 36 rows" "$qlaw" fit j --law chinchilla --no-store
ends 0 "0 runs of 0 points, 18 there already" import first.csv --grid j
ends 0 "chinchilla on 36 rows" "$qlaw" fit j --law chinchilla --no-store
is 36 "SELECT sum(runs) FROM grid_count JOIN current_grid USING(grid_id)
       WHERE name = 'j'"

# A file without a usable row changes nothing and is an error.
printf 'N,D,loss\nmany,1e9,3\n,,\n' >none.csv
ends 3 "no row of none.csv can be a run; line 2: N is 'many'" \
    import none.csv --grid j
ends 0 "chinchilla on 36 rows" "$qlaw" fit j --law chinchilla --no-store

# A grid that was trained here is not joined.
sqlite3 qlaw.db "INSERT INTO grid(name, ini_text, ini_sha256, argv)
    VALUES('own', '[grid]', 'x', '')"
ends 2 "grid 'own' is one that was described and trained here" \
    import v1.csv --grid own

# Costs by format and group, though nobody gave arms.
[ "$(sqlite3 qlaw.db "SELECT DISTINCT arm FROM points WHERE grid = 'a'
    ORDER BY 1" | tr '\n' ,)" = "int4 g128,int4 g32,unquantized," ] ||
    fail "arms of an import: $(sqlite3 qlaw.db 'SELECT DISTINCT arm FROM point')"
ends 0 "int4 g128" "$qlaw" query cost a

# The same rows give the same fit from the file and from the grid.
constants() { "$qlaw" fit "$@" --law qat-delta --profile --json | tr ',' '\n' |
    grep -o '"objective":.*'; }
[ "$(constants --data v1.csv)" = "$(import v1.csv --grid same >log
    constants same --no-store)" ] || fail "a table and its grid fit differently"

# Twins under other names are asked about, with the words that name them.
for name in bf16 FP16 baseline Full; do
    sed "s/,none,/,$name,/" v1.csv >"$name.csv"
    ends 2 "is it --base fmt=$name?" import "$name.csv" --grid "t$name"
    ends 0 "36 runs of 36 points" \
        import "$name.csv" --grid "t$name" --base "fmt=$name"
    ends 0 "int4 g32" "$qlaw" query cost "t$name"
    ends 0 "qat-delta on 36 rows" "$qlaw" fit --data "$name.csv" --base \
        "fmt=$name" --law qat-delta
    case $("$qlaw" fit --data "$name.csv" --law qat-delta 2>&1) in
    *"--base"*) ;;
    *) fail "fit --data does not say that $name may be the twin" ;;
    esac
done
ends 0 "24 of 24 quantized points have no unquantized twin" \
    import bf16.csv --grid alone --base none --where 'fmt != bf16'
ends 2 "no row of v1.csv has 'int9' in column fmt" \
    import v1.csv --grid t --base fmt=int9
ends 2 "has no column 'format'" import v1.csv --grid t --base format=int4

# Columns of a tracker that no twin shares are asked about by name.
awk -F, 'NR == 1 { print $0 ",run,state,minutes"; next }
    { print $0 ",brave-" NR ",finished," NR * 1.5 }' v1.csv >tracker.csv
ends 2 "because columns run,minutes differ" import tracker.csv --grid w
ends 0 "36 runs of 36 points" import tracker.csv --grid w --drop run,minutes
ends 0 "int4 g32" "$qlaw" query cost w
ends 2 "no column 'minuts', did you mean 'minutes'" \
    import tracker.csv --grid w2 --drop minuts

# Settings that a law does not know are not seeds: said, and the best chosen.
awk -F, 'NR == 1 { print "N,D,lr,loss"; next } $3 == "none" {
    for (lr = 1; lr <= 3; lr++) print $1 "," $2 "," lr / 100 "," $5 + (lr - 2)^2 / 9
    }' v1.csv >sweep.csv
ends 0 "differ in lr (3" "$qlaw" fit --data sweep.csv --law chinchilla
ends 0 "on 12 rows" "$qlaw" fit --data sweep.csv --law chinchilla \
    --best loss --by N,D
case $out in
*rows_pooled*) fail "the best of each cell is still called pooled" ;;
*"alpha"*"0.34"*) ;;
*) fail "the best of each cell: $out" ;;
esac
ends 2 "needs --by" "$qlaw" fit --data sweep.csv --law chinchilla --best loss
ends 2 "--by: sweep.csv has no column 'M'" "$qlaw" fit --data sweep.csv \
    --law chinchilla --best loss --by N,M
ends 0 "12 runs of 12 points" import sweep.csv --grid s --best loss --by N,D
awk -F, 'NR == 1 { print $0 ",seed,ppl"; next } { print $0 "," NR % 3 "," exp($5) }' \
    reps.csv >seeds.csv
case $("$qlaw" fit --data seeds.csv --law qat-delta) in
*rows_pooled*) fail "seeds and what was measured are called settings" ;;
esac

# Names: columns called like constants.
awk -F, 'NR == 1 { print $0 ",E,alpha"; next } { print $0 "," NR % 4 ",0.1" }' \
    sweep.csv >names.csv
ends 0 "parameters: E, A, alpha, B, beta" "$qlaw" fit --data names.csv \
    --best loss --by N,D --formula 'loss = E + A/N^alpha + B/D^beta' \
    --start alpha=0.3
ends 0 "(name_taken): E is a constant here" "$qlaw" fit --data names.csv \
    --best loss --by N,D --law chinchilla
ends 0 "variables: E, N" "$qlaw" fit --data names.csv --best loss --by N,D \
    --formula 'loss = c + b*E + A/N^0.34'
ends 0 "variables: N, D; parameters: E, A, alpha, B, beta" "$qlaw" fit same \
    --no-store --formula 'loss = E + A/N^alpha + B/D^beta'
ends 0 "chinchilla on 12 rows" "$qlaw" fit --data sweep.csv --best loss \
    --by N,D --law chinchilla --map 'other=lr'
ends 0 "on 36 rows" "$qlaw" fit --data tracker.csv --map 'P=minutes,x=state' \
    --law chinchilla

# One dialect on both sides.
for where in 'N > 1M && fmt == int4' "N > 1e6 and fmt = 'int4'" \
    'N > 1000000 AND fmt = "int4"' "not N <= 1M and fmt in ('int4', 'none')" \
    'N between 4e6 and 64M && fmt != none'; do
    table=$("$qlaw" fit --data v1.csv --law chinchilla --where "$where" 2>&1 |
        grep -o ' on [0-9]* rows')
    grid=$("$qlaw" fit same --no-store --law chinchilla --where "$where" 2>&1 |
        grep -o ' on [0-9]* rows')
    [ -n "$table" ] && [ "$table" = "$grid" ] ||
        fail "--where $where: '$table' of a table, '$grid' of its grid"
done
ends 2 "(as SQL; as an expression, column 1: unknown name 'params')" \
    "$qlaw" fit same --no-store --law chinchilla --where 'params > 1'

# One standard deviation of nearly nothing is none.
awk -F, 'NR == 1 { print $0 ",se"; next }
    { print $0 "," (NR == 4 ? "1e-300" : "0.005") }' plain.csv >sigma.csv
ends 0 "line 4: se is 1e-300, not a standard deviation beside the others" \
    "$qlaw" fit --data sigma.csv --law chinchilla --weight-sigma se
