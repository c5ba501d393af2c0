#!/bin/sh
# Does what one quickstart says hold in quickstarts with other seeds?  Runs
# experiments/quickstart.ini with the seeds 1 .. COUNT, each as a grid of its own
# with one seed, and counts how many of the printed 95 % intervals hold the mean
# over all of them, which stands for the truth.
#
#   scripts/seeds_check.sh [COUNT]      default 20: about forty minutes on two
#                                       free cores; what is done stays done
#
# QLAW names the program, QLAW_SEEDS the folder of the runs.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
count=${1:-20}
mkdir -p "${QLAW_SEEDS:-quickstart-seeds}"
cd "${QLAW_SEEDS:-quickstart-seeds}"

for k in $(seq "$count"); do
    "$qlaw" -q run "$root/experiments/quickstart.ini" -s grid.name="q$k" \
        -s seeds.list="$k"
done

# What is said: costs, the contrast of the formats, the effect of the group.
{
    echo what,value,lo,hi
    for k in $(seq "$count"); do
        "$qlaw" query cost "q$k" --format csv | tail -n +2 |
            awk -F, '{ print "cost of " $2 "," $5 "," $6 "," $7 }'
        for pair in 'int3 W+A|e2m0 W+A' 'int3 W+A g4|int3 W+A g16' \
            'e2m0 W+A g4|e2m0 W+A g16'; do
            "$qlaw" compare --arms --grid "q$k" "${pair%|*}" "${pair#*|}" \
                --json | sed 's/,"parts".*//; s/.*"difference":\([^,]*\),"lo95":\([^,]*\),"hi95":\([^,]*\).*/\1,\2,\3/' |
                awk -v what="${pair#*|} minus ${pair%|*}" '{ print what "," $0 }'
        done
    done
} >said.csv
sqlite3 -box :memory: ".import --csv said.csv said" "
WITH m AS (SELECT what, avg(value + 0) AS truth FROM said GROUP BY what)
SELECT what, round(truth, 4) AS mean, count(*) AS quickstarts,
       sum(lo + 0 <= truth AND truth <= hi + 0) AS hold
FROM said JOIN m USING(what) GROUP BY what
UNION ALL
SELECT 'all', NULL, count(*), sum(lo + 0 <= truth AND truth <= hi + 0)
FROM said JOIN m USING(what)"
