#include "harness/study/contrast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/study/contrast_parts.h"

/* --- finding the sides ---------------------------------------------------- */

/* The run of a number, the run of HASH-SEED, or the point of HASH. */
static const char by_number[] =
    "SELECT point_id, seed FROM run WHERE run_id = :number";
static const char by_hash_and_seed[] =
    "SELECT point_id, seed FROM run "
    "WHERE substr(point_id, 1, length(:hash)) = :hash AND seed = :seed";
static const char by_hash[] =
    "SELECT point_id, NULL FROM point "
    "WHERE substr(point_id, 1, length(:hash)) = :hash";

static enum status open_named(struct db_stmt **out, struct db *db,
                              const char *name, struct err *err)
{
    const size_t n = strcspn(name, "-");
    const char *seed = name[n] ? name + n + 1 : NULL;
    const bool number = !seed && strlen(name) < 8 && *name &&
                        strspn(name, "0123456789") == strlen(name);
    enum status st = db_stmt_open(out, db,
                                  number ? by_number
                                  : seed ? by_hash_and_seed
                                         : by_hash,
                                  err);

    if (st != OK)
        return st;
    db_bind_text_n(*out, number ? "number" : "hash", name, n);
    if (seed)
        db_bind_text(*out, "seed", seed);
    return OK;
}

