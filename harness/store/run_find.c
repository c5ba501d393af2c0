#include "harness/store/run_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/run_name.h"

/* --- one ------------------------------------------------------------------------ */

enum status run_look(int64_t *run_id, struct db *db, const char *text,
                     struct err *err)
{
    int n = 0;
    enum status st;

    *run_id = 0;
    st = db_named_run(run_id, &n, db, text,
                      "SELECT run_id FROM run WHERE run_id=:number",
                      "SELECT run_id FROM run WHERE point_id>=:hash AND "
                      "point_id<:hash||'g' AND (:seed IS NULL OR seed=:seed) "
                      "LIMIT 2",
                      err);

    if (st == OK && n > 1)
        return err_set(err, ERR_USAGE,
                       "'%.40s' fits several runs; give more of the hash, or "
                       "HASH-SEED",
                       text);
    return st;
}

enum status run_find(int64_t *run_id, struct db *db, const char *text,
                     struct err *err)
{
    const enum status st = run_look(run_id, db, text, err);

    if (st == OK && !*run_id)
        return err_set(err, ERR_USAGE, "no run '%.40s' in %s", text,
                       db_path(db));
    return st;
}

/* --- many ----------------------------------------------------------------------- */

struct chosen {
    int64_t *ids;
    int n;
};

static void keep(struct chosen *c, int64_t id)
{
    c->ids = mem_grow(c->ids, (size_t)c->n + 1, sizeof *c->ids);
    c->ids[c->n++] = id;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static enum status add_named(struct chosen *c, struct db *db, const char *name,
                             struct err *err)
{
    const int before = c->n;
    sqlite3_stmt *stmt;
    int64_t id;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT run_id FROM grid_run WHERE grid_id=(SELECT max(grid_id) FROM "
        "grid WHERE name=?)",
        err);

    if (st == OK)
        db_bind(stmt, "t", name);
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row)
        keep(c, sqlite3_column_int64(stmt, 0));
    if (st != OK || c->n > before)
        return st;
    st = run_look(&id, db, name, err);
    if (st == OK && id)
        keep(c, id);
    else if (st == OK)
        return err_set(err, ERR_USAGE,
                       "no grid and no run '%.40s' in %s (see 'qlaw status')",
                       name, db_path(db));
    return st;
}

/* The condition is the user's own SQL on a read-only connection; anything but
 * one SELECT is refused. */
static enum status prepare(sqlite3_stmt **stmt, struct db *db,
                           const char *where, struct err *err)
{
    char *sql = mem_printf(
        "SELECT * FROM (SELECT r.*, a.outcome, a.exit_code, a.message, a.host "
        "FROM runs r LEFT JOIN attempt a ON a.run_id=r.run_id AND "
        "a.number=r.attempts WHERE (?1 IS NULL OR instr(?1, ' '||r.state||' "
        "')))%s%s%s",
        where ? " WHERE (" : "", where ? where : "", where ? ")" : "");
    const char *tail = "";
    enum status st = OK;

    if (sqlite3_prepare_v2(db_handle(db), sql, -1, stmt, &tail) != SQLITE_OK)
        st = err_set(err, ERR_USAGE, "--where: %s",
                     sqlite3_errmsg(db_handle(db)));
    else if (*tail || !sqlite3_stmt_readonly(*stmt))
        st = err_set(err, ERR_USAGE, "--where: one condition, please");
    free(sql);
    return st;
}

static enum status filter(struct chosen *out, const struct chosen *named,
                          bool all, struct db *db, const char *states,
                          const char *where, struct err *err)
{
    char *words = states ? mem_printf(" %s ", states) : NULL;
    sqlite3_stmt *stmt = NULL;
    enum status st = prepare(&stmt, db, where, err);
    int code = SQLITE_DONE;

    if (st == OK)
        sqlite3_bind_text(stmt, 1, words, -1, SQLITE_STATIC);
    while (st == OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const int64_t id = sqlite3_column_int64(stmt, 0);

        if (all ||
            bsearch(&id, named->ids, (size_t)named->n, sizeof id, by_number))
            keep(out, id);
    }
    if (st == OK && code != SQLITE_DONE)
        st = err_set(err, ERR_USAGE, "--where: %s",
                     sqlite3_errmsg(db_handle(db)));
    sqlite3_finalize(stmt);
    free(words);
    return st;
}

enum status run_select(int64_t **ids, int *n, struct db *db, char *const *names,
                       int n_names, const char *states, const char *where,
                       struct err *err)
{
    struct chosen named = { NULL, 0 }, out = { NULL, 0 };
    enum status st = OK;

    for (int i = 0; i < n_names && st == OK; i++)
        st = add_named(&named, db, names[i], err);
    if (named.n > 0)
        qsort(named.ids, (size_t)named.n, sizeof *named.ids, by_number);
    if (st == OK)
        st = filter(&out, &named, n_names == 0, db, states, where, err);
    free(named.ids);
    if (st != OK) {
        free(out.ids);
        out = (struct chosen){ NULL, 0 };
    }
    *ids = out.ids;
    *n = out.n;
    return st;
}
