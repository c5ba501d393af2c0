#!/bin/sh
# Do published losses come again?  Draw runs at random from a grid of
# experiments/results, train each from its stored configuration, and compare
# loss and weights bit for bit (on the instruction set they were made with).
#
#   scripts/lab_rerun.sh CORPUS [GRID [COUNT [SEED [MAX_FLOPS]]]]
#
# CORPUS is the folder with train-00.txt.zst, val_iid.txt.zst, val_new.txt.zst;
# GRID defaults to qat-law, COUNT to 10.  QLAW names the program.
set -eu
corpus=$(realpath "$1")
grid=${2:-qat-law} count=${3:-10} seed=${4:-1} most=${5:-1e18}
cd "$(dirname "$0")/.."
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$qlaw" -q --db "$dir/qlaw.db" import "experiments/results/$grid" >/dev/null
sqlite3 -separator '	' "$dir/qlaw.db" "
  select r.run_id, r.seed, r.data_seed, printf('%!.17g', s.loss),
         s.weights_sha256, p.arm, p.n_body, p.tokens
  from run r join point p using(point_id) join result s using(run_id)
  where r.state='done' and p.flops_plan < $most
  order by (r.run_id * 7919 + $seed * 104729) % 10007, r.run_id limit $count" >"$dir/drawn"
differ=0
while IFS='	' read -r id s d loss weights arm n tokens; do
    sqlite3 "$dir/qlaw.db" "select settings from run join point using(point_id)
        where run_id=$id" >"$dir/config.json"
    "$qlaw" train -c "$dir/config.json" --seed "$s" --data-seed "$d" \
        -s data.path="$corpus/train-00.txt.zst" \
        -s data.val="$corpus/val_iid.txt.zst" \
        -s data.probe="$corpus/val_new.txt.zst" --metrics "$dir/lines" 2>"$dir/log" ||
        { cat "$dir/log"; exit 1; }
    again=$(tail -n 1 "$dir/lines" | sed 's/.*"loss":\([^,]*\),.*/\1/')
    same=differs
    if tail -n 1 "$dir/lines" | grep -q "\"weights_sha256\":\"$weights\"" &&
        [ "$(printf '%.17g' "$again")" = "$(printf '%.17g' "$loss")" ]; then
        same=same
    else
        differ=$((differ + 1))
    fi
    echo "run $id  $arm  N=$n D=$tokens seed $s: $loss, again $again: $same"
    rm -f "$dir/lines"
done <"$dir/drawn"
echo "$grid: $(wc -l <"$dir/drawn") runs, $differ differ"
[ "$differ" = 0 ]
