#include "fit/random_mixed.h"

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multimin.h>
#include <math.h>

#include "fit/lanes.h"

/* --- whitening ----------------------------------------------------------- */

/* V = 1 + sum_k ratio_k z_k z_k' of one unit, factored in place. */
static bool factor_unit(struct mixed *x, int unit, const double *ratio)
{
    const size_t a = x->first[unit], n = x->first[unit + 1] - a;
    gsl_matrix_view v = gsl_matrix_view_array(x->whiten + x->at[unit], n, n);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double s = i == j;

            for (int k = 0; k < x->n_effects; k++)
                s += ratio[k] * x->z[(size_t)k * x->m->rows + x->order[a + i]] *
                     x->z[(size_t)k * x->m->rows + x->order[a + j]];
            gsl_matrix_set(&v.matrix, i, j, s);
        }
    if (gsl_linalg_cholesky_decomp1(&v.matrix) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        x->log_det += 2 * log(gsl_matrix_get(&v.matrix, i, i));
    return true;
}

static bool factor(struct mixed *x, const double *log_ratio)
{
    double ratio[RANDOM_MOST];

    x->log_det = 0;
    for (int k = 0; k < x->n_effects; k++)
        ratio[k] = exp(log_ratio[k]);
    for (int g = 0; g < x->units; g++)
        if (!factor_unit(x, g, ratio))
            return false;
    return true;
}

/* col = L^-1 col, unit by unit. */
static void whiten(const struct mixed *x, double *col)
{
    for (int g = 0; g < x->units; g++) {
        const size_t a = x->first[g], n = x->first[g + 1] - a;
        const double *l = x->whiten + x->at[g];

        for (size_t i = 0; i < n; i++) {
            double s = col[x->order[a + i]];

            for (size_t j = 0; j < i; j++)
                s -= l[i * n + j] * col[x->order[a + j]];
            col[x->order[a + i]] = s / l[i * n + i];
        }
    }
}

static bool whitened(void *ctx, const double *u, double *r, double *jac)
{
    struct mixed *x = ctx;

    if (!model_residuals(x->w, u, r, jac))
        return false;
    whiten(x, r);
    for (int f = 0; jac && f < x->m->n_free; f++)
        whiten(x, jac + (size_t)f * x->m->rows);
    return true;
}

/* --- the restricted likelihood -------------------------------------------- */

/* d r / d constant at u, in the constants' own units. */
static bool take_slopes(struct mixed *x)
{
    const size_t rows = x->m->rows;

    if (!model_residuals(x->w, x->u, x->r, x->jac))
        return false;
    for (int k = 0; k < x->n_effects; k++) {
        const int f = x->coord[k];
        const double by = x->w->is_log[f] ? x->w->sign[f] * exp(x->u[f])
                                          : 1; /* jac is by the logarithm */

        for (size_t i = 0; i < rows; i++)
            x->z[(size_t)k * rows + i] = x->jac[(size_t)f * rows + i] / by;
    }
    return true;
}

static bool take_info(struct mixed *x)
{
    const size_t n = (size_t)x->m->n_free, rows = x->m->rows;
    gsl_matrix *copy = gsl_matrix_alloc(n, n);
    bool ok;

    x->q = lanes_dot(x->r, x->r, rows);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            gsl_matrix_set(
                x->info, a, b,
                lanes_dot(x->jac + a * rows, x->jac + b * rows, rows));
    gsl_matrix_memcpy(copy, x->info);
    ok = gsl_linalg_cholesky_decomp1(copy) == 0;
    x->log_info = 0;
    for (size_t a = 0; ok && a < n; a++)
        x->log_info += 2 * log(gsl_matrix_get(copy, a, a));
    gsl_matrix_free(copy);
    return ok;
}

/* Minimize at these ratios, slopes and minimum in turn until they agree. */
bool mixed_minimize(struct mixed *x, const double *log_ratio)
{
    const struct solve_options o = { 200, 1e-13, 1e-6 };
    const struct solve_problem p = { whitened,     x,         x->m->rows,
                                     x->m->n_free, x->weight, HUGE_VAL,
                                     x->lo,        x->hi };
    double before = HUGE_VAL;

    for (int k = 0; k < 8; k++) {
        struct solve_result res;

        if (!take_slopes(x) || !factor(x, log_ratio))
            return false;
        res = solve_run(x->sw, x->u, &p, &o, NULL);
        if (!isfinite(res.objective))
            return false;
        if (fabs(before - res.objective) <= 1e-10 * res.objective)
            break;
        before = res.objective;
    }
    return whitened(x, x->u, x->r, x->jac) && take_info(x);
}

double mixed_freedom(const struct mixed *x)
{
    return (double)x->m->rows - x->m->n_free;
}

/* -2 log of the restricted likelihood at a noise variance, up to a constant;
 * at the best one when variance is 0. */
double mixed_deviance(struct mixed *x, const double *log_ratio, double variance)
{
    const double n = mixed_freedom(x);

    if (!mixed_minimize(x, log_ratio))
        return HUGE_VAL;
    if (variance == 0)
        variance = x->q / n;
    return n * log(variance) + x->q / variance + x->log_det + x->log_info;
}

static double deviance_of(const gsl_vector *v, void *ctx)
{
    struct mixed *x = ctx;
    double ratio[RANDOM_MOST], outside = 0;

    for (int k = 0; k < x->n_effects; k++) {
        const double at = gsl_vector_get(v, (size_t)k);

        ratio[k] = fmin(fmax(at, RATIO_LEAST), RATIO_MOST);
        outside += pow(at - ratio[k], 2);
    }
    return mixed_deviance(x, ratio, 0) + outside;
}

/* Nelder and Mead's simplex over the logarithms of the ratios. */
bool mixed_find_ratios(struct mixed *x, double *log_ratio)
{
    const size_t n = (size_t)x->n_effects;
    gsl_multimin_function f = { deviance_of, n, x };
    gsl_multimin_fminimizer *s =
        gsl_multimin_fminimizer_alloc(gsl_multimin_fminimizer_nmsimplex2, n);
    gsl_vector *at = gsl_vector_alloc(n), *step = gsl_vector_alloc(n);
    bool done = false;

    for (size_t k = 0; k < n; k++)
        gsl_vector_set(at, k, log_ratio[k]);
    gsl_vector_set_all(step, 2);
    gsl_multimin_fminimizer_set(s, &f, at, step);
    for (int k = 0; k < 400 && !done; k++)
        done = gsl_multimin_fminimizer_iterate(s) != 0 ||
               gsl_multimin_fminimizer_size(s) < 1e-4;
    for (size_t k = 0; k < n; k++)
        log_ratio[k] =
            fmin(fmax(gsl_vector_get(s->x, k), RATIO_LEAST), RATIO_MOST);
    gsl_multimin_fminimizer_free(s);
    gsl_vector_free(at);
    gsl_vector_free(step);
    return done;
}
