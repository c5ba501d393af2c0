#!/bin/sh
# Draw every figure of docs/gallery.md again: run experiments/gallery.ini (five
# minutes on two cores; what is done is not done again), fit, draw.
#
#   scripts/gallery.sh            pictures go to docs/gallery/
#
# QLAW names the program (default build/harness/qlaw), QLAW_GALLERY the folder
# of the database (default gallery).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
qlaw=${QLAW:-$root/build/harness/qlaw}
work=${QLAW_GALLERY:-gallery}
mkdir -p "$work"
cd "$work"

"$qlaw" run "$root/experiments/gallery.ini" || [ $? -eq 1 ]
# The law is of weights and activations together; the splits have one of their
# own, in exponent and mantissa bits.
both="is_base or arm like '%W+A g%'"
"$qlaw" fit gallery --law capybara --where "is_base or arm like '% W g%'" ||
    [ $? -eq 8 ]
bits=$("$qlaw" query "select max(fit_id) from fit" --format csv | tail -n 1)
"$qlaw" fit gallery --where "$both" || [ $? -eq 8 ]

draw() { # draw FIGURE [OPTIONS]
    "$qlaw" -q plot "$1" gallery --out figures "$@" >/dev/null
    cp "figures/$1.svg" "$root/docs/gallery/"
}
