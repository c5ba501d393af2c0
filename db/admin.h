/* admin.h - care of the file: copies, checks, room. */
#ifndef DB_ADMIN_H
#define DB_ADMIN_H

#include "base/str.h"
#include "db/db.h"

/* Copy a database that may be in use to a new file, which appears whole or not
 * at all; ERR_DB when it exists. */
enum status db_backup(struct db *db, const char *target, struct err *err);

/* Read everything and compare: damaged pages, broken references, counts that
 * do not agree.  *problems counts them; each is a line of out. */
enum status db_check(int *problems, struct str *out, struct db *db,
                     struct err *err);

/* How many rows contradict each other, as far as db_check would list them. */
enum status db_contradictions(int *n, struct db *db, struct err *err);

/* Give the room of deleted rows back to the disk. */
enum status db_vacuum(struct db *db, struct err *err);

/* How many points of a schema ("main", "src") have an identity that is not the
 * hash of their configuration; the first of them, which the caller frees, or
 * NULL. */
enum status db_identities(int64_t *wrong, char **first, struct db *db,
                          const char *schema, struct err *err);

/* Take over what another database has and this one lacks: points, runs, their
 * attempts, curves and results, grids and fits.  A finished run there takes the
 * place of an unfinished one here, never of a finished one.  Runs inside one
 * transaction. */
struct db_merge {
    int64_t points, runs; /* new ones */
    int64_t results;      /* new or in place of an unfinished run */
    int64_t conflicts;    /* finished in both with different losses */
    int64_t fits;
    int64_t deleted; /* runs left out: they are deleted here */
};
enum status db_merge(struct db_merge *out, struct db *db, const char *other,
                     struct err *err);

/* ERR_RUNS when there are conflicts. */
enum status db_merge_verdict(const struct db_merge *m, struct err *err);

#endif
