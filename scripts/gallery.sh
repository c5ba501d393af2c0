#!/bin/sh
# Draw every figure of docs/gallery.md again: the page's own commands are run, in
# their order.  The quickstart's runs take about two minutes on two free cores; what
# is done is not done again.
#
#   scripts/gallery.sh            pictures go to docs/gallery/
#
# QLAW names the program (default build/harness/qlaw), QLAW_GALLERY the folder
# of the database (default gallery).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
work=${QLAW_GALLERY:-gallery}
mkdir -p "$work/bin" docs/gallery
cd "$work"
ln -sf "$qlaw" bin/qlaw
PATH=$PWD/bin:$PATH

# A fit is made once, so that the page's fit numbers stay true.
fits=$(qlaw query 'select count(*) from fit' --format csv 2>/dev/null |
    tail -n 1 || :)
sed -n 's/^\$ \(qlaw .*\)/\1/p' "$root/docs/gallery.md" | sed \
    "s|experiments/|$root/&|" >commands
while read -r command; do
    case $command in
    "qlaw fit"*) [ "${fits:-0}" -ge 2 ] && continue ;;
    esac
    echo "\$ $command" >&2
    # 1: some runs diverged, 8: not identifiable; both belong to a picture.
    sh -c "$command" </dev/null >/dev/null || [ $? -eq 1 ] || [ $? -eq 8 ]
done <commands
cp figures/*.svg "$root/docs/gallery/"
echo "pictures: $root/docs/gallery" >&2
