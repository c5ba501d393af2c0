#include "harness/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/store/point.h"
#include "trainer/data_identity.h"

/* --- small questions ------------------------------------------------------------ */

/* One whole number; fallback when there is no row. */
static enum status ask(int64_t *out, struct db *db, sqlite3_stmt *stmt,
                       int64_t fallback, struct err *err)
{
    bool row;
    enum status st = db_step(&row, db, stmt, err);

    *out = fallback;
    if (st == OK && row)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return st;
}

enum status store_name(char name[RECORD_TOKEN], struct db *db, struct err *err)
{
    char drawn[RECORD_TOKEN];
    sqlite3_stmt *stmt;
    bool row;
    enum status st;

    record_draw_token(drawn);
    st = db_run(db, err,
                "INSERT OR IGNORE INTO meta(key, value) VALUES('store', ?)",
                "t", drawn);
    if (st == OK)
        st = db_prepare(&stmt, db, "SELECT value FROM meta WHERE key='store'",
                        err);
    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st == OK) {
        snprintf(name, RECORD_TOKEN, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_reset(stmt);
    }
    return st;
}

/* --- the grid's own row ------------------------------------------------------------ */

static enum status has_point(bool *yes, int64_t grid_id, const char *point_id,
                             struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    int64_t found = 0;
    enum status st = db_prepare(&stmt, db,
                                "SELECT 1 FROM grid_point WHERE grid_id=? AND "
                                "point_id=?",
                                err);

    if (st == OK) {
        db_bind(stmt, "it", grid_id, point_id);
        st = ask(&found, db, stmt, 0, err);
    }
    *yes = found != 0;
    return st;
}

static enum status count(int64_t *n, int64_t grid_id, const char *sql,
                         struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st = db_prepare(&stmt, db, sql, err);

    if (st != OK)
        return st;
    db_bind(stmt, "i", grid_id);
    return ask(n, db, stmt, 0, err);
}

/* Is this very grid there, whole, and the current one of its name?  One that
 * was made again from runs/ lacks the runs that nobody had begun. */
static enum status find_current(int64_t *grid_id, const struct grid *g,
                                struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    int64_t n = 0, runs = 0;
    bool first = false, last = false;
    enum status st = db_prepare(&stmt, db,
                                "SELECT grid_id FROM grid WHERE name=?1 AND "
                                "ini_sha256=?2 AND grid_id=(SELECT "
                                "max(grid_id) FROM grid WHERE name=?1)",
                                err);

    if (st == OK) {
        db_bind(stmt, "tt", g->name, g->sha256);
        st = ask(grid_id, db, stmt, 0, err);
    }
    if (st != OK || *grid_id == 0 || g->n_points == 0)
        return st;
    st = count(&n, *grid_id, "SELECT count(*) FROM grid_point WHERE grid_id=?",
               db, err);
    if (st == OK)
        st = count(&runs, *grid_id,
                   "SELECT sum(runs) FROM grid_count WHERE grid_id=?", db, err);
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
        db_run(db, err, "DELETE FROM grid WHERE name=? AND ini_sha256=?", "tt",
               g->name, g->sha256);

    if (st == OK)
        st = db_run(db, err,
                    "INSERT INTO grid(grid_id, name, ini_text, ini_sha256, "
                    "argv) SELECT coalesce(max(grid_id),0)+1,?,?,?,? FROM "
                    "grid",
                    "tttt", g->name, g->text, g->sha256, argv);
    *grid_id = sqlite3_last_insert_rowid(db_handle(db));
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

enum status store_run(int64_t *run_id, const char *point_id, uint64_t seed,
                      uint64_t data_seed, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st = db_run(db, err,
                            "INSERT OR IGNORE INTO run(run_id, point_id, "
                            "seed, data_seed) SELECT run_id,?,?,? FROM "
                            "next_run",
                            "tii", point_id, (int64_t)seed, (int64_t)data_seed);

    if (st == OK)
        st = db_prepare(&stmt, db,
                        "SELECT run_id FROM run WHERE point_id=? "
                        "AND seed=?",
                        err);
    if (st != OK)
        return st;
    db_bind(stmt, "ti", point_id, (int64_t)seed);
    return ask(run_id, db, stmt, 0, err);
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
        st = db_run(db, err,
                    "INSERT INTO grid_point(grid_id, point_id, ordinal, "
                    "block, priority, seeds) VALUES(?,?,?,?,?,?)",
                    "ititit", grid_id, p->id, (int64_t)p->ordinal, p->block,
                    (int64_t)p->priority, seeds);
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
    sqlite3_stmt *stmt;
    struct data_facts facts;
    int64_t open = 0;
    enum status st = db_prepare(&stmt, db,
                                "SELECT 1 FROM dataset WHERE name=? AND "
                                "sha256=? AND n_tokens=0",
                                err);

    if (st != OK || !*path)
        return st;
    db_bind(stmt, "tt", path, sha);
    st = ask(&open, db, stmt, 0, err);
    if (st != OK || !open)
        return st;
    copy = config_copy(c);
    st = data_identify(copy, &facts, err);
    if (st == OK)
        st = db_run(db, err,
                    "UPDATE dataset SET bytes=?3, n_tokens=CASE tokenizer "
                    "WHEN 'u16' THEN ?3/2 ELSE ?3 END WHERE name=?1 AND "
                    "sha256=?2",
                    "tti", path, sha, facts.bytes);
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
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "SELECT run_id, data_seed, state, attempts "
                                "FROM run WHERE point_id=? AND seed=?",
                                err);

    if (st != OK)
        return st;
    db_bind(stmt, "ti", p->id, (int64_t)r->seed);
    st = db_step(&row, db, stmt, err);
    if (st == OK && !row)
        st = err_set(err, ERR_DB, "run %s-%llu is missing", p->id,
                     (unsigned long long)r->seed);
    if (st == OK) {
        r->run_id = sqlite3_column_int64(stmt, 0);
        r->data_seed = (uint64_t)sqlite3_column_int64(stmt, 1);
        st = check_order(r->data_seed, p, r->seed, err);
        r->state = run_state_find((const char *)sqlite3_column_text(stmt, 2));
        r->attempts = sqlite3_column_int(stmt, 3);
    }
    sqlite3_reset(stmt);
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
