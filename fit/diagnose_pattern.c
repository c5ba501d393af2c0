/* diagnose_pattern.c - do the residuals know something that the law does not?
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/diagnose.h"

/* Up to this many extra regressors: squares and products of the logarithms of
 * the variables. */
#define MAX_EXTRA 10

static int add_regressors(double *z, const struct model *m)
{
    double *x[4];
    int n_x = 0, n = 0;

    for (int k = 0; k < m->n_names && n_x < 4; k++) {
        const double *v = m->names[k].values;
        double mean = 0, sd = 0;

        if (!v)
            continue;
        x[n_x] = mem_array(m->rows, sizeof(double));
        for (size_t i = 0; i < m->rows; i++) {
            x[n_x][i] = v[i] > 0 ? log(v[i]) : v[i];
            mean += x[n_x][i] / (double)m->rows;
        }
        for (size_t i = 0; i < m->rows; i++)
            sd += pow(x[n_x][i] - mean, 2) / (double)m->rows;
        for (size_t i = 0; i < m->rows; i++)
            x[n_x][i] = sd > 0 ? (x[n_x][i] - mean) / sqrt(sd) : 0;
        n_x++;
    }
    for (int a = 0; a < n_x; a++)
        for (int b = a; b < n_x && n < MAX_EXTRA; b++, n++)
            for (size_t i = 0; i < m->rows; i++)
                z[(size_t)n * m->rows + i] = x[a][i] * x[b][i];
    for (int a = 0; a < n_x; a++)
        free(x[a]);
    return n;
}

/* Sum of squares of y explained by the columns of a, which are orthogonalized
 * one after the other; *rank counts those that add something. */
static double explained(double *a, int cols, double *y, size_t n, int *rank)
{
    double sum = 0;

    *rank = 0;
    for (int k = 0; k < cols; k++) {
        double *c = a + (size_t)k * n, before = 0, after = 0, dot = 0;

        for (size_t i = 0; i < n; i++)
            before += c[i] * c[i];
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < k; j++) {
                const double *q = a + (size_t)j * n;
                double s = 0;

                for (size_t i = 0; i < n; i++)
                    s += q[i] * c[i];
                for (size_t i = 0; i < n; i++)
                    c[i] -= s * q[i];
            }
        for (size_t i = 0; i < n; i++)
            after += c[i] * c[i];
        if (!(after > 1e-12 * before)) {
            memset(c, 0, n * sizeof *c);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            c[i] /= sqrt(after);
            dot += c[i] * y[i];
        }
        for (size_t i = 0; i < n; i++)
            y[i] -= dot * c[i];
        sum += dot * dot;
        ++*rank;
    }
    return sum;
}

/* Regress the residuals on the tangent of the law and on squares and products
 * of log variables: the latter explain nothing when the law is right (the idea
 * of Ramsey's RESET, 1969). */
void diagnose_pattern(struct fit *f)
{
    const struct model *m = f->m;
    const size_t n = m->rows;
    double *a, *y, *z, gain, left = 0, p;
    int tangent, rank, extra;

    if (m->loss.kind != FIT_L2 || fit_has(f, FIT_LACK_OF_FIT) || f->dof < 10)
        return;
    a = mem_array(n * (size_t)(f->cov.n + MAX_EXTRA), sizeof *a);
    y = mem_array(n, sizeof *y);
    memcpy(y, f->residual, n * sizeof *y);
    for (int k = 0; k < f->cov.n; k++)
        memcpy(a + (size_t)k * n, f->cov.jac + (size_t)f->cov.coord[k] * n,
               n * sizeof *a);
    z = a + (size_t)f->cov.n * n;
    extra = add_regressors(z, m);
    explained(a, f->cov.n, y, n, &tangent);
    memcpy(y, f->residual, n * sizeof *y);
    gain = explained(a, f->cov.n + extra, y, n, &rank);
    for (size_t i = 0; i < n; i++)
        left += y[i] * y[i];
    extra = rank - tangent;
    free(a);
    free(y);
    if (extra < 1 || (int)n - rank < 5 || !(left > 0) ||
        !(f->rss > 1e-20 * (double)n))
        return;
    p = gsl_cdf_fdist_Q(gain / extra / (left / ((double)n - rank)), extra,
                        (double)n - rank);
    if (p < 1e-3)
        fit_warn(f, FIT_LACK_OF_FIT,
                 "the residuals are not random: squares and products of the "
                 "log variables explain %.0f %% of them (p = %.2g), so the "
                 "form of the law is off",
                 100 * gain / (gain + left), p);
}
