#!/bin/sh
# Install what qlaw needs from Debian 12's own archive.  Idempotent; asks the
# network only when something is missing; works as root and through sudo.
#
#   scripts/install-deps.sh          to build, test and run the quickstart
#   scripts/install-deps.sh --build  to build and run only
set -eu

build="build-essential meson ninja-build pkg-config libgsl-dev libsqlite3-dev
libcurl4-openssl-dev libinih-dev libjansson-dev libssl-dev libzstd-dev
zlib1g-dev gnuplot-nox sqlite3 perl-doc scdoc git ca-certificates"
test="libcmocka-dev mandoc strace"
# Tests that a real Slurm and scripts in Python make better, but do not need.
extra="slurm-wlm munge python3"

want=$build
[ "${1:-}" = "--build" ] || want="$want $test"

if [ "${1:-}" != "--build" ] && [ "${QLAW_DEPS_EXTRA:-yes}" = yes ]; then
    can=$(apt-cache policy $extra 2>/dev/null | grep -c 'Candidate: [0-9]' || :)
    [ "$can" != 3 ] || want="$want $extra"
fi

missing=
for package in $want; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "install-deps: not a Debian system; please install:$missing" >&2
    exit 4
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: as root, run: apt-get install$missing" >&2
        exit 4
    fi
    as_root=sudo
fi
echo "install-deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
