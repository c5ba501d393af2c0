/* import.c - a folder that db_export wrote, read into a scratch database and
 * merged from there, so that a damaged folder changes nothing. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "db/export.h"
#include "db/place.h"
#include "db/retired.h"
#include "db/statement.h"

#define MAX_COLUMNS 64
#define MAX_BYTES   ((size_t)1 << 31)

/* --- files -----------------------------------------------------------------
 */

static enum status unpack(struct str *text, const char *path, struct err *err)
{
    struct str out = { 0 };
    z_stream z = { 0 };
    int rc = Z_OK;

    z.next_in = (unsigned char *)text->data;
    z.avail_in = (uInt)text->len;
    inflateInit2(&z, 15 + 16);
    while (rc == Z_OK && out.len < MAX_BYTES) {
        char buf[1 << 16];

        z.next_out = (unsigned char *)buf;
        z.avail_out = sizeof buf;
        rc = inflate(&z, Z_NO_FLUSH);
        str_add_n(&out, buf, sizeof buf - z.avail_out);
    }
    inflateEnd(&z);
    str_release(text);
    *text = out;
    if (rc == Z_STREAM_END)
        return OK;
    return err_set(err, ERR_CONFIG, "%s: damaged or too large gzip", path);
}

static enum status check_sum(const char *folder, const char *line, size_t n,
                             struct err *err)
{
    char hex[HASH_HEX], *name;
    struct str text = { 0 };
    enum status st;

    if (n < 67 || memchr(line + 66, '/', n - 66))
        return err_set(err, ERR_CONFIG,
                       "%s/SHA256SUMS: not a line of sha256sum", folder);
    name = mem_printf("%s/%.*s", folder, (int)n - 66, line + 66);
    st = file_read(&text, name, MAX_BYTES, err);
    if (st == OK) {
        hash_bytes(hex, str_text(&text), text.len);
        if (memcmp(hex, line, 64) != 0)
            st =
                err_set(err, ERR_CONFIG,
                        "%s: changed since it was exported (SHA256SUMS)", name);
    }
    str_release(&text);
    free(name);
    return st;
}

/* Every table must have been checked: a list that was cut checks nothing and
 * says so of nothing. */
static enum status check_complete(const char *folder, const char *sums,
                                  struct err *err)
{
    for (int i = 0; export_table_at(i); i++) {
        char *path = export_path(folder, export_table_at(i));
        char *end = mem_printf("  %s\n", strrchr(path, '/') + 1);
        const bool found = strstr(sums, end) != NULL;

        free(end);
        if (!found)
            err_set(err, ERR_CONFIG,
                    "%s/SHA256SUMS has no line of %s: it was cut, or the "
                    "folder is not one that 'qlaw export' wrote",
                    folder, strrchr(path, '/') + 1);
        free(path);
        if (!found)
            return ERR_CONFIG;
    }
    return OK;
}

static enum status check_sums(const char *folder, struct err *err)
{
    char *path = mem_printf("%s/SHA256SUMS", folder);
    struct str text = { 0 };
    enum status st = file_read(&text, path, 1 << 20, err);

    if (st != OK)
        err_prefix(err, "not a folder that 'qlaw export' wrote: ");
    for (const char *p = str_text(&text); st == OK && *p;) {
        const size_t n = strcspn(p, "\n");

        st = check_sum(folder, p, n, err);
        p += n + (p[n] == '\n');
    }
    if (st == OK)
        st = check_complete(folder, str_text(&text), err);
    str_release(&text);
    free(path);
    return st;
}

/* --- CSV --------------------------------------------------------------------
 */

struct cell {
    char *text;
    bool quoted;
};

struct csv {
    const char *path;
    char *at;
    int line;
    struct cell cells[MAX_COLUMNS];
    int n;
};

/* One cell, unquoted in place; *last: it ended its row. */
static enum status read_cell(struct csv *c, bool *last, struct err *err)
{
    char *to = c->at;
    struct cell *cell = &c->cells[c->n];

