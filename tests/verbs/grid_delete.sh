#!/bin/sh
# Deleting, renaming and tagging, from outside: no verb shows what is deleted,
# undelete gives the same answers as before, a rebuild and a run say what they
# do, and a vacuum asks.
#
#   grid_delete.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-delete-XXXXXX)
trap 'status=$?
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"

hides() { # hides TEXT COMMAND...: whatever it ends with
    text=$1
    shift
    out=$("$@" 2>&1) || :
    case $out in
    *"$text"*) fail "$* shows '$text': $out" ;;
    esac
}

markov_text
grid() { # grid NAME FORMAT
    cat <<INI
[grid]
name = $1
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
batch = 4
lr = 0.01
[sweep]
train.tokens = 8k, 16k
[block "q"]
quant.w = $2
quant.group = 8
INI
}
grid first int4 >first.ini
grid second int8 >second.ini
"$qlaw" run first.ini -q || fail "first ended with $?"
"$qlaw" run second.ini -q || fail "second ended with $?"
# Two twins are in both.
is 6 "select count(*) from run"

# Every answer that does not tell the time of day or the path of a file.
answers() {
    for question in status "query progress" "query runs" "query deltas" \
        "query cells" "query cost" "compare first second" "plot loss-vs-D first --term dumb" \
        "show $run"; do
        # shellcheck disable=SC2086
        echo "--- $question" && "$qlaw" $question 2>&1 || :
    done
    sqlite3 qlaw.db "select * from points; select * from curves;
        select * from grid_run order by 1, 2"
}
run=$(sqlite3 qlaw.db "select run_id from runs where grid='first' and
    fmt='int4' limit 1")
answers >before.txt

echo "tags"
ends 0 "+good +paper-2026" "$qlaw" db tag first +paper-2026 +good
ends 0 "+odd" "$qlaw" db tag "$run" +odd
ends 0 "+paper-2026" "$qlaw" db tag first --remove good
ends 0 "no tags" "$qlaw" db tag second -- -good
ends 0 '"tags":["odd"]' "$qlaw" db tag "$run" --json
ends 2 "control" "$qlaw" db tag first "$(printf '+a\033[31m')"
ends 2 "control" "$qlaw" db tag first "$(printf '+\302\233')"
ends 2 "none of ' ,+'" "$qlaw" db tag first "+a b"
ends 2 "say +x" "$qlaw" db tag first x
ends 2 "no grid and no run 'nobody'" "$qlaw" db tag nobody +x
ends 0 "first +paper-2026" "$qlaw" db list
ends 0 "+odd" "$qlaw" db list first
ends 0 '"tags":["paper-2026"]' "$qlaw" db list --json
"$qlaw" db list --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
assert [g["grid"] for g in d["grids"]] == ["first", "second"], d
assert [r["tags"] for r in d["runs"]] == [["odd"]], d' || fail "list --json"

echo "delete"
ends 2 "no grid and no run 'frist'" "$qlaw" db delete frist
ends 0 "deleted 1 grid, 2 runs and 0 fits" "$qlaw" db delete first
is 4 "select count(*) from run"
is second "select group_concat(distinct grid) from runs"
for verb in status "query progress" "query runs" "query cost" "db list"; do
    # shellcheck disable=SC2086
    hides first "$qlaw" $verb
done
hides int4 "$qlaw" query runs
for verb in status report fit "query cost" "plot loss-vs-D"; do
    # shellcheck disable=SC2086
    ends 2 "no grid" "$qlaw" $verb first
done
ends 2 "no run" "$qlaw" show "$run"
ends 0 "1 grid and 2 runs are deleted" "$qlaw" db list
ends 0 "first" "$qlaw" db list --deleted
ends 0 '"deleted":true' "$qlaw" db list --deleted --json
ends 0 "no problem found" "$qlaw" db check
ends 0 "(0 new," "$qlaw" plan first.ini --speed 1G

echo "rebuild"
mv qlaw.db was.db
ends 0 "deleted      3" "$qlaw" db rebuild
is second "select group_concat(name) from current_grid"
is 4 "select count(*) from run"
ends 0 "1 grid, 2 runs" "$qlaw" db undelete first
is "paper-2026" "select tag from tag where grid='first'"
mv was.db qlaw.db

echo "undelete"
ends 0 "1 grid, 2 runs and 0 fits are back" "$qlaw" db undelete first
answers >after.txt
cmp before.txt after.txt || fail "$(diff before.txt after.txt | head)"
ends 2 "is deleted" "$qlaw" db undelete first

echo "a run asks for it"
"$qlaw" db delete first "$(sqlite3 qlaw.db "select run_id from runs where
    grid='second' and fmt='int8' limit 1")" -q
is 3 "select count(*) from run"
ends 0 "first had been deleted: it and 2 runs are back" "$qlaw" run first.ini
ends 0 "nothing to do" "$qlaw" run second.ini
answers >after.txt
cmp before.txt after.txt || fail "$(diff before.txt after.txt | head)"

echo "rename"
ends 2 "there already" "$qlaw" db rename first second
ends 2 "control" "$qlaw" db rename first "$(printf 'a\nb')"
ends 2 "none of '/'" "$qlaw" db rename first ../x
ends 0 "first is main study" "$qlaw" db rename first "main study"
ends 2 "no grid" "$qlaw" status first
ends 0 "main study +paper-2026" "$qlaw" db list
mv qlaw.db was.db
"$qlaw" db rebuild >log.txt || fail "rebuild ended with $?"
is "main study,second" "select group_concat(name) from (select name from
    current_grid order by 1)"
