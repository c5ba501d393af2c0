#include "db/run_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/statement.h"

enum status db_named_run(int64_t *id, int *n, struct db *db, const char *text,
                         const char *by_number, const char *by_hash,
                         struct err *err)
{
    const size_t hash = strcspn(text, "-");
    const char *seed = text[hash] ? text + hash + 1 : NULL;
    const bool number =
        !seed && hash < 8 && strspn(text, "0123456789") == strlen(text);
    char *start = mem_strndup(text, hash);
    struct db_stmt *s;
    bool row = true;
    enum status st =
        number
            ? db_stmt_with(&s, db, by_number, DB_VALUES(DB_T("number", start)),
                           err)
            : db_stmt_with(&s, db, by_hash,
                           DB_VALUES(DB_T("hash", start), DB_T("seed", seed)),
                           err);

    *n = 0;
    for (; st == OK && (st = db_stmt_step(&row, s, err)) == OK && row; ++*n)
        *id = db_int(s, 0);
    db_stmt_close(s);
    free(start);
    return st;
}
