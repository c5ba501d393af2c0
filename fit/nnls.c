/* nnls.c - non-negative least squares (Lawson and Hanson 1974, chapter 23). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/solve.h"

/* Solve for the variables in the set, the others being 0. */
static bool solve_set(double *z, const double *h, const double *g,
                      const bool *in, int n, double *factor)
{
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++)
            factor[i * n + j] =
                in[i] && in[j] ? h[i * n + j] : (double)(i == j);
        factor[i * n + i] *= 1 + 1e-13; /* a whiff of ridge */
        z[i] = in[i] ? g[i] : 0;
    }
    return solve_cholesky(factor, z, n);
}

/* Walk from x towards z as far as signs allow; the variables that stop the
 * walk become 0 and leave the set.  Returns whether any did. */
static bool step_back(double *x, const double *z, bool *in,
                      const bool *positive, int n)
{
    double t = 1;
    bool left = false;

    for (int j = 0; j < n; j++)
        if (in[j] && positive[j] && z[j] <= 0)
            t = fmin(t, x[j] / (x[j] - z[j]));
    for (int j = 0; j < n; j++) {
        const bool stops =
            in[j] && positive[j] && z[j] <= 0 && x[j] / (x[j] - z[j]) <= t;

        x[j] = stops ? 0 : x[j] + t * (z[j] - x[j]);
        in[j] = in[j] && !stops;
        left = left || stops;
    }
    return left;
}

/* The variable outside the set that would lower the sum most, or -1; columns
 * are compared at length one. */
static int pick(const double *x, const double *h, const double *g,
                const bool *in, int n)
{
    int best = -1;
    double most = 0;

    for (int j = 0; j < n; j++)
        if (h[j * n + j] > 0)
            most = fmax(most, 1e-12 * fabs(g[j]) / sqrt(h[j * n + j]));
    for (int j = 0; j < n; j++) {
        double gain = g[j];

        if (in[j] || !(h[j * n + j] > 0))
            continue;
        for (int k = 0; k < n; k++)
            gain -= h[j * n + k] * x[k];
        gain /= sqrt(h[j * n + j]);
        if (gain > most) {
            best = j;
            most = gain;
        }
    }
    return best;
}

bool solve_nonnegative(double *x, const double *h, const double *g,
                       const bool *positive, int n)
{
    double *factor = mem_array((size_t)(n * n), sizeof *factor);
    double *z = mem_array((size_t)n, sizeof *z);
    bool *in = mem_array((size_t)n, sizeof *in), ok = true;

    memset(x, 0, (size_t)n * sizeof *x);
    for (int j = 0; j < n; j++)
        in[j] = !positive[j] && h[j * n + j] > 0;
    for (int round = 0; round < 3 * n + 3; round++) {
        int next;

        ok = solve_set(z, h, g, in, n, factor);
        while (ok && step_back(x, z, in, positive, n))
            ok = solve_set(z, h, g, in, n, factor);
        next = ok ? pick(x, h, g, in, n) : -1;
        if (next < 0)
            break;
        in[next] = true;
    }
    free(factor);
    free(z);
    free(in);
    return ok;
}
