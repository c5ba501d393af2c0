#include "db/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/handle.h"

#define KEPT 64 /* statements, unless more are in use */

struct db_stmt {
    struct db *db;
    sqlite3_stmt *stmt;
    bool is_open;
    uint64_t bound;       /* bit i: parameter i + 1 is */
    const char *misbound; /* the name of a parameter that is not there */
    int code;             /* of a binding that failed */
};

/* --- what is kept
 * ------------------------------------------------------------------ */

static void forget(struct db *db, size_t i)
{
    sqlite3_finalize(db->kept[i]->stmt);
    free(db->kept[i]);
    memmove(db->kept + i, db->kept + i + 1,
            sizeof db->kept[0] * (--db->n_kept - i));
}

void db_forget_statements(struct db *db)
{
    while (db->n_kept > 0)
        forget(db, db->n_kept - 1);
    free(db->kept);
    db->kept = NULL;
}

/* Those used last come last, so the first free one is the oldest. */
static void make_room(struct db *db)
{
    for (size_t i = 0; i < db->n_kept && db->n_kept >= KEPT;)
        if (!db->kept[i]->is_open)
            forget(db, i);
        else
            i++;
}

static struct db_stmt *take_kept(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->n_kept; i++) {
        struct db_stmt *s = db->kept[i];

        if (s->is_open || strcmp(sqlite3_sql(s->stmt), sql) != 0)
            continue;
        memmove(db->kept + i, db->kept + i + 1,
                sizeof db->kept[0] * (db->n_kept - i - 1));
        db->kept[db->n_kept - 1] = s;
        return s;
    }
    return NULL;
}

static struct db_stmt *keep(struct db *db, sqlite3_stmt *stmt)
{
    struct db_stmt *s = mem_alloc(sizeof *s);

    make_room(db);
    s->db = db;
    s->stmt = stmt;
    db->kept = mem_grow(db->kept, db->n_kept + 1, sizeof db->kept[0]);
    db->kept[db->n_kept++] = s;
    return s;
}

enum status db_stmt_open(struct db_stmt **out, struct db *db, const char *sql,
                         struct err *err)
{
    struct db_stmt *s = take_kept(db, sql);
    sqlite3_stmt *stmt;

    *out = NULL;
    if (!s) {
        if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                               &stmt, NULL) != SQLITE_OK)
            return db_failed(db, "cannot prepare", err);
        s = keep(db, stmt);
    }
    s->is_open = true;
    s->bound = 0;
    s->misbound = NULL;
    s->code = SQLITE_OK;
    *out = s;
    return OK;
}

enum db_refusal db_stmt_asked(struct db_stmt **out, struct db *db,
                              const char *sql)
{
    sqlite3_stmt *stmt;
    const char *tail;
    enum db_refusal why = DB_TAKEN;

    *out = NULL;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, &tail) != SQLITE_OK)
        return DB_NOT_SQL;
    if (!stmt)
        why = DB_EMPTY;
    else if (tail[strspn(tail, " \t\r\n;")])
        why = DB_SEVERAL;
    else if (!sqlite3_stmt_readonly(stmt))
        why = DB_WRITES;
    if (why != DB_TAKEN) {
        sqlite3_finalize(stmt);
        return why;
    }
    *out = keep(db, stmt);
    (*out)->is_open = true;
    (*out)->bound = UINT64_MAX;
    return DB_TAKEN;
}

const char *db_message(const struct db *db)
{
    return sqlite3_errmsg(db->handle);
}

int db_message_column(const struct db *db)
{
    return sqlite3_error_offset(db->handle) + 1;
}

void db_stmt_close(struct db_stmt *s)
{
    if (!s)
        return;
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->is_open = false;
}

/* --- values in
 * --------------------------------------------------------------------- */

static int find_place(struct db_stmt *s, const char *name)
{
    char full[64] = ":";

    strncat(full, name, sizeof full - 2);
    return sqlite3_bind_parameter_index(s->stmt, full);
}

