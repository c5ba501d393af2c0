/* import.c - rows of a table into the database. */
#include "harness/study/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "db/point.h"
#include "db/statement.h"
#include "harness/grid/grid.h"
#include "harness/study/import_grid.h"

#define MOST_SAID 3 /* conflicts that are named */

/* A row that is a run, with what it is known by. */
struct placed {
    char id[HASH_ID];
    char *config; /* that id is the hash of */
    size_t row;
    int64_t seed;
};

/* --- points ---------------------------------------------------------------------- */

/* Not measured, or a whole number. */
static double whole(double x)
{
    return isnan(x) ? x : round(x);
}

static void set_row(struct db_point *out, const struct import_row *r)
{
    const bool base = import_is_base(r);
    const double size = import_number(r, "N"), tokens = import_number(r, "D");
    const char *fmt = import_text(r, "fmt");

    out->is_base = base;
    out->trainer = "import";
    out->n_body = llround(size);
    out->tokens = llround(tokens);
    out->fmt = *fmt ? fmt : base ? "fp32" : "unknown";
    out->exp_bits = whole(import_number(r, "E"));
    out->man_bits = whole(import_number(r, "M"));
    out->group_size = base ? (double)NAN : whole(twin_group(r->t, r->i));
    out->gran = isnan(out->group_size) ? NULL : "group";
    out->gmse = import_number(r, "gmse");
    out->flops_plan = 6 * size * tokens;
}

static enum status put_point(struct importing *m, const struct import_row *r,
                             const char *id, const char *twin,
                             const char *config)
{
    struct db_point row = db_point_default();
    char *arm = import_arm(r);
    bool added = false;
    enum status st;

    set_row(&row, r);
    row.point_id = id;
    row.config = config;
    row.twin_id = twin;
    row.dataset_id = m->dataset;
    row.arm = arm;
    st = db_point_put(&added, m->db, &row, m->err);
    m->n->points += st == OK && added;
    /* Files of earlier versions have points without these. */
    if (st == OK && !added)
        st = db_do(m->db,
                   "UPDATE point SET arm=:arm, gran=CASE WHEN group_size IS "
                   "NOT NULL THEN 'group' END WHERE point_id=:id AND arm=''",
                   DB_VALUES(DB_T("arm", arm), DB_T("id", id)), m->err);
    free(arm);
    return st;
}

/* The same line of the same file in this grid as another point: the columns
 * were called otherwise then. */
static enum status check_once(struct importing *m, const struct import_row *r,
                              const char *id)
{
    const int64_t line = r->t->number[r->i];
    int64_t other;
    const enum status st = db_ask(
        &other, m->db,
        "SELECT 1 FROM grid_point "
        "WHERE grid_id=:grid AND ordinal=:line AND point_id!=:id LIMIT 1",
        DB_VALUES(DB_I("grid", m->grid), DB_I("line", line), DB_T("id", id)),
        m->err);

    if (st != OK || !other)
        return st;
    return err_set(m->err, ERR_USAGE,
                   "line %lld of %s is in this grid already, with columns of "
                   "other names: every run would stand twice; bring it in "
                   "with the same --map and --derive, or as --grid OTHER",
                   (long long)line, r->t->source);
}

/* A point's place in a grid, with one seed more. */
static enum status place_seed(struct importing *m, int64_t grid, const char *id,
                              int64_t line, int64_t seed)
{
    static const char *const both[] = {
        "INSERT OR IGNORE INTO grid_point(grid_id, point_id, ordinal, block, "
        "seeds) VALUES(:grid, :id, :line, '', '[]')",
        "UPDATE grid_point SET seeds=json_insert(seeds, '$[#]', :seed) "
        "WHERE grid_id=:grid AND point_id=:id AND NOT EXISTS("
        "SELECT 1 FROM json_each(seeds) WHERE value=:seed)",
    };

    return db_do_all(m->db, both, 2,
                     DB_VALUES(DB_I("grid", grid), DB_T("id", id),
                               DB_I("line", line), DB_I("seed", seed)),
                     m->err);
}

/* --- runs ------------------------------------------------------------------------ */

static enum status new_run(struct importing *m, const struct import_row *r,
                           const struct placed *p)
{
    enum status st =
        db_do(m->db,
              "INSERT INTO run(run_id, point_id, seed, data_seed, state) "
              "SELECT run_id, :id, :seed, :seed, 'done' FROM next_run",
              DB_VALUES(DB_T("id", p->id), DB_I("seed", p->seed)), m->err);

    m->n->runs += st == OK;
    if (st == OK)
        st = db_do(m->db,
                   "INSERT INTO result(run_id, loss, loss_se, steps, tokens) "
                   "VALUES(:run, :loss, :se, 0, :tokens)",
                   DB_VALUES(DB_I("run", db_last_id(m->db)),
                             DB_R("loss", import_number(r, "loss")),
                             DB_R("se", import_number(r, "loss_se")),
                             DB_I("tokens", llround(import_number(r, "D")))),
                   m->err);
    return st;
}

