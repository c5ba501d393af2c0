#include "fit/solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/lanes.h"

/* A line search ends when the slope has fallen to this share. */
#define ENOUGH 0.1

struct solve_options solve_defaults(void)
{
    return (struct solve_options){ .max_steps = 500,
                                   .tolerance = 1e-16,
                                   .damping = 1e-3 };
}

struct solve_work {
    size_t rows;
    int n;
    double *r, *r_new, *jac, *jac_new; /* at u and at the trial point */
    double *z, *psi, *zone, *slope;    /* of the linearized problem */
    double *h, *g, *d, *e, *scale, *u_new;
    bool *fixed;
    double *storage;
};

struct solve_work *solve_work_new(size_t rows, int n)
{
    struct solve_work *w = mem_alloc(sizeof *w);
    const size_t p = (size_t)n;
    double *at;

    w->rows = rows;
    w->n = n;
    w->storage = at = mem_array(rows * (2 * p + 6) + p * p + 5 * p, sizeof *at);
    w->jac = at, at += rows * p;
    w->jac_new = at, at += rows * p;
    w->r = at, at += rows;
    w->r_new = at, at += rows;
    w->z = at, at += rows;
    w->psi = at, at += rows;
    w->zone = at, at += rows;
    w->slope = at, at += rows;
    w->h = at, at += p * p;
    w->g = at, at += p;
    w->d = at, at += p;
    w->e = at, at += p;
    w->scale = at, at += p;
    w->u_new = at;
    w->fixed = mem_array(p, sizeof *w->fixed);
    return w;
}

void solve_work_free(struct solve_work *w)
{
    if (!w)
        return;
    free(w->storage);
    free(w->fixed);
    free(w);
}

bool solve_cholesky(double *h, double *b, int n)
{
    for (int j = 0; j < n; j++) {
        for (int i = j; i < n; i++) {
            double s = h[i * n + j];

            for (int k = 0; k < j; k++)
                s -= h[i * n + k] * h[j * n + k];
            if (i == j && !(s > 0))
                return false;
            h[i * n + j] = i == j ? sqrt(s) : s / h[j * n + j];
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= h[i * n + k] * b[k];
        b[i] /= h[i * n + i];
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= h[k * n + i] * b[k];
        b[i] /= h[i * n + i];
    }
    return true;
}

/* --- the linearized problem ---------------------------------------------- */

/* What damping adds to the linearized problem at d. */
static double damping_at(const struct solve_work *w, double lambda)
{
    double sum = 0;

    for (int i = 0; i < w->n; i++)
        sum += w->scale[i] * w->scale[i] * w->d[i] * w->d[i];
    return 0.5 * lambda * sum;
}

/* sum w rho(z) + lambda/2 |S d|^2 at the present d, with its gradient g and
 * second derivatives h. */
static double model_at(struct solve_work *w, const struct solve_problem *p,
                       double lambda)
{
    const int n = w->n;
    const double q =
        lanes_huber(w->psi, w->zone, w->z, p->weight, p->delta, w->rows);

    lanes_dots(w->g, w->psi, w->jac, n, w->rows);
    for (int i = 0; i < n; i++) {
        const double s2 = lambda * w->scale[i] * w->scale[i];

        lanes_product(w->slope, w->zone, w->jac + (size_t)i * w->rows, w->rows);
        lanes_dots(w->h + i * n, w->slope, w->jac, i + 1, w->rows);
        for (int j = 0; j < i; j++)
            w->h[j * n + i] = w->h[i * n + j];
        w->h[i * n + i] += s2;
        w->g[i] += s2 * w->d[i];
    }
    return q + damping_at(w, lambda);
}

/* Newton direction e over the variables that are not fixed. */
static bool newton(struct solve_work *w)
{
    const int n = w->n;
    double factor[64 * 64], *f = factor, ridge = 0;
    bool ok = false;

    if (n > 64)
        f = mem_array((size_t)n * (size_t)n, sizeof *f);
    for (int tries = 0; tries < 12 && !ok; tries++) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++)
                f[i * n + j] = w->fixed[i] || w->fixed[j] ? (double)(i == j)
                                                          : w->h[i * n + j];
            if (!w->fixed[i])
                f[i * n + i] += ridge * w->scale[i] * w->scale[i];
            w->e[i] = w->fixed[i] ? 0 : -w->g[i];
        }
        ok = solve_cholesky(f, w->e, n);
        ridge = ridge > 0 ? ridge * 30 : 1e-14;
    }
    if (f != factor)
        free(f);
    return ok;
}

