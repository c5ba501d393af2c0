/* scratch.h - rows in, one number out. */
#ifndef TESTS_DB_SCRATCH_H
#define TESTS_DB_SCRATCH_H

#include "db/db.h"

void scratch_fill(struct db *db, const char *sql);

/* The first column of the only row. */
double scratch_number(struct db *db, const char *sql);

#endif
