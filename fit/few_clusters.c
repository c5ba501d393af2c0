#include "fit/few_clusters.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_matrix.h>
#include <gsl/gsl_vector.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define SEEN       1e-10 /* singular values below are rounding (covariance.c) */
#define ALONE      1e-7  /* what others must know of a direction at least */
#define TAIL       0.05
#define MOST_TIMES 1e3 /* an interval wider than that says nothing */

struct few_clusters {
    int coords, p, units; /* p: directions that the data see */
    double *basis; /* [coords][p] of the directions, V / S over the length */
    double *share; /* [units][p] eigenvalues of U_g'U_g: 1 is all there is */
    double *along; /* [units][p][p] their vectors, as columns */
    gsl_matrix *product; /* [units][units] */
    gsl_vector *weights;
    gsl_eigen_symm_workspace *eigen;
};

/* --- the clusters' share of every direction ----------------------------------
 */

/* Directions that the data see, as combinations of coordinates in which the
 * Jacobian's columns are orthonormal. */
static void choose_directions(struct few_clusters *f,
                              const struct covariance *c)
{
    f->coords = c->n;
    while (f->p < c->n && c->singular[f->p] > SEEN * c->singular[0])
        f->p++;
    f->basis = mem_array((size_t)(c->n * f->p), sizeof *f->basis);
    for (int j = 0; j < c->n; j++)
        for (int k = 0; k < f->p && c->length[j] > 0; k++)
            f->basis[j * f->p + k] =
                c->vectors[j * c->n + k] / (c->length[j] * c->singular[k]);
}

/* Add row i of the Jacobian to the square of its cluster. */
static void add_row(double *square, const struct few_clusters *f,
                    const struct covariance *c, size_t rows, size_t i,
                    double *u)
{
    for (int k = 0; k < f->p; k++) {
        u[k] = 0;
        for (int j = 0; j < f->coords; j++)
            u[k] +=
                c->jac[(size_t)c->coord[j] * rows + i] * f->basis[j * f->p + k];
    }
    for (int k = 0; k < f->p * f->p; k++)
        square[k] += u[k / f->p] * u[k % f->p];
}

/* Replace U_g'U_g by its vectors, and keep its values. */
static void decompose(struct few_clusters *f)
{
    const size_t p = (size_t)f->p;
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(p);
    gsl_matrix *copy = gsl_matrix_alloc(p, p);

    for (int g = 0; g < f->units; g++) {
        gsl_matrix_view at =
            gsl_matrix_view_array(f->along + g * f->p * f->p, p, p);
        gsl_vector_view values = gsl_vector_view_array(f->share + g * f->p, p);

        gsl_matrix_memcpy(copy, &at.matrix);
        gsl_eigen_symmv(copy, &values.vector, &at.matrix, work);
    }
    gsl_matrix_free(copy);
    gsl_eigen_symmv_free(work);
}

struct few_clusters *few_clusters_new(const struct covariance *c, size_t rows,
                                      const int *unit, int units)
{
    struct few_clusters *f = mem_alloc(sizeof *f);
    const size_t n = (size_t)units;
    double *u = mem_array((size_t)c->n, sizeof *u);

    f->units = units;
    choose_directions(f, c);
    f->share = mem_array(n * (size_t)f->p, sizeof *f->share);
    f->along = mem_array(n * (size_t)(f->p * f->p), sizeof *f->along);
    f->product = gsl_matrix_alloc(n, n);
    f->weights = gsl_vector_alloc(n);
    f->eigen = gsl_eigen_symm_alloc(n);
    for (size_t i = 0; i < rows; i++)
        add_row(f->along + unit[i] * f->p * f->p, f, c, rows, i, u);
    if (f->p > 0)
        decompose(f);
    free(u);
    return f;
}

void few_clusters_free(struct few_clusters *f)
{
    if (!f)
        return;
    free(f->basis);
    free(f->share);
    free(f->along);
    gsl_matrix_free(f->product);
    gsl_vector_free(f->weights);
    gsl_eigen_symm_free(f->eigen);
    free(f);
}

/* --- the variance that leaving out makes -------------------------------------
 */

/* w = U_g'U_g v_g for the quantity that lies `at` in the directions; returns
 * |U_g v_g|^2, or NaN when nothing but cluster g knows of it. */
static double leave_out(double *w, const struct few_clusters *f, int g,
                        double size, const double *at)
{
    const int p = f->p;
    const double *vectors = f->along + g * p * p, *share = f->share + g * p;
    double own = 0;

    memset(w, 0, (size_t)p * sizeof *w);
    for (int k = 0; k < p; k++) {
        const double left = 1 - share[k];
        double y = 0;

        for (int i = 0; i < p; i++)
            y += vectors[i * p + k] * at[i];
        if (left < ALONE) {
            if (fabs(y) > ALONE * size)
                return (double)NAN;
            continue;
        }
        own += share[k] * y * y / (left * left);
        for (int i = 0; i < p; i++)
            w[i] += vectors[i * p + k] * share[k] * y / left;
    }
    return own;
}

