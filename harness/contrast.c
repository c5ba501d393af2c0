#include "harness/contrast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define SEVERAL "(several)"

/* What a name on the command line stands for. */
struct side {
    int64_t grid;   /* 0: not a grid */
    char point[24]; /* of a run or point */
    int64_t seed;   /* -1: all */
};

/* --- finding the sides ---------------------------------------------------- */

/* The first row's column as a number; -1 when there is none. *more: another
 * row follows. */
static enum status one_number(int64_t *out, bool *more, struct db *db,
                              sqlite3_stmt *stmt, struct err *err)
{
    bool row = false;
    enum status st = db_step(&row, db, stmt, err);

    *more = false;
    *out = row ? sqlite3_column_int64(stmt, 0) : -1;
    if (st == OK && row)
        st = db_step(more, db, stmt, err);
    sqlite3_reset(stmt);
    return st;
}

static enum status find_grid(struct side *s, struct db *db, const char *name,
                             struct err *err)
{
    sqlite3_stmt *stmt;
    bool more;
    enum status st = db_prepare(&stmt, db,
                                "SELECT max(grid_id) FROM grid WHERE name = ? "
                                "GROUP BY name",
                                err);

    if (st != OK)
        return st;
    db_bind(stmt, "t", name);
    st = one_number(&s->grid, &more, db, stmt, err);
    s->grid = s->grid < 0 ? 0 : s->grid;
    return st;
}

static enum status take_point(struct side *s, struct db *db, sqlite3_stmt *stmt,
                              const char *name, struct err *err)
{
    bool row = false, more = false;
    enum status st = db_step(&row, db, stmt, err);

    if (st == OK && row) {
        snprintf(s->point, sizeof s->point, "%s",
                 (const char *)sqlite3_column_text(stmt, 0));
        if (sqlite3_column_type(stmt, 1) != SQLITE_NULL)
            s->seed = sqlite3_column_int64(stmt, 1);
        st = db_step(&more, db, stmt, err);
    }
    sqlite3_reset(stmt);
    if (st == OK && !row)
        st = err_set(err, ERR_USAGE, "no grid, run or point '%.60s' in %s",
                     name, db_path(db));
    if (st == OK && more)
        st = err_set(err, ERR_USAGE,
                     "'%.60s' fits several points; give more of "
                     "the hash",
                     name);
    return st;
}

static enum status find_point(struct side *s, struct db *db, const char *name,
                              struct err *err)
{
    const size_t hash = strcspn(name, "-");
    const char *seed = name[hash] ? name + hash + 1 : NULL;
    const bool number = !seed && strlen(name) < 8 && *name &&
                        strspn(name, "0123456789") == strlen(name);
    char *like = mem_strndup(name, hash);
    sqlite3_stmt *stmt;
    enum status st = db_prepare(
        &stmt, db,
        number ? "SELECT point_id, seed FROM run WHERE run_id = ?1"
        : seed ? "SELECT point_id, seed FROM run WHERE substr(point_id, 1, "
                 "length(?1)) = ?1 AND seed = ?2"
               : "SELECT point_id, NULL FROM point WHERE substr(point_id, 1, "
                 "length(?1)) = ?1",
        err);

    if (st == OK) {
        db_bind(stmt, seed ? "tt" : "t", like, seed);
        st = take_point(s, db, stmt, name, err);
    }
    free(like);
    return st;
}

static enum status find_side(struct side *s, struct db *db, const char *name,
                             struct err *err)
{
    enum status st;

    *s = (struct side){ .seed = -1 };
    st = find_grid(s, db, name, err);
    return st == OK && !s->grid ? find_point(s, db, name, err) : st;
}

/* --- keys that differ ----------------------------------------------------- */

static void add_key(struct contrast *c, const char *name, const char *a,
                    const char *b)
{
    for (int i = 0; i < c->n_keys; i++) {
        struct contrast_key *k = &c->keys[i];

        if (strcmp(k->name, name) != 0)
            continue;
        if (strcmp(k->a ? k->a : "", a ? a : "") != 0) {
            free(k->a);
            k->a = mem_strdup(SEVERAL);
        }
        if (strcmp(k->b ? k->b : "", b ? b : "") != 0) {
            free(k->b);
            k->b = mem_strdup(SEVERAL);
        }
        return;
    }
    c->keys = mem_grow(c->keys, (size_t)c->n_keys + 1, sizeof *c->keys);
    c->keys[c->n_keys++] = (struct contrast_key){
        mem_strdup(name),
        a ? mem_strdup(a) : NULL,
        b ? mem_strdup(b) : NULL,
    };
}

