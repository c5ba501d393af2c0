/* fit_import.h - tables of others as runs of a grid in the database.
 *
 * Columns N, D and loss are needed; G, E, M, fmt, gmse and seed have the
 * meaning of the view `runs`; any other column is kept in the point's
 * configuration and tells points apart.  Rows with G = 1, or a format called
 * none, unquantized, base or fp32, are unquantized twins. */
#ifndef HARNESS_FIT_IMPORT_H
#define HARNESS_FIT_IMPORT_H

#include "db/db.h"
#include "fit/table.h"

struct import_counts {
    int runs;      /* new */
    int known;     /* there already */
    int points;    /* new */
    int left_out;  /* rows that cannot be runs */
    char *first;   /* why the first of them cannot; the caller frees it */
};

/* ERR_USAGE, with the nearest one, when a column of that name would mean
 * nothing here. */
enum status import_need_name(const char *name, struct err *err);

/* Put the rows into db, inside the caller's transaction.  sha256 is that of
 * the file.  ERR_USAGE when a row of this very file is a run of the grid
 * already under another configuration (other --map or --derive): it would
 * stand twice. */
enum status import_rows(struct import_counts *n, const struct table *t,
                        const char *grid, const char *sha256,
                        const char *argv, struct db *db, struct err *err);

#endif
