#include "harness/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/statement.h"
#include "harness/store/point.h"
#include "trainer/data_identity.h"

/* --- small questions ------------------------------------------------------------ */

enum status store_name(char name[RECORD_TOKEN], struct db *db, struct err *err)
{
    char drawn[RECORD_TOKEN], *kept = NULL;
    enum status st;

    record_draw_token(drawn);
    st = db_do(db,
               "INSERT OR IGNORE INTO meta(key, value) VALUES('store', :name)",
               DB_VALUES(DB_T("name", drawn)), err);
    if (st == OK)
        st = db_ask_text(&kept, db, "SELECT value FROM meta WHERE key='store'",
                         NULL, err);
    if (st == OK)
        snprintf(name, RECORD_TOKEN, "%s", kept);
    free(kept);
    return st;
}

/* --- the grid's own row ------------------------------------------------------------ */

static enum status has_point(bool *yes, int64_t grid_id, const char *point_id,
                             struct db *db, struct err *err)
{
    int64_t found;
    const enum status st = db_ask(
        &found, db,
        "SELECT 1 FROM grid_point WHERE grid_id=:grid_id AND "
        "point_id=:point_id",
        DB_VALUES(DB_I("grid_id", grid_id), DB_T("point_id", point_id)), err);

    *yes = found != 0;
    return st;
}

static enum status count(int64_t *n, int64_t grid_id, const char *sql,
                         struct db *db, struct err *err)
{
    return db_ask(n, db, sql, DB_VALUES(DB_I("grid_id", grid_id)), err);
}

/* Is this very grid there, whole, and the current one of its name?  One that
 * was made again from runs/ lacks the runs that nobody had begun. */
static enum status find_current(int64_t *grid_id, const struct grid *g,
                                struct db *db, struct err *err)
{
    int64_t n = 0, runs = 0;
    bool first = false, last = false;
    enum status st = db_ask(
        grid_id, db,
        "SELECT grid_id FROM grid WHERE name=:name AND ini_sha256=:sha256 "
        "AND grid_id=(SELECT max(grid_id) FROM grid WHERE name=:name)",
        DB_VALUES(DB_T("name", g->name), DB_T("sha256", g->sha256)), err);

    if (st != OK || *grid_id == 0 || g->n_points == 0)
        return st;
    st = count(&n, *grid_id,
               "SELECT count(*) FROM grid_point WHERE grid_id=:grid_id", db,
               err);
    if (st == OK)
        st = count(&runs, *grid_id,
                   "SELECT sum(runs) FROM grid_count WHERE grid_id=:grid_id",
                   db, err);
    if (st == OK)
        st = has_point(&first, *grid_id, g->points[0].id, db, err);
    if (st == OK)
        st = has_point(&last, *grid_id, g->points[g->n_points - 1].id, db, err);
    if (n != g->n_points || runs != g->n_runs || !first || !last)
        *grid_id = 0;
    return st;
}

static enum status put_grid_row(int64_t *grid_id, const struct grid *g,
                                const char *argv, struct db *db,
                                struct err *err)
{
    enum status st =
        db_do(db, "DELETE FROM grid WHERE name=:name AND ini_sha256=:sha256",
              DB_VALUES(DB_T("name", g->name), DB_T("sha256", g->sha256)), err);

    if (st == OK)
        st = db_do(db,
                   "INSERT INTO grid(grid_id, name, ini_text, ini_sha256, "
                   "argv) "
                   "SELECT coalesce(max(grid_id),0)+1, :name, :text, :sha256, "
                   ":argv FROM grid",
                   DB_VALUES(DB_T("name", g->name), DB_T("text", g->text),
                             DB_T("sha256", g->sha256), DB_T("argv", argv)),
                   err);
    *grid_id = db_last_id(db);
    return st;
}

/* --- points and runs ------------------------------------------------------------------ */

enum status store_point(char id[HASH_ID], const struct config *c,
                        struct gmse *known, struct db *db, struct err *err)
{
    struct point_columns p;
    enum status st;

