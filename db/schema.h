/* schema.h - the definitions in a file, held against what a program makes.
 *
 * Tables and indexes hold data: each must be word for word (comments and white
 * space apart) what a qlaw of the file's version made, or the file is refused.
 * Views hold none and are the program's: one that is not today's is replaced,
 * whatever it says, before anything asks it; so are the triggers of an older
 * file, which nothing fires before.  Objects of other names are the user's own
 * affair, except triggers, which are refused.
 *
 * A writer brings an older file up to date (upgrade.h).  A reader, which writes
 * nothing, lays over it in the temp schema of its own connection: today's views;
 * tables that came later, empty; and over a table that got columns later a view
 * of its name in which they have their defaults, or NULL where there is none. */
#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

/* What a program makes and knows.  upgrades[i] leads from version i to i + 1;
 * the first makes the tables of version 1 in an empty file.  Applied in a row
 * they make the tables and indexes of text. */
struct schema {
    const char *text;
    const char *const *upgrades;
    int version; /* and how many upgrades there are */
};

extern const struct schema schema_today; /* schema.sql, upgrade/NNN.sql */

/* What is in a file. */
struct schema_found {
    int version;
    bool old; /* the version, or a view, is not today's */
};

/* ERR_DB, naming the first, for a table or index that is not as qlaw made it, a
 * trigger of another name, another thing under one of our names, and a table
 * that is missing.  Reads in a transaction of its own unless there is one. */
enum status schema_check(struct schema_found *out, sqlite3 *handle,
                         const struct schema *s, const char *path,
                         struct err *err);

/* Make today's views in a file of today's version, in one transaction. */
enum status schema_mend(sqlite3 *handle, const struct schema *s,
                        const char *path, struct err *err);

/* For a reader of an old file. */
enum status schema_overlay(sqlite3 *handle, const struct schema *s,
                           const char *path, struct err *err);

#endif
