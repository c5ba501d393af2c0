#include "fit/sensitivity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "fit/units.h"

#define EFFICIENT  1.345 /* deviations: 95 % efficient on normal errors */
#define REPLICATES 5     /* degrees of freedom that make a noise */
#define MOST_ROWS  200   /* left out one at a time */

/* --- noise --------------------------------------------------------------- */

static double middle_of(const double *r, size_t n)
{
    double *a = mem_array(n + 1, sizeof *a), v;

    for (size_t i = 0; i < n; i++)
        a[i] = fabs(r[i]);
    qsort(a, n, sizeof *a, order_doubles);
    v = sorted_quantile(a, (int)n, 0.5);
    free(a);
    return v;
}

static void residuals_at(double *r, const struct model *m, const double *theta)
{
    struct model_work *w = model_work_new(m);

    model_law(w, theta, w->mu, NULL);
    for (size_t i = 0; i < m->rows; i++)
        r[i] = model_residual(m, i, w->mu[i]);
    model_work_free(w);
}

/* The standard deviation of one row in the model's space: of replicates, *dof
 * of them, or with *dof = 0 the middle of the residuals for that of a normal
 * distribution.  What is rounding of the response is 0. */
static double noise_of(int *dof, const struct model *m, const double *theta)
{
    double *r = mem_array(m->rows, sizeof *r), within, between, sd;
    int *unit = mem_array(m->rows, sizeof *unit);
    const int units = units_number(unit, m, NULL);

    residuals_at(r, m, theta);
    units_split(&within, &between, r, unit, units, m->rows);
    *dof = (int)m->rows - units;
    sd = sqrt(within / fmax(*dof, 1));
    if (*dof < REPLICATES || !(sd > 0)) {
        *dof = 0;
        sd = 1.4826022 * middle_of(r, m->rows) *
             sqrt((double)m->rows / fmax((double)m->rows - m->n_free, 1));
    }
    free(r);
    free(unit);
    return sd > 1e-12 ? sd : 0;
}

/* --- losses and spaces --------------------------------------------------- */

static bool is_case(const struct sensitivity_case *c, enum fit_space space,
                    const struct fit_loss *loss)
{
    return c->space == space && c->loss.kind == loss->kind &&
           c->loss.scale == loss->scale;
}

/* A delta as people write it: two digits. */
static double rounded(double x)
{
    char buf[32];

    snprintf(buf, sizeof buf, "%.1e", x);
    return strtod(buf, NULL);
}

/* Fit one case; *m is its model unless there is none. */
static void add_case(struct sensitivity *s, const struct table *t,
                     const struct fit_spec *spec, enum fit_space space,
                     struct fit_loss loss, struct model **m)
{
    struct fit_spec one = *spec;
    struct sensitivity_case *c;
    struct err err = { .status = OK };

    s->cases = mem_grow(s->cases, (size_t)s->n + 1, sizeof *s->cases);
    c = &s->cases[s->n++];
    *c = (struct sensitivity_case){
        .space = space,
        .loss = loss,
        .is_own = space == spec->space && loss.kind == spec->loss.kind &&
                  loss.scale == spec->loss.scale,
    };
    one.space = space;
    one.loss = loss;
    *m = NULL;
    if (fit_model_new(m, t, &one, &err) == OK)
        optimum_find(&c->best, *m, NULL, spec->seed);
    if (!*m || !isfinite(c->best.objective))
        c->failure =
            mem_strdup(*m ? "no start gives the law finite values" : err.text);
}

static void add_loss(struct sensitivity *s, const struct table *t,
                     const struct fit_spec *spec, enum fit_space space,
                     enum fit_loss_kind kind, double scale)
{
    const struct fit_loss loss = { kind, scale };
    struct model *m;

    for (int k = 0; k < s->n; k++)
        if (is_case(&s->cases[k], space, &loss))
            return;
    add_case(s, t, spec, space, loss, &m);
    fit_model_free(m);
}

/* Least squares say how large the noise is, and so which deltas make a
 * difference. */
static void add_space(struct sensitivity *s, const struct table *t,
                      const struct fit_spec *spec, enum fit_space space)
{
    static const double times[] = { 0.5, EFFICIENT, 3 };
    const struct fit_loss squares = { FIT_L2, 0 };
    struct model *m;
    double noise = 0;
    int dof = 0;

    add_case(s, t, spec, space, squares, &m);
    if (!s->cases[s->n - 1].failure)
        noise = noise_of(&dof, m, s->cases[s->n - 1].best.theta);
    fit_model_free(m);
    for (int k = 2; noise > 0 && k >= 0; k--)
        add_loss(s, t, spec, space, FIT_HUBER, rounded(times[k] * noise));
    add_loss(s, t, spec, space, FIT_L1, 0);
    if (space != spec->space)
        return;
    s->noise = noise;
    s->noise_dof = dof;
    s->suggested = (struct fit_loss){ FIT_HUBER, rounded(EFFICIENT * noise) };
    if (spec->loss.kind != FIT_L2 && spec->loss.kind != FIT_L1)
        add_loss(s, t, spec, space, spec->loss.kind, spec->loss.scale);
}

