#!/bin/sh
# A program that reads the database for long (a shell inside a transaction, a
# pager behind `qlaw query`): nothing that writes is ended by it.  It waits, says
# whom for, and goes on when that one ends.
#
#   readers.sh QLAW
set -eu
. "$(dirname "$0")/../parts.sh"
qlaw=$(realpath "$1")
dir=$(mktemp -d /tmp/qlaw-readers-XXXXXX)
reader= writer=
trap 'status=$?; [ -z "$writer" ] || kill -9 $writer 2>/dev/null || :
    [ -z "$reader" ] || kill -9 $reader 2>/dev/null || :
    [ $status -eq 0 ] && rm -rf "$dir" || echo "left in $dir"' EXIT
cd "$dir"
export OMP_WAIT_POLICY=passive

markov_text
cat >g.ini <<'INI'
[grid]
name = g
[data]
path = text.txt
val_tokens = 256
[model]
n_layer = 1
n_head = 1
d_model = 8
seq_len = 8
[train]
batch = 2
tokens = 640
INI
"$qlaw" run -q g.ini
printf 'N,D,loss\n1e6,1e7,3\n' >t.csv

read_long() { # a stock reader in a transaction, until its input ends
    mkfifo hold
    : >seen
    sqlite3 qlaw.db <hold >seen & reader=$!
    exec 9>hold
    echo 'begin; select count(*) from run;' >&9
    for i in $(seq 100); do
        [ ! -s seen ] || return 0
        sleep 0.1
    done
    fail 'the reader never reads'
}
end_reading() {
    exec 9>&-
    wait $reader || :
    reader=
    rm hold
}
waits() { # waits COMMAND...: it says whom for, waits on, and then ends well
    read_long
    "$@" >out 2>err 9>&- & writer=$!
    for i in $(seq 100); do
        grep -q "waiting for qlaw.db" err && break
        kill -0 $writer 2>/dev/null || fail "$*: gave up: $(cat err)"
        sleep 0.1
    done
    tr -s '\n ' '  ' <err | grep -q "which sqlite3 (pid $reader) holds" ||
        fail "$*: says not who: $(cat err)"
    sleep "${longer:-0}"
    kill -0 $writer 2>/dev/null || fail "$*: gave up: $(cat err)"
    end_reading
    code=0; wait $writer || code=$?
    [ $code -eq 0 ] || fail "$*: ended with $code: $(cat err)"
    writer=
}
longer=9 # longer than any limit of before
waits "$qlaw" run g.ini -s train.lr=0.002
longer=0
waits "$qlaw" import csv --grid t t.csv
waits "$qlaw" db tag g +seen
is 3 'select count(*) from result'

# What only reads is held up by none that reads.
read_long
for what in status 'query losses' 'db info' 'export g --out ex' 'db backup b.db'; do
    timeout 5 "$qlaw" $what >/dev/null 2>err || fail "beside a reader: $what"
done
end_reading

# A pager in front of which somebody sits.
mkfifo pager
"$qlaw" query 'select c.*, x from curve c, (with recursive r(x) as (select 1
    union all select x+1 from r limit 300000) select x from r)' >pager & reader=$!
exec 8<pager
sleep 1
"$qlaw" run g.ini -s train.lr=0.004 >out 2>err 8<&- & writer=$!
for i in $(seq 100); do grep -q "waiting for" err && break; sleep 0.1; done
tr -s '\n ' '  ' <err | grep -q "which qlaw (pid $reader) holds" ||
    fail "a pager: says not who: $(cat err)"
exec 8<&-
wait $reader || :
reader=
wait $writer || fail "a pager: $(cat err)"
writer=
is 4 'select count(*) from result'
echo 'readers: ok'
