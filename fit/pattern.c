#include "fit/pattern.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/str.h"

#define LEAST_DOF   3  /* with fewer, a simpler pattern is tried */
#define MOST_LEVELS 40 /* of N and D each; more are a scale, not levels */

/* y and an orthonormal basis of the columns taken out of it so far, every row
 * times the square root of its weight. */
struct basis {
    int count, rank;
    double *q;        /* [rank][count] */
    double *y;        /* [count] what is left */
    const double *sw; /* [count] */
};

static void basis_open(struct basis *b, const double *y, const double *sw,
                       int count, int most)
{
    *b = (struct basis){ .count = count, .sw = sw };
    b->q = mem_array((size_t)(most * count) + 1, sizeof *b->q);
    b->y = mem_array((size_t)count + 1, sizeof *b->y);
    for (int i = 0; i < count; i++)
        b->y[i] = y[i] * sw[i];
}

static void basis_close(struct basis *b)
{
    free(b->q);
    free(b->y);
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void subtract(double *y, double times, const double *q, int n)
{
    for (int i = 0; i < n; i++)
        y[i] -= times * q[i];
}

/* Take a column out of y, unless those before explain it. */
static void take_out(struct basis *b, const double *column)
{
    double *c = b->q + (size_t)b->rank * (size_t)b->count, before, after;

    for (int i = 0; i < b->count; i++)
        c[i] = column[i] * b->sw[i];
    before = dot(c, c, b->count);
    for (int pass = 0; pass < 2; pass++) /* twice is enough (Kahan) */
        for (int k = 0; k < b->rank; k++) {
            const double *q = b->q + (size_t)k * (size_t)b->count;

            subtract(c, dot(q, c, b->count), q, b->count);
        }
    after = dot(c, c, b->count);
    if (!(after > 1e-18 * before))
        return;
    for (int i = 0; i < b->count; i++)
        c[i] /= sqrt(after);
    subtract(b->y, dot(c, b->y, b->count), c, b->count);
    b->rank++;
}

/* One column for each value of v but the first. */
static void take_levels(struct basis *b, const double *v, double *column)
{
    for (int i = 1, levels = 1; i < b->count && levels < MOST_LEVELS; i++) {
        bool seen = v[i] == v[0];

        for (int k = 1; k < i && !seen; k++)
            seen = v[k] == v[i];
        if (seen)
            continue;
        levels++;
        for (int k = 0; k < b->count; k++)
            column[k] = v[k] == v[i];
        take_out(b, column);
    }
}

static void take_constant(struct basis *b, double *column)
{
    for (int i = 0; i < b->count; i++)
        column[i] = 1;
    take_out(b, column);
}

/* Levels of n and of d, and the square of what they add up to: with rows and
 * columns taken out, that is Tukey's product of their effects. */
static void take_factors(struct basis *b, const double *y, const double *n,
                         const double *d, double *column)
{
    take_constant(b, column);
    take_levels(b, n, column);
    take_levels(b, d, column);
    for (int i = 0; i < b->count; i++) {
        const double fitted = y[i] - b->y[i] / b->sw[i];

        column[i] = fitted * fitted;
    }
    take_out(b, column);
}

static void take_line(struct basis *b, const double *n, const double *d,
                      double *column)
{
    take_constant(b, column);
    for (int i = 0; i < b->count; i++)
        column[i] = log(n[i]);
    take_out(b, column);
    for (int i = 0; i < b->count; i++)
        column[i] = log(d[i]);
    take_out(b, column);
}

int pattern_scatter(double *sum, const double *y, const double *n,
                    const double *d, const int *weight, int count)
{
    double *sw = mem_array((size_t)count + 1, sizeof *sw);
    double *column = mem_array((size_t)count + 1, sizeof *column);
    struct basis b;
    int dof;

    for (int i = 0; i < count; i++)
        sw[i] = sqrt(weight[i]);
    basis_open(&b, y, sw, count, 2 * MOST_LEVELS + 2);
    take_factors(&b, y, n, d, column);
    dof = count - b.rank;
    if (dof < LEAST_DOF) {
        basis_close(&b);
        basis_open(&b, y, sw, count, 3);
        take_line(&b, n, d, column);
        dof = count - b.rank;
    }
    *sum = dof > 0 ? dot(b.y, b.y, count) : 0;
    basis_close(&b);
    free(sw);
    free(column);
    return dof > 0 ? dof : 0;
}
