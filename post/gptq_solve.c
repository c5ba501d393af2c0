#include "post/gptq_solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"

/* --- the factor ---------------------------------------------------------- */

static double *at(double *x, int n, int i, int j)
{
    return x + (size_t)i * (size_t)n + j;
}

static void condition(double *h, int n, double damp)
{
    double mean = 0;

    for (int i = 0; i < n; i++) {
        if (*at(h, n, i, i) == 0)
            *at(h, n, i, i) = 1;
        mean += *at(h, n, i, i) / n;
    }
    for (int i = 0; i < n; i++)
        *at(h, n, i, i) += damp * mean;
}

/* H = R R^T with R upper triangular, from the last column to the first; R stands
 * where the lower triangle of h was, transposed: h[j][i] is R[i][j]. */
static bool decompose(double *h, int n)
{
    for (int j = n - 1; j >= 0; j--) {
        double *pivot = at(h, n, j, j);

        for (int k = j + 1; k < n; k++)
            *pivot -= *at(h, n, k, j) * *at(h, n, k, j);
        if (!(*pivot > 0) || !isfinite(*pivot))
            return false;
        *pivot = sqrt(*pivot);
        for (int i = 0; i < j; i++) {
            double sum = *at(h, n, j, i);

            for (int k = j + 1; k < n; k++)
                sum -= *at(h, n, k, i) * *at(h, n, k, j);
            *at(h, n, j, i) = sum / *pivot;
        }
    }
    return true;
}

/* U = R^-1: H^-1 = R^-T R^-1. */
static void invert(double *u, double *r, int n)
{
    memset(u, 0, (size_t)n * (size_t)n * sizeof *u);
    for (int i = n - 1; i >= 0; i--) {
        const double own = *at(r, n, i, i);

        *at(u, n, i, i) = 1 / own;
        for (int k = i + 1; k < n; k++) {
            const double f = *at(r, n, k, i) / own;

            for (int j = k; j < n; j++)
                *at(u, n, i, j) -= f * *at(u, n, k, j);
        }
    }
}

bool gptq_factor(double *u, double *h, int n, double damp)
{
    condition(h, n, damp);
    if (!decompose(h, n))
        return false;
    invert(u, h, n);
    return true;
}

/* --- the weights --------------------------------------------------------- */

/* Where the scale of element i of a row is. */
struct scales {
    const real *of;   /* NULL: a plain cast */
    int length, step; /* elements that share one; 0: all of the matrix do */
};

static struct scales scales_of(const struct gptq *g, const real *scale, int row)
{
    const int length = quant_part_length(g->spec, g->n);

    if (!g->spec->elem.scaled)
        return (struct scales){ 0 };
    if (g->spec->gran == QUANT_TENSOR)
        return (struct scales){ .of = scale };
    return (struct scales){
        .of = scale + (size_t)row * (size_t)((g->n + length - 1) / length),
        .length = length,
    };
}

static double scale_at(const struct scales *s, int i)
{
    return !s->of ? 1 : (double)s->of[s->length ? i / s->length : 0];
}

/* The value that is stored for w at this scale; a part of zeros stores zeros. */
static double stored(const struct gptq *g, double w, double scale, size_t index)
{
    const struct quant_spec *s = g->spec;
    const float u = s->rounding->draws ? rng_f32(g->key, index) : 0;
    const real q = scale == 0 ? 0 : (real)w / (real)scale;

    return (double)((real)num_round(&s->elem, (float)q, s->rounding, u) *
                    (real)scale);
}

/* The scale of the group that begins at column i, of the weights as they are. */
static void settle_group(const struct gptq *g, real *scale, const double *w,
                         int i, real *part, void *work)
{
    const struct quant_io out = { .scale = scale };
    const int n = g->spec->group < g->n - i ? g->spec->group : g->n - i;

    for (int k = 0; k < n; k++)
        part[k] = (real)w[i + k];
    quant_apply_ref(g->spec, &out, part, 1, n, QUANT_ALONG_COLS, 0, work);
}

static void round_row(const struct gptq *g, real *scale, int row)
{
    const int n = g->n;
    const bool grouped = !g->settled && g->spec->gran == QUANT_GROUP &&
                         g->spec->elem.scaled && !g->spec->scale->two_level;
    const struct scales s = scales_of(g, scale, row);
    real *w = g->w + (size_t)row * (size_t)n;
    double *left = mem_array((size_t)n, sizeof *left);
    real *part = mem_array((size_t)n, sizeof *part);
    void *work =
        mem_alloc(quant_work_size(g->spec, 1, n, QUANT_ALONG_COLS) + 1);

    for (int i = 0; i < n; i++)
        left[i] = (double)w[g->order[i]];
    for (int i = 0; i < n; i++) {
        const int column = g->order[i];
        const double *u = g->u + (size_t)i * (size_t)n;
        double error;

        if (grouped && column % s.length == 0)
            settle_group(g, (real *)s.of + column / s.length, left, i, part,
                         work);
        w[column] = (real)stored(g, left[i], scale_at(&s, column),
                                 (size_t)row * (size_t)n + (size_t)column);
        error = (left[i] - (double)w[column]) / u[i];
        for (int j = i + 1; j < n; j++)
            left[j] -= error * u[j];
    }
    free(left);
    free(part);
    free(work);
}

bool gptq_round(const struct gptq *g)
{
    const int parts = quant_parts(g->spec, g->rows, g->n, QUANT_ALONG_COLS);
    real *scale = mem_array((size_t)parts + 1, sizeof *scale);
    void *work = mem_alloc(
        quant_work_size(g->spec, g->rows, g->n, QUANT_ALONG_COLS) + 1);
    const struct quant_io out = { .scale = scale };
    const bool ok = quant_apply_ref(g->spec, &out, g->w, g->rows, g->n,
                                    QUANT_ALONG_COLS, 0, work);

#pragma omp parallel for num_threads(g->threads) schedule(static) if (ok)
    for (int row = 0; row < (ok ? g->rows : 0); row++)
        round_row(g, scale, row);
    free(scale);
    free(work);
    return ok;
}
