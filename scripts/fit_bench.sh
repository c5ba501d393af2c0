#!/bin/sh
# One robust fit and 4000 bootstrap refits against scipy, in turn, one thread,
# CPU time: the figures of docs/fitting.md.
#
#   scripts/fit_bench.sh BUILD_FOLDER PEER.py [PAIRS]
#
# PEER.py times scipy on 240 points that it writes to the file it is given.
set -eu
[ $# -ge 2 ] || {
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
}
pairs=${3:-5}
points=$(mktemp)
trap 'rm -f "$points"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
i=0
while [ "$i" -lt "$pairs" ]; do
    i=$((i + 1))
    echo "== pair $i: scipy"
    /usr/bin/python3 "$2" "$points" | grep -E 'analytic: mean|bootstrap refit'
    echo "== pair $i: qlaw"
    "$1/tests/fit/bench_fit" "$points" 5
done
