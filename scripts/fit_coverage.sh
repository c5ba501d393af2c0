#!/bin/sh
# How often do the 95 % intervals of every law hold the truth?  Prints the table
# of docs/fitting.md; 2000 replicates take about an hour on one core.
#
#   scripts/fit_coverage.sh [BUILD_FOLDER] [REPLICATES] [LAW]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
replicates=${2:-400}
program=$build/tests/fit/test_fit_coverage
[ -x "$program" ] || {
    echo "no $program: build first (meson setup $build && ninja -C $build)"
    exit 2
}
exec "$program" "$replicates" ${3:+"$3"}
