/* import_grid.c - the grid that a table's rows become part of. */
#include "harness/study/import_grid.h"

#include <stdarg.h>

#include "db/point.h"

/* --- asking the database -----------------------------------------------------
 */

enum status import_ask(double *out, bool *found, struct importing *m,
                       const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    enum status st = db_prepare(&stmt, m->db, sql, m->err);

    *found = false;
    if (st != OK)
        return st;
    va_start(ap, types);
    db_bind_list(stmt, types, ap);
    va_end(ap);
    st = db_step(found, m->db, stmt, m->err);
    if (st == OK && *found) {
        *out = sqlite3_column_double(stmt, 0);
        sqlite3_reset(stmt);
    }
    return st;
}

static enum status ask_id(int64_t *out, bool *found, struct importing *m,
                          const char *sql, const char *text)
{
    double x = 0;
    const enum status st =
        text ? import_ask(&x, found, m, sql, "tt", m->rq->grid, text)
             : import_ask(&x, found, m, sql, "t", m->rq->grid);

    *out = (int64_t)x;
    return st;
}

/* --- the grid
 * ------------------------------------------------------------------ */

/* Rows that other files brought to the grid stay in it. */
static enum status join(struct importing *m, int64_t before)
{
    double runs = 0;
    bool found;
    enum status st = db_run(m->db, m->err,
                            "INSERT INTO grid_point(grid_id, point_id, ordinal,"
                            " block, priority, seeds) SELECT ?, point_id, "
                            "CASE WHEN ordinal < ? THEN ordinal + ? ELSE "
                            "ordinal END, block, priority, seeds "
                            "FROM grid_point WHERE grid_id = ?",
                            "iiii", m->grid, (int64_t)IMPORT_EARLIER,
                            (int64_t)IMPORT_EARLIER, before);

    if (st == OK)
        st = import_ask(&runs, &found, m,
                        "SELECT count(*) FROM grid_run WHERE grid_id = ?", "i",
                        before);
    m->n->before = (int)runs;
    return st;
}

static enum status check_kind(struct importing *m, bool *any)
{
    double trained = 0;
    const enum status st = import_ask(
        &trained, any, m,
        "SELECT ini_text NOT LIKE '; imported from %' FROM grid WHERE "
        "name = ? ORDER BY grid_id DESC",
        "t", m->rq->grid);

    if (st == OK && *any && trained != 0)
        return err_set(m->err, ERR_USAGE,
                       "grid '%s' is one that was described and trained here; "
                       "bring the table in under another name (--grid)",
                       m->rq->grid);
    return st;
}

enum status import_open_grid(struct importing *m)
{
    static const char newest[] = "SELECT max(grid_id) FROM grid WHERE name = ?";
    static const char own[] =
        "SELECT grid_id FROM grid WHERE name = ? AND ini_sha256 = ?";
    int64_t before = 0;
    bool any = false, found = false, known = false;
    enum status st = check_kind(m, &any);

    if (st == OK)
        st = ask_id(&before, &found, m, newest, NULL);
    if (st == OK)
        st = ask_id(&m->grid, &known, m, own, m->rq->sha256);
    if (st == OK && !known)
        st = db_run(m->db, m->err,
                    "INSERT INTO grid(name, ini_text, ini_sha256, argv) "
                    "VALUES(?, '; imported from '||?, ?, ?)",
                    "tttt", m->rq->grid, m->t->source, m->rq->sha256,
                    m->rq->argv);
    if (st == OK && !known)
        st = ask_id(&m->grid, &found, m, own, m->rq->sha256);
    if (st == OK && !known && any)
        st = join(m, before);
    m->newest = known ? before : m->grid;
    return st;
}

enum status import_open_dataset(struct importing *m)
{
    return db_dataset_put(&m->dataset, m->db, m->t->source, m->rq->sha256,
                          "unknown", 0, m->err);
}

enum status import_count_again(struct importing *m, int64_t grid)
{
    enum status st = db_run(
        m->db, m->err, "DELETE FROM grid_count WHERE grid_id = ?", "i", grid);

    if (st == OK)
        st = db_run(m->db, m->err,
                    "INSERT INTO grid_count(grid_id, state, runs, flops) "
                    "SELECT x.grid_id, x.state, count(*), sum(p.flops_plan) "
                    "FROM grid_run x JOIN point p USING(point_id) WHERE "
                    "x.grid_id = ? GROUP BY x.state",
                    "i", grid);
    return st;
}
