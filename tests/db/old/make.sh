#!/bin/sh
# Write a database of a version as SQL, and what its views say, for test_upgrade;
# before a change of the tables, with a program that does not have it yet: two
# grids, runs that ended well, diverged and wait, curves, a fit, an imported
# table, a request, a tag, and what is deleted.
#
#   make.sh QLAW TEST_UPGRADE VERSION
#
# writes schema-VERSION.sql, what the program makes in an empty file;
# rows-VERSION.sql, a line a row; and views-VERSION.txt, what the views say.
# Version 1 had the tables of schema-1.sql; its rows are those of version 2.
set -eu
qlaw=$(realpath "$1")
views=$(realpath "$2")
version=$3
old=$(realpath "$(dirname "$0")")
. "$old/../../parts.sh"
dir=$(mktemp -d /tmp/qlaw-old-XXXXXX)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

markov_text
grid() { # grid NAME SEEDS LINE...
    name=$1 seeds=$2
    shift 2
    cat <<INI
[grid]
name = $name
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
seq_len = 16
[train]
batch = 4
lr = 0.01
[run]
log_every = 125
val_every = 125
[seeds]
list = $seeds
$(printf '%s\n' "$@")
INI
}
grid first 1,2 '[model]' 'd_model = 16, 24' '[train]' 'tokens = 8k, 16k' \
    '[block "q"]' 'quant.w = int4' 'quant.group = 8' >first.ini
grid second 1,2 '[model]' 'd_model = 16' '[train]' 'tokens = 8k' \
    '[block "q"]' 'quant.w = e2m1, int8' 'quant.group = 16' >second.ini
grid gone 1 '[model]' 'd_model = 8' '[train]' 'tokens = 4k' >gone.ini
awk 'BEGIN { print "N,D,G,E,M,loss,note"
    for (n = 1; n < 3; n++) for (d = 1; d < 3; d++) {
        printf "%d,%d,1,8,23,%.4f,a\n", n * 1e6, d * 1e8, 2 + 1 / n + .5 / d
        printf "%d,%d,32,2,1,%.4f,b\n", n * 1e6, d * 1e8, 2.1 + 1 / n + .5 / d
    } }' >table.csv

# What goes again has the highest numbers, so that a merge gives the same ones.
"$qlaw" run first.ini -q
"$qlaw" import csv table.csv --grid table -q
"$qlaw" run second.ini -q
"$qlaw" run gone.ini -q
for name in first second; do
    "$qlaw" fit $name --formula 'loss = E + A/N^0.3' -q >/dev/null ||
        [ $? -eq 8 ]
done
"$qlaw" db tag second +kept
"$qlaw" db delete gone
"$qlaw" db delete 28
sqlite3 qlaw.db "
  UPDATE attempt SET host='node1', boot_id='boot', log_path='runs/log';
  UPDATE env SET cpu_model='a processor', kernel='Linux';
  DELETE FROM result WHERE run_id IN (26, 27);
  UPDATE run SET state='diverged', state_reason='by hand' WHERE run_id=26;
  UPDATE attempt SET outcome='diverged', message='nan' WHERE run_id=26;
  UPDATE run SET state='pending' WHERE run_id=27;
  INSERT INTO request(run_id, wish, at) VALUES(27, 'pause', '2026-11-30');
  DELETE FROM event WHERE event_id % 8 > 0;"
sqlite3 qlaw.db "SELECT sql||';' FROM sqlite_schema WHERE sql IS NOT NULL
  ORDER BY rowid" >"$old/schema-$version.sql"
sqlite3 qlaw.db .dump | grep '^INSERT INTO ' >"$old/rows-$version.sql"
"$views" qlaw.db >"$old/views-$version.txt"
