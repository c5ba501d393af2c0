#!/bin/sh
# From a fresh Debian to a fitted law: install what is missing, build, run
# experiments/quickstart.ini to the end and say where the report is.
# Running it again continues where it stopped.
#
#   scripts/quickstart.sh
#
# QLAW_BUILD names the build folder, QLAW_QUICKSTART the folder of the results.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
say() { printf '%s\n' "quickstart: $*" >&2; }
say "looking for what the build needs (apt-get installs what is missing)"
scripts/install-deps.sh --build

build=${QLAW_BUILD:-build}
out=${QLAW_QUICKSTART:-quickstart}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

quietly() { # its output is shown only when it fails
    "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
[ -f "$build/build.ninja" ] || quietly meson setup "$build" -Dtests=disabled
say "compiling into $build (half a minute to two; nothing when it is done)"
quietly ninja -C "$build"

case $build in /*) ;; *) build=$root/$build ;; esac
qlaw=$build/harness/qlaw
mkdir -p "$out"
cd "$out"
grid=$root/experiments/quickstart.ini

say "84 small models come now; the plan says how long that takes here"
echo "\$ qlaw plan quickstart.ini"
"$qlaw" plan "$grid"
echo "\$ qlaw run quickstart.ini"
# Exit 1 says that some runs diverged or failed, which the report shows.
"$qlaw" run "$grid" || [ $? -eq 1 ]
echo "\$ qlaw fit quickstart"
"$qlaw" fit quickstart
echo "\$ qlaw report quickstart"
"$qlaw" report quickstart
echo "The page to open: $PWD/report/quickstart.html"
