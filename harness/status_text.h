/* status_text.h - how grids stand, as text for `status` and `watch`. */
#ifndef HARNESS_STATUS_TEXT_H
#define HARNESS_STATUS_TEXT_H

#include "base/str.h"
#include "db/db.h"

/* A row a grid (all when grid is NULL); *found counts them. */
enum status status_grids(struct str *out, int *found, struct db *db,
                         const char *grid, struct err *err);

/* Who schedules, and how long it may still take; nothing when nobody does. */
enum status status_scheduler(struct str *out, struct db *db, const char *grid,
                             struct err *err);

/* The runs that run now, at most so many. */
enum status status_running(struct str *out, struct db *db, int most,
                           struct err *err);

/* Each cause of failures once, with how often it came. */
enum status status_causes(struct str *out, struct db *db, const char *grid,
                          struct err *err);

#endif
