/* trunk.h - which runs of a grid share their beginning.
 *
 * Runs that differ only in their length, under a schedule that keeps its rate
 * (trainer/branch.h), are one run until the first of them decays.  The longest
 * of them is their trunk: trained once, it leaves a checkpoint where each of
 * the others, its branches, begins its decay.  The losses are the same bits as
 * when each is trained alone; `run.share_trunk = no` trains each alone. */
#ifndef HARNESS_PLAN_TRUNK_H
#define HARNESS_PLAN_TRUNK_H

#include <stdint.h>

#include "harness/grid/grid.h"

struct trunk_run {
    int point; /* index into the grid's points */
    uint64_t seed;
    int trunk; /* filled: index of its trunk among the runs, or -1 */
};

/* May the point's runs share at all?  Others need not be listed. */
bool trunk_may_share(const struct grid_point *p, const struct grid *g);

void trunk_link(struct trunk_run *runs, int n, const struct grid *g);

/* The share of a branch's steps that is its own. */
double trunk_own_share(const struct grid_point *branch);

#endif
