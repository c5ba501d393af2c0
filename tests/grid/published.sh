#!/bin/sh
# The grids of experiments/ give the points, and the twins and parents, that were
# published: every identity is made again from the text and the corpus.
#
#   published.sh QLAW SOURCE_ROOT          QLAW_SHARED: where the corpus is
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
root=$2
corpus=${QLAW_SHARED:-}/data/corpus
if [ ! -f "$corpus/train-00.txt.zst" ]; then
    echo "SKIPPED: QLAW_SHARED names no folder with data/corpus: identities of published runs are not made again"
    exit 77
fi

dir=$(mktemp -d /tmp/qlaw-published-XXXXXX)
trap 'status=$?; [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

n=0
for results in "$root"/experiments/results/*/; do
    grid=$(basename "$results")
    "$qlaw" import "$results" -q >/dev/null
    "$qlaw" plan "$root/experiments/$grid.ini" -s "data.path=$corpus/train-00.txt.zst" \
        -s "data.val=$corpus/val_iid.txt.zst" >said.txt 2>&1 || fail "$(cat said.txt)"
    grep -q "^$grid: [0-9]* points, \([0-9]*\) runs (0 new, \1 already in" said.txt ||
        fail "$(head -3 said.txt)"
    n=$((n + 1))
done
[ $n -ge 12 ] || fail "only $n grids are published"
echo "$n grids, $(sqlite3 qlaw.db 'select count(*) from point') points: the same identities"
