#include "fit/bootstrap.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/rng.h"
#include "base/str.h"
#include "fit/optimum.h"
#include "fit/solve.h"

struct refit {
    const struct model *m;
    struct model_work *mw;
    struct solve_work *sw;
    struct solve_problem p;
    struct solve_warm warm;
    const double *from; /* [n_from][n_params] the estimate first */
    int n_from;
    double *u0, *u, *lo, *hi, *r, *jac, *weight, *times;
    double *theta, *trial; /* [n_params] of the refit, and of a try */
    double objective;
};

/* A replicate is solved to 1e-10 of its objective: some 1e-4 standard errors
 * of the parameters. */
static const struct solve_options quick = { 200, 1e-10, 1e-9 };
static const struct solve_options patient = { 1000, 1e-9, 1e-6 };

/* Those in which searches near theta behave best. */
static void use_coordinates(struct refit *f, const double *theta)
{
    optimum_search_coordinates(f->mw, theta);
    model_box(f->mw, f->lo, f->hi);
}

static void open_refit(struct refit *f, const struct model *m,
                       const double *from, int n_from)
{
    const size_t n = m->rows, p = (size_t)m->n_free;

    *f = (struct refit){ .m = m, .mw = model_work_new(m) };
    f->from = from;
    f->n_from = n_from;
    f->sw = solve_work_new(n, m->n_free);
    f->u0 = mem_array(p, sizeof(double));
    f->u = mem_array(p, sizeof(double));
    f->lo = mem_array(p, sizeof(double));
    f->hi = mem_array(p, sizeof(double));
    f->r = mem_array(n, sizeof(double));
    f->jac = mem_array(n * p, sizeof(double));
    f->weight = mem_array(n, sizeof(double));
    f->theta = mem_array((size_t)m->n_params, sizeof(double));
    f->trial = mem_array((size_t)m->n_params, sizeof(double));
    use_coordinates(f, from);
    model_coordinates(f->mw, f->u0, from);
    model_residuals(f->mw, f->u0, f->r, f->jac);
    f->warm = (struct solve_warm){ f->r, f->jac };
    f->p = (struct solve_problem){
        .eval = model_residuals,
        .ctx = f->mw,
        .rows = n,
        .n = m->n_free,
        .weight = f->weight,
        .delta = m->loss.kind == FIT_HUBER ? m->loss.scale : HUGE_VAL,
        .lo = f->lo,
        .hi = f->hi,
    };
}

static void close_refit(struct refit *f)
{
    model_work_free(f->mw);
    solve_work_free(f->sw);
    free(f->u0);
    free(f->u);
    free(f->lo);
    free(f->hi);
    free(f->r);
    free(f->jac);
    free(f->weight);
    free(f->times);
    free(f->theta);
    free(f->trial);
}

/* How often each unit is drawn, times the row's own weight. */
static void draw(struct refit *f, const double *weight, const int *unit,
                 int units, uint64_t key)
{
    uint32_t word[4] = { 0 };

    memset(f->times, 0, (size_t)units * sizeof *f->times);
    for (uint64_t i = 0; i < (uint64_t)units; i++) {
        if (i % 4 == 0) /* four draws a block; the bias is below n / 2^32 */
            rng_philox(word, key, i / 4);
        f->times[(uint64_t)word[i % 4] * (uint64_t)units >> 32]++;
    }
    for (size_t r = 0; r < f->m->rows; r++)
        f->weight[r] =
            f->times[unit ? (size_t)unit[r] : r] * (weight ? weight[r] : 1);
}

/* From f->u to a minimum; kept when it is the lowest so far. */
static bool descend(struct refit *f, const struct solve_options *o, bool warm)
{
    const struct solve_result res =
        f->m->loss.kind == FIT_L1
            ? solve_absolute(f->sw, f->u, &f->p, o)
            : solve_run(f->sw, f->u, &f->p, o, warm ? &f->warm : NULL);

    if (res.converged && res.objective < f->objective) {
        f->objective = res.objective;
        model_theta(f->mw, f->theta, f->u);
    }
    return res.converged;
}

/* The same from parameters, in the present coordinates. */
static bool descend_from(struct refit *f, const double *theta)
{
    model_coordinates(f->mw, f->u, theta);
    model_box(f->mw, f->lo, f->hi);
    return descend(f, &patient, false);
}

/* Has the size of coefficient c gone far towards nothing? */
static bool shrinks(const struct refit *f, int c, bool converged)
{
    return f->mw->is_log[c] && f->u[c] < f->u0[c] - (converged ? 5 : 2);
}

