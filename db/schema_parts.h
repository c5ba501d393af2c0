/* schema_parts.h - what the files about schemas share. */
#ifndef DB_SCHEMA_PARTS_H
#define DB_SCHEMA_PARTS_H

#include "db/schema.h"

struct object {
    const char *type, *name, *sql;
};

bool object_is(const struct object *o, const char *type);

/* Called for each object of main that has a definition, in the order in which
 * they were made; false ends the walk.  ERR_DB: the schema cannot be read. */
typedef bool object_fn(void *ctx, const struct object *o);
enum status schema_walk(sqlite3 *handle, object_fn *fn, void *ctx,
                        const char *path, struct err *err);

/* What main has under a name, type NULL for nothing; its strings live until the
 * caller finalizes what is returned. */
sqlite3_stmt *schema_find(struct object *o, sqlite3 *handle, const char *name);

/* The first whole number of a question, or otherwise where there is none. */
int schema_ask(sqlite3 *handle, const char *sql, int otherwise);

/* In memory and empty: a file of today, or the tables and indexes of one of an
 * older version.  The caller closes *fresh in any case. */
enum status schema_build(sqlite3 **fresh, const struct schema *s, int version,
                         struct err *err);

/* "CREATE ..." as "CREATE TEMP ..."; the caller frees it. */
char *schema_as_temp(const struct object *o);

#endif
