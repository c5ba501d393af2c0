/* predictor.c - the law's value at a setting, and its intervals. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/rng.h"
#include "fit/predict.h"
#include "fit/resample.h"

struct predictor {
    const struct model *m;
    const double *theta;
    const struct fit *f; /* NULL: no intervals */
    struct expr *term[PREDICT_TERMS];
    int n_terms;
    double *lo, *hi;       /* [n_names] what was fitted of each variable */
    struct expr_work *law; /* differentiated by the fit's parameter slots */
    struct expr_input *in; /* [n_names] */
    double *slope, *move;  /* of slots; of coordinates */
    double half_t;         /* Student's t of half an interval */
    double *refit;         /* [n_params][boot.n] */
    double *scatter;       /* [boot.n] what a new run adds to each refit */
    double low;            /* level of the lower limit */
    double *mean, *run;    /* [boot.n] */
};

/* --- what is made once --------------------------------------------------- */

static void find_ranges(struct predictor *p)
{
    const struct model *m = p->m;

    p->lo = mem_array((size_t)m->n_names, sizeof *p->lo);
    p->hi = mem_array((size_t)m->n_names, sizeof *p->hi);
    for (int k = 0; k < m->n_names; k++) {
        const double *v = m->names[k].values;

        p->lo[k] = v ? HUGE_VAL : -HUGE_VAL;
        p->hi[k] = -p->lo[k];
        for (size_t i = 0; v && i < m->rows; i++) {
            p->lo[k] = fmin(p->lo[k], v[i]);
            p->hi[k] = fmax(p->hi[k], v[i]);
        }
    }
}

/* The refits by parameter, and a residual for each: the same for every
 * setting, so that rows of a table differ by their settings alone. */
static void prepare_refits(struct predictor *p)
{
    const struct fit *f = p->f;
    const struct model *m = p->m;
    const size_t n = (size_t)f->boot.n, params = (size_t)m->n_params;
    const uint64_t key = rng_key(1, RNG_FIT, 3);
    const double inflate = sqrt((double)m->rows / fmax(f->dof, 1));

    p->low = bootstrap_level(f->boot.units, 0.025);
    p->refit = mem_array(params * n, sizeof *p->refit);
    p->scatter = mem_array(n, sizeof *p->scatter);
    p->mean = mem_array(n, sizeof *p->mean);
    p->run = mem_array(n, sizeof *p->run);
    for (size_t b = 0; b < n; b++) {
        const size_t row = rng_below(key, b, m->rows);

        for (size_t i = 0; i < params; i++)
            p->refit[i * n + b] = f->boot.theta[b * params + i];
        p->scatter[b] = inflate * f->residual[row] / m->scale[row];
    }
}

struct predictor *predictor_new(const struct model *m, const double *theta,
                                const struct fit *f)
{
    struct predictor *p = mem_alloc(sizeof *p);

    p->m = m;
    p->theta = theta;
    p->f = f;
    while (p->n_terms < PREDICT_TERMS &&
           (p->term[p->n_terms] = expr_term(m->expr, p->n_terms)))
        p->n_terms++;
    p->in = mem_array((size_t)m->n_names, sizeof *p->in);
    if (!f)
        return p;
    find_ranges(p);
    p->law = expr_work_new(m->expr, f->work->param_slots, f->work->n_slots);
    p->slope = mem_array((size_t)m->n_names, sizeof *p->slope);
    p->move = mem_array((size_t)m->n_free, sizeof *p->move);
    p->half_t = f->jack.n    ? gsl_cdf_tdist_Pinv(0.975, f->jack.n - 1)
                : f->dof > 0 ? gsl_cdf_tdist_Pinv(0.975, f->dof)
                             : (double)NAN;
    if (!f->jack.n && f->boot.n > 20)
        prepare_refits(p);
    return p;
}

void predictor_free(struct predictor *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n_terms; i++)
        expr_free(p->term[i]);
    if (p->law)
        expr_work_free(p->law);
    free(p->lo);
    free(p->hi);
    free(p->in);
    free(p->slope);
    free(p->move);
    free(p->refit);
    free(p->scatter);
    free(p->mean);
    free(p->run);
    free(p);
}

