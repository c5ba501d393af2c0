/* import_grid.c - the grid that a table's rows become part of. */
#include "harness/study/import_grid.h"

#include "db/need_grid.h"
#include "db/point.h"
#include "db/statement.h"

/* Rows that other files brought to the grid stay in it. */
static enum status join(struct importing *m, int64_t before)
{
    int64_t runs = 0;
    enum status st = db_do(
        m->db,
        "INSERT INTO grid_point(grid_id, point_id, ordinal, block, priority, "
        "seeds) "
        "SELECT :grid, point_id, "
        "CASE WHEN ordinal<:earlier THEN ordinal+:earlier ELSE ordinal END, "
        "block, priority, seeds FROM grid_point WHERE grid_id=:before",
        DB_VALUES(DB_I("grid", m->grid), DB_I("earlier", IMPORT_EARLIER),
                  DB_I("before", before)),
        m->err);

    if (st == OK)
        st = db_ask(&runs, m->db,
                    "SELECT count(*) FROM grid_run WHERE grid_id=:before",
                    DB_VALUES(DB_I("before", before)), m->err);
    m->n->before = (int)runs;
    return st;
}

/* Was the grid brought in, as this table is to be? */
static enum status check_kind(struct importing *m, int64_t grid)
{
    int64_t trained;
    const enum status st =
        db_ask(&trained, m->db,
               "SELECT ini_text NOT LIKE '; imported from %' FROM grid "
               "WHERE grid_id=:grid",
               DB_VALUES(DB_I("grid", grid)), m->err);

    if (st == OK && trained)
        return err_set(m->err, ERR_USAGE,
                       "grid '%s' is one that was described and trained here; "
                       "bring the table in under another name (--grid)",
                       m->rq->grid);
    return st;
}

static enum status make_grid(struct importing *m, int64_t before)
{
    enum status st = db_do(
        m->db,
        "INSERT INTO grid(name, ini_text, ini_sha256, argv) "
        "VALUES(:name, '; imported from '||:source, :sha256, :argv)",
        DB_VALUES(DB_T("name", m->rq->grid), DB_T("source", m->t->source),
                  DB_T("sha256", m->rq->sha256), DB_T("argv", m->rq->argv)),
        m->err);

    m->grid = db_last_id(m->db);
    return st == OK && before ? join(m, before) : st;
}

enum status import_open_grid(struct importing *m)
{
    int64_t before;
    bool known;
    enum status st = db_find_grid(&before, m->db, m->rq->grid, m->err);

    if (st == OK && before)
        st = check_kind(m, before);
    if (st == OK)
        st = db_ask(
            &m->grid, m->db,
            "SELECT grid_id FROM grid "
            "WHERE name=:name AND ini_sha256=:sha256",
            DB_VALUES(DB_T("name", m->rq->grid), DB_T("sha256", m->rq->sha256)),
            m->err);
    known = m->grid != 0;
    if (st == OK && !known)
        st = make_grid(m, before);
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
    static const char *const both[] = {
        "DELETE FROM grid_count WHERE grid_id=:grid",
        "INSERT INTO grid_count(grid_id, state, runs, flops) "
        "SELECT x.grid_id, x.state, count(*), sum(p.flops_plan) "
        "FROM grid_run x JOIN point p USING(point_id) "
        "WHERE x.grid_id=:grid GROUP BY x.state",
    };

    return db_do_all(m->db, both, 2, DB_VALUES(DB_I("grid", grid)), m->err);
}