    point_columns_of(&p, c, known);
    st = point_columns_put(&p, db, err);
    if (id)
        memcpy(id, p.id, HASH_ID);
    point_columns_release(&p);
    return st;
}

enum status store_run_id(int64_t *run_id, const char *point_id, uint64_t seed,
                         struct db *db, struct err *err)
{
    return db_ask(
        run_id, db,
        "SELECT run_id FROM run WHERE point_id=:point_id AND seed=:seed",
        DB_VALUES(DB_T("point_id", point_id), DB_I("seed", (int64_t)seed)),
        err);
}

enum status store_run(int64_t *run_id, const char *point_id, uint64_t seed,
                      uint64_t data_seed, struct db *db, struct err *err)
{
    const enum status st =
        db_do(db,
              "INSERT OR IGNORE INTO run(run_id, point_id, seed, data_seed) "
              "SELECT run_id, :point_id, :seed, :data_seed FROM next_run",
              DB_VALUES(DB_T("point_id", point_id), DB_I("seed", (int64_t)seed),
                        DB_I("data_seed", (int64_t)data_seed)),
              err);

    return st == OK ? store_run_id(run_id, point_id, seed, db, err) : st;
}

char *store_seeds(const struct grid_point *p)
{
    struct str s = { 0 };

    str_add(&s, "[");
    for (int i = 0; i < p->n_seeds; i++)
        str_addf(&s, "%s%llu", i ? "," : "", (unsigned long long)p->seeds[i]);
    str_add(&s, "]");
    return str_steal(&s);
}

/* The runs come first, so that their place in the grid counts them all at
 * once. */
static enum status put_runs(const struct grid_point *p, int64_t grid_id,
                            struct db *db, struct err *err)
{
    char *seeds = store_seeds(p);
    int64_t run_id;
    enum status st = OK;

    for (int i = 0; i < p->n_seeds && st == OK; i++)
        st = store_run(&run_id, p->id, p->seeds[i],
                       grid_data_seed(p, p->seeds[i]), db, err);
    if (st == OK)
        st = db_do(
            db,
            "INSERT INTO grid_point(grid_id, point_id, ordinal, block, "
            "priority, seeds) "
            "VALUES(:grid_id, :point_id, :ordinal, :block, :priority, :seeds)",
            DB_VALUES(DB_I("grid_id", grid_id), DB_T("point_id", p->id),
                      DB_I("ordinal", p->ordinal), DB_T("block", p->block),
                      DB_I("priority", p->priority), DB_T("seeds", seeds)),
            err);
    free(seeds);
    return st;
}

static enum status put_point(const struct grid *g, int i, struct gmse *known,
                             struct db *db, struct err *err)
{
    struct config *made = g->points[i].config ? NULL : grid_config(g, i);
    const enum status st =
        store_point(NULL, made ? made : g->points[i].config, known, db, err);

    config_free(made);
    return st;
}

static enum status what_changed(char **out, const struct grid *g, struct db *db,
                                struct err *err)
{
    struct str text = { 0 };
    enum status st = store_change(out, g, db, err);

    if (st == OK)
        st = store_made_with(&text, g, db, err);
    if (st == OK && text.len > 0 && *out)
        str_addf(&text, "\n%s", *out);
    if (st == OK && text.len > 0) {
        free(*out);
        *out = str_steal(&text);
    }
    str_release(&text);
    return st;
}

enum status store_grid(char **change, const struct grid *g, const char *argv,
                       struct db *db, struct err *err)
{
    struct gmse known = { .n = 0 };
    int64_t grid_id;
    enum status st = find_current(&grid_id, g, db, err);

    *change = NULL;
    if (st != OK || grid_id != 0)
        return st;
    st = what_changed(change, g, db, err);
    if (st == OK)
        st = put_grid_row(&grid_id, g, argv, db, err);
    for (int i = 0; i < g->n_points && st == OK; i++) {
        st = put_point(g, i, &known, db, err);
        if (st == OK)
            st = put_runs(&g->points[i], grid_id, db, err);
    }
    return st;
}

/* --- data sets ---------------------------------------------------------------------- */