static double entry(const struct few_clusters *f, const double *w,
                    const double *own, int g, int h)
{
    double sum = g == h ? own[g] : 0;

    for (int i = 0; i < f->p; i++)
        sum -= w[g * f->p + i] * w[h * f->p + i];
    return sum;
}

/* The covariance of the changes d_g about their mean. */
static void fill_product(const struct few_clusters *f, const double *w,
                         const double *own)
{
    const int n = f->units;
    double *mean = mem_array((size_t)n, sizeof *mean), all = 0;

    for (int g = 0; g < n; g++)
        for (int h = 0; h < n; h++) {
            const double x = entry(f, w, own, g, h);

            gsl_matrix_set(f->product, (size_t)g, (size_t)h, x);
            mean[g] += x / n;
            all += x / n / n;
        }
    for (int g = 0; g < n; g++)
        for (int h = 0; h < n; h++)
            *gsl_matrix_ptr(f->product, (size_t)g, (size_t)h) +=
                all - mean[g] - mean[h];
    free(mean);
}

/* --- the ratio's distribution ------------------------------------------------
 */

/* Imhof's integral over log u, where it is analytic to pi/2 off the axis, so
 * that the trapezoid's error is of the order of exp(-5 / step) for the fifty
 * weights that there may be.  Weights are scaled to the largest. */
double chi_squares_above_zero(const double *weight, int n)
{
    const double step = 0.25;
    double most = 0, sum = 0;

    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(weight[i]));
    if (most == 0)
        return 0.5;
    for (double x = -14; x < 60; x += step) {
        const double u = exp(x);
        double angle = 0, log_size = 0;

        for (int i = 0; i < n; i++) {
            const double t = weight[i] / most * u;

            angle += 0.5 * atan(t);
            log_size += 0.25 * log1p(t * t);
        }
        sum += sin(angle) * exp(-log_size);
        if (log_size > 16)
            break;
    }
    return 0.5 + sum * step / M_PI;
}

/* P(estimate^2 > times^2 times the jackknife's variance). */
static double outside(const struct few_clusters *f, double own, double times)
{
    const int n = f->units;
    double *w = mem_array((size_t)n + 1, sizeof *w), p;

    w[0] = own;
    for (int i = 0; i < n; i++)
        w[i + 1] = -times * times * (n - 1) / n *
                   fmax(gsl_vector_get(f->weights, (size_t)i), 0);
    p = chi_squares_above_zero(w, n + 1);
    free(w);
    return p;
}

/* Where outside() is TAIL: it falls nearly as a power of times, so regula falsi
 * in logarithms (Illinois) takes a handful of steps. */
static double find_times(const struct few_clusters *f, double own)
{
    double lo = 0, hi = log(4), at = 0;
    double f_lo = log(outside(f, own, 1) / TAIL);
    double f_hi = log(outside(f, own, 4) / TAIL);

    while (f_hi > 0 && hi < log(MOST_TIMES)) {
        lo = hi;
        f_lo = f_hi;
        hi += log(4);
        f_hi = log(outside(f, own, exp(hi)) / TAIL);
    }
    if (!(f_lo > 0) || !(f_hi < 0))
        return f_hi > 0 ? (double)NAN : 1;
    for (int i = 0; i < 40 && hi - lo > 1e-6; i++) {
        double miss;

        at = (lo * f_hi - hi * f_lo) / (f_hi - f_lo);
        miss = log(outside(f, own, exp(at)) / TAIL);
        if (fabs(miss) < 1e-5)
            break;
        if (miss > 0) {
            lo = at;
            f_lo = miss;
            f_hi *= 0.5;
        } else {
            hi = at;
            f_hi = miss;
            f_lo *= 0.5;
        }
    }
    return exp(at);
}

/* The gradient in the directions; returns its square, the variance of what it
 * belongs to. */
static double place(double *at, const struct few_clusters *f,
                    const double *gradient)
{
    double square = 0;

    for (int k = 0; k < f->p; k++) {
        for (int j = 0; j < f->coords; j++)
            at[k] += gradient[j] * f->basis[j * f->p + k];
        square += at[k] * at[k];
    }
    return square;
}

double few_clusters_times(const struct few_clusters *f, const double *gradient)
{
    const size_t n = (size_t)f->units, p = (size_t)f->p;
    double *at = mem_array(p, sizeof *at), *w = mem_array(n * p, sizeof *w);
    double *own = mem_array(n, sizeof *own), times = (double)NAN;
    const double variance = place(at, f, gradient);
    bool ok = variance > 0 && isfinite(variance);

    for (int g = 0; g < f->units && ok; g++) {
        own[g] = leave_out(w + (size_t)g * p, f, g, sqrt(variance), at);
        ok = isfinite(own[g]);
    }
    if (ok) {
        fill_product(f, w, own);
        gsl_eigen_symm(f->product, f->weights, f->eigen);
        times = find_times(f, variance);
    }
    free(at);
    free(w);
    free(own);
    return times;
}