static char *value_text(const json_t *v)
{
    return !v                  ? NULL
           : json_is_string(v) ? mem_strdup(json_string_value(v))
                               : json_canonical_text(v);
}

/* Keys of one section in either configuration. */
static void compare_section(struct contrast *c, const char *section,
                            const json_t *a, const json_t *b, bool second)
{
    const char *key;
    json_t *value;

    if (!second && a && !json_is_object(a)) {
        char *ta = value_text(a), *tb = value_text(b);

        if (!tb || strcmp(ta, tb) != 0)
            add_key(c, section, ta, tb);
        free(ta);
        free(tb);
    }
    json_object_foreach((json_t *)(second ? b : a), key, value)
    {
        const json_t *va = json_object_get(a, key),
                     *vb = json_object_get(b, key);
        char *ta = value_text(va), *tb = value_text(vb);
        char *name = mem_printf("%s.%s", section, key);

        if ((!second || !va) && (!ta || !tb || strcmp(ta, tb) != 0))
            add_key(c, name, ta, tb);
        free(ta);
        free(tb);
        free(name);
    }
}

static void compare_configs(struct contrast *c, const json_t *a,
                            const json_t *b)
{
    const char *section;
    json_t *value;

    json_object_foreach((json_t *)a, section, value)
    {
        const json_t *other = json_object_get(b, section);

        compare_section(c, section, value, other, false);
        compare_section(c, section, value, other, true);
    }
    json_object_foreach((json_t *)b, section,
                        value) if (!json_object_get(a, section))
        compare_section(c, section, NULL, value, true);
}

static enum status add_keys(struct contrast *c, const char *a, const char *b,
                            struct err *err)
{
    json_t *ja = NULL, *jb = NULL;
    enum status st = json_parse(&ja, a, "point.config", err);

    if (st == OK)
        st = json_parse(&jb, b, "point.config", err);
    if (st == OK)
        compare_configs(c, ja, jb);
    json_decref(ja);
    json_decref(jb);
    return st;
}

/* --- pairs ---------------------------------------------------------------- */

/* Rows: label, loss a, loss b, configuration a, configuration b. */
static enum status read_pairs(struct contrast *c, struct db *db,
                              sqlite3_stmt *stmt, struct err *err)
{
    bool row = true;
    enum status st = OK;

    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        c->cells = mem_grow(c->cells, (size_t)c->n_cells + 1, sizeof *c->cells);
        c->cells[c->n_cells++] = (struct contrast_cell){
            mem_strdup((const char *)sqlite3_column_text(stmt, 0)),
            sqlite3_column_double(stmt, 1),
            sqlite3_column_double(stmt, 2),
        };
        st = add_keys(c, (const char *)sqlite3_column_text(stmt, 3),
                      (const char *)sqlite3_column_text(stmt, 4), err);
    }
    return st;
}

static const char point_pairs[] =
    "SELECT CASE WHEN a.seed = b.seed THEN 'seed '||a.seed ELSE 'seed '||a.seed"
    "||' against '||b.seed END, ra.loss, rb.loss, pa.config, pb.config FROM "
    "run "
    "a JOIN result ra ON ra.run_id = a.run_id JOIN point pa ON pa.point_id = "
    "a.point_id JOIN run b JOIN result rb ON rb.run_id = b.run_id JOIN point "
    "pb "
    "ON pb.point_id = b.point_id WHERE a.point_id = ?1 AND b.point_id = ?2 AND "
    "a.state = 'done' AND b.state = 'done' AND (?3 < 0 OR a.seed = ?3) AND "
    "(?4 < 0 OR b.seed = ?4) AND (a.seed = b.seed OR (?3 >= 0 AND ?4 >= 0)) "
    "ORDER BY a.seed";

static const char grid_pairs[] =
    "WITH cell AS (SELECT gp.grid_id, p.*, s.loss FROM grid_point gp JOIN "
    "point "
    "p USING(point_id) JOIN points s USING(point_id) WHERE gp.grid_id IN "
    "(?1, ?2)) SELECT 'N='||a.n_body||' D='||a.tokens||' '||CASE WHEN "
    "a.is_base THEN 'unquantized' WHEN a.arm <> '' THEN a.arm ELSE a.fmt END, "
    "a.loss, b.loss, a.config, b.config FROM cell a JOIN cell b ON b.n_body = "
    "a.n_body AND b.tokens = a.tokens AND b.fmt = a.fmt AND b.arm = a.arm AND "
    "b.is_base = a.is_base AND b.group_size IS a.group_size WHERE a.grid_id = "
    "?1 AND b.grid_id = ?2 AND a.point_id <> b.point_id ORDER BY a.n_body, "
    "a.tokens, a.fmt, a.arm";