/* The place of a parameter, 0: the statement has none of that name. */
static int place_of(struct db_stmt *s, const char *name)
{
    const int i = find_place(s, name);

    if (i < 1 || i > 64) {
        s->misbound = name;
        return 0;
    }
    s->bound |= (uint64_t)1 << (i - 1);
    return i;
}

static void note(struct db_stmt *s, int code)
{
    if (s->code == SQLITE_OK)
        s->code = code;
}

void db_bind_int(struct db_stmt *s, const char *name, int64_t value)
{
    const int i = place_of(s, name);

    if (i)
        note(s, sqlite3_bind_int64(s->stmt, i, value));
}

void db_bind_real(struct db_stmt *s, const char *name, double value)
{
    const int i = place_of(s, name);

    if (i)
        note(s, isnan(value) ? sqlite3_bind_null(s->stmt, i)
                             : sqlite3_bind_double(s->stmt, i, value));
}

void db_bind_text(struct db_stmt *s, const char *name, const char *text)
{
    const int i = place_of(s, name);

    if (i)
        note(s, sqlite3_bind_text(s->stmt, i, text, -1, SQLITE_TRANSIENT));
}

void db_bind_text_n(struct db_stmt *s, const char *name, const char *text,
                    size_t size)
{
    const int i = place_of(s, name);

    if (i)
        note(s, sqlite3_bind_text64(s->stmt, i, text, size, SQLITE_TRANSIENT,
                                    SQLITE_UTF8));
}

void db_bind_blob(struct db_stmt *s, const char *name, const void *data,
                  size_t size)
{
    const int i = place_of(s, name);

    if (i)
        note(s, size == 0 ? sqlite3_bind_zeroblob(s->stmt, i, 0)
                          : sqlite3_bind_blob64(s->stmt, i, data, size,
                                                SQLITE_TRANSIENT));
}

void db_bind_null(struct db_stmt *s, const char *name)
{
    const int i = place_of(s, name);

    if (i)
        note(s, sqlite3_bind_null(s->stmt, i));
}

static void bind_value(struct db_stmt *s, const struct db_value *v)
{
    switch (v->type) {
    case DB_INTEGER:
        db_bind_int(s, v->name, v->i);
        return;
    case DB_REAL:
        db_bind_real(s, v->name, v->real);
        return;
    case DB_TEXT:
        db_bind_text(s, v->name, v->text);
        return;
    case DB_NULL:
    case DB_BLOB:
        break;
    }
    db_bind_null(s, v->name);
}

/* --- rows out
 * ---------------------------------------------------------------------- */

static enum status check_bound(struct db_stmt *s, struct err *err)
{
    const int n = sqlite3_bind_parameter_count(s->stmt);
    const uint64_t all = n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
    const bool whole = (s->bound & all) == all;
    const char *missing = NULL;

    for (int i = 1; i <= n && !missing && !whole; i++)
        if (i > 64 || !(s->bound >> (i - 1) & 1))
            missing = sqlite3_bind_parameter_name(s->stmt, i);
    if (!s->misbound && whole && s->code == SQLITE_OK)
        return OK;
    s->db->code = s->code == SQLITE_OK ? SQLITE_MISUSE : s->code;
    if (s->code != SQLITE_OK)
        return err_set(err, ERR_DB, "%s: cannot bind a value: %s", s->db->path,
                       sqlite3_errstr(s->code));
    return err_set(err, ERR_DB, "%s: %s %.60s: %.200s", s->db->path,
                   s->misbound ? "a statement has no parameter"
                               : "a statement lacks its parameter",
                   s->misbound ? s->misbound
                   : missing   ? missing
                               : "?",
                   sqlite3_sql(s->stmt));
}

static enum status step(bool *row, struct db_stmt *s, struct err *err)
{
    const int code = sqlite3_step(s->stmt);
    enum status st = OK;

