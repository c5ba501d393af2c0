/* rebuild.h - the database again, from the records of its runs (record.h).
 *
 * Runs, attempts, curves, results and grids come back; a point that was never
 * started and fits do not: running the grid and `qlaw fit` make them again.  Names, tags and deletions are as the marks
 * (marks.h) say. */
#ifndef HARNESS_STORE_REBUILD_H
#define HARNESS_STORE_REBUILD_H

#include "db/db.h"

struct rebuild {
    int folders, runs, results, grids;
    int deleted; /* grids and runs that were deleted (marks.h), and are again */
    int odd;     /* folders that could not be read; each is told to warn */
};

/* Fill a new database from the folder root. */
enum status rebuild_from(struct rebuild *out, struct db *db, const char *root,
                         void (*warn)(const char *sentence), struct err *err);

/* The machines of runs/env alone; those that are there stay as they are. */
enum status rebuild_machines(struct db *db, const char *root, struct err *err);

#endif