static enum status measure_data(const struct config *c, struct db *db,
                                struct err *err)
{
    const char *path = config_data_path(c);
    const char *sha = config_data_sha256(c);
    struct config *copy;
    struct data_facts facts;
    int64_t open;
    enum status st;

    if (!*path)
        return OK;
    st = db_ask(&open, db,
                "SELECT 1 FROM dataset WHERE name=:name AND sha256=:sha256 "
                "AND n_tokens=0",
                DB_VALUES(DB_T("name", path), DB_T("sha256", sha)), err);
    if (st != OK || !open)
        return st;
    copy = config_copy(c);
    st = data_identify(copy, &facts, err);
    if (st == OK)
        st = db_do(db,
                   "UPDATE dataset SET bytes=:bytes, n_tokens=CASE tokenizer "
                   "WHEN 'u16' THEN :bytes/2 ELSE :bytes END "
                   "WHERE name=:name AND sha256=:sha256",
                   DB_VALUES(DB_T("name", path), DB_T("sha256", sha),
                             DB_I("bytes", facts.bytes)),
                   err);
    config_free(copy);
    return st;
}

/* Of a grid too large to keep its configurations only the first is looked
 * at. */
enum status store_data_sizes(const struct grid *g, struct db *db,
                             struct err *err)
{
    const char *last = "";
    struct config *first =
        g->n_points > 0 && !g->points[0].config ? grid_config(g, 0) : NULL;
    enum status st = first ? measure_data(first, db, err) : OK;

    config_free(first);
    for (int i = 0; i < g->n_points && st == OK; i++) {
        const struct config *c = g->points[i].config;

        if (!c || strcmp(config_data_sha256(c), last) == 0)
            continue;
        last = config_data_sha256(c);
        st = measure_data(c, db, err);
    }
    return st;
}

/* --- taking ----------------------------------------------------------------------- */

/* The order of the data was no part of an identity once: such a run is another
 * than the one the grid asks for, though their names are equal. */
static enum status check_order(uint64_t stored, const struct grid_point *p,
                               uint64_t seed, struct err *err)
{
    const uint64_t asked = grid_data_seed(p, seed);
    char name[RECORD_RUN];

    if (stored == asked)
        return OK;
    return err_set(err, ERR_DB,
                   "run %s is stored with another order of the data "
                   "(data seed %llu, not %llu): an older qlaw made it with "
                   "[seeds] pair = no; use another database, or take it out "
                   "(qlaw db delete)",
                   record_run_name(name, p->id, seed),
                   (unsigned long long)stored, (unsigned long long)asked);
}

static enum status one_run(struct store_run *r, const struct grid_point *p,
                           struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT run_id, data_seed, state, attempts "
        "FROM run WHERE point_id=:point_id AND seed=:seed",
        DB_VALUES(DB_T("point_id", p->id), DB_I("seed", (int64_t)r->seed)),
        err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && !row)
        st = err_set(err, ERR_DB, "run %s-%llu is missing", p->id,
                     (unsigned long long)r->seed);
    if (st == OK) {
        r->run_id = db_int(s, 0);
        r->data_seed = (uint64_t)db_int(s, 1);
        st = check_order(r->data_seed, p, r->seed, err);
        r->state = run_state_find(db_text(s, 2));
        r->attempts = (int)db_int(s, 3);
    }
    db_stmt_close(s);
    return st;
}

enum status store_runs(struct store_run **runs, int *n, const struct grid *g,
                       struct db *db, struct err *err)
{
    struct store_run *list = mem_array((size_t)g->n_runs, sizeof *list);
    enum status st = OK;

    *n = 0;
    for (int i = 0; i < g->n_points && st == OK; i++)
        for (int k = 0; k < g->points[i].n_seeds && st == OK; k++) {
            struct store_run *r = &list[(*n)++];

            r->point = i;
            r->seed = g->points[i].seeds[k];
            st = one_run(r, &g->points[i], db, err);
        }
    *runs = list;
    if (st != OK) {
        free(list);
        *runs = NULL;
    }
    return st;
}