    *row = code == SQLITE_ROW;
    if (*row)
        return OK;
    if (code != SQLITE_DONE)
        st = db_failed(s->db, "a statement failed", err);
    sqlite3_reset(s->stmt);
    return st;
}

enum status db_stmt_step(bool *row, struct db_stmt *s, struct err *err)
{
    enum status st = OK;

    *row = false;
    if (!sqlite3_stmt_busy(s->stmt))
        st = check_bound(s, err);
    return st == OK ? step(row, s, err) : st;
}

int64_t db_int(struct db_stmt *s, int i)
{
    return sqlite3_column_int64(s->stmt, i);
}

double db_real(struct db_stmt *s, int i)
{
    return db_real_or(s, i, (double)NAN);
}

double db_real_or(struct db_stmt *s, int i, double otherwise)
{
    return db_is_null(s, i) ? otherwise : sqlite3_column_double(s->stmt, i);
}

const char *db_text(struct db_stmt *s, int i)
{
    const unsigned char *text = sqlite3_column_text(s->stmt, i);

    return text ? (const char *)text : "";
}

const void *db_blob(size_t *size, struct db_stmt *s, int i)
{
    const void *data = sqlite3_column_blob(s->stmt, i);

    *size = (size_t)sqlite3_column_bytes(s->stmt, i);
    return data ? data : "";
}

bool db_is_null(struct db_stmt *s, int i)
{
    return sqlite3_column_type(s->stmt, i) == SQLITE_NULL;
}

int db_columns(const struct db_stmt *s)
{
    return sqlite3_column_count(s->stmt);
}

const char *db_column(const struct db_stmt *s, int i)
{
    return sqlite3_column_name(s->stmt, i);
}

enum db_type db_type(struct db_stmt *s, int i)
{
    switch (sqlite3_column_type(s->stmt, i)) {
    case SQLITE_INTEGER:
        return DB_INTEGER;
    case SQLITE_FLOAT:
        return DB_REAL;
    case SQLITE_TEXT:
        return DB_TEXT;
    case SQLITE_BLOB:
        return DB_BLOB;
    default:
        return DB_NULL;
    }
}

/* --- in one call
 * ------------------------------------------------------------------- */

enum status db_stmt_with(struct db_stmt **out, struct db *db, const char *sql,
                         const struct db_value *values, struct err *err)
{
    const enum status st = db_stmt_open(out, db, sql, err);

    for (const struct db_value *v = values; st == OK && v && v->name; v++)
        bind_value(*out, v);
    return st;
}

enum status db_do(struct db *db, const char *sql, const struct db_value *values,
                  struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(&s, db, sql, values, err);

    while (st == OK && row)
        st = db_stmt_step(&row, s, err);
    db_stmt_close(s);
    return st;
}

enum status db_do_all(struct db *db, const char *const *sql, size_t n,
                      const struct db_value *values, struct err *err)
{
    enum status st = OK;

    for (size_t i = 0; i < n && st == OK; i++) {
        struct db_stmt *s;
        bool row = true;

        st = db_stmt_open(&s, db, sql[i], err);
        for (const struct db_value *v = values; st == OK && v && v->name; v++)
            if (find_place(s, v->name))
                bind_value(s, v);
        while (st == OK && row)
            st = db_stmt_step(&row, s, err);
        db_stmt_close(s);
    }
    return st;
}

enum status db_ask(int64_t *out, struct db *db, const char *sql,
                   const struct db_value *values, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(&s, db, sql, values, err);

    *out = 0;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        *out = db_int(s, 0);
    db_stmt_close(s);
    return st;
}

enum status db_ask_text(char **out, struct db *db, const char *sql,
                        const struct db_value *values, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(&s, db, sql, values, err);

    *out = NULL;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        *out = mem_strdup(db_text(s, 0));
    db_stmt_close(s);
    return st;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}
