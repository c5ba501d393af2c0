#!/bin/sh
# Two hosts on one fresh runs/: COUNT times two schedulers with databases of
# their own start the same small grid at the same moment, each in a space of
# process numbers of its own (as two nodes or containers have).  Both must end
# well, no trainer may be killed by the other, and of a run there may only be one
# worker at a time.
#
#   scripts/two_hosts.sh [COUNT]     default 500, about five minutes
#
# Needs the right to make process namespaces (root, or unshare -r).  QLAW names
# the program (default build/harness/qlaw).
set -eu
cd "$(dirname "$0")/.."
. tests/parts.sh
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
count=${1:-500}
user=$([ "$(id -u)" = 0 ] || echo -r)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
markov_text
cat >g.ini <<'INI'
[grid]
name = g
[data]
path = text.txt
val_tokens = 1k
[model]
n_layer = 1
n_head = 1
d_model = 16
seq_len = 16
[train]
tokens = 4k
batch = 4
[sweep]
quant.w = none, int4/g8
INI

bad=0 killed=0
host() { # host NAME: a scheduler in a namespace of its own
    unshare $user -pf --mount-proc "$qlaw" --db "$1.db" run -q g.ini \
        >"$1.log" 2>&1 || echo "$1: $(cat "$1.log")" >>failed
}
for k in $(seq "$count"); do
    rm -rf runs ./*.db* failed
    host a &
    host b &
    wait
    for db in a b; do
        [ "$(sqlite3 $db.db 'SELECT count(*) FROM result')" = 2 ] ||
            echo "$db: not all results" >>failed
        [ "$(sqlite3 $db.db "SELECT count(*) FROM attempt WHERE
            outcome <> 'ok'")" = 0 ] || killed=$((killed + 1))
    done
    if [ -e failed ]; then
        bad=$((bad + 1))
        sed "s/^/$k: /" failed
    fi
done
echo "$count starts of two hosts: $bad failed, $killed with an attempt that ended otherwise"
[ $bad = 0 ] && [ $killed = 0 ]
