#include "harness/figures/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/need_grid.h"
#include "db/state.h"
#include "db/statement.h"
#include "harness/grid/arm.h"
#include "harness/store/snapshot.h"

/* The latest text of a grid, with the twins that its points are compared
 * with wherever those come from; or everything. */
static const char of_grid[] =
    "SELECT point_id FROM grid_point WHERE grid_id = :grid "
    "UNION " FIT_TWINS_SQL;
static const char of_all[] = "SELECT point_id FROM point";

static const char *n_sql(const struct plot_fit *f)
{
    const char *sql = f ? fit_n_sql(f->n_def) : NULL;

    return sql ? sql : fit_n_sql("body");
}

/* Runs that count: those of the grid with its own seeds.  A twin that another
 * grid made lends its losses and is none of this grid's runs. */
static const char runs_of_grid[] =
    "SELECT r.*, x.run_id IS NOT NULL AS own "
    "FROM run r JOIN chosen USING(point_id) "
    "LEFT JOIN grid_run x ON x.grid_id = :grid AND x.run_id = r.run_id "
    "WHERE x.run_id IS NOT NULL OR r.point_id NOT IN "
    "(SELECT point_id FROM grid_point WHERE grid_id = :grid)";
static const char runs_of_all[] = "SELECT r.*, 1 AS own FROM run r";

/* Standard errors in two passes, as the views make them. */
#define FOLDED                                                                 \
    "states AS (SELECT point_id, count(*) AS runs, "                           \
    "sum(state = 'done') AS done, sum(state = 'diverged') AS diverged, "       \
    "sum(state IN (" RUN_STATES_OF "'failed')) AS failed, "                    \
    "sum(state IN (" RUN_STATES_OF "'left out')) AS left_out, "                \
    "sum(state IN (" RUN_STATES_OF "'waiting' OR kind = 'running')) "          \
    "AS waiting, "                                                             \
    "sum(wall_s) AS wall_s, sum((SELECT sum(a.wall_s) FROM attempt a "         \
    "WHERE a.run_id = mine.run_id)) AS slot_s "                                \
    "FROM mine LEFT JOIN result USING(run_id) WHERE own GROUP BY point_id), "  \
    "done AS (SELECT point_id, seed, loss FROM mine JOIN result "              \
    "USING(run_id) WHERE state = 'done'), "                                    \
    "pm AS (SELECT point_id, count(*) AS k, avg(loss) AS mu FROM done "        \
    "GROUP BY point_id), "                                                     \
    "pt AS (SELECT pm.point_id, pm.k AS seeds, pm.mu AS loss, CASE WHEN "      \
    "pm.k > 1 THEN sqrt(sum((d.loss - pm.mu) * (d.loss - pm.mu)) / (pm.k - "   \
    "1) / pm.k) END AS se FROM pm JOIN done d USING(point_id) GROUP BY "       \
    "pm.point_id), "                                                           \
    "delta AS (SELECT q.point_id, q.loss - b.loss AS delta FROM done q "       \
    "JOIN point p USING(point_id) JOIN point bp ON bp.twin_id = p.twin_id "    \
    "AND bp.is_base = 1 AND p.is_base = 0 JOIN done b ON b.point_id = "        \
    "bp.point_id AND b.seed = q.seed), "                                       \
    "dm AS (SELECT point_id, count(*) AS k, avg(delta) AS mu FROM delta "      \
    "GROUP BY point_id), "                                                     \
    "dg AS (SELECT dm.point_id, dm.k AS seeds, dm.mu AS delta, CASE WHEN "     \
    "dm.k > 1 THEN sqrt(sum((d.delta - dm.mu) * (d.delta - dm.mu)) / (dm.k "   \
    "- 1) / dm.k) END AS delta_se FROM dm JOIN delta d USING(point_id) "       \
    "GROUP BY dm.point_id) "

static char *points_sql(const struct plot_data *d)
{
    return mem_printf(
        "WITH chosen AS (%s), mine AS (%s), " FOLDED
        "SELECT p.point_id, p.fmt, p.arm, p.gran, p.act_fmt, " ARM_QUANT_SQL
        ", p.is_base, %s, "
        "p.tokens, q.G, q.E, q.M, q.bits, q.stored_bits, q.scale, p.gmse, "
        "p.n_layer, p.d_model, p.flops_plan, pt.seeds, "
        "pt.loss, pt.se, dg.seeds, dg.delta, dg.delta_se, s.runs, s.done, "
        "s.diverged, s.failed, s.left_out, s.waiting, s.wall_s, s.slot_s, "
        "p.point_id IN (SELECT point_id FROM fit_point JOIN run "
        "USING(run_id) WHERE fit_id = :fit) "
        "FROM chosen JOIN point p USING(point_id) "
        "JOIN quantized q USING(point_id) "
        "LEFT JOIN pt USING(point_id) "
        "LEFT JOIN dg USING(point_id) "
        "LEFT JOIN states s USING(point_id) "
        "ORDER BY p.point_id",
        d->grid ? of_grid : of_all, d->grid ? runs_of_grid : runs_of_all,
        n_sql(d->fit));
}