static void add_spaces(struct sensitivity *s, const struct table *t,
                       const struct fit_spec *spec)
{
    const struct model *m = s->f->m;
    bool positive = true;

    for (size_t i = 0; i < m->rows; i++)
        positive = positive && m->y[i] > 0;
    if (!positive)
        s->no_space = mem_strdup("log and relative space need positive "
                                 "responses");
    add_space(s, t, spec, spec->space);
    for (int space = 0; positive && space < FIT_SPACE_COUNT; space++)
        if ((enum fit_space)space != spec->space)
            add_space(s, t, spec, space);
}

/* --- rows ---------------------------------------------------------------- */

struct candidate {
    size_t row;
    double weight; /* Cook's distance, but for a factor */
};

static int by_weight(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    return x->weight != y->weight ? (x->weight < y->weight ? 1 : -1)
                                  : (x->row > y->row) - (x->row < y->row);
}

static struct candidate *rank_rows(const struct fit *f)
{
    const struct model *m = f->m;
    struct candidate *c = mem_array(m->rows + 1, sizeof *c);
    const double most = m->loss.kind == FIT_HUBER ? m->loss.scale : HUGE_VAL;

    for (size_t i = 0; i < m->rows; i++) {
        const double h = fmin(f->cov.leverage[i], 1 - 1e-9);

        c[i].row = i;
        c[i].weight = fmin(fabs(f->residual[i]), most) * sqrt(h) / (1 - h);
        if (!isfinite(c[i].weight))
            c[i].weight = 0;
    }
    qsort(c, m->rows, sizeof *c, by_weight);
    return c;
}

/* The parameter that moves most between the two, as a share of half its
 * interval; false when none has an interval. */
static bool compare_thetas(struct sensitivity_row *out, const struct fit *f,
                           const double *theta)
{
    out->share = -1;
    for (int i = 0; i < f->m->n_params; i++) {
        const struct fit_estimate *e = &f->est[i];
        const double half = 0.5 * (e->hi - e->lo);
        const double share = fabs(theta[i] - e->value) / half;

        if (f->m->params[i].free < 0 || !(half > 0) || !isfinite(half) ||
            !isfinite(share) || share <= out->share)
            continue;
        out->share = share;
        out->param = i;
        out->before = e->value;
        out->after = theta[i];
    }
    return out->share >= 0;
}

static void keep_row(struct sensitivity *s, const struct sensitivity_row *r)
{
    int at = s->n_rows;

    while (at > 0 && s->rows[at - 1].share < r->share)
        at--;
    if (at == SENSITIVITY_ROWS)
        return;
    s->n_rows += s->n_rows < SENSITIVITY_ROWS;
    memmove(&s->rows[at + 1], &s->rows[at],
            (size_t)(s->n_rows - at - 1) * sizeof *s->rows);
    s->rows[at] = *r;
}

static void leave_rows_out(struct sensitivity *s)
{
    const struct fit *f = s->f;
    struct candidate *c = rank_rows(f);
    double *weight = mem_array(f->m->rows + 1, sizeof *weight);

    for (size_t i = 0; i < f->m->rows; i++)
        weight[i] = 1;
    for (size_t k = 0; k < f->m->rows && k < MOST_ROWS && f->dof > 1; k++) {
        struct sensitivity_row r = { .row = c[k].row };
        struct optimum o;

        weight[r.row] = 0;
        optimum_from(&o, f->m, weight, f->best.theta);
        if (o.converged && compare_thetas(&r, f, o.theta))
            keep_row(s, &r);
        weight[r.row] = 1;
        optimum_release(&o);
        s->tried++;
    }
    free(weight);
    free(c);
}

/* --- all together -------------------------------------------------------- */

void sensitivity_run(struct sensitivity *s, const struct fit *f,
                     const struct table *t, const struct fit_spec *spec)
{
    bool *keep = mem_array(t->rows + 1, sizeof *keep);
    struct table *used;

    /* Another space might take rows that this one leaves out. */
    for (size_t i = 0; i < f->m->rows; i++)
        keep[f->m->source_row[i]] = true;
    used = table_select(t, keep);
    *s = (struct sensitivity){ .f = f };
    add_spaces(s, used, spec);
    for (size_t i = 0; i < f->m->rows; i++)
        s->beyond += fabs(f->residual[i]) > s->suggested.scale;
    leave_rows_out(s);
    table_free(used);
    free(keep);
}

void sensitivity_release(struct sensitivity *s)
{
    for (int k = 0; k < s->n; k++) {
        optimum_release(&s->cases[k].best);
        free(s->cases[k].failure);
    }
    free(s->cases);
    free(s->no_space);
    *s = (struct sensitivity){ .n = 0 };
}

bool sensitivity_is_outside(const struct sensitivity *s, int k, int i)
{
    const struct fit_estimate *e = &s->f->est[i];
    const struct sensitivity_case *c = &s->cases[k];

    return !c->failure && !c->is_own && s->f->m->params[i].free >= 0 &&
           (c->best.theta[i] < e->lo || c->best.theta[i] > e->hi);
}
