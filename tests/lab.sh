#!/bin/sh
# The published runs give the published numbers: scripts/lab.sh against
# docs/lab/fits.txt, words as text, numbers to three digits (they are printed
# with up to seven, of which other compilers and libraries may round the last).
# Standard errors of a bootstrap are left out: where some replicate runs away
# they are as large as it ran.
#
#   lab.sh PROGRAM SOURCE
set -eu
QLAW=$(realpath "$1")
export QLAW
cd "$2"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
scripts/lab.sh >"$out"
awk '
function plain(w) { gsub(/^[\[(]+|[\]),;:]+$/, "", w); return w }
function number(w) { return w ~ /^[-+]?[0-9.]+(e[-+]?[0-9]+)?$/ }
NR == FNR { want[FNR] = $0; n = FNR; next }
{
    k = split(want[FNR], a, " "); bad = k != NF
    for (i = 1; i <= NF && !bad; i++) {
        if (i == 3 && $NF == "bootstrap")
            continue
        x = plain(a[i]); y = plain($i)
        if (number(x) && number(y))
            bad = (x - y) ^ 2 > (1e-3 * x) ^ 2 + 1e-18
        else
            bad = x != y
    }
    if (bad && shown++ < 10)
        printf "line %d: published %s\n          now       %s\n", FNR, want[FNR], $0
    wrong += bad
}
END {
    if (FNR != n) print "published " n " lines, now " FNR
    print n " lines, " wrong + 0 " differ"
    exit wrong > 0 || FNR != n || n < 50
}' docs/lab/fits.txt "$out"
