#include "harness/store/run_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/run_name.h"
#include "db/statement.h"

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
    struct db_stmt *s;
    int64_t id;
    bool row = true;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT run_id FROM grid_run WHERE grid_id="
                     "(SELECT max(grid_id) FROM grid WHERE name=:name)",
                     DB_VALUES(DB_T("name", name)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        keep(c, db_int(s, 0));
    db_stmt_close(s);
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
static enum status prepare(struct db_stmt **out, struct db *db,
                           const char *where, struct err *err)
{
    char *sql = mem_printf(
        "SELECT * FROM ("
        "SELECT r.*, a.outcome, a.exit_code, a.message, a.host FROM runs r "
        "LEFT JOIN attempt a ON a.run_id=r.run_id AND a.number=r.attempts "
        "WHERE (:states IS NULL OR instr(:states, ' '||r.state||' ')))"
        "%s%s%s",
        where ? " WHERE (" : "", where ? where : "", where ? ")" : "");
    const enum db_refusal why = db_stmt_asked(out, db, sql);

    free(sql);
    if (why == DB_TAKEN)
        return OK;
    return err_set(err, ERR_USAGE, "--where: %s",
                   why == DB_NOT_SQL ? db_message(db)
                                     : "one condition, please");
}

static bool is_named(const struct chosen *named, bool all, int64_t id)
{
    return all || bsearch(&id, named->ids, (size_t)named->n, sizeof id,
                          by_number) != NULL;
}

static enum status filter(struct chosen *out, const struct chosen *named,
                          bool all, struct db *db, const char *states,
                          const char *where, struct err *err)
{
    char *words = states ? mem_printf(" %s ", states) : NULL;
    struct db_stmt *s;
    enum status st = prepare(&s, db, where, err);
    bool row = st == OK;

    if (st == OK)
        db_bind_text(s, "states", words);
    while (row) {
        if (db_stmt_step(&row, s, NULL) != OK)
            st = err_set(err, ERR_USAGE, "--where: %s", db_message(db));
        if (row && is_named(named, all, db_int(s, 0)))
            keep(out, db_int(s, 0));
    }
    db_stmt_close(s);
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
