/* store.h - grids, points and runs in the database.
 *
 * Everything here runs inside the caller's transaction. */
#ifndef HARNESS_STORE_STORE_H
#define HARNESS_STORE_STORE_H

#include <stdint.h>

#include "base/str.h"
#include "db/db.h"
#include "harness/grid/gmse.h"
#include "harness/grid/grid.h"
#include "harness/proto/record.h"

/* Put a grid, its points and its runs; what is there already stays, and the
 * grid becomes the current one of its name.  When it had other runs before, or
 * has finished ones that were planned otherwise, *change says so, for the
 * caller to show and free; else NULL.  A point whose stored configuration differs although its identity is
 * the same is an error (a hash collision or a damaged file). */
enum status store_grid(char **change, const struct grid *g, const char *argv,
                       struct db *db, struct err *err);

/* That sentence (store/change.c), of a grid that is about to be put. */
enum status store_change(char **out, const struct grid *g, struct db *db,
                         struct err *err);

/* Add a sentence for each key outside the identity with which finished runs of
 * g were planned otherwise (store/made.c). */
enum status store_made_with(struct str *out, const struct grid *g,
                            struct db *db, struct err *err);

/* The seeds of a point as the table keeps them, "[1,2]"; the caller frees. */
char *store_seeds(const struct grid_point *p);

/* Bring back the grid of that name, and runs of it, where they are deleted.
 * *said (NULL: nothing was) is the sentence about it, or about a grid that
 * was renamed; the caller frees it and writes the marks (marks.h). */
enum status store_undelete(char **said, const struct grid *g, struct db *db,
                           struct err *err);

/* Put one point of a resolved configuration, with its data set; id (may be
 * NULL) is its identity, known is kept from point to point. */
enum status store_point(char id[HASH_ID], const struct config *c,
                        struct gmse *known, struct db *db, struct err *err);

/* Put a run when it is not there; *run_id is its number. */
enum status store_run(int64_t *run_id, const char *point_id, uint64_t seed,
                      uint64_t data_seed, struct db *db, struct err *err);

/* The number of a run; 0: there is none. */
enum status store_run_id(int64_t *run_id, const char *point_id, uint64_t seed,
                         struct db *db, struct err *err);

/* The database's own name, drawn when it was made. */
enum status store_name(char name[RECORD_TOKEN], struct db *db, struct err *err);

/* Read the sizes of data sets that have none yet (their files are read). */
enum status store_data_sizes(const struct grid *g, struct db *db,
                             struct err *err);

/* One run of a grid. */
struct store_run {
    int64_t run_id;
    uint64_t seed, data_seed;
    int point; /* index into the grid's points */
    int attempts;
    enum run_state state;
};

/* All runs of the grid, in its order; the caller frees *runs. */
enum status store_runs(struct store_run **runs, int *n, const struct grid *g,
                       struct db *db, struct err *err);

#endif
