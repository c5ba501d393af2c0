#include "db/need_grid.h"

#include <stdlib.h>

#include "base/str.h"
#include "db/statement.h"

#define NAMES 64 /* looked through for the nearest */

enum status db_no_grid(struct db *db, const char *name, struct err *err)
{
    const char *names[NAMES], *near;
    char *copies[NAMES];
    size_t n = 0;
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(
        &s, db,
        "SELECT name FROM grid GROUP BY name ORDER BY max(grid_id) DESC", err);

    while (st == OK && n < NAMES && (st = db_stmt_step(&row, s, err)) == OK &&
           row) {
        copies[n] = mem_strdup(db_text(s, 0));
        names[n] = copies[n];
        n++;
    }
    db_stmt_close(s);
    if (st == OK) {
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

enum status db_find_grid(int64_t *grid_id, struct db *db, const char *name,
                         struct err *err)
{
    return db_ask(grid_id, db, "SELECT max(grid_id) FROM grid WHERE name=:name",
                  DB_VALUES(DB_T("name", name)), err);
}

enum status db_need_grid(int64_t *grid_id, struct db *db, const char *name,
                         struct err *err)
{
    int64_t id;
    const enum status st = db_find_grid(&id, db, name, err);

    if (st != OK)
        return st;
    if (id && grid_id)
        *grid_id = id;
    return id ? OK : db_no_grid(db, name, err);
}

enum status db_has_grid(bool *there, struct db *db, const char *name,
                        struct err *err)
{
    int64_t id;
    const enum status st = db_find_grid(&id, db, name, err);

    *there = id != 0;
    return st;
}

enum status db_grid_names(char ***out, int *n, struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(
        &s, db, "SELECT name FROM current_grid ORDER BY name", err);

    *out = NULL;
    *n = 0;
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        *out = mem_grow(*out, (size_t)*n + 1, sizeof **out);
        (*out)[(*n)++] = mem_strdup(db_text(s, 0));
    }
    db_stmt_close(s);
    return st;
}
