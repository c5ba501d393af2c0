/* retired.h - columns that there were.
 *
 * Folders that an older program exported, and rows that it deleted, still have
 * them; upgrade/NNN.sql says when they went.  No program wrote anything there,
 * so what a reader of such rows meets is passed over. */
#ifndef DB_RETIRED_H
#define DB_RETIRED_H

#include <stdbool.h>

bool db_is_retired(const char *table, const char *column);

#endif