static enum status find_point(struct contrast_side *side, struct db *db,
                              const char *name, struct err *err)
{
    struct db_stmt *s;
    bool row = false, more = false;
    enum status st = open_named(&s, db, name, err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row) {
        snprintf(side->point, sizeof side->point, "%s", db_text(s, 0));
        if (!db_is_null(s, 1))
            side->seed = db_int(s, 1);
        st = db_stmt_step(&more, s, err);
    }
    db_stmt_close(s);
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

static enum status find_side(struct contrast_side *s, struct db *db,
                             const char *name, struct err *err)
{
    enum status st;

    *s = (struct contrast_side){ .seed = -1 };
    st = db_find_grid(&s->grid, db, name, err);
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
    "WHERE a.point_id = :point_a AND b.point_id = :point_b "
    "AND a.state = 'done' AND b.state = 'done' "
    "AND (:seed_a < 0 OR a.seed = :seed_a) "
    "AND (:seed_b < 0 OR b.seed = :seed_b) "
    "AND (a.seed = b.seed OR (:seed_a >= 0 AND :seed_b >= 0)) "
    "ORDER BY a.seed";

/* Cells of either grid, with how many of their grid are alike. */
#define CELLS                                                                  \
    "WITH cell AS (SELECT gp.grid_id, p.*, count(*) OVER (PARTITION BY "       \
    "gp.grid_id, p.n_body, p.tokens, p.fmt, p.arm, p.is_base, p.group_size) "  \
    "AS alike FROM grid_point gp JOIN point p USING(point_id) "                \
    "WHERE gp.grid_id IN (:a, :b)) "
#define MATCHED                                                                \
    "FROM cell a JOIN cell b ON b.n_body = a.n_body AND "                      \
    "b.tokens = a.tokens AND b.fmt = a.fmt AND b.arm = a.arm AND "             \
    "b.is_base = a.is_base AND b.group_size IS a.group_size "
#define OF_BOTH "WHERE a.grid_id = :a AND b.grid_id = :b "

static const char grid_pairs[] = CELLS
    "SELECT 'N='||a.n_body||' D='||a.tokens||' '||CASE WHEN a.is_base THEN "
    "'unquantized' WHEN a.arm <> '' THEN a.arm ELSE a.fmt END, ra.loss, "
    "rb.loss, a.config, b.config, xa.seed, a.n_body, a.tokens, "
    "dense_rank() OVER (ORDER BY a.twin_id, b.twin_id), "
    "dense_rank() OVER (ORDER BY a.twin_id, b.twin_id, a.point_id, "
    "b.point_id) " MATCHED
    "JOIN grid_run xa ON xa.grid_id = :a AND xa.point_id = a.point_id "
    "AND xa.state = 'done' "
    "JOIN grid_run xb ON xb.grid_id = :b AND xb.point_id = b.point_id "
    "AND xb.state = 'done' AND xb.seed = xa.seed "
    "JOIN result ra ON ra.run_id = xa.run_id "
    "JOIN result rb ON rb.run_id = xb.run_id " OF_BOTH
    "AND a.point_id <> b.point_id AND a.alike = 1 AND b.alike = 1 "
    "ORDER BY a.twin_id, b.twin_id, a.point_id, b.point_id, xa.seed";

static const char grid_left_out[] = CELLS
    "SELECT count(DISTINCT CASE WHEN a.point_id = b.point_id THEN a.point_id "
    "END), count(DISTINCT CASE WHEN a.point_id <> b.point_id AND "
    "(a.alike > 1 OR b.alike > 1) THEN a.point_id END) " MATCHED OF_BOTH;

/* Seeds of one cell are shown as their mean; of two points, each for itself. */
static void add_cell(struct contrast *c, struct db_stmt *s, bool fold)
{
    struct contrast_cell *last = c->n_cells ? &c->cells[c->n_cells - 1] : NULL;
    const double a = db_real_or(s, 1, 0);
    const double b = db_real_or(s, 2, 0);

    if (fold && last) {
        last->a += (a - last->a) / (last->seeds + 1);
        last->b += (b - last->b) / (last->seeds + 1);
        last->seeds++;
        return;
    }
    c->cells = mem_grow(c->cells, (size_t)c->n_cells + 1, sizeof *c->cells);
    c->cells[c->n_cells++] =
        (struct contrast_cell){ mem_strdup(db_text(s, 0)), a, b, 1 };
}

/* Rows: label, loss a, loss b, configurations, seed, N, D, stratum, cell. */
static enum status read_pairs(struct contrast *c, struct sample *x,
                              struct db_stmt *s, struct err *err)
{
    bool row = true;
    enum status st = OK;
    int64_t stratum = -1, cell = -1;
    int strata = 0, cells = 0;

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        const bool fold = cell == db_int(s, 9);

        strata += stratum != db_int(s, 8);
        cells += !fold;
        stratum = db_int(s, 8);
        cell = db_int(s, 9);
        x->row = mem_grow(x->row, (size_t)x->n + 1, sizeof *x->row);
        x->row[x->n++] = (struct cells_row){
            .stratum = strata - 1,
            .cell = cells - 1,
            .seed = db_int(s, 5),
            .x = db_real_or(s, 2, 0) - db_real_or(s, 1, 0),
            .n = db_real(s, 6),
            .d = db_real(s, 7),
        };
        add_cell(c, s, fold && c->grids);
        st = contrast_add_keys(c, db_text(s, 3), db_text(s, 4), err);
    }
    return st;
}

static enum status count_left_out(struct contrast *c, struct db *db,
                                  const struct db_value *grids, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(&s, db, grid_left_out, grids, err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row) {
        c->same = (int)db_int(s, 0);
        c->ambiguous = (int)db_int(s, 1);
    }
    db_stmt_close(s);
    return st;
}

static enum status find_pairs(struct contrast *c, struct sample *x,
                              struct db *db, const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
{
    const struct db_value *grids =
        DB_VALUES(DB_I("a", a->grid), DB_I("b", b->grid));
    const struct db_value *points =
        DB_VALUES(DB_T("point_a", a->point), DB_T("point_b", b->point),
                  DB_I("seed_a", a->seed), DB_I("seed_b", b->seed));
    struct db_stmt *s;
    enum status st = db_stmt_with(&s, db, c->grids ? grid_pairs : point_pairs,
                                  c->grids ? grids : points, err);

    if (st == OK)
        st = read_pairs(c, x, s, err);
    db_stmt_close(s);
    return st == OK && c->grids ? count_left_out(c, db, grids, err) : st;
}

/* Without a finished pair the keys still differ. */
static enum status keys_alone(struct contrast *c, struct db *db,
                              const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT a.config, b.config FROM point a, point b "
                     "WHERE a.point_id = :a AND b.point_id = :b",
                     DB_VALUES(DB_T("a", a->point), DB_T("b", b->point)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        st = contrast_add_keys(c, db_text(s, 0), db_text(s, 1), err);
    db_stmt_close(s);
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