/* --- the value ----------------------------------------------------------- */

static void fill_value(struct prediction *out, const struct predictor *p,
                       const double *slots)
{
    *out = (struct prediction){ .value = expr_eval(p->m->expr, slots),
                                .mean_lo = (double)NAN,
                                .mean_hi = (double)NAN,
                                .run_lo = (double)NAN,
                                .run_hi = (double)NAN,
                                .n_terms = p->n_terms,
                                .beyond = 1 };
    for (int i = 0; i < p->n_terms; i++)
        out->term[i] = expr_eval(p->term[i], slots);
}

static void measure_range(struct prediction *out, const struct predictor *p,
                          const double *slots)
{
    const struct model *m = p->m;
    struct str s = { 0 };

    for (int k = 0; k < m->n_names; k++) {
        const double lo = p->lo[k], hi = p->hi[k];
        double factor = 1;

        if (!m->names[k].values)
            continue;
        if (slots[k] > hi)
            factor = hi > 0 ? slots[k] / hi : HUGE_VAL;
        else if (slots[k] < lo)
            factor = slots[k] > 0 ? lo / slots[k] : HUGE_VAL;
        if (!isfinite(factor)) /* from one side of 0 to the other */
            str_addf(&s, "%spast 0 in %s", s.len ? ", " : "", m->names[k].name);
        else if (factor > 1)
            str_addf(&s, "%s%.2gx in %s", s.len ? ", " : "", factor,
                     m->names[k].name);
        out->beyond = fmax(out->beyond, factor);
    }
    if (s.len)
        out->beyond_what = str_steal(&s);
}

/* --- intervals ----------------------------------------------------------- */

/* log when the fit's errors are relative. */
static double to_space(const struct model *m, double x)
{
    return m->space == FIT_LINEAR ? x : log(x);
}

static double from_space(const struct model *m, double x)
{
    return m->space == FIT_LINEAR ? x : exp(x);
}

/* Standard error of the law at the point, in the space of to_space. */
static double mean_error(struct predictor *p, const double *slots,
                         const int *chosen, double value)
{
    const struct fit *f = p->f;
    const struct model *m = p->m;
    const struct covariance *c = &f->cov;
    double mu, var = 0, *g = p->move;

    for (int k = 0; k < m->n_names; k++)
        p->in[k] = (struct expr_input){ NULL, slots[k] };
    expr_eval_rows(p->law, &mu, p->slope, 1, p->in, 1);
    memset(g, 0, (size_t)m->n_free * sizeof *g);
    for (int k = 0; k < f->work->n_slots; k++) {
        const int i = chosen[f->work->param_slots[k]];
        const int j = m->params[i].free;

        if (j >= 0)
            g[j] += p->slope[k] * (f->work->is_log[j] ? f->best.theta[i] : 1) /
                    (m->space == FIT_LINEAR ? 1 : value);
    }
    for (int a = 0; a < c->n; a++)
        for (int b = 0; b < c->n; b++)
            var += g[c->coord[a]] * c->inverse[a * c->n + b] * g[c->coord[b]];
    return f->sigma * sqrt(var);
}

static void refit_interval(struct prediction *out, struct predictor *p,
                           const double *slots, const int *chosen)
{
    const struct model *m = p->m;
    const int n = p->f->boot.n;

    for (int k = 0; k < m->n_names; k++)
        p->in[k] = (struct expr_input){
            chosen[k] >= 0 ? p->refit + (size_t)chosen[k] * (size_t)n : NULL,
            slots[k],
        };
    expr_eval_rows(p->law, p->mean, NULL, 0, p->in, (size_t)n);
    for (int b = 0; b < n; b++) {
        p->mean[b] = to_space(m, p->mean[b]);
        p->run[b] = p->mean[b] + p->scatter[b];
    }
    order_limits(&out->mean_lo, &out->mean_hi, p->mean, (size_t)n, p->low);
    order_limits(&out->run_lo, &out->run_hi, p->run, (size_t)n, p->low);
    out->mean_lo = from_space(m, out->mean_lo);
    out->mean_hi = from_space(m, out->mean_hi);
    out->run_lo = from_space(m, out->run_lo);
    out->run_hi = from_space(m, out->run_hi);
}

