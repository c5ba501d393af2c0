#!/bin/sh
# What is said of a grid does not change, not by one byte, when other grids, other
# texts and seeds of the same points come into the file.
#
#   others.sh PROGRAM SOURCE
set -eu
QLAW=$(realpath "$1")
results=$(realpath "$2")/experiments/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
q() { "$QLAW" --db q.db "$@"; }

# Everything that is printed of two grids.
say() {
    q query cost int-vs-fp
    q query best-split int-vs-fp
    q query cost operands --format csv
    q compare --arms --grid int-vs-fp int4 e2m1
    q compare --arms --grid int-vs-fp 'int4 W+A g8' 'int4 W+A tensor' --json
    q compare int-vs-fp operands
    q fit int-vs-fp --paired --no-store || [ $? -eq 8 ]
    q report int-vs-fp --no-fit --format md >/dev/null
    sed -n '/^## The answer/,/^## How to do it again/p' report/int-vs-fp.md |
        grep -v 'Made by'
}

q import "$results/int-vs-fp" >/dev/null
q import "$results/operands" >/dev/null
say >before
[ "$(wc -l <before)" -gt 100 ] || { echo "too little is said"; exit 1; }
q import "$results/transfer" >/dev/null  # another text
q import "$results/qat-law" >/dev/null   # shares points, and adds cells
q import "$results/critical" >/dev/null
# More seeds of the same points, in a grid of their own, far from the others.
sqlite3 q.db "
  INSERT INTO grid(name, ini_text, ini_sha256, argv) VALUES('more', '', '', '');
  INSERT INTO grid_point(grid_id, point_id, ordinal, block, seeds)
    SELECT (SELECT max(grid_id) FROM grid), point_id, ordinal, block, '[91]'
    FROM grid_point JOIN grid USING(grid_id) WHERE name = 'int-vs-fp';
  INSERT INTO run(point_id, seed, data_seed, state)
    SELECT point_id, 91, 91, 'done' FROM grid_point WHERE grid_id =
    (SELECT max(grid_id) FROM grid);
  INSERT INTO result(run_id, loss, steps, tokens)
    SELECT run_id, 9 + run_id % 7, 1, 1 FROM run WHERE seed = 91;"
say >after
cmp before after || { diff before after | head -20; exit 1; }

# Seeds alone are no difference, whatever they do.
point=$(sqlite3 q.db "SELECT substr(point_id, 1, 12) FROM points WHERE seeds > 2
    AND grid LIKE '%int-vs-fp%' ORDER BY 1 LIMIT 1")
q compare "$point-1" "$point-2" >seeds
grep -q 'no key differs, so this is what seeds differ by\|no key differs: ' seeds
! grep -q 'b is \(worse\|better\)' seeds
