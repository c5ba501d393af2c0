#include "db/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/retired.h"
#include "db/statement.h"

enum status shelf_columns(char **out, struct db *db, const char *table,
                          struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_with(
        &s, db, "SELECT group_concat(name) FROM pragma_table_info(:table)",
        DB_VALUES(DB_T("table", table)), err);

    *out = NULL;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK)
        *out = mem_strdup(row ? db_text(s, 0) : "");
    db_stmt_close(s);
    return st;
}

/* --- out of the table ------------------------------------------------------
 */

static void add_bits(struct str *s, uint64_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_add_char(s, (char)(bits >> 8 * i & 0xff));
}

static void add_value(struct str *s, struct db_stmt *row, int i)
{
    const char kinds[] = { [DB_NULL] = 'n',
                           [DB_INTEGER] = 'i',
                           [DB_REAL] = 'd',
                           [DB_TEXT] = 't',
                           [DB_BLOB] = 'b' };
    const enum db_type type = db_type(row, i);
    double real;
    uint64_t bits;
    size_t n;
    const void *bytes;

    str_add_char(s, kinds[type]);
    switch (type) {
    case DB_NULL:
        return;
    case DB_INTEGER:
        add_bits(s, (uint64_t)db_int(row, i), 8);
        return;
    case DB_REAL:
        real = db_real(row, i);
        memcpy(&bits, &real, sizeof bits);
        add_bits(s, bits, 8);
        return;
    case DB_TEXT:
    case DB_BLOB:
        break;
    }
    bytes = db_blob(&n, row, i);
    add_bits(s, n, 4);
    str_add_n(s, bytes, n);
}

static enum status store(struct db *db, int64_t id, const char *table,
                         const char *columns, int64_t rows,
                         const struct str *body, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st =
        db_stmt_with(&s, db,
                     "INSERT INTO deleted_rows(deleted_id, tbl, columns, rows, "
                     "body) VALUES(:id, :table, :columns, :rows, :body)",
                     DB_VALUES(DB_I("id", id), DB_T("table", table),
                               DB_T("columns", columns), DB_I("rows", rows)),
                     err);

    if (st == OK) {
        db_bind_blob(s, "body", body->data, body->len);
        st = db_stmt_step(&row, s, err);
    }
    db_stmt_close(s);
    return st;
}

enum status shelf_put(struct db *db, int64_t id, const char *table,
                      const char *where, const char *text, int64_t number,
                      struct err *err)
{
    struct str body = { 0 };
    char *columns, *sql = NULL;
    int64_t rows = 0;
    struct db_stmt *s = NULL;
    bool row = true;
    enum status st = shelf_columns(&columns, db, table, err);

    if (st == OK) {
        sql = mem_printf("SELECT %s FROM %s WHERE %s", columns, table, where);
        st = db_stmt_with(
            &s, db, sql,
            DB_VALUES(text ? DB_T("key", text) : DB_I("key", number)), err);
    }
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        for (int i = 0; i < db_columns(s); i++)
            add_value(&body, s, i);
        rows++;
    }
    db_stmt_close(s);
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

static void bind_value(struct db_stmt *s, const char *name,
                       const struct value *v, int64_t shift)
{
    double real;

    switch (v->kind) {
    case 'i':
        db_bind_int(s, name, (int64_t)v->bits + shift);
        return;
    case 'd':
        memcpy(&real, &v->bits, sizeof real);
        db_bind_real(s, name, real);
        return;
    case 't':
        db_bind_text_n(s, name, (const char *)v->bytes, v->bits);
        return;
    case 'b':
        db_bind_blob(s, name, v->bytes, v->bits);
        return;
    }
    db_bind_null(s, name);
}

#define MAX_COLUMNS 64

/* How the kept values of a row go back. */
struct insert {
    char *sql;                 /* NULL: they do not fit the table */
    int n;                     /* values of a row */
    char *column[MAX_COLUMNS]; /* of each; NULL: a retired one */
};

static void insert_release(struct insert *in)
{
    for (int i = 0; i < in->n; i++)
        free(in->column[i]);
    free(in->sql);
}

