/* test_quant_parts.c - zero points, rotations, tiles and searched ranges against
 * values worked out by hand or by other means. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/quant.h"
#include "tests/check.h"

#define MOST 4096

static struct quant_spec spec_of(const char *text)
{
    struct quant_spec s;
    struct err err;

    check_ok(quant_parse(&s, text, NULL, &err), err);
    return s;
}

static void quantize(real *value, real *scale, const char *text, const real *x,
                     int rows, int cols, enum quant_axis axis)
{
    const struct quant_spec s = spec_of(text);
    const struct quant_io out = { .value = value, .scale = scale };
    void *work = mem_alloc(quant_work_size(&s, rows, cols, axis) + 1);

    assert_true(quant_apply_ref(&s, &out, x, rows, cols, axis, 1, work));
    free(work);
}

static void normal(real *x, int n, uint64_t lane)
{
    for (int i = 0; i < n; i++)
        x[i] = (real)rng_normal(rng_key(1, RNG_TEST, lane), (uint64_t)i);
}

/* -1 .. 2 in 15 steps of 0.2, zero at code 5. */
static void integer_zero_points_keep_zero(void **state)
{
    const real x[8] = { -1, 2, 0, 0.09f, 0.11f, 1.9f, -0.31f, 0.5f };
    const double want[8] = { -1, 2, 0, 0, 0.2, 2, -0.4, 0.4 };
    const real above[4] = { 3, 4, 5, 6 }; /* zero is within all the same */
    real y[8], scale;

    (void)state;
    quantize(y, &scale, "int4/row/asym", x, 1, 8, QUANT_ALONG_COLS);
    check_close(scale, 0.2, 1e-7);
    for (int i = 0; i < 8; i++)
        check_close(y[i], i == 5 ? 1.8 + 0.2 * (x[5] > 1.8999f) : want[i],
                    1e-6);
    quantize(y, &scale, "int4/row/asym", above, 1, 4, QUANT_ALONG_COLS);
    check_close(scale, 6.0 / 15, 1e-7);
    quantize(y, &scale, "int2/row/asymf", above, 1, 4, QUANT_ALONG_COLS);
    check_close(scale, 1, 1e-7);
    for (int i = 0; i < 4; i++)
        check_close(y[i], above[i], 1e-6);
}

/* A constant is its own least number; zeros are zeros. */
static void parts_without_a_span_are_kept(void **state)
{
    const real same[4] = { 0.7f, 0.7f, 0.7f, 0.7f }, zeros[4] = { 0 };
    real y[4];

    (void)state;
    quantize(y, NULL, "int4/row/asymf", same, 1, 4, QUANT_ALONG_COLS);
    for (int i = 0; i < 4; i++)
        check_close(y[i], 0.7, 1e-7);
    quantize(y, NULL, "int4/row/asym", zeros, 1, 4, QUANT_ALONG_COLS);
    for (int i = 0; i < 4; i++)
        assert_true(y[i] == 0);
}

/* Half of the codes of a symmetric range are lost on numbers of one sign. */
static void asymmetric_codes_halve_the_step_of_one_sided_numbers(void **state)
{
    real x[256], y[256];
    double error[2] = { 0 };

    (void)state;
    for (int i = 0; i < 256; i++)
        x[i] = (real)rng_f64(7, (uint64_t)i);
    for (int k = 0; k < 2; k++) {
        quantize(y, NULL, k ? "int4/row/asym" : "int4/row", x, 1, 256,
                 QUANT_ALONG_COLS);
        for (int i = 0; i < 256; i++)
            error[k] += pow((double)y[i] - (double)x[i], 2);
    }
    /* 7 against 15 steps */
    check_relative(error[0] / error[1], 15.0 * 15 / (7 * 7), 0.35);
}