static void note_conflict(struct importing *m, const struct import_row *r,
                          const struct placed *p, double stored)
{
    if (m->n_conflicts++ < MOST_SAID)
        str_addf(&m->conflicts,
                 import_number(r, "loss") == stored
                     ? "%sline %lld: loss %g with another loss_se than seed "
                       "%lld of this run"
                     : "%sline %lld: loss %g, and seed %lld of this run has %g",
                 m->n_conflicts > 1 ? "; " : "", (long long)r->t->number[r->i],
                 import_number(r, "loss"), (long long)p->seed, stored);
}

/* Has the table an error of the loss that is not the stored one? */
static enum status other_error(bool *other, struct importing *m,
                               const struct import_row *r,
                               const struct placed *p)
{
    const double se = import_number(r, "loss_se");
    int64_t differs = 0;
    enum status st = OK;

    if (isfinite(se))
        st = db_ask(
            &differs, m->db,
            "SELECT loss_se IS NOT :se "
            "FROM run JOIN result USING(run_id) "
            "WHERE point_id=:id AND seed=:seed",
            DB_VALUES(DB_R("se", se), DB_T("id", p->id), DB_I("seed", p->seed)),
            m->err);
    *other = differs != 0;
    return st;
}

static enum status known_run(struct importing *m, const struct import_row *r,
                             const struct placed *p, double stored)
{
    const double loss = import_number(r, "loss");
    bool other;
    const enum status st = other_error(&other, m, r, p);

    m->n->known++;
    if (st != OK || (loss == stored && !other))
        return st;
    if (!m->rq->replace) {
        note_conflict(m, r, p, stored);
        return OK;
    }
    m->n->replaced++;
    return db_do(m->db,
                 "UPDATE result SET loss=:loss, loss_se=coalesce(:se, loss_se) "
                 "WHERE run_id="
                 "(SELECT run_id FROM run WHERE point_id=:id AND seed=:seed)",
                 DB_VALUES(DB_R("loss", loss),
                           DB_R("se", import_number(r, "loss_se")),
                           DB_T("id", p->id), DB_I("seed", p->seed)),
                 m->err);
}

static enum status stored_loss(double *loss, bool *found, struct importing *m,
                               const struct placed *p)
{
    struct db_stmt *s;
    enum status st = db_stmt_with(
        &s, m->db,
        "SELECT loss FROM run JOIN result USING(run_id) "
        "WHERE point_id=:id AND seed=:seed",
        DB_VALUES(DB_T("id", p->id), DB_I("seed", p->seed)), m->err);

    *found = false;
    if (st == OK)
        st = db_stmt_step(found, s, m->err);
    *loss = *found ? db_real_or(s, 0, 0) : 0;
    db_stmt_close(s);
    return st;
}

static enum status put_run(struct importing *m, const struct import_row *r,
                           const struct placed *p)
{
    double stored;
    bool found;
    enum status st = stored_loss(&stored, &found, m, p);

    if (st == OK)
        st = found ? known_run(m, r, p, stored) : new_run(m, r, p);
    return st;
}

static enum status put_row(struct importing *m, const struct placed *p)
{
    const struct import_row r = { m->t, p->row, &m->rq->twins };
    const int64_t line = m->t->number[p->row];
    char twin[HASH_ID];
    char *plain = import_is_base(&r) ? mem_strdup(p->config)
                                     : import_config(&r, m->rq->grid, false);
    enum status st;

    hash_id(twin, plain, strlen(plain));
    free(plain);
    st = put_point(m, &r, p->id, twin, p->config);
    if (st == OK)
        st = check_once(m, &r, p->id);
    if (st == OK)
        st = place_seed(m, m->grid, p->id, line, p->seed);
    if (st == OK && m->newest != m->grid)
        st = place_seed(m, m->newest, p->id, line + IMPORT_EARLIER, p->seed);
    if (st == OK)
        st = put_run(m, &r, p);
    return st;
}

/* --- the rows of a file -------------------------------------------------------------- */

static int by_point(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    const int c = strcmp(x->id, y->id);

    return c ? c : (x->row > y->row) - (x->row < y->row);
}

static int by_row(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    return (x->row > y->row) - (x->row < y->row);
}

/* The seed of the table; without one, the how manieth row of its point it
 * is. */
static void give_seeds(struct placed *p, int n, const struct table *t)
{
    const int c = table_find(t, "seed");

    qsort(p, (size_t)n, sizeof *p, by_point);
    for (int i = 0, k = 0; i < n; i++) {
        const double own = c < 0 ? (double)NAN : t->cols[c].num[p[i].row];

        k = i > 0 && strcmp(p[i].id, p[i - 1].id) == 0 ? k + 1 : 1;
        p[i].seed = isfinite(own) ? (int64_t)own : k;
    }
    qsort(p, (size_t)n, sizeof *p, by_row);
}

