#!/bin/sh
# Every fitted number of docs/lab.md, from the published runs of
# experiments/results: import, fit, print.  docs/lab/fits.txt is its output.
#
#   scripts/lab.sh            QLAW names the program (default build/harness/qlaw)
set -eu
cd "$(dirname "$0")/.."
qlaw=$(realpath "${QLAW:-build/harness/qlaw}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
results=$PWD/experiments/results
cd "$dir" # where qlaw.db is made

for grid in critical fp-law int-vs-fp lab-rates operands qat-law transfer; do
    "$qlaw" -q import "$results/$grid" >/dev/null
done

say() { # say COMMAND...: as a person would type it, and what it answers
    printf '$ qlaw'
    for word; do
        case $word in
        *[!A-Za-z0-9_.,:=/-]*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
    "$qlaw" "$@" 2>&1 || [ $? -eq 8 ]
    echo
}
title() { printf '== %s\n\n' "$*"; }

title "runs, FLOPs, wall time, failures"
say query "select g.name as grid, count(*) as runs, sum(r.state='done') as done,
  sum(r.state='diverged') as diverged, sum(r.state='failed') as failed,
  printf('%.3g', sum(p.flops_plan)) as flops,
  round(sum(s.wall_s)/3600, 2) as hours
  from grid g join grid_run x using(grid_id) join run r using(run_id)
  join point p on p.point_id=r.point_id left join result s using(run_id)
  group by g.name"

title "noise between seeds, and of differences from the twin"
say query "select arm, N, D, count(*) as seeds, round(avg(delta), 4) as cost,
  round(sqrt(max(0, (avg(delta*delta) - avg(delta)*avg(delta)) * count(*) /
  (count(*) - 1))), 4) as sd from deltas where run_id in (select run_id from
  grid_run join grid using(grid_id) where name='qat-law')
  group by point_id having count(*) > 1 order by arm"

w4a4="arm like 'int4 W+A%' and arm not like '%fc2%'"
title "qat-law: the cost by arm; two larger runs are held out"
say fit qat-law --paired --where "$w4a4" --holdout "N>=600k" --cluster twin \
    --no-store
for arm in "arm like 'int4 W %'" "arm like 'int4 A %'" \
    "arm like 'int4 W+A%fc2%'"; do
    say fit qat-law --paired --where "$arm" --cluster twin --no-store
done

title "qat-law: without D, without G, without N"
for law in "delta = k*log2(G)^gG/N^gN" "delta = k*D^gD/N^gN" \
    "delta = k*D^gD*log2(G)^gG"; do
    say fit qat-law --paired --where "$w4a4" --formula "$law" \
        --holdout "N>=600k" --cluster twin --no-store
done

title "qat-law: with the base law"
say fit qat-law --where "is_base or $w4a4" --holdout "N>=600k" --cluster twin \
    --no-store
say fit qat-law --where "is_base or $w4a4" \
    --compare qat-delta,kumar-train,capacity --no-store

title "qat-law: the sum of the parts against the whole"
say query "select round(ab.G, 1) as G, count(*) as cells, round(avg(ab.delta), 4) as W4A4,
  round(avg(a.delta), 4) as W4A16, round(avg(b.delta), 4) as W16A4,
  round(avg(ab.delta) / (avg(a.delta) + avg(b.delta)), 2) as whole_over_sum
  from degradation ab join degradation a on a.N=ab.N and a.D=ab.D and a.G=ab.G
  and a.arm like 'int4 W %' join degradation b on b.N=ab.N and b.D=ab.D and
  b.G=ab.G and b.arm like 'int4 A %' where ab.arm like 'int4 W+A%' and ab.arm
  not like '%fc2%' and ab.point_id in (select point_id from grid_point join
  grid using(grid_id) where name='qat-law') group by ab.G order by ab.G"

of() { # of GRID: a condition on points
    echo "point_id in (select point_id from grid_point join grid using(grid_id)
  where name='$1')"
}
cost="round(delta, 4) as cost, round(delta_se, 4) as se, seeds"

