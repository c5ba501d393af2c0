/* test_gptq.c - rounding with compensation against the same done by other means:
 * the inverse itself, downdated column by column (Frantar and Alistarh 2022,
 * arXiv:2208.11580, equations 3 and 4, in double), and the theory of its error
 * (the last factor of H = L D L^T). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/gptq_solve.h"
#include "tests/check.h"

#define N    24
#define ROWS 5

static struct quant_spec spec_of(const char *text)
{
    struct quant_spec s;
    struct err err;

    check_ok(quant_parse(&s, text, NULL, &err), err);
    return s;
}

/* Inputs that lean on each other: a random walk over channels. */
static void moments_of(double *h, int n, int tokens, uint64_t lane)
{
    const uint64_t key = rng_key(3, RNG_TEST, lane);
    double *x = mem_array((size_t)n, sizeof *x);

    memset(h, 0, (size_t)n * (size_t)n * sizeof *h);
    for (int t = 0; t < tokens; t++) {
        for (int i = 0; i < n; i++)
            x[i] = rng_normal(key, (uint64_t)(t * n + i)) * (1 + i % 5) +
                   (i > 0 ? 0.6 * x[i - 1] : 0);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                h[i * n + j] += x[i] * x[j];
    }
    free(x);
}

static void weights_of(real *w, int n, uint64_t lane)
{
    for (int i = 0; i < n; i++)
        w[i] = (real)rng_normal(rng_key(5, RNG_TEST, lane), (uint64_t)i);
}

/* Gauss and Jordan, with the pivots as they come. */
static void invert(double *a, int n)
{
    for (int k = 0; k < n; k++) {
        const double pivot = a[k * n + k];

        for (int j = 0; j < n; j++)
            a[k * n + j] = j == k ? 1 / pivot : a[k * n + j] / pivot;
        for (int i = 0; i < n; i++) {
            const double f = a[i * n + k];

            if (i == k)
                continue;
            for (int j = 0; j < n; j++)
                a[i * n + j] =
                    j == k ? -f / pivot : a[i * n + j] - f * a[k * n + j];
        }
    }
}

/* One weight after another, the inverse of the rest kept up. */
static void transcription(real *w, const double *h, const int *order,
                          const struct quant_spec *spec, const real *scale,
                          double damp)
{
    const int length = quant_part_length(spec, N);
    const int parts = N / length;
    double mean = 0;

    for (int i = 0; i < N; i++)
        mean += h[i * N + i] / N;
    for (int r = 0; r < ROWS; r++) {
        double inverse[N * N], row[N];

        memcpy(inverse, h, sizeof inverse);
        for (int i = 0; i < N; i++) {
            inverse[i * N + i] += damp * mean;
            row[i] = (double)w[r * N + i];
        }
        invert(inverse, N);
        for (int k = 0; k < N; k++) {
            const int q = order[k];
            const double s = (double)scale[r * parts + q / length];
            const double code =
                fmax((double)spec->elem.min_code,
                     fmin((double)spec->elem.max, nearbyint(row[q] / s)));
            const double error = (row[q] - code * s) / inverse[q * N + q];
            double column[N];

            w[r * N + q] = (real)(code * s);
            for (int j = 0; j < N; j++)
                column[j] = inverse[j * N + q];
            for (int j = 0; j < N; j++)
                row[j] -= error * column[j];
            row[q] = code * s;
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    if (i != q && j != q)
                        inverse[i * N + j] -= column[i] * column[j] / column[q];
            for (int j = 0; j < N; j++)
                if (j != q)
                    inverse[q * N + j] = inverse[j * N + q] = 0;
        }
    }
}

static void permuted(double *out, const double *h, const int *order)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            out[i * N + j] = h[order[i] * N + order[j]];
}

static void codes_are_those_of_a_plain_transcription(void **state)
{
    static const char *const specs[] = { "int4/g8", "int3/row", "int2/g24",
                                         "int8/g4/e8m0" };
    int orders[2][N];

    (void)state;
    for (int i = 0; i < N; i++) {
        orders[0][i] = i;
        orders[1][i] = (i * 7 + 3) % N;
    }
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++)
        for (int o = 0; o < 2; o++) {
            const struct quant_spec spec = spec_of(specs[s]);
            double h[N * N], sorted[N * N], u[N * N];
            real w[ROWS * N], want[ROWS * N], scale[ROWS * N];
            const struct quant_io out = { .scale = scale };
            const struct gptq g = { .spec = &spec,
                                    .w = w,
                                    .rows = ROWS,
                                    .n = N,
                                    .order = orders[o],
                                    .u = u,
                                    .settled = true,
                                    .threads = 1 };

            moments_of(h, N, 200, s);
            weights_of(w, ROWS * N, s);
            memcpy(want, w, sizeof w);
            assert_true(quant_apply_ref(&spec, &out, w, ROWS, N,
                                        QUANT_ALONG_COLS, 0, NULL));
            permuted(sorted, h, orders[o]);
            assert_true(gptq_factor(u, sorted, N, 0.01));
            assert_true(gptq_round(&g));
            transcription(want, h, orders[o], &spec, scale, 0.01);
            for (int i = 0; i < ROWS * N; i++)
                check_relative(w[i], want[i], 1e-6);
        }
}

