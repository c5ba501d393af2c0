/* store.h - grids, points and runs in the database.
 *
 * Everything here runs inside the caller's transaction. */
#ifndef HARNESS_STORE_H
#define HARNESS_STORE_H

#include <stdint.h>

#include "db/db.h"
#include "harness/grid.h"

/* Put a grid, its points and its runs; what is there already stays.  A point
 * whose stored configuration differs although its identity is the same is an
 * error (a hash collision or a damaged file). */
enum status store_grid(int64_t *grid_id, const struct grid *g,
                       const char *argv, struct db *db, struct err *err);

/* Runs that a scheduler left behind: running and queued become pending again,
 * their open attempts `lost`.  Only the holder of the lock may call it.
 * *n counts them. */
enum status store_reclaim(int *n, struct db *db, struct err *err);

/* One run of a grid. */
struct store_run {
    int64_t run_id;
    int point; /* index into the grid's points */
    uint64_t seed, data_seed;
    char state[12];
    int attempts;
};

/* All runs of the grid, in its order; the caller frees *runs. */
enum status store_runs(struct store_run **runs, int *n, const struct grid *g,
                       struct db *db, struct err *err);

/* What a point is called for people: "int4 W+A g32", "unquantized". */
char *store_arm(const struct config *c);

#endif
