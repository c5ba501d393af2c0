/* deleted.h - grids and runs that are put away, until a vacuum.
 *
 * What is deleted leaves its tables, so that no view, query, fit or figure can
 * meet it, and waits in deleted and deleted_rows (shelf.h), from where it comes
 * back bit for bit, runs under their old numbers.  With a grid go all its
 * versions, the runs that no other grid has, and the fits made of it; with a
 * run the fits that were made with it.
 *
 * Everything here runs inside the caller's transaction. */
#ifndef DB_DELETED_H
#define DB_DELETED_H

#include "db/db.h"

struct deleted_sum {
    int64_t grids, runs, fits;
    int64_t bytes; /* of what is kept: deleted_total alone */
};

/* ERR_USAGE: no such grid; a run of it is running or queued. */
enum status deleted_put_grid(struct deleted_sum *sum, struct db *db,
                             const char *name, struct err *err);
enum status deleted_put_run(struct deleted_sum *sum, struct db *db,
                            int64_t run_id, struct err *err);

/* Bring back a grid with the runs that went with it; ERR_USAGE: none of that
 * name is deleted, or one of that name is there again. */
enum status deleted_back_grid(struct deleted_sum *sum, struct db *db,
                              const char *name, struct err *err);

/* Bring back one run; id is a row of deleted. */
enum status deleted_back_run(struct deleted_sum *sum, struct db *db, int64_t id,
                             struct err *err);

/* The fits whose runs and grid are all there again. */
enum status deleted_back_fits(struct deleted_sum *sum, struct db *db,
                              struct err *err);

/* The deleted run that a person names by its old number, the start of its
 * point's hash, or HASH-SEED; 0: none.  ERR_USAGE: more than one. */
enum status deleted_find_run(int64_t *id, struct db *db, const char *text,
                             struct err *err);

/* The row of deleted of a grid, or of a run; 0: none. */
enum status deleted_find_grid(int64_t *id, struct db *db, const char *name,
                              struct err *err);
enum status deleted_find_seed(int64_t *id, struct db *db, const char *point_id,
                              uint64_t seed, struct err *err);

/* All that is put away; forget it for good. */
enum status deleted_total(struct deleted_sum *sum, struct db *db,
                          struct err *err);
enum status deleted_purge(struct db *db, struct err *err);

/* The number after *id by a question with :after; 0: no more.  By number, because
 * what happens in between changes the rows that are asked about. */
enum status deleted_next(int64_t *id, struct db *db, const char *sql,
                         struct err *err);

#endif