static char *column_text(struct db_stmt *s, int col)
{
    return mem_strdup(db_text(s, col));
}

/* Arms without their groups; of a twin, "unquantized". */
static void name_families(struct plot_data *d)
{
    const char **arm = mem_array((size_t)d->n + 1, sizeof *arm);
    char **family;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        arm[i] = p->base ? "unquantized" : *p->arm ? p->arm : p->fmt;
    }
    family = arm_families(arm, (size_t)d->n);
    for (int i = 0; i < d->n; i++)
        d->points[i].family = family[i];
    free(family);
    free(arm);
}

static struct plot_point read_point(struct db_stmt *s)
{
    int c = 0;
    struct plot_point p = { .id = column_text(s, c++) };

    p.fmt = column_text(s, c++);
    p.arm = column_text(s, c++);
    p.gran = column_text(s, c++);
    p.act_fmt = column_text(s, c++);
    p.quant = column_text(s, c++);
    p.base = db_int(s, c++) != 0;
    p.N = db_real(s, c++);
    p.D = db_real(s, c++);
    p.G = db_real(s, c++);
    p.E = db_real(s, c++);
    p.M = db_real(s, c++);
    p.bits = db_real(s, c++);
    p.stored_bits = db_real(s, c++);
    p.scale = column_text(s, c++);
    p.gmse = db_real(s, c++);
    p.n_layer = db_real(s, c++);
    p.d_model = db_real(s, c++);
    p.flops = db_real(s, c++);
    p.seeds = (int)db_int(s, c++);
    p.loss = db_real(s, c++);
    p.se = db_real(s, c++);
    p.pairs = (int)db_int(s, c++);
    p.delta = db_real(s, c++);
    p.delta_se = db_real(s, c++);
    p.runs = (int)db_int(s, c++);
    p.done = (int)db_int(s, c++);
    p.diverged = (int)db_int(s, c++);
    p.failed = (int)db_int(s, c++);
    p.left_out = (int)db_int(s, c++);
    p.waiting = (int)db_int(s, c++);
    p.wall_s = db_real(s, c++);
    p.slot_s = db_real(s, c++);
    p.in_fit = db_int(s, c++) != 0;
    return p;
}

/* Twins first, then by format, what is quantized, group, size and tokens. */
static int in_order(const void *a, const void *b)
{
    const struct plot_point *x = a, *y = b;
    const double keys[][2] = {
        { isnan(x->G) ? HUGE_VAL : x->G, isnan(y->G) ? HUGE_VAL : y->G },
        { x->N, y->N },
        { x->D, y->D },
    };
    int c = y->base - x->base;

    c = c ? c : strcmp(x->fmt, y->fmt);
    c = c ? c : strcmp(x->family, y->family);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !c; i++)
        c = (keys[i][0] > keys[i][1]) - (keys[i][0] < keys[i][1]);
    return c ? c : strcmp(x->id, y->id);
}

/* The law speaks of families of which it has seen runs.  A fit that remembers
 * no runs is taken to have seen all. */
static void find_known(struct plot_data *d)
{
    bool any = false;

    for (int i = 0; i < d->n; i++)
        any = any || d->points[i].in_fit;
    for (int i = 0; i < d->n; i++) {
        struct plot_point *p = &d->points[i];

        p->known = !any || p->base;
        for (int k = 0; k < d->n && !p->known; k++)
            p->known = d->points[k].in_fit &&
                       strcmp(d->points[k].family, p->family) == 0;
    }
}

static enum status read_points(struct plot_data *d, struct err *err)
{
    char *sql = points_sql(d);
    struct db_stmt *s;
    int cap = 0;
    bool row = true;
    enum status st = db_stmt_with(
        &s, d->db, sql, DB_VALUES(DB_I("fit", d->fit ? d->fit->id : 0)), err);

    free(sql);
    if (st == OK && d->grid)
        db_bind_int(s, "grid", d->grid_id);
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        if (d->n == cap)
            d->points = mem_grow(d->points, (size_t)(cap = 2 * cap + 64),
                                 sizeof *d->points);
        d->points[d->n++] = read_point(s);
    }
    db_stmt_close(s);
    name_families(d);
    if (d->n)
        qsort(d->points, (size_t)d->n, sizeof *d->points, in_order);
    return st;
}

