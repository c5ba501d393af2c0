#include "db/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/retired.h"

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

/* One value; bytes point into the body. */
struct value {
    char kind;     /* 'n', 'i', 'd', 't', 'b' as add_value wrote it */
    uint64_t bits; /* of a number; how many bytes */
    const unsigned char *bytes;
};

static bool read_value(struct value *v, struct body *b)
{
    *v = (struct value){ .kind = b->p < b->end ? (char)*b->p++ : '\0' };
    switch (v->kind) {
    case 'n':
        return true;
    case 'i':
    case 'd':
        return read_bits(&v->bits, b, 8);
    case 't':
    case 'b':
        if (!read_bits(&v->bits, b, 4) || (uint64_t)(b->end - b->p) < v->bits)
            return false;
        v->bytes = b->p;
        b->p += v->bits;
        return true;
    }
    return false;
}

static bool bind_value(sqlite3_stmt *stmt, int i, const struct value *v,
                       int64_t shift)
{
    double real;

    switch (v->kind) {
    case 'i':
        return sqlite3_bind_int64(stmt, i, (int64_t)v->bits + shift) ==
               SQLITE_OK;
    case 'd':
        memcpy(&real, &v->bits, sizeof real);
        return sqlite3_bind_double(stmt, i, real) == SQLITE_OK;
    case 't':
        return sqlite3_bind_text64(stmt, i, (const char *)v->bytes, v->bits,
                                   SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
    case 'b':
        return sqlite3_bind_blob64(stmt, i, v->bytes, v->bits, SQLITE_STATIC) ==
               SQLITE_OK;
    }
    return sqlite3_bind_null(stmt, i) == SQLITE_OK;
}

#define MAX_COLUMNS 64

/* How the kept values of a row go back. */
struct insert {
    char *sql;              /* NULL: they do not fit the table */
    int n;                  /* values of a row */
    int place[MAX_COLUMNS]; /* of each among the parameters; 0: a retired one */
    int shifted;            /* the value that is shifted, -1: none */
};

/* The names come out of the file: only those that the table has go into SQL. */
static bool add_column(struct insert *in, struct str *names, int *places,
                       const char *table, const char *name, const char *have)
{
    char *inside = mem_printf(",%s,", name);
    const bool there = *name && strstr(have, inside);

    free(inside);
    if (in->n == MAX_COLUMNS || (!there && !db_is_retired(table, name)))
        return false;
    if (there)
        str_addf(names, "%s%s", *places ? "," : "", name);
    in->place[in->n++] = there ? ++*places : 0;
    return true;
}

/* column: the one that is shifted, or NULL. */
static void make_insert(struct insert *in, const char *column, const char *how,
                        const char *table, const char *columns,
                        const char *known)
{
    struct str names = { 0 }, marks = { 0 };
    char *have = mem_printf(",%s,", known);
    bool fits = true;
    int places = 0;

    *in = (struct insert){ .shifted = -1 };
    for (const char *p = columns; *p && fits; p += strcspn(p, ",")) {
        char *name;

        p += *p == ',';
        name = mem_strndup(p, strcspn(p, ","));
        fits = add_column(in, &names, &places, table, name, have);
        if (fits && column && strcmp(name, column) == 0)
            in->shifted = in->n - 1;
        free(name);
    }
    for (int i = 0; i < places; i++)
        str_add(&marks, i ? ",?" : "?");
    if (fits && places > 0)
        in->sql = mem_printf("%s INTO %s(%s) VALUES(%s)", how, table,
                             str_text(&names), str_text(&marks));
    str_release(&names);
    str_release(&marks);
    free(have);
}

static bool bind_row(sqlite3_stmt *stmt, struct body *b,
                     const struct insert *in, int64_t shift)
{
    for (int i = 0; i < in->n; i++) {
        struct value v;

        if (!read_value(&v, b) ||
            (in->place[i] &&
             !bind_value(stmt, in->place[i], &v, i == in->shifted ? shift : 0)))
            return false;
    }
    return true;
}

static enum status insert_rows(struct db *db, struct body b, int64_t rows,
                               const struct insert *in, int64_t shift,
                               struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = OK;

    for (; rows > 0 && st == OK; rows--) {
        st = db_prepare(&stmt, db, in->sql, err);
        if (st == OK && !bind_row(stmt, &b, in, shift))
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
    struct insert in = { .sql = NULL };
    char *known = NULL;
    enum status st = read_kept(&k, db, id, table, err);

    if (st == OK && k.rows > 0)
        st = shelf_columns(&known, db, table, err);
    if (st == OK && k.rows > 0) {
        const struct body b = { k.data, k.data + k.size };

        make_insert(&in, column, how, table, k.columns, known);
        st = in.sql ? insert_rows(db, b, k.rows, &in, shift, err)
                    : err_set(err, ERR_DB,
                              "%s: what was deleted has columns that table %s "
                              "has not",
                              db_path(db), table);
    }
    free(k.columns);
    free(k.data);
    free(known);
    free(in.sql);
    return st;
}
