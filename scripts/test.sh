#!/bin/sh
# Build and run every test.  Where CI is set, warnings are errors; a new compiler's
# warning stops nobody else.
#
#   scripts/test.sh                 everything (under 15 minutes on two cores)
#   scripts/test.sh --suite quick   arguments go to `meson test`
#
# QLAW_SHARED may name a folder with the reference data sets; tests that want
# it skip loudly when it is absent.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh

build=${QLAW_TEST_BUILD:-build-test}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { # its output is shown only when it fails
    "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
again=
[ ! -f "$build/build.ninja" ] || again=--reconfigure
quietly meson setup $again "$build" -Dtests=enabled \
    -Dwerror="$([ -n "${CI:-}" ] && echo true || echo false)"
quietly ninja -C "$build"

if [ -z "${QLAW_SHARED:-}" ] && [ -d ../shared/data ]; then
    QLAW_SHARED=$(cd ../shared && pwd)
    export QLAW_SHARED
fi
[ -n "${QLAW_SHARED:-}" ] ||
    echo "test.sh: QLAW_SHARED is not set: tests on reference data SKIP" >&2
meson test -C "$build" --no-rebuild --print-errorlogs "$@"
