/* import.h - tables of others as runs of a grid in the database.
 *
 * Columns N, D and loss are needed; G, E, M, fmt, gmse and seed have the
 * meaning of the view `runs`; any other column is kept in the point's
 * configuration and tells points apart.  twin_rows.h says which rows are
 * unquantized twins.
 *
 * A row is the run of a point and a seed: that of its column, or else the how
 * manieth of its point it is in the file.  So the same file again adds nothing,
 * rows that are alike stay several runs, and a loss that differs from the one
 * that is stored is an error, or with replace put right.  Rows of another file
 * join those that the grid has. */
#ifndef HARNESS_STUDY_IMPORT_H
#define HARNESS_STUDY_IMPORT_H

#include "base/str.h"
#include "db/db.h"
#include "harness/study/twin_rows.h"

struct import_request {
    const char *grid, *sha256, *argv; /* sha256: of the file */
    struct twin_rule twins;
    bool replace;
};

struct import_counts {
    int runs;                /* new */
    int known;               /* there already */
    int replaced;            /* of them: with another loss now */
    int points;              /* new */
    int before;              /* runs the grid had from other files */
    int quantized, unpaired; /* points of the grid; without a twin */
    int left_out;            /* rows that cannot be runs */
    char *first; /* why the first of them cannot; the caller frees it */
};

/* ERR_USAGE, with the nearest one, when a column of that name would mean
 * nothing here. */
enum status import_need_name(const char *name, struct err *err);

/* Put the rows into db, inside the caller's transaction.  ERR_USAGE when a row
 * of this very file is a run of the grid already under another configuration
 * (other --map or --derive), when losses differ and are not to be replaced,
 * when the grid was trained here, or when twins cannot be found and the table
 * shows why.  ERR_CONFIG when no row can be a run. */
enum status import_rows(struct import_counts *n, const struct table *t,
                        const struct import_request *rq, struct db *db,
                        struct err *err);

/* --- between study/import.c and import_row.c --------------------------------- */

struct import_row {
    const struct table *t;
    size_t i;
    const struct twin_rule *twins;
};

double import_number(const struct import_row *r, const char *name);
const char *import_text(const struct import_row *r, const char *name);
bool import_is_base(const struct import_row *r);

/* "int4 g32", "unquantized", for people and to group by; the caller frees. */
char *import_arm(const struct import_row *r);

/* The columns that make a configuration, as canonical JSON; without those of
 * the format for the twin.  The caller frees it. */
char *import_config(const struct import_row *r, const char *grid,
                    bool with_format);

/* What keeps a row from being a run, or NULL; the caller frees it. */
char *import_trouble(const struct import_row *r);

/* Columns, "name, id", of which no quantized row has the value of an
 * unquantized one with its N and D; "" when there is none.  The caller frees
 * it. */
char *import_blame(const struct table *t, const struct twin_rule *twins);

#endif
