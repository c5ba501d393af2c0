/* shelf.h - rows of a table, taken out and kept to be put back.
 *
 * The rows of one table that belong to one deletion are one row of
 * deleted_rows: the names of the columns, separated by commas, how many rows,
 * and their values one after another.  A value is a letter and, least
 * significant byte first,
 *
 *   n           NULL
 *   i  8 bytes  a whole number
 *   d  8 bytes  a real, bit for bit
 *   t  4 bytes  a length, and so many bytes of text
 *   b  4 bytes  a length, and so many bytes */
#ifndef DB_SHELF_H
#define DB_SHELF_H

#include "db/db.h"

/* The columns of a table that are stored (not the generated ones), separated by
 * commas; the caller frees them. */
enum status shelf_columns(char **out, struct db *db, const char *table,
                          struct err *err);

/* Keep a copy of the rows of table under the deletion id.  where is constant
 * SQL with :key, which is text, or the number when text is NULL. */
enum status shelf_put(struct db *db, int64_t id, const char *table,
                      const char *where, const char *text, int64_t number,
                      struct err *err);

/* Insert them again, in a transaction of the caller's: how is "INSERT" or
 * "INSERT OR IGNORE"; shift is added to the column of that name (NULL: none).
 * No rows kept is no error; ERR_DB for rows that do not fit the table. */
enum status shelf_take(struct db *db, int64_t id, const char *table,
                       const char *how, const char *column, int64_t shift,
                       struct err *err);

#endif
