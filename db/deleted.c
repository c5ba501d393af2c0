/* deleted.c - putting away. */
#include "db/deleted.h"

#include <stdlib.h>

#include "base/str.h"
#include "db/need_grid.h"
#include "db/shelf.h"
#include "db/statement.h"

/* What goes: temp.going has the runs, temp.leaving the points that may be
 * nobody's afterwards, temp.unmade the fits. */
static const char *const lists[] = {
    "CREATE TEMP TABLE IF NOT EXISTS going(run_id INTEGER PRIMARY KEY)",
    "CREATE TEMP TABLE IF NOT EXISTS leaving(point_id TEXT PRIMARY KEY)",
    "CREATE TEMP TABLE IF NOT EXISTS unmade(fit_id INTEGER PRIMARY KEY)",
    "DELETE FROM temp.going",
    "DELETE FROM temp.leaving",
    "DELETE FROM temp.unmade",
};

static enum status make_lists(struct db *db, struct err *err)
{
    enum status st = OK;

    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && st == OK; i++)
        st = db_do(db, lists[i], NULL, err);
    return st;
}

/* A run at work would write to rows that are not there. */
static enum status check_idle(struct db *db, struct err *err)
{
    int64_t busy;
    enum status st = db_ask(
        &busy, db,
        "SELECT run_id FROM temp.going JOIN run USING(run_id) "
        "WHERE state IN (SELECT state FROM run_states WHERE is_held) "
        "OR run_id IN (SELECT run_id FROM attempt WHERE outcome IS NULL) "
        "ORDER BY 1",
        NULL, err);

    if (st == OK && busy)
        return err_set(err, ERR_USAGE,
                       "run %lld is at work or waits in a queue: 'qlaw cancel "
                       "%lld' first",
                       (long long)busy, (long long)busy);
    return st;
}

/* --- rows to the shelf ------------------------------------------------------
 */

struct shelved {
    const char *table, *where;
};

/* Tags of a grid are by its name and wait where they are. */
static const struct shelved of_grid[] = {
    { "point", "point_id IN (SELECT point_id FROM grid_point JOIN grid "
               "USING(grid_id) WHERE name=:key)" },
    { "grid", "name=:key" },
    { "grid_point", "grid_id IN (SELECT grid_id FROM grid WHERE name=:key)" },
    { NULL, NULL },
};
static const struct shelved of_run[] = {
    { "point", "point_id=(SELECT point_id FROM run WHERE run_id=:key)" },
    { "run", "run_id=:key" },
    { "attempt", "run_id=:key" },
    { "curve", "run_id=:key" },
    { "metric", "run_id=:key" },
    { "result", "run_id=:key" },
    { "event", "run_id=:key" },
    { "tag", "run_id=:key" },
    { NULL, NULL },
};
static const struct shelved of_fit[] = {
    { "fit", "fit_id=:key" },
    { "fit_param", "fit_id=:key" },
    { "fit_point", "fit_id=:key" },
    { NULL, NULL },
};

static enum status shelve(struct db *db, const struct shelved *s,
                          const char *text, int64_t number, struct err *err)
{
    const int64_t id = db_last_id(db);
    enum status st = OK;

    for (; s->table && st == OK; s++)
        st = shelf_put(db, id, s->table, s->where, text, number, err);
    return st;
}

enum status deleted_next(int64_t *id, struct db *db, const char *sql,
                         struct err *err)
{
    return db_ask(id, db, sql, DB_VALUES(DB_I("after", *id)), err);
}

/* Each row of temp.going or temp.unmade. */
static enum status shelve_each(int64_t *n, struct db *db, const char *next,
                               const char *note, const struct shelved *s,
                               const char *grid, struct err *err)
{
    int64_t id = 0;
    enum status st;

    while ((st = deleted_next(&id, db, next, err)) == OK && id) {
        st =
            db_do(db, note, DB_VALUES(DB_I("id", id), DB_T("grid", grid)), err);
        if (st == OK)
            st = shelve(db, s, NULL, id, err);
        if (st != OK)
            return st;
        ++*n;
    }
    return st;
}

static const char next_run[] =
    "SELECT run_id FROM temp.going WHERE run_id>:after ORDER BY 1 LIMIT 1";
static const char next_fit[] =
    "SELECT fit_id FROM temp.unmade WHERE fit_id>:after ORDER BY 1 LIMIT 1";
static const char note_run[] =
    "INSERT OR REPLACE INTO deleted(kind, grid, point_id, seed, run_id, state) "
    "SELECT 'run', :grid, point_id, seed, run_id, state FROM run WHERE "
    "run_id=:id";
static const char note_fit[] =
    "INSERT INTO deleted(kind, grid) SELECT 'fit', :grid WHERE :id IS NOT NULL";
static const char note_grid[] =
    "INSERT INTO deleted(kind, grid, state) SELECT 'grid', name, "
    "group_concat(ini_sha256, ' ') FROM grid WHERE name=:grid GROUP BY name";

