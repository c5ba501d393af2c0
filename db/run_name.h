/* run_name.h - what a person calls a run: its number, or the first digits of
 * its point's hash with an optional -SEED. */
#ifndef DB_RUN_NAME_H
#define DB_RUN_NAME_H

#include "db/db.h"

/* The last of the rows that text names, and how many there are (2: several).
 * by_number asks with :number, by_hash with the digits as :hash and :seed, which
 * may be NULL; either selects one whole number. */
enum status db_named_run(int64_t *id, int *n, struct db *db, const char *text,
                         const char *by_number, const char *by_hash,
                         struct err *err);

#endif
