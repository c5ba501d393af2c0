/* schema.h - the definitions in a file, held against the ones of today.
 *
 * Tables hold data: each must be word for word (comments and white space
 * apart) what qlaw makes, or the file is refused; a few that came later are
 * added, empty, to a file without them.  Views hold none and are the
 * program's: one that is not today's is replaced, whatever it says, before
 * anything asks it.  So a file of an older version opens, with the views of
 * this one and its old tables untouched.
 *
 * A writer replaces the views in the file, in one transaction; a reader, which
 * writes nothing, lays today's over them in its own temp schema. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

/* *old: views of today are not there.  ERR_DB, naming the first, for
 * a table, index or trigger that is not as qlaw made it, a trigger of another
 * name, another thing under one of our names, and a table that is missing.
 * Objects of other names are the user's own affair. */
enum status schema_check(bool *old, sqlite3 *handle, const char *path,
                         struct err *err);

/* Make them: in the file, or in the temp schema of this connection. */
enum status schema_mend(sqlite3 *handle, bool in_file, const char *path,
                        struct err *err);

#endif
