/* status_text.h - how grids stand, as text for `status` and `watch`. */
#ifndef HARNESS_STORE_STATUS_TEXT_H
#define HARNESS_STORE_STATUS_TEXT_H

#include "base/str.h"
#include "db/db.h"

/* What is asked for each of these, and for JSON. */
extern const char status_grids_sql[], status_running_sql[], status_causes_sql[];

/* A row a grid (all when grid is NULL); *found counts them. */
enum status status_grids(struct str *out, int *found, struct db *db,
                         const char *grid, struct err *err);

/* Who schedules, and how long it may still take; nothing when nobody does. */
enum status status_scheduler(struct str *out, struct db *db, const char *grid,
                             struct err *err);

/* The runs that run now, at most 16. */
enum status status_running(struct str *out, struct db *db, struct err *err);

/* What Slurm holds and the queue that was asked last does not know. */
enum status status_unseen(struct str *out, struct db *db, struct err *err);

/* Each cause of failures once, with how often it came; the 8 commonest. */
enum status status_causes(struct str *out, struct db *db, const char *grid,
                          struct err *err);

#endif
