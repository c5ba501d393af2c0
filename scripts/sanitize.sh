#!/bin/sh
# The whole suite under AddressSanitizer and UndefinedBehaviorSanitizer, in a
# build folder of its own.
#
#   scripts/sanitize.sh [BUILD [MESON-TEST-ARGUMENTS...]]
set -eu
build=${1:-build-sanitize}
[ $# -gt 0 ] && shift
cd "$(dirname "$0")/.."
[ -d "$build" ] || meson setup "$build" -Db_sanitize=address,undefined \
    -Db_lundef=false -Dbuildtype=debugoptimized >/dev/null
ninja -C "$build" >/dev/null
export QLAW_SHARED="${QLAW_SHARED:-$PWD/../shared}" OMP_WAIT_POLICY=passive
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
meson test -C "$build" --no-rebuild --timeout-multiplier 6 "$@"
