#!/bin/sh
# From a fresh Debian 12 to a fitted law: install what is missing, build, run
# experiments/quickstart.ini to the end and say where the report is.
# Running it again continues where it stopped.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh --build

build=${QLAW_BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build" >/dev/null
ninja -C "$build" --quiet

qlaw="$PWD/$build/qlaw"
out=${QLAW_QUICKSTART:-quickstart}
mkdir -p "$out"
cd "$out"
grid=../experiments/quickstart.ini
[ -f "$grid" ] || grid=$(dirname "$qlaw")/../experiments/quickstart.ini

"$qlaw" plan "$grid"
# Exit 1 says that some runs diverged or failed, which the report shows.
"$qlaw" run "$grid" || [ $? -eq 1 ]
"$qlaw" fit quickstart
"$qlaw" report quickstart
