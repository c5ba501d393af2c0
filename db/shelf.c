#include "db/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum status shelf_columns(char **out, struct db *db, const char *table,
                          struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(
        &stmt, db, "SELECT group_concat(name) FROM pragma_table_info(?)", err);

    *out = NULL;
    if (st != OK)
        return st;
    db_bind(stmt, "t", table);
    st = db_step(&row, db, stmt, err);
    if (st == OK)
        *out = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_reset(stmt);
    return st;
}

/* --- out of the table ------------------------------------------------------
 */

static void add_bits(struct str *s, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_add_char(s, (char)(bits >> 8 * i & 0xff));
}

static void add_value(struct str *s, sqlite3_stmt *stmt, int i)
{
    double real;
    uint64_t bits;
    int n;

    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        str_add_char(s, 'i');
        add_bits(s, (uint64_t)sqlite3_column_int64(stmt, i), 8);
        return;
    case SQLITE_FLOAT:
        real = sqlite3_column_double(stmt, i);
        memcpy(&bits, &real, sizeof bits);
        str_add_char(s, 'd');
        add_bits(s, bits, 8);
        return;
    case SQLITE_NULL:
        str_add_char(s, 'n');
        return;
    }
    str_add_char(s, sqlite3_column_type(stmt, i) == SQLITE_TEXT ? 't' : 'b');
    n = sqlite3_column_bytes(stmt, i);
    add_bits(s, (uint64_t)n, 4);
    if (n > 0)
        str_add_n(s, sqlite3_column_blob(stmt, i), (size_t)n);
}

static enum status store(struct db *db, int64_t id, const char *table,
                         const char *columns, int64_t rows,
                         const struct str *body, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "INSERT INTO deleted_rows(deleted_id, tbl, "
                                "columns, rows, body) VALUES(?,?,?,?,?)",
                                err);

    if (st != OK)
        return st;
    db_bind(stmt, "itti", id, table, columns, rows);
    sqlite3_bind_blob64(stmt, 5, body->data, body->len, SQLITE_STATIC);
    st = db_step(&row, db, stmt, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return st;
}

enum status shelf_put(struct db *db, int64_t id, const char *table,
                      const char *where, const char *text, int64_t number,
                      struct err *err)
{
    struct str body = { 0 };
    char *columns, *sql = NULL;
    int64_t rows = 0;
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = shelf_columns(&columns, db, table, err);

    if (st == OK) {
        sql = mem_printf("SELECT %s FROM %s WHERE %s", columns, table, where);
        st = db_prepare(&stmt, db, sql, err);
    }
    if (st == OK && text)
        db_bind(stmt, "t", text);
    else if (st == OK)
        db_bind(stmt, "i", number);
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            add_value(&body, stmt, i);
        rows++;
    }
    if (st == OK && rows > 0)
        st = store(db, id, table, columns, rows, &body, err);
    str_release(&body);
    free(columns);
    free(sql);
    return st;
}

/* --- back into it ----------------------------------------------------------
 */

struct body {
    const unsigned char *p, *end;
};

static bool read_bits(uint64_t *out, struct body *b, int bytes)
{
    *out = 0;
    if (b->end - b->p < bytes)
        return false;
    for (int i = 0; i < bytes; i++)
        *out |= (uint64_t)*b->p++ << 8 * i;
    return true;
}

static bool bind_value(sqlite3_stmt *stmt, int i, struct body *b, int64_t shift)
{
    const int kind = b->p < b->end ? *b->p++ : 0;
    uint64_t bits = 0;
    double real;

    switch (kind) {
    case 'n':
        return sqlite3_bind_null(stmt, i) == SQLITE_OK;
    case 'i':
        return read_bits(&bits, b, 8) &&
               sqlite3_bind_int64(stmt, i, (int64_t)bits + shift) == SQLITE_OK;
    case 'd':
        if (!read_bits(&bits, b, 8))
            return false;
        memcpy(&real, &bits, sizeof real);
        return sqlite3_bind_double(stmt, i, real) == SQLITE_OK;
    case 't':
    case 'b':
        if (!read_bits(&bits, b, 4) || (uint64_t)(b->end - b->p) < bits)
            return false;
        b->p += bits;
        return (kind == 't'
                    ? sqlite3_bind_text64(stmt, i, (const char *)b->p - bits,
                                          bits, SQLITE_STATIC, SQLITE_UTF8)
                    : sqlite3_bind_blob64(stmt, i, b->p - bits, bits,
                                          SQLITE_STATIC)) == SQLITE_OK;
    }
    return false;
}

