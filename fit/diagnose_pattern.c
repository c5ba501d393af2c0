/* diagnose_pattern.c - do the residuals know something that the law does not?
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/diagnose.h"
#include "fit/lanes.h"

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

/* Signs of whole units are drawn this often; the least p is half a thousandth. */
#define FLIPS 2000

/* What the columns from `from` on explain of y, over what is left; those before
 * take their part first.  Columns are orthonormal or 0. */
static double ratio_of(const double *a, int from, int columns, const double *y,
                       size_t n)
{
    double gain = 0, left = 0;

    for (size_t i = 0; i < n; i++)
        left += y[i] * y[i];
    for (int k = 0; k < columns; k++) {
        const double dot = lanes_dot(a + (size_t)k * n, y, n);

        left -= dot * dot;
        gain += k >= from ? dot * dot : 0;
    }
    return gain / fmax(left, 1e-300);
}

/* Rows that err together are not independent, but a unit's errors might as well
 * have had the other sign: how often do units of random signs explain as much?
 * (the wild bootstrap by clusters: Cameron, Gelbach and Miller 2008) */
static double p_by_flips(const double *a, int from, int columns,
                         const struct fit *f, double seen)
{
    const size_t n = f->m->rows;
    double *y = mem_array(n, sizeof *y);
    int above = 0;

    for (uint64_t k = 0; k < FLIPS; k++) {
        const uint64_t key = rng_key(k, RNG_FIT, 79);

        for (size_t i = 0; i < n; i++)
            y[i] = rng_u32(key, (uint64_t)f->alike[i]) & 1 ? f->residual[i]
                                                           : -f->residual[i];
        above += ratio_of(a, from, columns, y, n) >= seen;
    }
    free(y);
    return (above + 1.0) / (FLIPS + 1.0);
}

/* Regress the residuals on the tangent of the law and on squares and products
 * of log variables: the latter explain nothing when the law is right (the idea
 * of Ramsey's RESET, 1969).  Rows that err together change sign together. */
void diagnose_pattern(struct fit *f)
{
    const struct model *m = f->m;
    const size_t n = m->rows;
    const int tangent_columns = f->cov.n;
    double *a, *y, *z, gain, left = 0, p;
    int tangent, rank, extra, columns;

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
    columns = tangent_columns + extra;
    extra = rank - tangent;
    free(y);
    if (extra < 1 || (int)n - rank < 5 || !(left > 0) ||
        !(f->rss > 1e-20 * (double)n)) {
        free(a);
        return;
    }
    p = f->alike ? p_by_flips(a, tangent_columns, columns, f, gain / left)
                 : gsl_cdf_fdist_Q(gain / extra / (left / ((double)n - rank)),
                                   extra, (double)n - rank);
    free(a);
    if (p < 1e-3)
        fit_warn(f, FIT_LACK_OF_FIT,
                 "the residuals are not random: squares and products of the "
                 "log variables explain %.0f %% of them (p = %.2g), so the "
                 "form of the law is off",
                 100 * gain / (gain + left), p);
}
