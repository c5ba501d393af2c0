#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "db/handle.h"

enum status db_prepare(sqlite3_stmt **out, struct db *db, const char *sql,
                       struct err *err)
{
    struct db_cached *c;

    *out = NULL;
    for (int i = 0; i < db->n_cached; i++)
        if (strcmp(db->cache[i].sql, sql) == 0) {
            *out = db->cache[i].stmt;
            sqlite3_reset(*out);
            sqlite3_clear_bindings(*out);
            return OK;
        }
    if (db->n_cached == DB_STATEMENTS) { /* forget the oldest */
        sqlite3_finalize(db->cache[0].stmt);
        memmove(db->cache, db->cache + 1,
                sizeof db->cache[0] * (size_t)--db->n_cached);
    }
    c = &db->cache[db->n_cached];
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &c->stmt, NULL) != SQLITE_OK)
        return db_failed(db, "cannot prepare", err);
    c->sql = sqlite3_sql(c->stmt); /* the statement's own copy */
    db->n_cached++;
    *out = c->stmt;
    return OK;
}

void db_bind_list(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    for (int i = 0; types[i]; i++) {
        double x;
        const char *text;

        switch (types[i]) {
        case 'i':
            sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
            break;
        case 'd':
            x = va_arg(ap, double);
            if (isnan(x))
                sqlite3_bind_null(stmt, i + 1);
            else
                sqlite3_bind_double(stmt, i + 1, x);
            break;
        case 't':
            text = va_arg(ap, const char *);
            sqlite3_bind_text(stmt, i + 1, text, -1, SQLITE_TRANSIENT);
            break;
        default:
            sqlite3_bind_null(stmt, i + 1);
            break;
        }
    }
}

void db_bind(sqlite3_stmt *stmt, const char *types, ...)
{
    va_list ap;

    va_start(ap, types);
    db_bind_list(stmt, types, ap);
    va_end(ap);
}

enum status db_step(bool *row, struct db *db, sqlite3_stmt *stmt,
                    struct err *err)
{
    const int code = sqlite3_step(stmt);

    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        return OK;
    if (code == SQLITE_DONE) {
        sqlite3_reset(stmt);
        return OK;
    }
    db_failed(db, "a statement failed", err);
    sqlite3_reset(stmt);
    return ERR_DB;
}

enum status db_run(struct db *db, struct err *err, const char *sql,
                   const char *types, ...)
{
    sqlite3_stmt *stmt;
    bool row = true;
    va_list ap;
    enum status st = db_prepare(&stmt, db, sql, err);

    if (st != OK)
        return st;
    va_start(ap, types);
    db_bind_list(stmt, types, ap);
    va_end(ap);
    while (st == OK && row)
        st = db_step(&row, db, stmt, err);
    return st;
}
