/* deleted_back.c - what was put away comes back. */
#include "db/deleted.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/handle.h"
#include "db/need_grid.h"
#include "db/run_name.h"
#include "db/shelf.h"
#include "db/statement.h"

/* --- finding -----------------------------------------------------------------
 */

enum status deleted_find_grid(int64_t *id, struct db *db, const char *name,
                              struct err *err)
{
    return db_ask(id, db,
                  "SELECT deleted_id FROM deleted WHERE kind='grid' AND "
                  "grid=:grid ORDER BY 1 DESC LIMIT 1",
                  DB_VALUES(DB_T("grid", name)), err);
}

enum status deleted_find_seed(int64_t *id, struct db *db, const char *point_id,
                              uint64_t seed, struct err *err)
{
    return db_ask(
        id, db,
        "SELECT deleted_id FROM deleted WHERE point_id=:point AND "
        "seed=:seed",
        DB_VALUES(DB_T("point", point_id), DB_I("seed", (int64_t)seed)), err);
}

enum status deleted_find_run(int64_t *id, struct db *db, const char *text,
                             struct err *err)
{
    enum status st;
    int n;

    *id = 0;
    st = db_named_run(
        id, &n, db, text, "SELECT deleted_id FROM deleted WHERE run_id=:number",
        "SELECT deleted_id FROM deleted WHERE point_id>=:hash AND "
        "point_id<:hash||'g' AND (:seed IS NULL OR seed=:seed) "
        "LIMIT 2",
        err);
    if (st == OK && n > 1)
        return err_set(err, ERR_USAGE,
                       "'%.40s' fits several deleted runs; give more of the "
                       "hash, or HASH-SEED",
                       text);
    return st;
}

/* --- back into the tables ------------------------------------------------ */

static enum status forget(struct db *db, int64_t id, struct err *err)
{
    return db_do(db, "DELETE FROM deleted WHERE deleted_id=:id",
                 DB_VALUES(DB_I("id", id)), err);
}

static enum status take_all(struct db *db, int64_t id,
                            const char *const *tables, const char *column,
                            int64_t shift, struct err *err)
{
    enum status st = OK;

    for (; *tables && st == OK; tables++)
        st = shelf_take(db, id, *tables,
                        strcmp(*tables, "point") == 0 ? "INSERT OR IGNORE"
                                                      : "INSERT",
                        column, shift, err);
    return st;
}

/* Where what one statement wrote is written again otherwise: the savepoint is
 * left in any case. */
static enum status leave_savepoint(struct db *db, bool undo, struct err *err)
{
    enum status st = undo ? db_do(db, "ROLLBACK TO taking", NULL, err) : OK;

    return st == OK ? db_do(db, "RELEASE taking", NULL, err) : st;
}

/* Their own numbers; where those are taken meanwhile, the next in order. */
static enum status take_numbered(bool *refused, struct db *db, int64_t id,
                                 const char *const *tables, const char *column,
                                 const char *top_sql, struct err *err)
{
    int64_t top = 0;
    enum status st = db_ask(&top, db, top_sql, NULL, err);

    for (int again = 0; again < 2 && st == OK; again++) {
        int code;

        st = db_do(db, "SAVEPOINT taking", NULL, err);
        if (st != OK)
            return st;
        st = take_all(db, id, tables, column, again ? top : 0, err);
        code = st == OK ? SQLITE_OK : sqlite3_extended_errcode(db->handle);
        *refused = code == SQLITE_CONSTRAINT_FOREIGNKEY;
        if (st == OK || *refused)
            return leave_savepoint(db, *refused, err);
        if (again || code != SQLITE_CONSTRAINT_PRIMARYKEY)
            return st; /* the whole transaction ends */
        st = leave_savepoint(db, true, err);
    }
    return st;
}

/* --- runs ---------------------------------------------------------------- */

/* A run keeps its number, which nobody else gets; its attempts and events were
 * the newest perhaps, and others came after. */
static enum status take_run(struct db *db, int64_t id, struct err *err)
{
    static const char *const own[] = { "point",  "run", "curve", "metric",
                                       "result", "tag", NULL };
    static const char *const attempt[] = { "attempt", NULL };
    static const char *const event[] = { "event", NULL };
    bool refused = false;
    enum status st = take_all(db, id, own, NULL, 0, err);