/* A spike becomes N equal magnitudes, and comes back; norms stay. */
static void rotations_spread_and_come_back(void **state)
{
    static const int sizes[] = { 2, 16, 32, 128 };

    (void)state;
    for (int s = 0; s < 4; s++)
        for (int axis = 0; axis < 2; axis++) {
            const int n = sizes[s], rows = axis ? 2 * n : 3;
            const int cols = axis ? 3 : 2 * n;
            char *coarse = mem_printf("int8/tensor/had%d", n);
            real x[768], y[768], scale;

            memset(x, 0, sizeof x);
            x[0] = 8;
            quantize(y, &scale, coarse, x, rows, cols, (enum quant_axis)axis);
            /* the largest magnitude is 8 / sqrt(N), not 8 */
            check_relative(scale, 8 / sqrt(n) / 127, 1e-6);
            for (int i = 0; i < rows * cols; i++)
                check_close(y[i], x[i], 1e-5);
            normal(x, rows * cols, (uint64_t)n);
            quantize(y, NULL, "int8/tensor/had2", x, rows, cols,
                     (enum quant_axis)axis);
            for (int i = 0; i < rows * cols; i++)
                check_close(y[i], x[i], 0.05);
            free(coarse);
        }
}

static void tiles_give_a_matrix_and_its_transpose_the_same_codes(void **state)
{
    enum { R = 32, C = 48 };
    real x[R * C], t[R * C], y[R * C], z[R * C], scale[64];
    const struct quant_spec s = spec_of("e2m1/tile16/e4m3");

    (void)state;
    normal(x, R * C, 3);
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++)
            t[c * R + r] = x[r * C + c];
    quantize(y, scale, "e2m1/tile16/e4m3", x, R, C, QUANT_ALONG_COLS);
    quantize(z, NULL, "e2m1/tile16/e4m3", t, C, R, QUANT_ALONG_COLS);
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++)
            assert_true(z[c * R + r] == y[r * C + c]);
    quantize(z, NULL, "e2m1/tile16/e4m3", x, R, C, QUANT_ALONG_ROWS);
    assert_memory_equal(y, z, sizeof y);
    assert_int_equal(quant_parts(&s, R, C, QUANT_ALONG_COLS), 6);
    /* 4 bits, a byte for 256 of them, 32 bits for all */
    check_close(quant_bits(&s, C, R), 4 + 8.0 / 256 + 32.0 / (R * C), 1e-12);
}

