/* import_grid.h - between study/import.c and import_grid.c: an import at work. */
#ifndef HARNESS_STUDY_IMPORT_GRID_H
#define HARNESS_STUDY_IMPORT_GRID_H

#include "harness/study/import.h"

#define IMPORT_EARLIER                                                         \
    1000000000 /* added to the ordinals of other files' rows */

struct importing {
    struct import_counts *n;
    const struct table *t;
    const struct import_request *rq;
    struct db *db;
    int64_t grid, newest, dataset; /* this file's version; the grid's last */
    struct str conflicts;
    int n_conflicts;
    struct err *err;
};

/* Make or find this file's version of the grid (m->grid) and its newest
 * (m->newest); a new version holds what earlier files brought.  ERR_USAGE for a
 * grid that was trained here. */
enum status import_open_grid(struct importing *m);
enum status import_open_dataset(struct importing *m);

/* The counts of a grid once more from its runs: places of runs changed. */
enum status import_count_again(struct importing *m, int64_t grid);

#endif