    if (c->n == MAX_COLUMNS)
        return err_set(err, ERR_CONFIG, "%s:%d: too many columns", c->path,
                       c->line);
    c->n++;
    *cell = (struct cell){ c->at, *c->at == '"' };
    if (cell->quoted) {
        cell->text = ++to;
        for (c->at++; *c->at; c->at++) {
            if (*c->at == '"' && *++c->at != '"')
                break;
            c->line += *c->at == '\n';
            *to++ = *c->at;
        }
    } else {
        c->at += strcspn(c->at, ",\n");
        to = c->at;
    }
    if (*c->at != ',' && *c->at != '\n')
        return err_set(err, ERR_CONFIG, "%s:%d: a cell is not closed", c->path,
                       c->line);
    *last = *c->at == '\n';
    c->at++;
    *to = '\0';
    return OK;
}

static enum status read_row(struct csv *c, struct err *err)
{
    bool last = false;
    enum status st = OK;

    c->n = 0;
    while (st == OK && !last)
        st = read_cell(c, &last, err);
    c->line++;
    return st;
}

/* --- rows into a table -------------------------------------------------------
 */

enum kind { KIND_INTEGER, KIND_REAL, KIND_TEXT, KIND_RETIRED };

struct target {
    char *sql; /* INSERT, or NULL */
    enum kind kind[MAX_COLUMNS];
    char *name[MAX_COLUMNS];
    int n;
};

/* *kind says how to read the cells; ERR_CONFIG: the table has no such column,
 * nor had it ever. */
