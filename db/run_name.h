/* run_name.h - what a person calls a run: its number, or the first digits of
 * its point's hash with an optional -SEED. */
#ifndef DB_RUN_NAME_H
#define DB_RUN_NAME_H

#include "db/db.h"

/* The last of the rows that text names, and how many there are (2: several).
 * by_number asks with the number as ?1, by_hash with the digits as ?1 and the
 * seed, or NULL, as ?2; either selects one whole number. */
enum status db_named_run(int64_t *id, int *n, struct db *db, const char *text,
                         const char *by_number, const char *by_hash,
                         struct err *err);

#endif
