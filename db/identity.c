/* identity.c - a point's identity is the hash of its configuration.
 *
 * Rows of another file are believed only where that holds: else its numbers
 * would be those of a run that somebody here has described and nobody made. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/admin.h"

static bool agrees(const char *id, const char *config)
{
    char own[HASH_ID];

    if (!id || !config)
        return false;
    hash_id(own, config, strlen(config));
    return strcmp(own, id) == 0;
}

enum status db_identities(int64_t *wrong, char **first, struct db *db,
                          const char *schema, struct err *err)
{
    char *sql = mem_printf("SELECT point_id, config FROM %s.point", schema);
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, db, sql, err);

    *wrong = 0;
    *first = NULL;
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        const char *id = (const char *)sqlite3_column_text(stmt, 0);

        if (!agrees(id, (const char *)sqlite3_column_text(stmt, 1)) &&
            (*wrong)++ == 0)
            *first = mem_strdup(id ? id : "");
    }
    free(sql);
    return st;
}