/* What moves by its logarithm reaches neither zero nor the other sign.  Where
 * it has gone far towards zero, or the search has not ended, the minimum is
 * also looked for in plain values: from zero where that is its bound, from the
 * estimate where it has none.  Returns how many move so. */
static int leave_logarithms(struct refit *f, bool converged)
{
    int n = 0;

    model_theta(f->mw, f->trial, f->u);
    for (int c = 0; c < f->m->n_free; c++) {
        const double lo = f->m->params[model_param_of(f->m, c)].lo;

        if (!shrinks(f, c, converged) || lo > 0)
            continue;
        model_use_plain(f->mw, c);
        for (int i = 0; i < f->m->n_params; i++)
            if (f->m->params[i].free == c)
                f->trial[i] = lo == 0 ? 0 : f->from[i];
        n++;
    }
    return n;
}

/* The minimum of the present weights into f->theta: the lowest of those near
 * the estimate, near its rivals, and on the edges. */
static bool refit_one(struct refit *f)
{
    bool converged;

    f->objective = HUGE_VAL;
    memcpy(f->u, f->u0, (size_t)f->m->n_free * sizeof *f->u);
    converged = descend(f, &quick, true);
    if (leave_logarithms(f, converged))
        descend_from(f, f->trial);
    for (int k = 1; k < f->n_from; k++) {
        const double *rival = f->from + (size_t)k * (size_t)f->m->n_params;

        use_coordinates(f, rival);
        descend_from(f, rival);
    }
    use_coordinates(f, f->from);
    if (!isfinite(f->objective))
        descend_from(f, f->from);
    return isfinite(f->objective);
}

static void keep(struct bootstrap *b, struct refit *f)
{
    const size_t n = (size_t)f->m->n_params;

    if (refit_one(f))
        memcpy(b->theta + (size_t)b->n++ * n, f->theta, n * sizeof *b->theta);
    else
        b->failed++;
}

void bootstrap_run(struct bootstrap *b, const struct model *m,
                   const double *from, int n_from, const double *weight,
                   const int *unit, int units, int count, uint64_t seed)
{
    struct refit f;

    *b = (struct bootstrap){ .units = unit ? units : (int)m->rows };
    b->theta = mem_array((size_t)count * (size_t)m->n_params, sizeof *b->theta);
    open_refit(&f, m, from, n_from);
    f.times = mem_array((size_t)b->units, sizeof *f.times);
    for (int k = 0; k < count; k++) {
        draw(&f, weight, unit, b->units,
             rng_key(seed, RNG_FIT, UINT64_C(1000000) + (uint64_t)k));
        keep(b, &f);
    }
    close_refit(&f);
}

void bootstrap_leave_out(struct bootstrap *b, const struct model *m,
                         const double *theta, const double *weight,
                         const int *unit, int units)
{
    struct refit f;

    *b = (struct bootstrap){ .units = units };
    b->theta = mem_array((size_t)units * (size_t)m->n_params, sizeof *b->theta);
    open_refit(&f, m, theta, 1);
    for (int k = 0; k < units; k++) {
        for (size_t r = 0; r < m->rows; r++)
            f.weight[r] = unit[r] == k ? 0 : weight ? weight[r] : 1;
        keep(b, &f);
    }
    close_refit(&f);
}

void bootstrap_release(struct bootstrap *b)
{
    free(b->theta);
    *b = (struct bootstrap){ 0 };
}

double bootstrap_level(int units, double p)
{
    const double n = units > 2 ? units : 2;

    return gsl_cdf_ugaussian_P(sqrt(n / (n - 1)) *
                               gsl_cdf_tdist_Pinv(p, n - 1));
}

double sorted_quantile(const double *x, int n, double p)
{
    const double at = p * (n - 1);
    const int i = (int)at;

    if (n == 0)
        return (double)NAN;
    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}

double bootstrap_quantile(const struct bootstrap *b, int n_params, int i,
                          double p)
{
    double *x = mem_array((size_t)b->n, sizeof *x), q;

    for (int k = 0; k < b->n; k++)
        x[k] = b->theta[(size_t)k * (size_t)n_params + (size_t)i];
    qsort(x, (size_t)b->n, sizeof *x, order_doubles);
    q = sorted_quantile(x, b->n, p);
    free(x);
    return q;
}

double bootstrap_sd(const struct bootstrap *b, int n_params, int i)
{
    return b->n > 1 ? 0.5 * (bootstrap_quantile(b, n_params, i, 0.8413447) -
                             bootstrap_quantile(b, n_params, i, 0.1586553))
                    : (double)NAN;
}