/* d q / dt along d + t e, whose smooth part has slope a + t b. */
static double slope_at(const struct solve_work *w,
                       const struct solve_problem *p, double a, double b,
                       double t)
{
    return a + t * b +
           lanes_huber_slope(w->z, w->slope, p->weight, p->delta, t, w->rows);
}

/* Where the slope, which grows with t, is all but gone: the full step when it
 * is good enough, else t is doubled until the zero is bracketed, and regula
 * falsi (Illinois) finds it. */
static double line_search(const struct solve_work *w,
                          const struct solve_problem *p, double a, double b)
{
    const double first = slope_at(w, p, a, b, 0);
    double lo = 0, hi = 1, f_lo = first, f_hi, t = 1, f;

    f_hi = slope_at(w, p, a, b, hi);
    if (!(first < 0))
        return 0;
    for (int k = 0; k < 60 && f_hi < -ENOUGH * -first; k++) {
        lo = hi;
        f_lo = f_hi;
        hi *= 2;
        f_hi = slope_at(w, p, a, b, hi);
    }
    if (f_hi <= ENOUGH * -first)
        return hi;
    for (int k = 0; k < 40; k++) {
        t = (lo * f_hi - hi * f_lo) / (f_hi - f_lo);
        f = slope_at(w, p, a, b, t);
        if (fabs(f) <= ENOUGH * -first || hi - lo < 1e-14 * hi)
            break;
        if (f < 0) {
            lo = t;
            f_lo = f;
            f_hi *= 0.5;
        } else {
            hi = t;
            f_hi = f;
            f_lo *= 0.5;
        }
    }
    return t;
}

/* Go along e as far as the model falls or a bound allows; returns whether the
 * full Newton step was taken, *hit whether a bound stopped it. */
static bool advance(struct solve_work *w, const double *u,
                    const struct solve_problem *p, double lambda, bool *hit)
{
    const int n = w->n;
    double a = 0, b = 0, t = 1, room = HUGE_VAL;
    int stop = -1;

    lanes_combine(w->slope, w->jac, w->e, n, w->rows);
    for (int i = 0; i < n; i++) {
        const double to = w->e[i] > 0 ? p->hi[i] : p->lo[i];
        const double bent = lambda * w->scale[i] * w->scale[i] * w->e[i];

        if (w->e[i] == 0)
            continue;
        a += bent * w->d[i];
        b += bent * w->e[i];
        if (isfinite(to) && (to - u[i] - w->d[i]) / w->e[i] < room) {
            room = (to - u[i] - w->d[i]) / w->e[i];
            stop = i;
        }
    }
    if (isfinite(p->delta))
        t = line_search(w, p, a, b);
    *hit = t >= room;
    if (*hit)
        t = room > 0 ? room : 0;
    for (int i = 0; i < n; i++)
        w->d[i] += t * w->e[i];
    lanes_add(w->z, w->slope, t, w->rows);
    if (*hit) {
        w->d[stop] = (w->e[stop] > 0 ? p->hi[stop] : p->lo[stop]) - u[stop];
        w->fixed[stop] = true;
    }
    return t == 1;
}

/* Minimize the linearized problem from d = 0; returns its value there. */
static double solve_model(struct solve_work *w, const double *u,
                          const struct solve_problem *p, double lambda)
{
    const int n = w->n;
    double q, before;

    memset(w->d, 0, (size_t)n * sizeof *w->d);
    memcpy(w->z, w->r, w->rows * sizeof *w->z);
    q = model_at(w, p, lambda);
    for (int i = 0; i < n; i++)
        w->fixed[i] = (u[i] <= p->lo[i] && w->g[i] >= 0) ||
                      (u[i] >= p->hi[i] && w->g[i] <= 0);
    for (int k = 0; k < 60 + 2 * n; k++) {
        bool hit, full;

        if (!newton(w))
            return (double)NAN;
        full = advance(w, u, p, lambda, &hit);
        if (!hit && full && !isfinite(p->delta))
            return lanes_huber_sum(w->z, p->weight, p->delta, w->rows) +
                   damping_at(w, lambda);
        before = q;
        q = model_at(w, p, lambda);
        if (!hit && !(before - q > 1e-14 * fabs(q)))
            break;
    }
    return q;
}

/* --- the outer iteration ------------------------------------------------- */

static void rescale(struct solve_work *w, const struct solve_problem *p)
{
    for (int j = 0; j < w->n; j++) {
        const double *col = w->jac + (size_t)j * w->rows;
        const double norm = sqrt(lanes_dot3(col, col, p->weight, w->rows));

        w->scale[j] = fmax(w->scale[j], norm);
        if (w->scale[j] == 0)
            w->scale[j] = 1; /* a variable without influence stays put */
    }
}

static void swap(double **a, double **b)
{
    double *t = *a;

    *a = *b;
    *b = t;
}

