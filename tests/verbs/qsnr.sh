#!/bin/sh
# qlaw qsnr: of a run of the database, of a folder, of a post-training run; from
# the weights that were kept, and from a training done again; what is wrong.
#
#   qsnr.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-qsnr-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

markov_text
cat >grid.ini <<'INI'
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 32
d_ff = 64
seq_len = 32
[train]
batch = 4
tokens = 16k
[post]
w = int4
fit = rtn
[run]
keep_weights = yes
INI
"$qlaw" run grid.ini -q
parent=$(sqlite3 qlaw.db "select run_id from run join point using(point_id) where is_base")
child=$(sqlite3 qlaw.db "select run_id from run join point using(point_id) where not is_base")
folder=$(find runs -name weights | sed 's|/weights||')

"$qlaw" qsnr "$parent" --json >kept.json 2>err.txt
! grep -q 'is done first' err.txt || fail "kept weights were not used"
"$qlaw" qsnr "$child" --json >child.json
"$qlaw" qsnr "$folder" --json >folder.json
rm "$folder/weights"
"$qlaw" qsnr "$parent" --json >again.json 2>err.txt
grep -q 'is done first' err.txt || fail "there were no weights"
for other in child folder again; do
    cmp kept.json $other.json || fail "$other differs"
done
[ ! -e "$folder/weights" ] || fail "weights were left"

# 4 matrices, 6 operands, 8 formats; the paper's winner of the 8-bit pair.
[ "$(grep -o '"qsnr_db"' kept.json | wc -l)" = $((4 * 6 * 8)) ]
"$qlaw" qsnr "$parent" --formats mxint8,mxfp8 --rotate 16 >said.txt 2>/dev/null
[ "$(grep -c '4/4' said.txt)" = 12 ] || fail "$(cat said.txt)"
tr -s '\n ' '  ' <said.txt | grep -q 'up to a crest factor of 7.5[0-9] (rho 1.5), more than a block can have' ||
    fail "$(tail -3 said.txt)"

# The picture: a panel for each pair, with the crossing of the curves; 4 x 6 points of
# two formats in each.
if command -v gnuplot >/dev/null; then
    "$qlaw" qsnr "$parent" --plot --formats mxint8,mxfp8,nvint4,nvfp4,int4/row,int8/row >said.txt 2>errors
    grep -q figures/qsnr.svg said.txt || fail "$(cat said.txt)"
    tr -s '\n ' '  ' <errors | grep -q 'expects more keeps more in 4[0-9] of 48 pairs' || fail "$(cat errors)"
    [ "$(awk -F'\t' '/^# points/ { on = 1 } /^# curves/ { on = 0 } on && $1 ~ /^[01]$/' figures/qsnr.dat | wc -l)" = 96 ] ||
        fail "points"
    awk -F'\t' '/^# marks/ { on = 1 } on && $5 == "2.15" { n++ } END { exit n != 1 }' figures/qsnr.dat ||
        fail "no crossing"
else
    echo "SKIPPED: no gnuplot, no picture"
fi
ends 2 "the error model knows none" "$qlaw" qsnr "$parent" --plot --formats int4/row,int8/row
ends 2 "--theme goes with --plot" "$qlaw" qsnr "$parent" --theme dark
ends 2 "two and two, which 3 are not" "$qlaw" qsnr "$parent" --formats int4,int8,e2m1
ends 3 "did you mean 'mxfp4'" "$qlaw" qsnr "$parent" --formats mxpf4,int4
ends 3 "does not divide the reduction axis" "$qlaw" qsnr "$parent" --formats int4/g48,int8
ends 2 "no run" "$qlaw" qsnr 99
