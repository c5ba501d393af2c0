#include "fit/bootstrap.h"

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
    struct solve_options o;
    struct solve_warm warm;
    double *u0, *u, *lo, *hi, *r, *jac, *weight, *times;
    double *theta, *other; /* [n_params] of the refit, and of another try */
    bool *was_log;         /* [n_free] coordinates of u0 */
};

/* A replicate is solved to 1e-10 of its objective: some 1e-4 standard errors
 * of the parameters. */
static void open_refit(struct refit *f, const struct model *m,
                       const double *theta)
{
    const size_t n = m->rows, p = (size_t)m->n_free;

    *f = (struct refit){ .m = m, .mw = model_work_new(m) };
    f->sw = solve_work_new(n, m->n_free);
    f->u0 = mem_array(p, sizeof(double));
    f->u = mem_array(p, sizeof(double));
    f->lo = mem_array(p, sizeof(double));
    f->hi = mem_array(p, sizeof(double));
    f->r = mem_array(n, sizeof(double));
    f->jac = mem_array(n * p, sizeof(double));
    f->weight = mem_array(n, sizeof(double));
    f->theta = mem_array((size_t)m->n_params, sizeof(double));
    f->other = mem_array((size_t)m->n_params, sizeof(double));
    f->was_log = mem_array(p, sizeof(bool));
    optimum_coordinates(f->mw, theta);
    model_coordinates(f->mw, f->u0, theta);
    model_box(f->mw, f->lo, f->hi);
    memcpy(f->was_log, f->mw->is_log, p * sizeof(bool));
    model_residuals(f->mw, f->u0, f->r, f->jac);
    f->warm = (struct solve_warm){ f->r, f->jac };
    f->o = (struct solve_options){ .max_steps = 200,
                                   .tolerance = 1e-10,
                                   .damping = 1e-9 };
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
    free(f->other);
    free(f->was_log);
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

static struct solve_result descend(struct refit *f, bool warm)
{
    return f->m->loss.kind == FIT_L1
               ? solve_absolute(f->sw, f->u, &f->p, &f->o)
               : solve_run(f->sw, f->u, &f->p, &f->o, warm ? &f->warm : NULL);
}

/* A parameter that may be zero and is moved by its logarithm cannot get there:
 * where one has gone far towards it, or the search has not ended, the minimum
 * with it at zero is asked as well.  Returns how many were put there. */
static int put_at_zero(struct refit *f, bool converged)
{
    int n = 0;

    for (int c = 0; c < f->m->n_free; c++) {
        const int i = model_param_of(f->m, c);

        if (!f->was_log[c] || f->m->params[i].lo != 0 ||
            !(f->u[c] < f->u0[c] - (converged ? 5 : 2)))
            continue;
        model_use_plain(f->mw, c);
        n++;
    }
    if (n == 0)
        return 0;
    memcpy(f->other, f->theta, (size_t)f->m->n_params * sizeof(double));
    for (int c = 0; c < f->m->n_free; c++)
        for (int i = 0; f->was_log[c] && !f->mw->is_log[c] &&
                        i < f->m->n_params;
             i++)
            if (f->m->params[i].free == c)
                f->other[i] = 0;
    model_coordinates(f->mw, f->u, f->other);
    model_box(f->mw, f->lo, f->hi);
    return n;
}

static void restore_coordinates(struct refit *f)
{
    for (int c = 0; c < f->m->n_free; c++)
        f->mw->is_log[c] = f->was_log[c];
    model_box(f->mw, f->lo, f->hi);
}

/* The minimum of the present weights into f->theta. */
static bool refit_one(struct refit *f)
{
    struct solve_result res, zero;

    memcpy(f->u, f->u0, (size_t)f->m->n_free * sizeof *f->u);
    res = descend(f, true);
    model_theta(f->mw, f->theta, f->u);
    if (put_at_zero(f, res.converged)) {
        zero = descend(f, false);
        if (zero.converged &&
            (!res.converged || zero.objective <= res.objective)) {
            res = zero;
            model_theta(f->mw, f->theta, f->u);
        }
        restore_coordinates(f);
    }
    return res.converged && isfinite(res.objective);
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
                   const double *theta, const double *weight, const int *unit,
                   int units, int count, uint64_t seed)
{
    struct refit f;

    *b = (struct bootstrap){ .units = unit ? units : (int)m->rows };
    b->theta = mem_array((size_t)count * (size_t)m->n_params, sizeof *b->theta);
    open_refit(&f, m, theta);
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
    open_refit(&f, m, theta);
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
    double mean = 0, sum = 0;

    for (int k = 0; k < b->n; k++)
        mean += b->theta[(size_t)k * (size_t)n_params + (size_t)i] / b->n;
    for (int k = 0; k < b->n; k++)
        sum +=
            pow(b->theta[(size_t)k * (size_t)n_params + (size_t)i] - mean, 2);
    return b->n > 1 ? sqrt(sum / (b->n - 1)) : (double)NAN;
}
