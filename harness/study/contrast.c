#include "harness/study/contrast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/study/contrast_parts.h"

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

static enum status find_grid(struct contrast_side *s, struct db *db,
                             const char *name, struct err *err)
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

static enum status take_point(struct contrast_side *s, struct db *db,
                              sqlite3_stmt *stmt, const char *name,
                              struct err *err)
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

static enum status find_point(struct contrast_side *s, struct db *db,
                              const char *name, struct err *err)
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

static enum status find_side(struct contrast_side *s, struct db *db,
                             const char *name, struct err *err)
{
    enum status st;

    *s = (struct contrast_side){ .seed = -1 };
    st = find_grid(s, db, name, err);
    return st == OK && !s->grid ? find_point(s, db, name, err) : st;
}

/* --- pairs of runs ---------------------------------------------------------- */

/* The rows of cells.h. */
struct sample {
    struct cells_row *row;
    int n;
};

static const char point_pairs[] =
    "SELECT CASE WHEN a.seed = b.seed THEN 'seed '||a.seed ELSE 'seed '||a.seed"
    "||' against '||b.seed END, ra.loss, rb.loss, pa.config, pb.config, "
    "a.seed, pa.n_body, pa.tokens, 0, 0 FROM run a "
    "JOIN result ra ON ra.run_id = a.run_id "
    "JOIN point pa ON pa.point_id = a.point_id "
    "JOIN run b JOIN result rb ON rb.run_id = b.run_id "
    "JOIN point pb ON pb.point_id = b.point_id "
    "WHERE a.point_id = ?1 AND b.point_id = ?2 AND "
    "a.state = 'done' AND b.state = 'done' AND (?3 < 0 OR a.seed = ?3) AND "
    "(?4 < 0 OR b.seed = ?4) AND (a.seed = b.seed OR (?3 >= 0 AND ?4 >= 0)) "
    "ORDER BY a.seed";

/* Cells of either grid, with how many of their grid are alike. */
#define CELLS                                                                  \
    "WITH cell AS (SELECT gp.grid_id, p.*, count(*) OVER (PARTITION BY "       \
    "gp.grid_id, p.n_body, p.tokens, p.fmt, p.arm, p.is_base, p.group_size) "  \
    "AS alike FROM grid_point gp JOIN point p USING(point_id) "                \
    "WHERE gp.grid_id IN (?1, ?2)) "
#define MATCHED                                                                \
    "FROM cell a JOIN cell b ON b.n_body = a.n_body AND "                      \
    "b.tokens = a.tokens AND b.fmt = a.fmt AND b.arm = a.arm AND "             \
    "b.is_base = a.is_base AND b.group_size IS a.group_size "
#define OF_BOTH "WHERE a.grid_id = ?1 AND b.grid_id = ?2 "

static const char grid_pairs[] = CELLS
    "SELECT 'N='||a.n_body||' D='||a.tokens||' '||CASE WHEN a.is_base THEN "
    "'unquantized' WHEN a.arm <> '' THEN a.arm ELSE a.fmt END, ra.loss, "
    "rb.loss, a.config, b.config, xa.seed, a.n_body, a.tokens, "
    "dense_rank() OVER (ORDER BY a.twin_id, b.twin_id), "
    "dense_rank() OVER (ORDER BY a.twin_id, b.twin_id, a.point_id, "
    "b.point_id) " MATCHED
    "JOIN grid_run xa ON xa.grid_id = ?1 AND xa.point_id = a.point_id AND "
    "xa.state = 'done' JOIN grid_run xb ON xb.grid_id = ?2 AND "
    "xb.point_id = b.point_id AND xb.state = 'done' AND xb.seed = xa.seed "
    "JOIN result ra ON ra.run_id = xa.run_id "
    "JOIN result rb ON rb.run_id = xb.run_id " OF_BOTH
    "AND a.point_id <> b.point_id AND a.alike = 1 AND b.alike = 1 "
    "ORDER BY a.twin_id, b.twin_id, a.point_id, b.point_id, xa.seed";

static const char grid_left_out[] = CELLS
    "SELECT count(DISTINCT CASE WHEN a.point_id = b.point_id THEN a.point_id "
    "END), count(DISTINCT CASE WHEN a.point_id <> b.point_id AND "
    "(a.alike > 1 OR b.alike > 1) THEN a.point_id END) " MATCHED OF_BOTH;

/* Seeds of one cell are shown as their mean; of two points, each for itself. */
static void add_cell(struct contrast *c, sqlite3_stmt *s, bool fold)
{
    struct contrast_cell *last = c->n_cells ? &c->cells[c->n_cells - 1] : NULL;
    const double a = sqlite3_column_double(s, 1);
    const double b = sqlite3_column_double(s, 2);

    if (fold && last) {
        last->a += (a - last->a) / (last->seeds + 1);
        last->b += (b - last->b) / (last->seeds + 1);
        last->seeds++;
        return;
    }
    c->cells = mem_grow(c->cells, (size_t)c->n_cells + 1, sizeof *c->cells);
    c->cells[c->n_cells++] = (struct contrast_cell){
        mem_strdup((const char *)sqlite3_column_text(s, 0)), a, b, 1
    };
}

