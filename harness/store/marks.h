/* marks.h - what people said of grids and runs, beside the records.
 *
 *   runs/marks/STORE.json  {"deleted_grids":["name",...],
 *                           "deleted_runs":[["POINT",seed],...],
 *                           "renamed":[["old","new",both,[SHA,...],[...]],
 *                                      ...],
 *                           "tags":[["tag","grid"] or ["tag","POINT",seed]]}
 *
 * STORE is the database's own name.  The file follows the database, so that
 * `qlaw db rebuild` makes it again as it was, with what is deleted deleted.
 * deleted_runs leaves out those that went with their grid; both says that a
 * grid of the old name was begun again; the lists are the texts of the new and
 * of the old name. */
#ifndef HARNESS_STORE_MARKS_H
#define HARNESS_STORE_MARKS_H

#include <jansson.h>

#include "db/db.h"

/* Write the marks of a database that nobody else changes meanwhile. */
enum status marks_write(struct db *db, const char *db_path, struct err *err);

/* Apply those of one file to a database that is made again. */
enum status marks_apply(struct db *db, const json_t *marks, struct err *err);

/* Another name for a grid, with its tags, fits and memory; in the caller's
 * transaction.  *fits may be NULL. */
enum status marks_rename(int64_t *fits, struct db *db, const char *from,
                         const char *to, struct err *err);

/* Remove the records of all deleted runs and grids.  A folder that another
 * database also writes to stays.  *left counts those. */
enum status marks_purge(int *left, struct db *db, const char *db_path,
                        struct err *err);

#endif