/* Rows that can be runs; the others are counted. */
static int place_rows(struct placed *p, struct importing *m)
{
    int n = 0;

    for (size_t i = 0; i < m->t->rows; i++) {
        const struct import_row r = { m->t, i, &m->rq->twins };
        char *why = import_trouble(&r);

        if (why && m->n->left_out++ == 0)
            m->n->first = mem_printf("%s %lld: %s", m->t->noun,
                                     (long long)m->t->number[i], why);
        if (!why) {
            p[n].config = import_config(&r, m->rq->grid, !import_is_base(&r));
            hash_id(p[n].id, p[n].config, strlen(p[n].config));
            p[n++].row = i;
        }
        free(why);
    }
    if (n)
        give_seeds(p, n, m->t);
    return n;
}

/* --- what must not stay ---------------------------------------------------------------- */

static enum status need_columns(const struct table *t, struct err *err)
{
    static const char *const needed[] = { "N", "D", "loss" };

    for (size_t k = 0; k < sizeof needed / sizeof needed[0]; k++) {
        const char *near = table_nearest(t, needed[k]);

        if (table_find(t, needed[k]) < 0)
            return err_set(err, ERR_USAGE,
                           "%s has no column '%s': name it with --map "
                           "%s=COLUMN%s%s%s",
                           t->source, needed[k], needed[k],
                           near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
    }
    return OK;
}

static enum status conflicts(struct importing *m)
{
    if (m->n_conflicts == 0)
        return OK;
    return err_set(m->err, ERR_USAGE,
                   "%d row%s of %s differ%s from what grid '%s' has: %s%s; "
                   "nothing is changed.  --replace puts the losses right; runs "
                   "with other seeds need a column seed",
                   m->n_conflicts, m->n_conflicts > 1 ? "s" : "", m->t->source,
                   m->n_conflicts > 1 ? "" : "s", m->rq->grid,
                   str_text(&m->conflicts),
                   m->n_conflicts > MOST_SAID ? "; ..." : "");
}

/* Of the grid's points, which are quantized, and which of them have no twin? */
static enum status count_quantized(struct importing *m)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_with(
        &s, m->db,
        "SELECT count(*), count(CASE WHEN NOT EXISTS("
        "SELECT 1 FROM point b WHERE b.twin_id=p.twin_id AND b.is_base) "
        "THEN 1 END) "
        "FROM grid_point JOIN point p USING(point_id) "
        "WHERE grid_id=:grid AND NOT is_base AND fmt<>'unknown'",
        DB_VALUES(DB_I("grid", m->newest)), m->err);

    if (st == OK)
        st = db_stmt_step(&row, s, m->err);
    if (st == OK && row) {
        m->n->quantized = (int)db_int(s, 0);
        m->n->unpaired = (int)db_int(s, 1);
    }
    db_stmt_close(s);
    return st;
}

/* Quantized points of which none has a twin have no cost, and where the table
 * shows why, that is asked about. */
static enum status check_twins(struct importing *m)
{
    const char *candidate = twin_candidate(&m->rq->twins, m->t);
    char *columns;
    enum status st = count_quantized(m);

    if (st != OK || m->n->unpaired < m->n->quantized || m->n->quantized == 0 ||
        m->rq->twins.none)
        return st;
    if (candidate)
        return err_set(m->err, ERR_USAGE,
                       "no row of %s is an unquantized twin, so no format "
                       "has a cost: is it --base fmt=%s?  (--base none: there "
                       "is none)",
                       m->t->source, candidate);
    columns = import_blame(m->t, &m->rq->twins);
    if (*columns)
        st = err_set(m->err, ERR_USAGE,
                     "none of %d quantized points has a twin, because column%s "
                     "%s differ%s between them; if that is no part of a "
                     "configuration: --drop %s  (--base none: there are no "
                     "twins)",
                     m->n->quantized, strchr(columns, ',') ? "s" : "", columns,
                     strchr(columns, ',') ? "" : "s", columns);
    free(columns);
    return st;
}

enum status import_rows(struct import_counts *n, const struct table *t,
                        const struct import_request *rq, struct db *db,
                        struct err *err)
{
    struct importing m = { .n = n, .t = t, .rq = rq, .db = db, .err = err };
    struct placed *p;
    enum status st = need_columns(t, err);
    int rows;

    *n = (struct import_counts){ .runs = 0 };
    if (st != OK)
        return st;
    p = mem_array(t->rows + 1, sizeof *p);
    rows = place_rows(p, &m);
    if (rows == 0)
        st = err_set(err, ERR_CONFIG, "no row of %s can be a run; %s",
                     t->source, n->first);
    if (st == OK)
        st = import_open_grid(&m);
    if (st == OK)
        st = import_open_dataset(&m);
    for (int i = 0; i < rows && st == OK; i++)
        st = put_row(&m, &p[i]);
    if (st == OK)
        st = conflicts(&m);
    if (st == OK)
        st = check_twins(&m);
    if (st == OK)
        st = import_count_again(&m, m.grid);
    if (st == OK && m.newest != m.grid)
        st = import_count_again(&m, m.newest);
    str_release(&m.conflicts);
    for (int i = 0; i < rows; i++)
        free(p[i].config);
    free(p);
    return st;
}