static enum status find_column(enum kind *kind, struct db *db,
                               const char *table, const char *name,
                               const struct csv *c, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_with(
        &s, db, "SELECT type FROM pragma_table_info(:table) WHERE name=:name",
        DB_VALUES(DB_T("table", table), DB_T("name", name)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        *kind = strcmp(db_text(s, 0), "INTEGER") == 0 ? KIND_INTEGER
                : strcmp(db_text(s, 0), "REAL") == 0  ? KIND_REAL
                                                      : KIND_TEXT;
    else if (st == OK && db_is_retired(table, name))
        *kind = KIND_RETIRED;
    else if (st == OK)
        st = err_set(err, ERR_CONFIG, "%s:1: unknown column '%.80s'", c->path,
                     name);
    db_stmt_close(s);
    return st;
}

/* Names of columns come from the table, never from the file, into SQL. */
static enum status read_header(struct target *t, struct csv *c, struct db *db,
                               const char *table, struct err *err)
{
    struct str names = { 0 }, marks = { 0 };
    enum status st = read_row(c, err);

    for (int i = 0; i < c->n && st == OK; i++) {
        st = find_column(&t->kind[i], db, table, c->cells[i].text, c, err);
        if (t->kind[i] == KIND_RETIRED)
            continue;
        t->name[i] = mem_strdup(c->cells[i].text);
        str_addf(&names, "%s%s", names.len ? "," : "", t->name[i]);
        str_addf(&marks, "%s:%s", marks.len ? "," : "", t->name[i]);
    }
    t->n = c->n;
    if (st == OK)
        t->sql = mem_printf("INSERT INTO %s(%s) VALUES(%s)", table,
                            str_text(&names), str_text(&marks));
    str_release(&names);
    str_release(&marks);
    return st;
}

/* False: it is no number. */
static bool bind_cell(struct db_stmt *s, const char *name,
                      const struct cell *cell, enum kind kind)
{
    const char *end;
    char *rest;
    double x = NAN;
    bool ok = true;

    if (!*cell->text && !cell->quoted) {
        db_bind_null(s, name);
        return true;
    }
    switch (kind) {
    case KIND_INTEGER:
        errno = 0;
        db_bind_int(s, name, strtoll(cell->text, &rest, 10));
        return errno == 0 && rest != cell->text && !*rest;
    case KIND_REAL:
        ok = text_read_number(&x, cell->text, &end, false) && !*end;
        db_bind_real(s, name, x);
        return ok;
    case KIND_TEXT:
    case KIND_RETIRED:
        break;
    }
    db_bind_text(s, name, cell->text);
    return true;
}

static enum status put_row(struct db_stmt *s, const struct target *t,
                           const struct csv *c, struct err *err)
{
    bool row;
    enum status st = OK;

    if (c->n != t->n)
        st = err_set(err, ERR_CONFIG, "%s:%d: %d cells under %d columns",
                     c->path, c->line - 1, c->n, t->n);
    for (int i = 0; i < c->n && st == OK; i++)
        if (t->name[i] && !bind_cell(s, t->name[i], &c->cells[i], t->kind[i]))
            st = err_set(err, ERR_CONFIG, "%s:%d: '%.40s' is not a number",
                         c->path, c->line - 1, c->cells[i].text);
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == ERR_DB)
        err_prefix(err, "%s:%d: ", c->path, c->line - 1);
    return st;
}

static enum status put_rows(struct db *db, const struct target *t,
                            struct csv *c, struct err *err)
{
    struct db_stmt *s;
    enum status st = db_stmt_open(&s, db, t->sql, err);

    while (st == OK && *c->at) {
        st = read_row(c, err);
        if (st == OK)
            st = put_row(s, t, c, err);
    }
    db_stmt_close(s);
    return st;
}

static void target_release(struct target *t)
{
    for (int i = 0; i < MAX_COLUMNS; i++)
        free(t->name[i]);
    free(t->sql);
}

static enum status read_table(struct db *db, const struct export_table *t,
                              const char *folder, struct err *err)
{
    char *path = export_path(folder, t);
    struct target to = { .sql = NULL };
    struct str text = { 0 };
    struct csv c = { .path = path, .line = 1 };
    enum status st = file_read(&text, path, MAX_BYTES, err);

    if (st == OK && t->compressed)
        st = unpack(&text, path, err);
    c.at = text.data;
    if (st == OK && text.len == 0)
        st = err_set(err, ERR_CONFIG, "%s: is empty", path);
    if (st == OK && memchr(text.data, '\0', text.len)) /* the rest unread */
        st = err_set(err, ERR_CONFIG, "%s: a zero byte is no text", path);
    if (st == OK)
        st = read_header(&to, &c, db, t->name, err);
    if (st == OK)
        st = put_rows(db, &to, &c, err);
    target_release(&to);
    free(path);
    str_release(&text);
    return st;
}

/* --- the folder --------------------------------------------------------------
 */

static enum status name_of_grid(char **grid, struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_open(&s, db, "SELECT name FROM grid", err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        *grid = mem_strdup(db_text(s, 0));
    else if (st == OK)
        st = err_set(err, ERR_CONFIG, "the folder holds no grid");
    db_stmt_close(s);
    return st;
}

static enum status fill(char **grid, const char *scratch, const char *folder,
                        struct err *err)
{
    struct db *db = NULL;
    enum status st = db_open(&db, scratch, DB_WRITE, err);

    if (st == OK)
        st = db_begin(db, err);
    for (int i = 0; export_table_at(i) && st == OK; i++)
        st = read_table(db, export_table_at(i), folder, err);
    if (st == OK)
        st = name_of_grid(grid, db, err);
    if (st == OK)
        st = db_commit(db, err);
    db_close(db);
    return st;
}

/* Filled beside the database, where there is room for it if anywhere. */
static enum status from_scratch(struct db_merge *out, char **grid,
                                struct db *db, const char *folder,
                                struct err *err)
{
    char *scratch;
    enum status st = db_place_make(&scratch, db_path(db), err);

    if (st == OK)
        st = fill(grid, scratch, folder, err);
    if (st == OK)
        st = db_merge(out, db, scratch, err);
    db_place_drop(scratch);
    free(scratch);
    return st;
}

enum status db_import(struct db_merge *out, char **grid, struct db *db,
                      const char *folder, struct err *err)
{
    enum status st = check_sums(folder, err);

    *out = (struct db_merge){ 0 };
    *grid = NULL;
    if (st == OK)
        st = from_scratch(out, grid, db, folder, err);
    if (st != OK) {
        free(*grid);
        *grid = NULL;
    }
    return st;
}
