#!/bin/sh
# scripts/test.sh on other systems: Debian 12 and 13, with gcc and with clang,
# each in a folder that debootstrap makes.  A line for each; the logs stay.
#
#   scripts/other_systems.sh [SUITE/COMPILER...]    as in trixie/gcc
#
# As root, on a Debian system with debootstrap; packages come from where this
# system gets its own.  QLAW_CHROOTS names the folder of the systems (default
# other-systems; about 2 GB each), QLAW_MIRROR another archive, QLAW_TESTS what
# test.sh is given.  Exit 1 when one of them fails.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
chroots=${QLAW_CHROOTS:-other-systems}
[ $# -gt 0 ] || set -- bookworm/gcc bookworm/clang trixie/gcc trixie/clang

refuse() { echo "other_systems.sh: $*" >&2; exit 4; }
[ "$(id -u)" -eq 0 ] || refuse "only root can make and enter other systems"
command -v debootstrap >/dev/null || refuse "apt-get install debootstrap"

# The first archive this system's apt knows, in either of its two forms.
mirror_of_host() {
    cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
        /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^URIs: *\([^ ]*\).*/\1/p
                s/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' | head -n 1
}
mirror=${QLAW_MIRROR:-$(mirror_of_host)}
[ -n "$mirror" ] || refuse "no archive in /etc/apt; name one in QLAW_MIRROR"
mkdir -p "$chroots"
chroots=$(cd "$chroots" && pwd)

make_system() { # make_system SUITE
    [ ! -e "$chroots/$1.made" ] || return 0
    rm -rf "${chroots:?}/$1"
    debootstrap --variant=minbase \
        --include=ca-certificates,clang,libomp-dev,procps \
        "$1" "$chroots/$1" "$mirror" >"$chroots/$1.log" 2>&1 || return 1
    # What apt says here about how to reach the archive holds there, too.
    cp -r /etc/apt/apt.conf.d/. "$chroots/$1/etc/apt/apt.conf.d/"
    touch "$chroots/$1.made"
}

copy_tree() { # copy_tree SUITE: what git knows, and the reference data
    rm -rf "${chroots:?}/$1/qlaw"
    mkdir -p "$chroots/$1/qlaw"
    git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$chroots/$1/qlaw"
    if [ -n "${QLAW_SHARED:-}" ]; then
        mkdir -p "$chroots/$1/shared"
        cp -r "$QLAW_SHARED/data" "$chroots/$1/shared/"
    fi
}

test_system() { # test_system SUITE COMPILER
    make_system "$1" && copy_tree "$1" || return 1
    mount -t proc proc "$chroots/$1/proc" || return 1
    mount --bind /dev "$chroots/$1/dev" || return 1
    # shellcheck disable=SC2086 # arguments are meant to be split
    status=0
    chroot "$chroots/$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LC_ALL=C.UTF-8 CI=1 CC="$2" /qlaw/scripts/test.sh ${QLAW_TESTS:-} \
        >"$chroots/$1-$2.log" 2>&1 || status=$?
    # Lazily: what a test left behind may hold them for a moment.
    umount -l "$chroots/$1/dev" "$chroots/$1/proc"
    return $status
}

bad=0
for system in "$@"; do
    suite=${system%/*} compiler=${system#*/}
    if test_system "$suite" "$compiler"; then
        result=passed
    else
        result="FAILED, see $chroots/$suite-$compiler.log"
        bad=1
    fi
    echo "$suite $compiler: $result"
done
exit $bad
