#include "fit/reported_limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/lanes.h"
#include "fit/solve.h"

/* --- the function in the coordinates of the fit ------------------------------ */

/* d fn / d coordinate at theta, in gradient[n_free]; returns the value. */
static double gradient_of(double *gradient, const struct fit *f,
                          struct reported_function *fn, const double *theta)
{
    const struct model *m = f->m;
    double value;

    for (int i = 0; i < m->n_params; i++)
        fn->in[i] = (struct expr_input){ NULL, theta[i] };
    expr_eval_rows(fn->work, &value, fn->slope, 1, fn->in, 1);
    memset(gradient, 0, (size_t)m->n_free * sizeof *gradient);
    for (int i = 0; i < m->n_params; i++) {
        const int c = m->params[i].free;

        if (c >= 0)
            gradient[c] += fn->slope[i] * (f->work->is_log[c] ? theta[i] : 1) /
                           (fn->is_log ? value : 1);
    }
    return fn->is_log ? log(fabs(value)) : value;
}

static double moved(const struct reported_function *fn, const struct fit *f,
                    double *theta, double *u, int c, double by)
{
    double v;

    u[c] += by;
    model_theta(f->work, theta, u);
    v = expr_eval(fn->e, theta);
    u[c] -= by;
    return v;
}

/* Does it follow a power of every coefficient, and of one at least?  Where a
 * coordinate is a logarithm, steps of one length then multiply by one number. */
static bool is_product(const struct reported_function *fn, const struct fit *f)
{
    double *u = mem_array((size_t)f->m->n_free, sizeof *u);
    double *theta = mem_array((size_t)f->m->n_params, sizeof *theta);
    const double v = expr_eval(fn->e, f->best.theta);
    bool product = isfinite(v) && v != 0, some = false;

    model_coordinates(f->work, u, f->best.theta);
    for (int c = 0; c < f->m->n_free && product; c++) {
        double once, thrice;

        if (!f->work->is_log[c] || !isfinite(u[c]))
            continue;
        once = moved(fn, f, theta, u, c, 0.4) / v;
        thrice = moved(fn, f, theta, u, c, 1.2) / v;
        product = once > 0 && fabs(thrice / (once * once * once) - 1) < 1e-9;
        some = some || fabs(once - 1) > 1e-9;
    }
    free(u);
    free(theta);
    return product && some;
}

void reported_function_init(struct reported_function *fn, const struct expr *e,
                            const struct fit *f)
{
    const size_t n = (size_t)f->m->n_params;

    *fn = (struct reported_function){ .e = e };
    fn->slots = mem_array(n, sizeof *fn->slots);
    fn->in = mem_array(n, sizeof *fn->in);
    fn->slope = mem_array(n, sizeof *fn->slope);
    for (size_t i = 0; i < n; i++)
        fn->slots[i] = (int)i;
    fn->work = expr_work_new(e, fn->slots, (int)n);
    fn->is_log = is_product(fn, f);
}

void reported_function_release(struct reported_function *fn)
{
    expr_work_free(fn->work);
    free(fn->slots);
    free(fn->in);
    free(fn->slope);
}

#define WEAK   1e-5  /* singular values that diagnose.c calls unseen */
#define UNSEEN 1e-10 /* and those that are rounding (covariance.c) */

/* Of the variance no more than a hundredth comes from directions that the rows
 * hardly see, and the gradient has no part in those that they do not. */
bool reported_is_seen(const struct fit *f, struct reported_function *fn)
{
    const struct covariance *c = &f->cov;
    double *g = mem_array((size_t)f->m->n_free, sizeof *g);
    double size = 0, weak = 0, all = 0;
    bool seen = true;

    gradient_of(g, f, fn, f->best.theta);
    for (int a = 0; a < c->n; a++)
        size += pow(g[c->coord[a]] / c->length[a], 2);
    for (int k = 0; k < c->n && seen; k++) {
        double part = 0, var;

        for (int a = 0; a < c->n; a++)
            part += c->vectors[a * c->n + k] * g[c->coord[a]] / c->length[a];
        if (c->singular[k] < UNSEEN * c->singular[0]) {
            seen = fabs(part) < 1e-6 * sqrt(size);
            continue;
        }
        var = pow(part / c->singular[k], 2);
        all += var;
        weak += c->singular[k] < WEAK * c->singular[0] ? var : 0;
    }
    free(g);
    return seen && isfinite(all) && weak <= 0.01 * all;
}

double reported_error(const struct fit *f, struct reported_function *fn)
{
    const struct covariance *c = &f->cov;
    double *g = mem_array((size_t)f->m->n_free, sizeof *g), var = 0;

    gradient_of(g, f, fn, f->best.theta);
    for (int a = 0; a < c->n; a++)
        for (int b = 0; b < c->n; b++)
            var += g[c->coord[a]] * c->inverse[a * c->n + b] * g[c->coord[b]];
    free(g);
    return f->sigma * sqrt(var);
}

/* --- the furthest values within a sum of squares ------------------------------ */

/* At the extreme the gradients of the function and of the sum of squares are
 * parallel.  With the residuals taken for linear, r + J d, both are known in
 * closed form: d = -H^-1 J'r + s H^-1 g, H = J'J, with s such that the sum is
 * what it may be.  Repeated, that has the true extreme for its fixed point. */
