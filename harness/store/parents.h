/* parents.h - which run each run begins with. */
#ifndef HARNESS_STORE_PARENTS_H
#define HARNESS_STORE_PARENTS_H

#include "harness/grid/grid.h"
#include "harness/store/store.h"

/* For each of the n runs of g the index of its parent's run, the one of the
 * parent's point with the same seed; -1 where a run begins with nothing, or the
 * grid does not have its parent.  The caller frees it. */
int *store_parents(const struct store_run *runs, int n, const struct grid *g);

#endif
