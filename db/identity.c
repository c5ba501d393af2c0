/* identity.c - a point's identity is the hash of its configuration.
 *
 * Rows of another file are believed only where that holds: else its numbers
 * would be those of a run that somebody here has described and nobody made. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/admin.h"
#include "db/statement.h"

static bool agrees(const char *id, const char *config)
{
    char own[HASH_ID];

    hash_id(own, config, strlen(config));
    return strcmp(own, id) == 0;
}

enum status db_identities(int64_t *wrong, char **first, struct db *db,
                          const char *schema, struct err *err)
{
    char *sql = mem_printf("SELECT point_id, config FROM %s.point", schema);
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(&s, db, sql, err);

    *wrong = 0;
    *first = NULL;
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        const char *id = db_text(s, 0);

        if (!agrees(id, db_text(s, 1)) && (*wrong)++ == 0)
            *first = mem_strdup(id);
    }
    db_stmt_close(s);
    free(sql);
    return st;
}