struct at { /* where the law is asked, for resample_value */
    const struct model *m;
    double *slots;
    const int *chosen;
};

static double value_at(const double *theta, void *ctx)
{
    struct at *at = ctx;

    for (int k = 0; k < at->m->n_names; k++)
        if (at->chosen[k] >= 0)
            at->slots[k] = theta[at->chosen[k]];
    return to_space(at->m, expr_eval(at->m->expr, at->slots));
}

/* About the value, in the fit's space: half an interval for the law, half one
 * for what a run adds. */
static void symmetric_interval(struct prediction *out, const struct model *m,
                               double half, double run)
{
    const double at = to_space(m, out->value), both = hypot(half, run);

    out->mean_lo = from_space(m, at - half);
    out->mean_hi = from_space(m, at + half);
    out->run_lo = from_space(m, at - both);
    out->run_hi = from_space(m, at + both);
}

/* Value, range and intervals at slots; resampling spoils slots. */
static void predict_at(struct prediction *out, struct predictor *p,
                       double *slots, const int *chosen)
{
    const struct fit *f = p->f;
    const struct model *m = p->m;

    fill_value(out, p, slots);
    if (!f)
        return;
    measure_range(out, p, slots);
    if (!isfinite(out->value))
        return;
    if (f->jack.n) {
        struct at at = { m, slots, chosen };

        symmetric_interval(out, m, resample_value(f, value_at, &at).half,
                           p->half_t * f->sigma);
    } else if (p->refit) {
        refit_interval(out, p, slots, chosen);
    } else if (m->loss.kind == FIT_L2 && f->dof > 0 && f->cov.full_rank &&
               (m->space == FIT_LINEAR || out->value > 0)) {
        symmetric_interval(out, m,
                           p->half_t * mean_error(p, slots, chosen, out->value),
                           p->half_t * f->sigma);
    }
}

/* --- asking -------------------------------------------------------------- */

enum status predictor_ask(struct prediction *out, struct predictor *p,
                          char *const *settings, int n, struct err *err)
{
    double *slots;
    int *chosen;
    enum status st =
        predict_slots(&slots, &chosen, p->m, p->theta, settings, n, err);

    if (st != OK)
        return st;
    predict_at(out, p, slots, chosen);
    free(slots);
    free(chosen);
    if (isfinite(out->value))
        return OK;
    prediction_release(out);
    return err_set(err, ERR_USAGE, "the law has no finite value there");
}

static enum status ask_once(struct prediction *out, struct predictor *p,
                            char *const *settings, int n, struct err *err)
{
    const enum status st = predictor_ask(out, p, settings, n, err);

    predictor_free(p);
    return st;
}

enum status predict_value(struct prediction *out, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err)
{
    return ask_once(out, predictor_new(m, theta, NULL), settings, n, err);
}

enum status predict_point(struct prediction *out, const struct fit *f,
                          char *const *settings, int n, struct err *err)
{
    return ask_once(out, predictor_new(f->m, f->best.theta, f), settings, n,
                    err);
}

bool predict_row(struct prediction *out, struct predictor *p,
                 const struct model *other, size_t row)
{
    const struct model *m = p->m;
    double *slots = mem_array((size_t)m->n_names, sizeof *slots);
    int *chosen = mem_array((size_t)m->n_names, sizeof *chosen);
    bool known = true;

    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &other->names[k];

        chosen[k] = -1;
        if (nm->is_var) {
            slots[k] = nm->values ? nm->values[row] : nm->constant;
            continue;
        }
        chosen[k] = model_find_param(
            m,
            other->params[nm->first + (nm->group ? nm->group[row] : 0)].name);
        known = known && chosen[k] >= 0;
        slots[k] = chosen[k] >= 0 ? p->theta[chosen[k]] : (double)NAN;
    }
    if (known)
        predict_at(out, p, slots, chosen);
    free(slots);
    free(chosen);
    return known && isfinite(out->value);
}

void prediction_release(struct prediction *p)
{
    free(p->beyond_what);
    p->beyond_what = NULL;
}