/* Rows: label, loss a, loss b, configurations, seed, N, D, stratum, cell. */
static enum status read_pairs(struct contrast *c, struct sample *x,
                              struct db *db, sqlite3_stmt *s, struct err *err)
{
    bool row = true;
    enum status st = OK;
    int64_t stratum = -1, cell = -1;
    int strata = 0, cells = 0;

    while (st == OK && (st = db_step(&row, db, s, err)) == OK && row) {
        const bool fold = cell == sqlite3_column_int64(s, 9);

        strata += stratum != sqlite3_column_int64(s, 8);
        cells += !fold;
        stratum = sqlite3_column_int64(s, 8);
        cell = sqlite3_column_int64(s, 9);
        x->row = mem_grow(x->row, (size_t)x->n + 1, sizeof *x->row);
        x->row[x->n++] = (struct cells_row){
            .stratum = strata - 1,
            .cell = cells - 1,
            .seed = sqlite3_column_int64(s, 5),
            .x = sqlite3_column_double(s, 2) - sqlite3_column_double(s, 1),
            .n = sqlite3_column_double(s, 6),
            .d = sqlite3_column_double(s, 7),
        };
        add_cell(c, s, fold && c->grids);
        st = contrast_add_keys(c, (const char *)sqlite3_column_text(s, 3),
                               (const char *)sqlite3_column_text(s, 4), err);
    }
    return st;
}

static enum status count_left_out(struct contrast *c, struct db *db,
                                  const struct contrast_side *a,
                                  const struct contrast_side *b,
                                  struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(&stmt, db, grid_left_out, err);

    if (st != OK)
        return st;
    db_bind(stmt, "ii", a->grid, b->grid);
    st = db_step(&row, db, stmt, err);
    if (st == OK && row) {
        c->same = sqlite3_column_int(stmt, 0);
        c->ambiguous = sqlite3_column_int(stmt, 1);
        sqlite3_reset(stmt);
    }
    return st;
}

static enum status find_pairs(struct contrast *c, struct sample *x,
                              struct db *db, const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
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
    st = read_pairs(c, x, db, stmt, err);
    return st == OK && c->grids ? count_left_out(c, db, a, b, err) : st;
}

/* Without a finished pair the keys still differ. */
static enum status keys_alone(struct contrast *c, struct db *db,
                              const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
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
        st = contrast_add_keys(c, (const char *)sqlite3_column_text(stmt, 0),
                               (const char *)sqlite3_column_text(stmt, 1), err);
        sqlite3_reset(stmt);
    }
    return st;
}

/* --- all together ------------------------------------------------------------ */

/* One pair has the interval of its noise. */
static void judge(struct contrast *c, const struct sample *x)
{
    c->diff = cells_mean(x->row, x->n);
    if (x->n == 1 && c->noise_of != NOISE_UNKNOWN) {
        c->diff.se = c->noise;
        c->diff.dof = c->noise_dof;
        c->diff.error = CELLS_SEEDS;
        cells_limits(&c->diff.lo, &c->diff.hi, &c->diff, 0.95);
    }
    c->known = c->diff.error != CELLS_NONE;
    c->distinct =
        c->known && !c->one_point && (c->diff.lo > 0 || c->diff.hi < 0);
}

static enum status find_sides(struct contrast *c, struct contrast_side *a,
                              struct contrast_side *b, struct db *db,
                              struct err *err)
{
    enum status st = find_side(a, db, c->name_a, err);

    if (st == OK)
        st = find_side(b, db, c->name_b, err);
    if (st == OK && !a->grid != !b->grid)
        st = err_set(err, ERR_USAGE, "'%.60s' is a grid and '%.60s' is not",
                     a->grid ? c->name_a : c->name_b,
                     a->grid ? c->name_b : c->name_a);
    if (st != OK)
        return st;
    c->grids = a->grid != 0;
    c->one_point = !c->grids && strcmp(a->point, b->point) == 0;
    return OK;
}

enum status contrast_make(struct contrast *c, struct db *db, const char *a,
                          const char *b, struct err *err)
{
    struct contrast_side sa, sb;
    struct sample x = { .n = 0 };
    enum status st;

    *c = (struct contrast){ .name_a = mem_strdup(a),
                            .name_b = mem_strdup(b),
                            .noise = (double)NAN };
    st = find_sides(c, &sa, &sb, db, err);
    if (st == OK)
        st = find_pairs(c, &x, db, &sa, &sb, err);
    if (st == OK && !c->grids && x.n == 0)
        st = keys_alone(c, db, &sa, &sb, err);
    if (st == OK && !c->grids && x.n == 1) {
        sa.seed = sa.seed < 0 ? x.row[0].seed : sa.seed;
        sb.seed = sb.seed < 0 ? x.row[0].seed : sb.seed;
        st = contrast_find_noise(c, db, &sa, &sb, err);
    }
    if (st == OK)
        judge(c, &x);
    else
        contrast_release(c);
    free(x.row);
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
