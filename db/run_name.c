#include "db/run_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum status db_named_run(int64_t *id, int *n, struct db *db, const char *text,
                         const char *by_number, const char *by_hash,
                         struct err *err)
{
    const size_t hash = strcspn(text, "-");
    const char *seed = text[hash] ? text + hash + 1 : NULL;
    const bool number =
        !seed && hash < 8 && strspn(text, "0123456789") == strlen(text);
    char *start = mem_strndup(text, hash);
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, db, number ? by_number : by_hash, err);

    *n = 0;
    if (st == OK)
        db_bind(stmt, number ? "t" : "tt", start, seed);
    for (; st == OK && (st = db_step(&row, db, stmt, err)) == OK && row; ++*n)
        *id = sqlite3_column_int64(stmt, 0);
    free(start);
    return st;
}
