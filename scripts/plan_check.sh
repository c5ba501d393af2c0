#!/bin/sh
# Does a grid take as long as `qlaw plan` says, once some of its runs are done?
#
#   scripts/plan_check.sh [GRID.ini [RUNS]]
#
# Trains RUNS (default 10) of the grid, asks how long the rest will take, trains
# the rest and compares.  The default grid is experiments/quickstart.ini, two
# minutes.  Other work on the machine shows in the answer.  QLAW_BUILD names the
# folder of a build (default build-test).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
qlaw=$(realpath "${QLAW_BUILD:-$root/build-test}")/harness/qlaw
grid=$(realpath "${1:-$root/experiments/quickstart.ini}")
runs=${2:-10}
dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-plan-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

left() { # seconds
    "$qlaw" plan "$grid" --json | sed 's/.*"wall_left_s":\([0-9.]*\).*/\1/'
}
before=$(left)
"$qlaw" -q run "$grid" --limit "$runs" || [ $? -eq 75 ]
planned=$(left)
start=$(date +%s.%N)
"$qlaw" -q run "$grid"
end=$(date +%s.%N)
done=$(sqlite3 qlaw.db "select count(*) from run where state='done'")
echo "$before $planned $start $end" | awk -v n="$runs" -v all="$done" '{
    took = $4 - $3
    printf "%d runs, the whole planned to take %.0f s before the first; after %d, ", all, $1, n
    printf "the rest %.1f s; it took %.1f s (plan/took %.3f)\n", $2, took, $2 / took }'
