/* run_find.h - the runs that a person names. */
#ifndef HARNESS_STORE_RUN_FIND_H
#define HARNESS_STORE_RUN_FIND_H

#include <stdint.h>

#include "db/db.h"

/* One run: its number in the views, the start of its point's hash, or
 * HASH-SEED.  ERR_USAGE when there is none or more than one. */
enum status run_find(int64_t *run_id, struct db *db, const char *text,
                     struct err *err);

/* The same, but that there is none is no error: *run_id is 0. */
enum status run_look(int64_t *run_id, struct db *db, const char *text,
                     struct err *err);

/* The runs that all of the following choose; free *ids.  names: grids and runs
 * (as above), of which any; n_names 0: every run.  states: words separated by
 * spaces, of which any; NULL: any.  where: an SQL condition on the columns of
 * the view runs and outcome, exit_code, message, host of the last attempt;
 * NULL: none.  The handle must be a reading one. */
enum status run_select(int64_t **ids, int *n, struct db *db, char *const *names,
                       int n_names, const char *states, const char *where,
                       struct err *err);

#endif