static enum status find_pairs(struct contrast *c, struct db *db,
                              const struct side *a, const struct side *b,
                              struct err *err)
{
    sqlite3_stmt *stmt;
    enum status st =
        db_prepare(&stmt, db, c->grids ? grid_pairs : point_pairs, err);

    if (st != OK)
        return st;
    if (c->grids)
        db_bind(stmt, "ii", a->grid, b->grid);
    else
        db_bind(stmt, "ttii", a->point, b->point, a->seed, b->seed);
    return read_pairs(c, db, stmt, err);
}

/* Without a finished pair the keys still differ. */
static enum status keys_alone(struct contrast *c, struct db *db,
                              const struct side *a, const struct side *b,
                              struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st =
        db_prepare(&stmt, db,
                   "SELECT a.config, b.config FROM point a, point b "
                   "WHERE a.point_id = ?1 AND b.point_id = ?2",
                   err);

    if (st == OK) {
        db_bind(stmt, "tt", a->point, b->point);
        st = db_step(&row, db, stmt, err);
    }
    if (st == OK && row) {
        st = add_keys(c, (const char *)sqlite3_column_text(stmt, 0),
                      (const char *)sqlite3_column_text(stmt, 1), err);
        sqlite3_reset(stmt);
    }
    return st;
}

/* --- chance --------------------------------------------------------------- */

/* What paired differences of one configuration scatter by, pooled over the
 * configurations that have several seeds. */
static enum status find_noise(struct contrast *c, struct db *db,
                              struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(
        &stmt, db,
        "WITH m AS (SELECT point_id, count(*) AS k, avg(delta) AS mu FROM "
        "deltas "
        "GROUP BY point_id HAVING count(*) > 1) SELECT sum((d.delta - m.mu) * "
        "(d.delta - m.mu)), (SELECT sum(k - 1) FROM m) FROM deltas d JOIN m "
        "USING(point_id)",
        err);

    c->noise = (double)NAN;
    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st == OK && row && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        c->noise_dof = sqlite3_column_int(stmt, 1);
        c->noise = sqrt(sqlite3_column_double(stmt, 0) / c->noise_dof);
    }
    if (row)
        sqlite3_reset(stmt);
    return st;
}

static void judge(struct contrast *c)
{
    double *diff = mem_array((size_t)c->n_cells + 1, sizeof *diff);

    for (int i = 0; i < c->n_cells; i++)
        diff[i] = c->cells[i].b - c->cells[i].a;
    c->diff = interval_of(diff, c->n_cells);
    free(diff);
    if (c->n_cells == 1 && !isnan(c->noise)) {
        const double half = interval_half(c->noise, c->noise_dof);

        c->diff.lo = c->diff.mean - half;
        c->diff.hi = c->diff.mean + half;
    }
    c->known = !isnan(c->diff.lo);
    c->distinct = c->known && (c->diff.lo > 0 || c->diff.hi < 0);
}

enum status contrast_make(struct contrast *c, struct db *db, const char *a,
                          const char *b, struct err *err)
{
    struct side sa, sb;
    enum status st = find_side(&sa, db, a, err);

    *c = (struct contrast){ .name_a = mem_strdup(a), .name_b = mem_strdup(b) };
    if (st == OK)
        st = find_side(&sb, db, b, err);
    if (st == OK && !sa.grid != !sb.grid)
        st = err_set(err, ERR_USAGE, "'%.60s' is a grid and '%.60s' is not",
                     sa.grid ? a : b, sa.grid ? b : a);
    if (st == OK) {
        c->grids = sa.grid != 0;
        st = find_pairs(c, db, &sa, &sb, err);
    }
    if (st == OK && !c->grids && c->n_cells == 0)
        st = keys_alone(c, db, &sa, &sb, err);
    if (st == OK)
        st = find_noise(c, db, err);
    if (st == OK)
        judge(c);
    else
        contrast_release(c);
    return st;
}

void contrast_release(struct contrast *c)
{
    for (int i = 0; i < c->n_keys; i++) {
        free(c->keys[i].name);
        free(c->keys[i].a);
        free(c->keys[i].b);
    }
    for (int i = 0; i < c->n_cells; i++)
        free(c->cells[i].label);
    free(c->keys);
    free(c->cells);
    free(c->name_a);
    free(c->name_b);
    *c = (struct contrast){ .n_keys = 0 };
}