# The mean difference of the costs of two sets of cells that agree in N and D,
# and its standard error over the cells.
contrast="count(*) as cells, round(avg(a.delta), 4) as a_cost,
  round(avg(b.delta), 4) as b_cost, round(avg(a.delta - b.delta), 4) as a_less_b,
  round(sqrt((avg((a.delta - b.delta) * (a.delta - b.delta)) - avg(a.delta -
  b.delta) * avg(a.delta - b.delta)) / (count(*) - 1)), 4) as se
  from degradation a join degradation b on a.N=b.N and a.D=b.D and a.gran=b.gran
  and (a.G=b.G or a.gran='row')"

title "qat-law: activations (a) against weights (b); 8 bits at the input of FC2 (b)"
say query "select $contrast where a.arm like 'int4 A %' and b.arm like 'int4 W %'
  and a.$(of qat-law)"
say query "select a.gran, $contrast where a.arm like 'int4 W+A %' and a.arm not
  like '%fc2%' and b.arm like 'int4 W+A%fc2%' and a.$(of qat-law)
  group by a.gran"

title "operands: each alone in E1M1, three seeds"
say query "select arm, $cost from degradation where $(of operands)
  order by delta"

title "int-vs-fp: by granularity, three seeds"
say query "select bits, gran, round(G, 1) as G, fmt, $cost from degradation
  where $(of int-vs-fp) order by bits, gran='tensor', G, fmt"

title "fp-law: the law of the paper, without and with the base; one N held out"
say fit fp-law --holdout "N>=400k" --cluster twin
say fit fp-law --holdout "N>=400k" --paired --formula \
    "delta = D^b*log2(G)/(N^a*gamma*(E+0.5)^de*(M+0.5)^nu)" --cluster twin \
    --no-store
title "fp-law: how the block enters, three formats with three block sizes"
blocks="fmt in ('e1m1','e1m2','e2m1')"
for form in "log2(G)" "G^p" "G"; do
    say fit fp-law --paired --where "$blocks" --holdout "N>=400k" --formula \
        "delta = D^b*$form/(N^a*gamma*(E+0.5)^de*(M+0.5)^nu)" --cluster twin \
        --no-store
done
title "fp-law: laws on the same rows"
say fit fp-law --compare qat-delta,capybara,kumar-train,capacity --no-store
title "fp-law: the best split of each width, mean over N and D"
say query "select bits, fmt, round(avg(delta), 4) as cost, count(*) as cells
  from degradation where $(of fp-law) and gran='row' group by bits, fmt
  order by bits, avg(delta)"
title "fp-law: pairs of splits of one width, over N and D"
say query "select a.fmt as a, b.fmt as b, $contrast where a.$(of fp-law) and
  b.$(of fp-law) and a.gran='row' and (a.fmt, b.fmt) in (values
  ('e1m2','e2m1'), ('e3m1','e1m3'), ('e2m3','e3m2'), ('e5m1','e1m5'),
  ('e0m7','e4m3'), ('e5m2','e4m3')) group by 1, 2"
title "fp-law: does the loss turn up with more data? E1M1, one scale a row"
say query "select N, D, round(loss, 4) as loss, $cost from degradation
  where $(of fp-law) and fmt='e1m1' and gran='row' order by N, D"

say query "select D, seed, round(loss, 4) as loss, round(base_loss, 4) as twin,
  round(delta, 4) as cost from deltas where $(of critical) order by D, seed"
for n in 26624 221184; do
    say predict --fit 1 N="$n" E=1 M=1 B="$(((n == 26624) ? 47 : 132))" --solve D-crit
done

title "transfer: the same law on another corpus, and on the same cells here"
say fit transfer --paired --cluster twin --no-store
say fit qat-law --paired --where "$w4a4 and N < 300000 and D < 1500000 and
  (G in (4, 16) or gran='row')" --cluster twin --no-store

title "anchors: bits per byte of the largest models, validation and new authors"
say query "select r.N, r.D, round(r.loss / ln(2), 3) as val_iid_bits,
  round(m.value / ln(2), 3) as val_new_bits from runs r left join metric m on
  m.run_id=r.run_id and m.name='probe_loss' where r.is_base and r.state='done'
  and r.D > 1900000 order by r.N"