"$qlaw" db merge was.db >log.txt || fail "merge ended with $?"
is "main study,second" "select group_concat(name) from (select name from
    current_grid order by 1)"
# a second copy of a grid's record gives its points to nobody else
points="select group_concat(name || ' ' || n) from (select name, count(*) n
    from current_grid join grid_point using(grid_id) group by 1 order by 1)"
had=$(sqlite3 qlaw.db "$points")
cp "$(grep -l '"name":"first"' runs/grids/*.json)" runs/grids/again.json
mv qlaw.db was.db
"$qlaw" db rebuild >log.txt || fail "rebuild ended with $?"
is "$had" "$points"
rm runs/grids/again.json
# begun again under its old name: both are there after a rebuild
ends 0 "nothing to do" "$qlaw" run first.ini
mv qlaw.db was.db
"$qlaw" db rebuild >log.txt || fail "rebuild ended with $?"
is "first,main study,second" "select group_concat(name) from (select name
    from current_grid order by 1)"

echo "vacuum"
"$qlaw" db delete first second -q
is 4 "select count(*) from run" # those of the main study
ends 6 "2 grids, 2 runs and 0 fits are deleted (" "$qlaw" db vacuum
ends 0 "are gone for good" "$qlaw" db vacuum --yes
[ "$(ls -d runs/*-1 | wc -l)" = 4 ] || fail "records of purged runs are there"
ends 2 "is deleted" "$qlaw" db undelete second
mv qlaw.db was.db
"$qlaw" db rebuild >log.txt || fail "rebuild ended with $?"
is 4 "select count(*) from run"
hides second "$qlaw" db list
ends 0 "no problem found" "$qlaw" db check
"$qlaw" run second.ini -q || fail "second ended with $?"
is 6 "select count(*) from result"

echo "a scheduler, and names from elsewhere"
sqlite3 qlaw.db "update run set state='running' where run_id=1"
ends 2 "qlaw cancel 1" "$qlaw" db delete 1
sqlite3 qlaw.db "update run set state='done' where run_id=1;
    update grid set name='a'||char(27)||'[31m' where name='second'"
for verb in status "db list"; do
    # shellcheck disable=SC2086
    hides "$(printf '\033')" "$qlaw" $verb
done
long=$(printf '%0100d' 0 | tr 0 x)
"$qlaw" db rename "main study" "$long" -q
for verb in status "db list" "db list $long" "db list --deleted"; do
    # shellcheck disable=SC2086
    "$qlaw" $verb 2>&1 | awk 'length > 80 { bad = 1; print } END { exit bad }' ||
        fail "$verb is wider than 80 columns"
done
for verb in delete undelete tag; do
    ends 2 "db $verb takes" "$qlaw" db $verb
done
ends 2 "db rename takes" "$qlaw" db rename second