/* The names come out of the file: only those that the table has go into SQL.
 * *at is the place of column, 0 where it is none of them. */
static char *insert_sql(int *n, int *at, const char *column, const char *how,
                        const char *table, const char *columns,
                        const char *known)
{
    struct str names = { 0 }, marks = { 0 };
    char *have = mem_printf(",%s,", known), *sql = NULL;
    bool fits = true;

    *n = *at = 0;
    for (const char *p = columns; *p && fits; p += strcspn(p, ",")) {
        char *name, *inside;

        p += *p == ',';
        name = mem_strndup(p, strcspn(p, ","));
        inside = mem_printf(",%s,", name);
        fits = *name && strstr(have, inside);
        str_addf(&names, "%s%s", *n ? "," : "", name);
        str_add(&marks, *n ? ",?" : "?");
        ++*n;
        if (column && strcmp(name, column) == 0)
            *at = *n;
        free(inside);
        free(name);
    }
    if (fits && *n > 0)
        sql = mem_printf("%s INTO %s(%s) VALUES(%s)", how, table,
                         str_text(&names), str_text(&marks));
    str_release(&names);
    str_release(&marks);
    free(have);
    return sql;
}

static enum status insert_rows(struct db *db, struct body b, int64_t rows,
                               const char *sql, int n, int at, int64_t shift,
                               struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = OK;

    for (; rows > 0 && st == OK; rows--) {
        st = db_prepare(&stmt, db, sql, err);
        for (int i = 1; i <= n && st == OK; i++)
            if (!bind_value(stmt, i, &b, i == at ? shift : 0))
                st = err_set(err, ERR_DB,
                             "%s: rows of something deleted are damaged",
                             db_path(db));
        if (st == OK)
            st = db_step(&row, db, stmt, err);
        if (st == OK) {
            sqlite3_reset(stmt);
            sqlite3_clear_bindings(stmt);
        }
    }
    return st;
}

/* What is kept, copied: other statements may push ours out of the cache. */
struct kept {
    char *columns;
    unsigned char *data;
    size_t size;
    int64_t rows;
};

static enum status read_kept(struct kept *k, struct db *db, int64_t id,
                             const char *table, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(&stmt, db,
                                "SELECT columns, rows, body FROM deleted_rows "
                                "WHERE deleted_id=? AND tbl=?",
                                err);

    if (st != OK)
        return st;
    db_bind(stmt, "it", id, table);
    st = db_step(&row, db, stmt, err);
    if (st == OK && row) {
        k->columns = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
        k->rows = sqlite3_column_int64(stmt, 1);
        k->size = (size_t)sqlite3_column_bytes(stmt, 2);
        k->data = mem_alloc(k->size + 1);
        if (k->size > 0)
            memcpy(k->data, sqlite3_column_blob(stmt, 2), k->size);
    }
    sqlite3_reset(stmt);
    return st;
}

enum status shelf_take(struct db *db, int64_t id, const char *table,
                       const char *how, const char *column, int64_t shift,
                       struct err *err)
{
    struct kept k = { 0 };
    char *known = NULL, *sql = NULL;
    int n, at;
    enum status st = read_kept(&k, db, id, table, err);

    if (st == OK && k.rows > 0)
        st = shelf_columns(&known, db, table, err);
    if (st == OK && k.rows > 0) {
        const struct body b = { k.data, k.data + k.size };

        sql = insert_sql(&n, &at, column, how, table, k.columns, known);
        st = sql ? insert_rows(db, b, k.rows, sql, n, at, shift, err)
                 : err_set(err, ERR_DB,
                           "%s: what was deleted has columns that table %s "
                           "has not",
                           db_path(db), table);
    }
    free(k.columns);
    free(k.data);
    free(known);
    free(sql);
    return st;
}
