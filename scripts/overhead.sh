#!/bin/sh
# What the scheduler costs: its own processor time a run, and how long a slot
# stands empty between two runs.
#
#   scripts/overhead.sh [RUNS]
#
# QLAW_BUILD names the folder of a build (default build-test).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "${QLAW_BUILD:-$root/build-test}")
runs=${1:-500}
dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-overhead-XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
yes 'the quick brown fox jumps over the lazy dog' | head -c 20000 >text.txt
cat >grid.ini <<INI
[data]
path = text.txt
val_tokens = 64
[model]
n_layer = 1
n_head = 1
d_model = 8
seq_len = 8
[train]
batch = 1
tokens = 800
[seeds]
count = $runs
[run]
checkpoint = 0
INI
"$build/harness/qlaw" -q run grid.ini --slots 1
times >times.txt
all=$(awk 'NR == 2 { gsub(/s/, ""); split($1, u, "m"); split($2, k, "m")
    print u[1] * 60 + u[2] + k[1] * 60 + k[2] }' times.txt)
sqlite3 qlaw.db "select printf('%d runs, %.1f ms of processor each in the trainer', count(*),
    1000 * avg(cpu_s)) from attempt" "select printf('scheduler: %.2f ms of processor a run',
    1000 * ($all - sum(cpu_s)) / count(*)) from attempt" \
    "with t as (select julianday(started_at) s, lag(julianday(ended_at)) over
    (order by attempt_id) e from attempt), g as (select 86400e3 * (s - e) ms,
    ntile(2) over (order by s - e) half from t where e is not null)
    select printf('a slot stands empty for %.1f ms (median; mean %.1f)',
    (select max(ms) from g where half = 1), avg(ms)) from g"