/* Bits by the rule: element, and scale and zero point by part. */
static void storage_counts_zero_points(void **state)
{
    static const struct {
        const char *text;
        double bits;
    } table[] = {
        { "int4/g32/fp16", 4 + 16.0 / 32 },
        { "int4/g32/fp16/asym", 4 + 20.0 / 32 },
        { "int4/g32/fp16/asymf", 4 + 32.0 / 32 },
        { "int4/g64/fp16/asym", 4 + 20.0 / 64 },
        { "e2m1/g16/e4m3-one", 4.5 },
        { "e2m1/g16/e4m3-pow2", 4.5 + 8.0 / 8192 },
        { "e2m1/g16/e4m3", 4.5 + 32.0 / 8192 },
        { "int4/g32/e8m0/had32", 4.25 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct quant_spec s = spec_of(table[i].text);

        check_close(quant_bits(&s, 128, 64), table[i].bits, 1e-12);
    }
}

/* e1m2 is int4n / 4 at powers of two (arXiv 2510.25602's formats). */
static void e1m2_and_int4n_have_the_same_values_under_e8m0(void **state)
{
    real x[MOST], y[MOST], z[MOST];

    (void)state;
    normal(x, MOST, 5);
    for (int axis = 0; axis < 2; axis++) {
        quantize(y, NULL, "e1m2/g32/e8m0", x, 64, 64, (enum quant_axis)axis);
        quantize(z, NULL, "int4n/g32/e8m0", x, 64, 64, (enum quant_axis)axis);
        assert_memory_equal(y, z, sizeof y);
    }
}

/* AutoGPTQ's symmetric rule: 2 absmax / (2^bits - 1) is the step, and the most
 * negative code is used. */
static void full_ranges_use_every_code(void **state)
{
    const real x[4] = { -1, 1, 0.5f, 0.1f };
    real y[4], scale;

    (void)state;
    quantize(y, &scale, "int2/row/full", x, 1, 4, QUANT_ALONG_COLS);
    check_close(scale, 2.0 / 3, 1e-6);
    check_close(y[0], -4.0 / 3, 1e-6); /* -1.5 steps: half way, to the even */
    check_close(y[1], 2.0 / 3, 1e-6);  /* clipped at +1 step */
    quantize(y, &scale, "e2m1/row/full", x, 1, 4, QUANT_ALONG_COLS);
    check_close(scale, 1.0 / 6, 1e-7); /* is symmetric already */
}

/* The best of the hundred, found by trying them. */
static void lp_ranges_are_the_best_of_the_hundredths(void **state)
{
    static const double powers[] = { 0.5, 2, 2.4, 4 };
    real x[64];

    (void)state;
    normal(x, 64, 11);
    x[5] = 6;
    for (int p = 0; p < 4; p++) {
        char *text = mem_printf("int3/row/lp:%g", powers[p]);
        double least = INFINITY, got = 0;
        real y[64];

        quantize(y, NULL, text, x, 1, 64, QUANT_ALONG_COLS);
        for (int i = 0; i < 64; i++)
            got += pow(fabs((double)x[i] - (double)y[i]), powers[p]);
        for (int share = 1; share <= 100; share++) {
            const double step = 6.0 * share / 100 / 3;
            double sum = 0;

            for (int i = 0; i < 64; i++) {
                const double q =
                    fmax(-4, fmin(3, nearbyint((double)x[i] / step)));

                sum += pow(fabs((double)x[i] - q * step), powers[p]);
            }
            least = fmin(least, sum);
        }
        check_relative(got, least, 1e-4);
        free(text);
    }
}

/* Of 4,000 normal numbers and a few far ones, int4 keeps the normal. */
static void kl_ranges_leave_out_the_few_that_are_far(void **state)
{
    real x[MOST], y[MOST], scale;

    (void)state;
    normal(x, MOST, 13);
    for (int i = 0; i < 4; i++)
        x[i] = (real)(20 + i);
    quantize(y, &scale, "int4/tensor/kl:2048", x, 64, 64, QUANT_ALONG_COLS);
    assert_true(scale * 7 > 2 && scale * 7 < 6);
    quantize(y, &scale, "int8/tensor/kl:64", x, 64, 64, QUANT_ALONG_COLS);
    check_relative(scale * 127, 23, 1e-6); /* fewer bins than codes */
}

/* A channel of all rows is a row of the transpose, whatever the rule. */
static void static_channels_are_rows_of_the_transpose(void **state)
{
    enum { ROWS = 40, COLS = 12 };
    static const char *const rules[][2] = {
        { "int4/chan/static", "int4/row" },
        { "int4/chan/pct:90/static", "int4/row/pct:90" },
        { "int4/chan/lp:2.4/static", "int4/row/lp:2.4" },
        { "int8/chan/kl:128/static", "int8/row/kl:128" },
        { "int4/chan/asym/static", "int4/row/asym" },
        { "int4/chan/asymf/fp16/static", "int4/row/asymf/fp16" },
        { "e2m1/chan/e4m3/static", "e2m1/row/e4m3" },
        { "e4m3/chan/e8m0/full/static", "e4m3/row/e8m0/full" },
    };
    real x[ROWS * COLS], t[ROWS * COLS], y[ROWS * COLS], z[ROWS * COLS];
    real a[ROWS * COLS], b[ROWS * COLS];

    (void)state;
    normal(x, ROWS * COLS, 3);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            t[c * ROWS + r] = x[r * COLS + c];
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        quantize(y, a, rules[i][0], x, ROWS, COLS, QUANT_ALONG_COLS);
        quantize(z, b, rules[i][1], t, COLS, ROWS, QUANT_ALONG_COLS);
        for (int c = 0; c < COLS; c++)
            assert_true(a[c] == b[c]);
        for (int k = 0; k < ROWS * COLS; k++)
            assert_true(y[k] == z[k % COLS * ROWS + k / COLS]);
    }
}

/* One group of two columns has 7 as its largest, the other nothing; codes are
 * -8 .. 7. */