/* The names come out of the file: only those that the table has go into SQL. */
static bool add_column(struct insert *in, const char *table, const char *name,
                       const char *have)
{
    char *inside = mem_printf(",%s,", name);
    const bool there = *name && strstr(have, inside);

    free(inside);
    if (in->n == MAX_COLUMNS || (!there && !db_is_retired(table, name)))
        return false;
    in->column[in->n++] = there ? mem_strdup(name) : NULL;
    return true;
}

static void write_sql(struct insert *in, const char *how, const char *table)
{
    struct str names = { 0 }, marks = { 0 };

    for (int i = 0; i < in->n; i++)
        if (in->column[i]) {
            str_addf(&names, "%s%s", names.len ? ", " : "", in->column[i]);
            str_addf(&marks, "%s:%s", marks.len ? ", " : "", in->column[i]);
        }
    if (names.len > 0)
        in->sql = mem_printf("%s INTO %s(%s) VALUES(%s)", how, table,
                             str_text(&names), str_text(&marks));
    str_release(&names);
    str_release(&marks);
}

static void make_insert(struct insert *in, const char *how, const char *table,
                        const char *columns, const char *known)
{
    char *have = mem_printf(",%s,", known);
    bool fits = true;

    *in = (struct insert){ .n = 0 };
    for (const char *p = columns; *p && fits; p += strcspn(p, ",")) {
        char *name;

        p += *p == ',';
        name = mem_strndup(p, strcspn(p, ","));
        fits = add_column(in, table, name, have);
        free(name);
    }
    if (fits)
        write_sql(in, how, table);
    free(have);
}

/* column: the one that is shifted, or NULL. */
static bool bind_row(struct db_stmt *s, struct body *b, const struct insert *in,
                     const char *column, int64_t shift)
{
    for (int i = 0; i < in->n; i++) {
        const char *name = in->column[i];
        struct value v;

        if (!read_value(&v, b))
            return false;
        if (name)
            bind_value(s, name, &v,
                       column && strcmp(name, column) == 0 ? shift : 0);
    }
    return true;
}

static enum status insert_rows(struct db *db, struct body b, int64_t rows,
                               const struct insert *in, const char *column,
                               int64_t shift, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_open(&s, db, in->sql, err);

    for (; rows > 0 && st == OK; rows--) {
        if (!bind_row(s, &b, in, column, shift))
            st = err_set(err, ERR_DB,
                         "%s: rows of something deleted are damaged",
                         db_path(db));
        if (st == OK)
            st = db_stmt_step(&row, s, err);
    }
    db_stmt_close(s);
    return st;
}

/* What is kept, copied, so that nothing is being read while it is written. */
struct kept {
    char *columns;
    unsigned char *data;
    size_t size;
    int64_t rows;
};

static enum status read_kept(struct kept *k, struct db *db, int64_t id,
                             const char *table, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT columns, rows, body FROM deleted_rows WHERE deleted_id=:id AND "
        "tbl=:table",
        DB_VALUES(DB_I("id", id), DB_T("table", table)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row) {
        const void *body = db_blob(&k->size, s, 2);

        k->columns = mem_strdup(db_text(s, 0));
        k->rows = db_int(s, 1);
        k->data = mem_alloc(k->size + 1);
        memcpy(k->data, body, k->size);
    }
    db_stmt_close(s);
    return st;
}

enum status shelf_take(struct db *db, int64_t id, const char *table,
                       const char *how, const char *column, int64_t shift,
                       struct err *err)
{
    struct kept k = { 0 };
    struct insert in = { .n = 0 };
    char *known = NULL;
    enum status st = read_kept(&k, db, id, table, err);

    if (st == OK && k.rows > 0)
        st = shelf_columns(&known, db, table, err);
    if (st == OK && k.rows > 0) {
        const struct body b = { k.data, k.data + k.size };

        make_insert(&in, how, table, k.columns, known);
        st = in.sql ? insert_rows(db, b, k.rows, &in, column, shift, err)
                    : err_set(err, ERR_DB,
                              "%s: what was deleted has columns that table %s "
                              "has not",
                              db_path(db), table);
    }
    free(k.columns);
    free(k.data);
    free(known);
    insert_release(&in);
    return st;
}