/* Is every step below the resolution of u? */
static bool is_still(const struct solve_work *w, const double *u)
{
    for (int i = 0; i < w->n; i++)
        if (fabs(w->d[i]) > 4e-16 * fmax(fabs(u[i]), 1e-300))
            return false;
    return true;
}

struct trial {
    double value;  /* F at the trial point */
    double ratio;  /* actual over promised reduction */
    bool is_small; /* it promised next to nothing, perhaps by its damping */
    bool is_last;  /* nothing more is to be gained */
};

static struct trial try_step(struct solve_work *w, const double *u,
                             const struct solve_problem *p,
                             const struct solve_options *o, double f,
                             double lambda)
{
    struct trial t = { .value = HUGE_VAL, .ratio = -1 };
    const double q = solve_model(w, u, p, lambda);
    const double promised = f - q;

    if (!isfinite(q))
        return t;
    t.is_small = !(promised > o->tolerance * f);
    t.is_last = (t.is_small && lambda <= 1e-8) || is_still(w, u);
    for (int i = 0; i < w->n; i++)
        w->u_new[i] = fmin(fmax(u[i] + w->d[i], p->lo[i]), p->hi[i]);
    if (p->eval(p->ctx, w->u_new, w->r_new, w->jac_new))
        t.value = lanes_huber_sum(w->r_new, p->weight, p->delta, w->rows);
    if (!isfinite(t.value))
        t.value = HUGE_VAL;
    if (promised > 0)
        t.ratio = (f - t.value) / promised;
    return t;
}

/* Residuals and Jacobian at u, computed or taken from the warm start. */
static double begin(struct solve_work *w, double *u,
                    const struct solve_problem *p,
                    const struct solve_warm *warm, int *evaluations)
{
    memset(w->scale, 0, (size_t)w->n * sizeof *w->scale);
    if (warm) {
        memcpy(w->r, warm->r, w->rows * sizeof *w->r);
        memcpy(w->jac, warm->jac, w->rows * (size_t)w->n * sizeof *w->jac);
    } else {
        ++*evaluations;
        if (!p->eval(p->ctx, u, w->r, w->jac))
            return HUGE_VAL;
    }
    rescale(w, p);
    return lanes_huber_sum(w->r, p->weight, p->delta, w->rows);
}

struct solve_result solve_run(struct solve_work *w, double *u,
                              const struct solve_problem *p,
                              const struct solve_options *o,
                              const struct solve_warm *warm)
{
    struct solve_result res = { .objective = HUGE_VAL };
    double lambda = o->damping, up = 2;
    double f = begin(w, u, p, warm, &res.evaluations);

    if (!isfinite(f))
        return res;
    while (res.steps < o->max_steps && lambda < 1e20) {
        const struct trial t = try_step(w, u, p, o, f, lambda);

        res.evaluations++;
        res.steps++;
        if (t.value <= f) {
            memcpy(u, w->u_new, (size_t)w->n * sizeof *u);
            swap(&w->r, &w->r_new);
            swap(&w->jac, &w->jac_new);
            f = t.value;
            if (lambda > 1e-6) /* else it hardly matters */
                rescale(w, p);
        }
        if (t.is_last || f == 0) {
            res.converged = true;
            break;
        }
        if (t.is_small) {
            lambda *= 0.01;
        } else if (t.ratio > 0.25) { /* Nielsen 1999 */
            const double c = 2 * fmin(t.ratio, 1.5) - 1;

            lambda *= fmax(1.0 / 9, 1 - c * c * c);
            up = 2;
        } else {
            lambda = fmax(lambda, 1e-12) * up;
            up *= 2;
        }
    }
    res.objective = f;
    return res;
}

struct solve_result solve_absolute(struct solve_work *w, double *u,
                                   const struct solve_problem *p,
                                   const struct solve_options *o)
{
    struct solve_problem q = *p;
    struct solve_result res = { .objective = HUGE_VAL }, part;
    double size = 0, sum = 0;

    if (!p->eval(p->ctx, u, w->r, NULL))
        return res;
    for (size_t i = 0; i < p->rows; i++)
        size += p->weight[i] * fabs(w->r[i]), sum += p->weight[i];
    q.delta = size / sum;
    for (int k = 0; k < 11; k++) {
        part = solve_run(w, u, &q, o, NULL);
        res.steps += part.steps;
        res.evaluations += part.evaluations;
        res.converged = part.converged;
        q.delta *= 0.1;
    }
    p->eval(p->ctx, u, w->r, NULL);
    res.objective = 0;
    for (size_t i = 0; i < p->rows; i++)
        res.objective += p->weight[i] * fabs(w->r[i]);
    return res;
}
