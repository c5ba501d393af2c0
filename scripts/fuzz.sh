#!/bin/sh
# Every fuzzer for some minutes each, under AddressSanitizer and
# UndefinedBehaviorSanitizer, in a build folder of its own.
#
#   scripts/fuzz.sh [MINUTES [SEED [NAME...]]]
#
# NAME: grid expr lines csv checkpoint runs merge (default: all, 60 minutes each).  Ends with
# the first finding; its input and the seed are printed.
set -eu
minutes=${1:-60}
seed=${2:-$(date +%Y%m%d)}
[ $# -le 2 ] && set -- 0 0 grid expr lines csv checkpoint runs merge
shift 2
cd "$(dirname "$0")/.."
build=${QLAW_FUZZ_BUILD:-build-fuzz}
[ -d "$build" ] || meson setup "$build" -Db_sanitize=address,undefined \
    -Db_lundef=false -Dbuildtype=debugoptimized >/dev/null
export ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
seconds=$(awk "BEGIN { print $minutes * 60 }")

for name in "$@"; do
    if [ "$name" = grid ]; then
        ninja -C "$build" tests/grid/fuzz_grid >/dev/null
        "$build/tests/grid/fuzz_grid" tests/grid/grids "$seconds" "$seed"
    else
        ninja -C "$build" "tests/fuzz/fuzz_$name" >/dev/null
        "$build/tests/fuzz/fuzz_$name" "$seconds" "$seed"
    fi
done
echo "no finding"