static void given_scales_hold_for_other_rows(void **state)
{
    const real seen[8] = { 1, -7, 0, 0, 3, 2, 0, 0 };
    const real later[8] = { 14, -2.2f, 0, 5, 0.4f, -14, -1, 0 };
    const real want[8] = { 7, -2, 0, 0, 0, -8, 0, 0 };
    const uint8_t within[8] = { 0, 1, 1, 0, 1, 0, 0, 1 };
    const struct quant_spec s = spec_of("int4/g2/static");
    real scale[2], zero[2] = { 9, 9 }, y[8];
    uint8_t inside[8];
    char work[256];
    const struct quant_io measure = { .scale = scale, .zero = zero };
    const struct quant_io use = {
        .value = y, .inside = inside, .scale_in = scale, .zero_in = zero
    };

    (void)state;
    assert_int_equal(quant_parts(&s, 2, 4, QUANT_ALONG_COLS), 2);
    check_close(quant_bits(&s, 4, 2), 4, 0);
    assert_true(quant_by_rows(&s) && !quant_has_int8(&s));
    assert_true(quant_work_size(&s, 2, 4, QUANT_ALONG_COLS) <= sizeof work);
    assert_true(
        quant_apply_ref(&s, &measure, seen, 2, 4, QUANT_ALONG_COLS, 1, work));
    assert_true(scale[0] == 1 && scale[1] == 0);
    assert_true(zero[0] == 0 && zero[1] == 0);
    assert_true(
        quant_apply_ref(&s, &use, later, 2, 4, QUANT_ALONG_COLS, 1, work));
    for (int i = 0; i < 8; i++) {
        assert_true(y[i] == want[i]);
        assert_int_equal(inside[i], within[i]);
    }
}

/* What was measured on a matrix gives again what that became, and a row of it by
 * itself what it was among the others. */
static void given_scales_say_all(void **state)
{
    enum { ROWS = 24, COLS = 16 };
    static const char *const specs[] = {
        "int4/g4/static",           "int4/tensor/asym/static",
        "int3/g8/asymf/static",     "nvfp4/static",
        "int4/g8/had8/static",      "e2m1/chan/pct:80/static",
        "int4/g4/asym/had16/static"
    };
    real x[ROWS * COLS], y[ROWS * COLS], z[COLS], scale[COLS], zero[COLS];

    (void)state;
    normal(x, ROWS * COLS, 4);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        const struct quant_spec s = spec_of(specs[i]);
        const struct quant_io all = { .value = y,
                                      .scale = scale,
                                      .zero = zero };
        const struct quant_io one = { .value = z,
                                      .scale_in = scale,
                                      .zero_in = zero };
        void *work =
            mem_alloc(quant_work_size(&s, ROWS, COLS, QUANT_ALONG_COLS) + 1);

        assert_true(quant_apply_ref(&s, &all, x, ROWS, COLS, QUANT_ALONG_COLS,
                                    1, work));
        for (int r = 0; r < ROWS; r++) {
            assert_true(quant_apply_ref(&s, &one, x + r * COLS, 1, COLS,
                                        QUANT_ALONG_COLS, 1, work));
            assert_memory_equal(z, y + r * COLS, sizeof z);
        }
        free(work);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_zero_points_keep_zero),
        cmocka_unit_test(parts_without_a_span_are_kept),
        cmocka_unit_test(asymmetric_codes_halve_the_step_of_one_sided_numbers),
        cmocka_unit_test(rotations_spread_and_come_back),
        cmocka_unit_test(tiles_give_a_matrix_and_its_transpose_the_same_codes),
        cmocka_unit_test(storage_counts_zero_points),
        cmocka_unit_test(static_channels_are_rows_of_the_transpose),
        cmocka_unit_test(given_scales_hold_for_other_rows),
        cmocka_unit_test(given_scales_say_all),
        cmocka_unit_test(e1m2_and_int4n_have_the_same_values_under_e8m0),
        cmocka_unit_test(full_ranges_use_every_code),
        cmocka_unit_test(lp_ranges_are_the_best_of_the_hundredths),
        cmocka_unit_test(kl_ranges_leave_out_the_few_that_are_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