    if (st == OK)
        st = take_numbered(&refused, db, id, attempt, "attempt_id",
                           "SELECT max(attempt_id) FROM attempt", err);
    if (st == OK && !refused)
        st = take_numbered(&refused, db, id, event, "event_id",
                           "SELECT max(event_id) FROM event", err);
    if (st == OK && refused)
        st = ERR_DB; /* the sentence is there: its build is not */
    return st == OK ? forget(db, id, err) : st;
}

/* A run that is there again meanwhile (an import made it) stays as it is. */
enum status deleted_back_run(struct deleted_sum *sum, struct db *db, int64_t id,
                             struct err *err)
{
    int64_t there;
    enum status st = db_ask(&there, db,
                            "SELECT 1 FROM run r JOIN deleted d ON "
                            "d.point_id=r.point_id AND d.seed=r.seed WHERE "
                            "d.deleted_id=:id",
                            DB_VALUES(DB_I("id", id)), err);

    if (st == OK && there)
        return forget(db, id, err);
    if (st == OK)
        st = take_run(db, id, err);
    sum->runs += st == OK;
    return st;
}

static enum status back_runs_of(struct deleted_sum *sum, struct db *db,
                                const char *grid, struct err *err)
{
    int64_t id;
    enum status st;

    do {
        st = db_ask(&id, db,
                    "SELECT deleted_id FROM deleted WHERE kind='run' AND "
                    "grid=:grid ORDER BY 1 LIMIT 1",
                    DB_VALUES(DB_T("grid", grid)), err);
        if (st == OK && id)
            st = deleted_back_run(sum, db, id, err);
    } while (st == OK && id);
    return st;
}

static enum status back_versions(struct db *db, int64_t id, struct err *err)
{
    static const char *const tables[] = { "point", "grid", "grid_point", NULL };
    bool refused = false;
    enum status st = take_numbered(&refused, db, id, tables, "grid_id",
                                   "SELECT max(grid_id) FROM grid", err);

    if (st == OK && refused)
        st = ERR_DB; /* the sentence is there */
    return st == OK ? forget(db, id, err) : st;
}

enum status deleted_back_grid(struct deleted_sum *sum, struct db *db,
                              const char *name, struct err *err)
{
    bool there = false;
    int64_t id;
    enum status st = deleted_find_grid(&id, db, name, err);

    if (st == OK && !id)
        return err_set(err, ERR_USAGE,
                       "no grid '%.60s' is deleted in %s (see 'qlaw db list "
                       "--deleted')",
                       name, db_path(db));
    if (st == OK)
        st = db_has_grid(&there, db, name, err);
    if (st == OK && there)
        return err_set(err, ERR_USAGE,
                       "a grid '%.60s' is there again: rename that one first "
                       "('qlaw db rename')",
                       name);
    if (st == OK)
        st = back_versions(db, id, err);
    if (st == OK)
        st = back_runs_of(sum, db, name, err);
    sum->grids += st == OK;
    return st;
}

/* --- fits ---------------------------------------------------------------- */

/* A fit whose runs are not all back is refused by its references, and waits. */
static enum status back_fit(bool *done, struct db *db, int64_t id,
                            struct err *err)
{
    static const char *const tables[] = { "fit", "fit_param", "fit_point",
                                          NULL };
    bool refused = false;
    const enum status st = take_numbered(&refused, db, id, tables, "fit_id",
                                         "SELECT max(fit_id) FROM fit", err);

    *done = st == OK && !refused;
    return *done ? forget(db, id, err) : st;
}

enum status deleted_back_fits(struct deleted_sum *sum, struct db *db,
                              struct err *err)
{
    static const char next[] =
        "SELECT deleted_id FROM deleted f WHERE kind='fit' AND "
        "deleted_id>:after "
        "AND NOT EXISTS(SELECT 1 FROM deleted g WHERE g.kind='grid' AND "
        "g.grid=f.grid) ORDER BY 1 LIMIT 1";
    int64_t id = 0;
    bool done;
    enum status st = OK;

    while (st == OK && (st = deleted_next(&id, db, next, err)) == OK && id) {
        st = back_fit(&done, db, id, err);
        sum->fits += st == OK && done;
    }
    return st;
}