/* Copies are kept of everything before anything goes: they refer to each
 * other. */
static const char *const gone[] = {
    "DELETE FROM fit_point WHERE fit_id IN (SELECT fit_id FROM temp.unmade)",
    "DELETE FROM fit WHERE fit_id IN (SELECT fit_id FROM temp.unmade)",
    "INSERT OR IGNORE INTO temp.leaving SELECT point_id FROM run WHERE run_id "
    "IN (SELECT run_id FROM temp.going)",
    "DELETE FROM run WHERE run_id IN (SELECT run_id FROM temp.going)",
    "DELETE FROM point WHERE point_id IN (SELECT point_id FROM temp.leaving) "
    "AND point_id NOT IN (SELECT point_id FROM run) AND point_id NOT IN "
    "(SELECT point_id FROM grid_point)",
};

static enum status remove_rows(struct db *db, const char *grid, struct err *err)
{
    enum status st = OK;

    if (grid)
        st = db_do(db,
                   "INSERT OR IGNORE INTO temp.leaving SELECT point_id FROM "
                   "grid_point JOIN grid USING(grid_id) WHERE name=:grid",
                   DB_VALUES(DB_T("grid", grid)), err);
    if (st == OK && grid)
        st = db_do(db, "DELETE FROM grid WHERE name=:grid",
                   DB_VALUES(DB_T("grid", grid)), err);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0] && st == OK; i++)
        st = db_do(db, gone[i], NULL, err);
    return st;
}

/* What temp.going lists and, unless NULL, the grid. */
static enum status put_away(struct deleted_sum *sum, struct db *db,
                            const char *grid, struct err *err)
{
    enum status st = check_idle(db, err);

    if (st == OK)
        st = db_do(db,
                   "INSERT INTO temp.unmade SELECT fit_id FROM fit WHERE "
                   "json_extract(selection, '$.grid')=:grid OR fit_id IN "
                   "(SELECT fit_id FROM fit_point WHERE run_id IN (SELECT "
                   "run_id FROM temp.going))",
                   DB_VALUES(DB_T("grid", grid)), err);
    if (st == OK && grid) {
        st = db_do(db, note_grid, DB_VALUES(DB_T("grid", grid)), err);
        if (st == OK)
            st = shelve(db, of_grid, grid, 0, err);
        sum->grids++;
    }
    if (st == OK)
        st = shelve_each(&sum->fits, db, next_fit, note_fit, of_fit, grid, err);
    if (st == OK)
        st = shelve_each(&sum->runs, db, next_run, note_run, of_run, grid, err);
    return st == OK ? remove_rows(db, grid, err) : st;
}

/* --- what people ask for -----------------------------------------------------
 */

enum status deleted_put_grid(struct deleted_sum *sum, struct db *db,
                             const char *name, struct err *err)
{
    enum status st = db_need_grid(NULL, db, name, err);

    if (st == OK)
        st = make_lists(db, err);
    if (st == OK)
        st = db_do(db,
                   "INSERT INTO temp.going SELECT DISTINCT run_id FROM "
                   "grid_run WHERE grid_id IN (SELECT grid_id FROM grid "
                   "WHERE name=:grid) AND run_id NOT IN (SELECT run_id FROM "
                   "grid_run JOIN grid USING(grid_id) WHERE name<>:grid)",
                   DB_VALUES(DB_T("grid", name)), err);
    return st == OK ? put_away(sum, db, name, err) : st;
}

enum status deleted_put_run(struct deleted_sum *sum, struct db *db,
                            int64_t run_id, struct err *err)
{
    enum status st = make_lists(db, err);

    if (st == OK)
        st = db_do(db, "INSERT INTO temp.going VALUES(:run)",
                   DB_VALUES(DB_I("run", run_id)), err);
    return st == OK ? put_away(sum, db, NULL, err) : st;
}

static enum status count_kind(int64_t *n, struct db *db, const char *kind,
                              struct err *err)
{
    return db_ask(n, db, "SELECT count(*) FROM deleted WHERE kind=:kind",
                  DB_VALUES(DB_T("kind", kind)), err);
}

enum status deleted_total(struct deleted_sum *sum, struct db *db,
                          struct err *err)
{
    enum status st = count_kind(&sum->grids, db, "grid", err);

    if (st == OK)
        st = count_kind(&sum->runs, db, "run", err);
    if (st == OK)
        st = count_kind(&sum->fits, db, "fit", err);
    return st == OK
               ? db_ask(&sum->bytes, db,
                        "SELECT sum(length(body)) FROM deleted_rows", NULL, err)
               : st;
}

enum status deleted_purge(struct db *db, struct err *err)
{
    enum status st = db_do(db, "DELETE FROM deleted", NULL, err);

    return st == OK ? db_do(db,
                            "DELETE FROM tag WHERE grid NOT IN (SELECT name "
                            "FROM grid)",
                            NULL, err)
                    : st;
}
