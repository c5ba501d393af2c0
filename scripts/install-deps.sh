#!/bin/sh
# Install what qlaw needs from Debian's own archive (12 or 13).  Idempotent; asks the
# network only when something is missing; works as root and through sudo.
#
#   scripts/install-deps.sh          to build, test and run the quickstart
#   scripts/install-deps.sh --build  to build and run only
set -eu

build="build-essential meson ninja-build pkg-config libgsl-dev libsqlite3-dev
libcurl4-openssl-dev libinih-dev libjansson-dev libssl-dev libzstd-dev
zlib1g-dev gnuplot-nox sqlite3 scdoc git ca-certificates"
test="libcmocka-dev mandoc strace"
# Tests that a real Slurm, scripts in Python and the layout's judge make better,
# but do not need.
extra="slurm-wlm munge python3 clang-format"

want=$build
[ "${1:-}" = "--build" ] || want="$want $test"

missing_of() { # missing_of PACKAGE...
    for package; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
        [ "$state" = installed ] || printf ' %s' "$package"
    done
}
# shellcheck disable=SC2086 # the lists are meant to be split
missing=$(missing_of $want)
# shellcheck disable=SC2086
others=$([ "${1:-}" = "--build" ] || missing_of $extra)
[ -n "$missing$others" ] || exit 0

if ! command -v apt-get >/dev/null; then
    [ -n "$missing" ] || exit 0
    echo "install-deps: not a Debian system; please install:$missing" >&2
    exit 4
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        [ -n "$missing" ] || exit 0
        echo "install-deps: as root, run: apt-get install$missing" >&2
        exit 4
    fi
    as_root=sudo
fi
install() { # install PACKAGE...
    echo "install-deps: installing $*" >&2
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
if [ -n "$missing" ]; then
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    install $missing
fi
# Where the archive does not have them, or cannot be reached, tests skip.
for package in $others; do
    ! apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' ||
        install "$package" || echo "install-deps: goes on without $package" >&2
done
