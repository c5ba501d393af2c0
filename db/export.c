#include "db/export.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text_table.h"
#include "db/need_grid.h"
#include "db/shelf.h"
#include "db/statement.h"

#define GRID   "(SELECT max(grid_id) FROM grid WHERE name=:grid)"
#define POINTS "(SELECT point_id FROM grid_point WHERE grid_id=" GRID ")"
#define RUNS   "(SELECT run_id FROM run WHERE point_id IN " POINTS ")"

/* In an order that satisfies every reference. */
static const struct export_table tables[] = {
    { "env", "env_id IN (SELECT env_id FROM attempt WHERE run_id IN " RUNS ")",
      false },
    { "dataset",
      "dataset_id IN (SELECT dataset_id FROM point WHERE point_id IN " POINTS
      ")",
      false },
    { "grid", "grid_id=" GRID, false },
    { "point", "point_id IN " POINTS, true },
    { "grid_point", "grid_id=" GRID, true },
    { "run", "run_id IN " RUNS, true },
    { "attempt", "run_id IN " RUNS, true },
    { "curve", "run_id IN " RUNS, true },
    { "metric", "run_id IN " RUNS, true },
    { "result", "run_id IN " RUNS, true },
};

#define N_TABLES (int)(sizeof tables / sizeof tables[0])

const struct export_table *export_table_at(int i)
{
    return i < N_TABLES ? &tables[i] : NULL;
}

char *export_path(const char *folder, const struct export_table *t)
{
    return mem_printf("%s/%s.csv%s", folder, t->name,
                      t->compressed ? ".gz" : "");
}

/* --- rows ------------------------------------------------------------------
 */

static void add_cell(struct str *out, struct db_stmt *s, int i)
{
    char buf[32];

    switch (db_type(s, i)) {
    case DB_NULL:
        break;
    case DB_REAL:
        str_add(out, text_number(buf, db_real(s, i)));
        break;
    default:
        text_csv_exact(out, db_text(s, i));
    }
}

static enum status add_rows(struct str *out, int64_t *rows, struct db_stmt *s,
                            struct err *err)
{
    const int n = db_columns(s);
    bool row;
    enum status st;

    for (int i = 0; i < n; i++)
        str_addf(out, "%s%s", db_column(s, i), i + 1 < n ? "," : "\n");
    *rows = 0;
    while ((st = db_stmt_step(&row, s, err)) == OK && row) {
        for (int i = 0; i < n; i++) {
            add_cell(out, s, i);
            str_add_char(out, i + 1 < n ? ',' : '\n');
        }
        ++*rows;
    }
    return st;
}

/* --- files -----------------------------------------------------------------
 */

/* The same bytes give the same file: no time, no name. */
static void compress_text(struct str *text)
{
    const uLong bound = compressBound(text->len) + 32;
    struct str out = { 0 };
    z_stream z = { 0 };

    out.data = mem_alloc(bound);
    out.cap = bound;
    z.next_in = (unsigned char *)text->data;
    z.avail_in = (uInt)text->len;
    z.next_out = (unsigned char *)out.data;
    z.avail_out = (uInt)bound;
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    out.len = z.total_out;
    deflateEnd(&z);
    str_release(text);
    *text = out;
}

static enum status put_file(struct str *sums, struct str *text,
                            const char *path, bool compressed, struct err *err)
{
    char hex[HASH_HEX];

    if (text->len > (size_t)1 << 31)
        return err_set(err, ERR_NOMEM, "%s: more than 2 GiB of rows", path);
    if (compressed)
        compress_text(text);
    hash_bytes(hex, str_text(text), text->len);
    str_addf(sums, "%s  %s\n", hex, strrchr(path, '/') + 1);
    return file_replace(path, str_text(text), text->len, err);
}

/* A file of the folder before it is written. */
struct page {
    char *path;
    struct str text;
    int64_t rows;
};

static enum status read_page(struct page *p, struct db *db, const char *sql,
                             const char *grid, struct err *err)
{
    struct db_stmt *s;
    enum status st =
        db_stmt_with(&s, db, sql, DB_VALUES(DB_T("grid", grid)), err);

    if (st == OK)
        st = add_rows(&p->text, &p->rows, s, err);
    db_stmt_close(s);
    return st;
}

static enum status read_table(struct page *p, struct db *db,
                              const struct export_table *t, const char *grid,
                              struct err *err)
{
    char *columns = NULL, *sql = NULL;
    enum status st = shelf_columns(&columns, db, t->name, err);

    if (st == OK) {
        sql = mem_printf("SELECT %s FROM %s WHERE %s ORDER BY 1,2", columns,
                         t->name, t->where);
        st = read_page(p, db, sql, grid, err);
    }
    free(columns);
    free(sql);
    return st;
}

/* For people: a line a run, with what it was compared with. */
static const char losses_sql[] =
    "SELECT r.*, d.delta, m.value AS probe_loss FROM runs r LEFT JOIN deltas "
    "d ON d.run_id=r.run_id LEFT JOIN metric m ON m.run_id=r.run_id AND "
    "m.name='probe_loss' WHERE r.run_id IN " RUNS " ORDER BY r.run_id";

/* One moment of the database: beside a scheduler that writes, tables read one
 * after the other would contradict each other.  Nothing is compressed or
 * written in it, because a scheduler cannot commit meanwhile. */
static enum status read_all(struct page pages[], struct db *db,
                            const char *grid, struct err *err)
{
    enum status st = db_read_begin(db, err);

    for (int i = 0; i < N_TABLES && st == OK; i++)
        st = read_table(&pages[i], db, &tables[i], grid, err);
    if (st == OK)
        st = read_page(&pages[N_TABLES], db, losses_sql, grid, err);
    db_read_end(db);
    return st;
}

static enum status put_all(struct page pages[], struct str *sums,
                           const char *folder, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i <= N_TABLES && st == OK; i++) {
        struct page *p = &pages[i];

        p->path = i < N_TABLES ? export_path(folder, &tables[i])
                               : mem_printf("%s/losses.csv.gz", folder);
        st = put_file(sums, &p->text, p->path, text_has_suffix(p->path, ".gz"),
                      err);
        str_release(&p->text);
    }
    return st;
}

static void free_pages(struct page pages[])
{
    for (int i = 0; i <= N_TABLES; i++) {
        free(pages[i].path);
        str_release(&pages[i].text);
    }
}

static int64_t rows_of(const struct page pages[], const char *name)
{
    for (int i = 0; export_table_at(i); i++)
        if (strcmp(tables[i].name, name) == 0)
            return pages[i].rows;
    return 0;
}

enum status db_export(struct db_export *out, struct db *db, const char *grid,
                      const char *folder, struct err *err)
{
    struct page pages[N_TABLES + 1] = { 0 };
    char *path = mem_printf("%s/SHA256SUMS", folder);
    struct str sums = { 0 };
    enum status st = db_need_grid(NULL, db, grid, err);

    if (st == OK)
        st = file_make_dirs(folder, err);
    if (st == OK)
        st = read_all(pages, db, grid, err);
    if (st == OK)
        st = put_all(pages, &sums, folder, err);
    if (st == OK)
        st = file_replace(path, str_text(&sums), sums.len, err);
    *out =
        (struct db_export){ rows_of(pages, "point"), rows_of(pages, "run"),
                            rows_of(pages, "result"), rows_of(pages, "curve") };
    free_pages(pages);
    str_release(&sums);
    free(path);
    return st;
}