/* With nothing to make up for, each weight is rounded for itself. */
static void a_diagonal_gives_rounding_to_nearest(void **state)
{
    static const char *const specs[] = { "int4/g8",         "nvfp4/g8",
                                         "e2m1/g8/e8m0",    "int3/tensor",
                                         "int4/row/pct:90", "bf16" };

    (void)state;
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++)
        for (int settled = 0; settled < 2; settled++) {
            const struct quant_spec spec = spec_of(specs[s]);
            double h[N * N] = { 0 }, u[N * N];
            real w[ROWS * N], want[ROWS * N];
            float work[ROWS * N];
            int order[N];
            const struct quant_io out = { .value = want };
            const struct gptq g = { .spec = &spec,
                                    .w = w,
                                    .rows = ROWS,
                                    .n = N,
                                    .order = order,
                                    .u = u,
                                    .settled = settled,
                                    .threads = 2 };

            for (int i = 0; i < N; i++) {
                h[i * N + i] = i % 3 ? 2.5 * i : 0; /* some are never on */
                order[i] = settled ? N - 1 - i : i;
            }
            weights_of(w, ROWS * N, 9);
            assert_true(quant_apply_ref(&spec, &out, w, ROWS, N,
                                        QUANT_ALONG_COLS, 0, work));
            assert_true(gptq_factor(u, h, N, 0));
            assert_true(gptq_round(&g));
            assert_memory_equal(w, want, sizeof w);
        }
}

/* The error of the output is that of n independent roundings, each of variance
 * s^2 / 12, weighted by D of H = L D L^T: (s^2 / 12) tr D a row. */
static void its_error_is_that_of_the_theory(void **state)
{
    enum { n = 32, rows = 4000 };
    const struct quant_spec spec = spec_of("int8/tensor");
    double *h = mem_array(n * n, sizeof *h), *u = mem_array(n * n, sizeof *u);
    double *copy = mem_array(n * n, sizeof *copy), trace = 0, error = 0;
    real *w = mem_array((size_t)rows * n, sizeof *w);
    real *was = mem_array((size_t)rows * n, sizeof *was), scale;
    const struct quant_io out = { .scale = &scale };
    int order[n];
    const struct gptq g = { .spec = &spec,
                            .w = w,
                            .rows = rows,
                            .n = n,
                            .order = order,
                            .u = u,
                            .settled = true,
                            .threads = 2 };

    (void)state;
    moments_of(h, n, 400, 1);
    memcpy(copy, h, n * n * sizeof *h);
    for (int i = 0; i < n; i++)
        order[i] = i;
    /* Far from the ends, so that nothing is clipped. */
    for (int i = 0; i < rows * n; i++)
        was[i] = w[i] = (real)(rng_f64(rng_key(7, RNG_TEST, 0), (uint64_t)i) *
                               (i ? 0.5 : 2));
    w[0] = was[0] = 2;
    assert_true(
        quant_apply_ref(&spec, &out, w, rows, n, QUANT_ALONG_COLS, 0, NULL));
    assert_true(gptq_factor(u, copy, n, 0));
    for (int i = 0; i < n; i++)
        trace += 1 / (u[i * n + i] * u[i * n + i]);
    assert_true(gptq_round(&g));
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                error += (double)(w[r * n + i] - was[r * n + i]) *
                         h[i * n + j] *
                         (double)(w[r * n + j] - was[r * n + j]) / rows;
    check_relative(error, (double)scale * (double)scale / 12 * trace, 0.03);
    free(h);
    free(u);
    free(copy);
    free(w);
    free(was);
}

static void moments_without_an_inverse_are_refused(void **state)
{
    double h[4] = { 1, 0, 2, 1 }, u[4]; /* not positive definite */
    double dependent[4] = { 1, 0, 1, 1 };

    (void)state;
    assert_false(gptq_factor(u, h, 2, 0));
    assert_true(gptq_factor(u, dependent, 2, 0.01)); /* damping helps */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_a_plain_transcription),
        cmocka_unit_test(a_diagonal_gives_rounding_to_nearest),
        cmocka_unit_test(its_error_is_that_of_the_theory),
        cmocka_unit_test(moments_without_an_inverse_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