/* The line "description = ..." of the [grid] section. */
static char *description_of(const char *text)
{
    bool inside = false;

    for (const char *p = text; p && *p; p = strchr(p, '\n')) {
        p += strspn(p, "\n \t");
        if (*p == '[')
            inside = text_has_prefix(p, "[grid]");
        if (inside && text_has_prefix(p, "description")) {
            const char *v = p + strlen("description");

            v += strspn(v, " \t");
            if (*v == '=') {
                char *line, *out;

                v++;
                line = mem_strndup(v, strcspn(v, "\n"));
                out = mem_strdup(text_trim(line));
                free(line);
                return out;
            }
        }
    }
    return mem_strdup("");
}

static enum status find_grid(struct plot_data *d, struct err *err)
{
    struct db_stmt *s = NULL;
    bool row = false;
    enum status st = db_need_grid(&d->grid_id, d->db, d->grid, err);

    if (st == OK)
        st = db_stmt_with(&s, d->db,
                          "SELECT ini_text FROM grid WHERE grid_id=:grid",
                          DB_VALUES(DB_I("grid", d->grid_id)), err);
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        d->description = description_of(db_text(s, 0));
    db_stmt_close(s);
    return st;
}

/* A law of other rows than there are now says nothing about them. */
static void judge_fit(struct plot_data *d)
{
    const char *path = d->db ? db_path(d->db) : d->db_path;

    if (!d->fit || fit_rows_compare(&d->rows, path, d->fit->id, NULL) != OK ||
        d->rows.same)
        return;
    d->stale = d->fit;
    d->fit = NULL;
}

char *plot_data_no_fit(const struct plot_data *d)
{
    const char *grid = d->grid ? d->grid : "";

    return d->stale ? mem_printf("fit %lld was made from %zu runs, and its "
                                 "selection has %s%zu now: run 'qlaw fit%s%s' "
                                 "again",
                                 (long long)d->stale->id, d->rows.then,
                                 d->rows.then == d->rows.now ? "other " : "",
                                 d->rows.now, *grid ? " " : "", grid)
                    : mem_printf("there is no fit yet: run 'qlaw fit%s%s' "
                                 "first",
                                 *grid ? " " : "", grid);
}

enum status plot_data_read(struct plot_data **out, const char *db_path,
                           const char *grid, int64_t fit_id, struct err *err)
{
    struct plot_data *d = mem_alloc(sizeof *d);
    struct snapshot moment;
    enum status st = snapshot_open(&moment, db_path, err);

    d->db_path = mem_strdup(db_path);
    d->grid = grid ? mem_strdup(grid) : NULL;
    d->db = moment.db;
    if (st == OK && grid)
        st = find_grid(d, err);
    if (st == OK && fit_id >= 0)
        st = plot_fit_read(&d->fit, d->db, grid, fit_id, err);
    judge_fit(d);
    snapshot_drop_name(&moment);
    if (st == OK)
        st = read_points(d, err);
    if (st == OK)
        find_known(d);
    if (st == OK)
        st = measured_read(&d->measured, d->db, grid, err);
    if (!d->description)
        d->description = mem_strdup("");
    if (st == OK)
        *out = d;
    else
        plot_data_free(d);
    return st;
}

const char *plot_group_name(char buf[32], const struct plot_point *p)
{
    if (strcmp(p->gran, "row") == 0 || strcmp(p->gran, "tensor") == 0)
        snprintf(buf, 32, "by %s", p->gran);
    else
        snprintf(buf, 32, "G = %.0f", p->G);
    return buf;
}

const struct findings *plot_data_findings(struct plot_data *d)
{
    if (!d->findings) {
        d->findings = mem_alloc(sizeof *d->findings);
        findings_make(d->findings, &d->measured);
    }
    return d->findings;
}

void plot_data_free(struct plot_data *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++) {
        struct plot_point *p = &d->points[i];

        free(p->id);
        free(p->fmt);
        free(p->arm);
        free(p->gran);
        free(p->scale);
        free(p->act_fmt);
        free(p->quant);
        free(p->family);
    }
    free(d->points);
    if (d->findings)
        findings_release(d->findings);
    free(d->findings);
    measured_release(&d->measured);
    plot_again_free(d->again);
    plot_again_free(d->costs);
    plot_fit_free(d->fit);
    plot_fit_free(d->stale);
    free(d->grid);
    free(d->db_path);
    free(d->description);
    db_close(d->db);
    free(d);
}
