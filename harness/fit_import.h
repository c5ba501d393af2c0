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

/* Put the rows into db, inside the caller's transaction.  sha256 is that of
 * the file. */
enum status import_rows(struct import_counts *n, const struct table *t,
                        const char *grid, const char *sha256,
                        const char *argv, struct db *db, struct err *err);

#endif