struct search {
    const struct fit *f;
    struct reported_function *fn;
    double *u, *theta, *r, *jac;
    double *h, *copy, *step, *along, *gradient;
};

static void search_init(struct search *s, const struct fit *f,
                        struct reported_function *fn)
{
    const size_t n = (size_t)f->m->n_free, rows = f->m->rows;

    *s = (struct search){ .f = f, .fn = fn };
    s->u = mem_array(n, sizeof *s->u);
    s->theta = mem_array((size_t)f->m->n_params, sizeof *s->theta);
    s->r = mem_array(rows, sizeof *s->r);
    s->jac = mem_array(rows * n, sizeof *s->jac);
    s->h = mem_array(n * n, sizeof *s->h);
    s->copy = mem_array(n * n, sizeof *s->copy);
    s->step = mem_array(n, sizeof *s->step);
    s->along = mem_array(n, sizeof *s->along);
    s->gradient = mem_array(n, sizeof *s->gradient);
}

static void search_release(struct search *s)
{
    free(s->u);
    free(s->theta);
    free(s->r);
    free(s->jac);
    free(s->h);
    free(s->copy);
    free(s->step);
    free(s->along);
    free(s->gradient);
}

/* x = H^-1 b. */
static bool solve_for(double *x, struct search *s, const double *b)
{
    const int n = s->f->m->n_free;

    memcpy(s->copy, s->h, (size_t)(n * n) * sizeof *s->h);
    memcpy(x, b, (size_t)n * sizeof *x);
    return solve_cholesky(s->copy, x, n);
}

/* J'J, and minus J'r into b. */
static void normal_equations(struct search *s, double *b)
{
    const size_t rows = s->f->m->rows;
    const int n = s->f->m->n_free;

    for (int i = 0; i < n; i++) {
        const double *column = s->jac + (size_t)i * rows;

        b[i] = -lanes_dot(column, s->r, rows);
        for (int k = 0; k < n; k++)
            s->h[i * n + k] =
                lanes_dot(column, s->jac + (size_t)k * rows, rows);
    }
}

/* The step from u to the side, by the linearized residuals; *sum and *value are
 * those at u. */
static bool find_step(struct search *s, double side, double allowed,
                      double *sum, double *value)
{
    const struct model *m = s->f->m;
    const size_t n = (size_t)m->n_free;
    double *b = mem_array(n, sizeof *b), length, least, by = 0;
    bool ok = model_residuals(s->f->work, s->u, s->r, s->jac);

    if (ok) {
        model_theta(s->f->work, s->theta, s->u);
        *value = gradient_of(s->gradient, s->f, s->fn, s->theta);
        *sum = lanes_dot(s->r, s->r, m->rows);
        normal_equations(s, b);
        ok = solve_for(s->along, s, s->gradient) && solve_for(s->step, s, b);
    }
    if (ok) {
        length = lanes_dot(s->gradient, s->along, n);
        least = *sum - lanes_dot(b, s->step, n);
        by = side * sqrt(fmax(allowed - least, 0) / length);
        ok = isfinite(by);
    }
    for (size_t i = 0; i < n && ok; i++)
        s->step[i] += by * s->along[i];
    free(b);
    return ok;
}

/* Go along the step, by less where the sum of squares would be far above what
 * is allowed. */
static void move(struct search *s, double best, double allowed)
{
    const size_t n = (size_t)s->f->m->n_free;
    double share = 1;

    for (size_t i = 0; i < n; i++)
        s->u[i] += s->step[i];
    for (int k = 0; k < 30; k++) {
        if (model_residuals(s->f->work, s->u, s->r, NULL) &&
            lanes_dot(s->r, s->r, s->f->m->rows) < best + 9 * (allowed - best))
            return;
        share *= 0.5;
        for (size_t i = 0; i < n; i++)
            s->u[i] -= share * s->step[i];
    }
}

static bool find_limit(double *out, struct search *s, double side, double best,
                       double allowed)
{
    const size_t n = (size_t)s->f->m->n_free;
    double sum, start = 0;

    model_coordinates(s->f->work, s->u, s->f->best.theta);
    for (int k = 0; k < 100; k++) {
        if (!find_step(s, side, allowed, &sum, out))
            return false;
        start = k ? start : *out;
        if (fabs(sum - allowed) < 1e-6 * (allowed - best) &&
            fabs(lanes_dot(s->gradient, s->step, n)) <
                1e-6 * fabs(*out - start))
            return side * (*out - start) > 0;
        move(s, best, allowed);
    }
    return false;
}

bool reported_limits(double *lo, double *hi, const struct fit *f,
                     struct reported_function *fn, double t)
{
    const double best = f->best.objective;
    const double allowed = best + t * t * f->sigma * f->sigma;
    const double sign =
        fn->is_log && expr_eval(fn->e, f->best.theta) < 0 ? -1 : 1;
    struct search s;
    double a, b;
    bool ok;

    search_init(&s, f, fn);
    ok = find_limit(&a, &s, -sign, best, allowed) &&
         find_limit(&b, &s, sign, best, allowed);
    search_release(&s);
    if (ok) {
        *lo = fn->is_log ? sign * exp(a) : a;
        *hi = fn->is_log ? sign * exp(b) : b;
    }
    return ok;
}
