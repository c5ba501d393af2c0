#!/bin/sh
# A database of 100,000 finished runs with 400 points of their curves each, and
# how long every documented question takes on it.
#
#   scripts/large_db.sh [FOLDER [RUNS-PER-POINT [CURVE-POINTS]]]
#
# 20 N x 20 D x (4 formats x 6 groups + the unquantized twin) = 10,000 points, 10
# seeds of each, losses of a law with noise.  The database stays in FOLDER
# (default: a temporary one, removed) and is made only when it is not there.
# Each line is asked twice, the second time counts: a warm cache, processor time.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath "${QLAW_BUILD:-$root/build-test}")
qlaw=$build/harness/qlaw
seeds=${2:-10}
rows=${3:-400}
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    cd "$1"
else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/qlaw-large-XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    cd "$dir"
fi

# Processor seconds of children so far; other work on the machine does not count.
children() {
    times >times.txt
    awk 'NR == 2 { gsub(/s/, ""); split($1, u, "m"); split($2, k, "m")
        print u[1] * 60 + u[2] + k[1] * 60 + k[2] }' times.txt >children.txt
    read -r cpu <children.txt
}
seconds() { # seconds COMMAND...: in $took, its output in out.txt
    children
    begin=$cpu
    "$@" >out.txt
    children
    took=$(awk "BEGIN { printf \"%.3f\", $cpu - $begin }")
}

make_table() {
    awk -v seeds="$seeds" 'BEGIN { srand(1)
        print "N,D,G,fmt,E,M,seed,loss"
        split("int4 int8 e2m1 e4m3", fmt); split("0 0 2 4", e); split("3 7 1 3", m)
        split("1 0.05 0.8 0.1", price)
        for (i = 0; i < 20; i++) for (j = 0; j < 20; j++) {
            n = int(1e4 * 1.4 ^ i); d = int(1e5 * 1.4 ^ j)
            loss = 1.7 + 400 / n ^ 0.34 + 410 / d ^ 0.28
            for (s = 1; s <= seeds; s++) {
                base = loss + 0.01 * (rand() - 0.5)
                printf "%d,%d,,none,,,%d,%.6f\n", n, d, s, base
                for (f = 1; f <= 4; f++) for (g = 16; g <= 512; g *= 2) {
                    cost = price[f] * n ^ -0.2 * d ^ 0.06 * log(g) / 7
                    printf "%d,%d,%d,%s,", n, d, g, fmt[f]
                    printf "%d,%d,%d,%.6f\n", e[f], m[f], s,
                        base + cost + 0.004 * (rand() - 0.5)
                }
            }
        } }' >table.csv
}

# In the order of the table, and in parts, so that a stop leaves a whole file.
fill_curves() {
    last=$(sqlite3 qlaw.db "select max(run_id) from run")
    sum=0
    for from in $(seq 1 5000 "$last"); do
        seconds sqlite3 qlaw.db "insert into curve(run_id, step, tokens,
            train_loss, val_loss, lr, grad_norm, wall_s)
            with recursive s(i) as (select 1 union all select i+1 from s where
            i < $rows) select x.run_id, 10*i, 10240*i, x.loss + 4.0/i,
            case when i % 20 = 0 then x.loss + 4.0/i end, 0.003, 1.0 + 1.0/i,
            0.05*i from result x cross join s where x.run_id >= $from and
            x.run_id < $from + 5000"
        sum=$(awk "BEGIN { print $sum + $took }")
    done
    echo "$rows points for each of $last runs: $sum s, $(du -m qlaw.db | cut -f1) MB"
}

if [ ! -f whole ]; then
    make_table
    rm -f qlaw.db
    seconds "$qlaw" import table.csv --grid large
    echo "import of $(($(wc -l <table.csv) - 1)) runs: $took s"
    fill_curves
    sqlite3 qlaw.db "update result set wall_s=20, steps=4000, flops=1e12"
    touch whole
fi

slow=0
ask() { # one line of SQL, by the stock shell
    sqlite3 qlaw.db "$1" >/dev/null
    seconds sqlite3 qlaw.db "$1"
    report "$1"
}
report() {
    printf '%8s s  %7d rows  %s\n' "$took" "$(wc -l <out.txt)" "$(echo "$1" | tr -s ' \n' ' ' | cut -c1-90)"
    awk "BEGIN { exit !($took > 1) }" && slow=$((slow + 1)) || :
}

ask "select N,D,G,fmt,seeds,loss,se from points order by N,D,G"
ask "select * from best_split where bits=4"
ask "select * from best_split"
ask "select fmt,G,avg(delta),count(*) from degradation group by 1,2"
ask "select N, D, fmt, G, delta, delta_se from degradation where fmt='int4'"
ask "select * from degradation"
ask "select * from deltas where N=10000"
ask "select * from failures"
ask "select step,run_id,train_loss from curves where run_id in (12,40)"
ask "select tokens, train_loss from curves where run_id = 17 order by step"
ask "select * from progress"
ask "select r.* from runs r join point p using(point_id) where p.config ->> '\$.train.lr' > 0.01"
ask "select r.run_id, e.git_commit, e.git_dirty from run r join attempt a using(run_id) join env e using(env_id) where e.git_dirty"
ask "select sum(flops), sum(wall_s) from runs where state='done'"
ask "select * from runs where state='done'"
ask "select * from fits"
ask "select N, D, avg(sd) from points where seeds>1 group by 1,2"
ask "select at,kind,detail from event where run_id=39"
ask "select step, avg(train_loss) from curves where N=10000 and fmt='fp32' group by step"
for name in failures losses cost best-split progress fits noise; do
    "$qlaw" query $name >/dev/null
    seconds "$qlaw" query $name
    report "qlaw query $name"
done
for verb in "status" "show 17" "db info"; do
    # shellcheck disable=SC2086
    "$qlaw" $verb >/dev/null
    # shellcheck disable=SC2086
    seconds "$qlaw" $verb
    report "qlaw $verb"
done
echo "$slow slower than a second"
