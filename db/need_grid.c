#include "db/need_grid.h"

#include <stdlib.h>

#include "base/str.h"

#define NAMES 64 /* looked through for the nearest */

enum status db_no_grid(struct db *db, const char *name, struct err *err)
{
    const char *names[NAMES], *near;
    char *copies[NAMES];
    size_t n = 0;
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT name FROM grid GROUP BY name ORDER BY max(grid_id) DESC", err);

    while (st == OK && n < NAMES &&
           (st = db_step(&row, db, stmt, err)) == OK && row) {
        copies[n] = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
        names[n] = copies[n];
        n++;
    }
    if (st == OK) {
        sqlite3_reset(stmt);
        near = text_nearest(name, names, n);
        st = near ? err_set(err, ERR_USAGE,
                            "no grid '%.60s' in %s; did you mean '%s'?", name,
                            db_path(db), near)
                  : err_set(err, ERR_USAGE,
                            "no grid '%.60s' in %s (see 'qlaw status')", name,
                            db_path(db));
    }
    while (n > 0)
        free(copies[--n]);
    return st;
}

enum status db_need_grid(int64_t *grid_id, struct db *db, const char *name,
                         struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st = db_prepare(
        &stmt, db, "SELECT max(grid_id) FROM grid WHERE name = ?", err);
    bool row = false, found = false;

    if (st == OK) {
        db_bind(stmt, "t", name);
        st = db_step(&row, db, stmt, err);
    }
    if (st != OK)
        return st;
    found = row && sqlite3_column_type(stmt, 0) != SQLITE_NULL;
    if (found && grid_id)
        *grid_id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return found ? OK : db_no_grid(db, name, err);
}

enum status db_grid_names(char ***out, int *n, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db, "SELECT name FROM current_grid ORDER BY name", err);

    *out = NULL;
    *n = 0;
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        *out = mem_grow(*out, (size_t)*n + 1, sizeof **out);
        (*out)[(*n)++] = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    return st;
}
