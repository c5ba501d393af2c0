#include "kernels/num.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "tests/check.h"

static struct num_format format(const char *name)
{
    struct num_format f;
    struct err err = { 0 };

    check_ok(num_find(&f, name, &err), err);
    return f;
}

/* From the defining documents (OCP OFP8 v1.0, OCP MX v1.0, IEEE 754), not from
 * the table under test; count is the number of magnitudes, zero included. */
static const struct {
    const char *name;
    double max, step_at_zero;
    int count, bits;
} published[] = {
    { "e4m3", 448, 0x1p-9, 127, 8 },
    { "e5m2", 57344, 0x1p-16, 124, 8 },
    { "e3m2", 28, 0x1p-4, 32, 6 },
    { "e2m3", 7.5, 0x1p-3, 32, 6 },
    { "e2m1", 6, 0.5, 8, 4 },
    { "fp16", 65504, 0x1p-24, 31744, 16 },
    { "bf16", 0x1.fep127, 0x1p-133, 32640, 16 },
};

static void formats_are_what_their_documents_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const struct num_format f = format(published[i].name);
        int count = 0;

        for (uint32_t code = 0; code < 1u << (f.bits - 1); code++)
            count += !isnan(num_decode(&f, code));
        check_close((double)f.max, published[i].max, 0);
        check_close((double)f.step_zero, published[i].step_at_zero, 0);
        assert_int_equal(count, published[i].count);
        assert_int_equal(f.bits, published[i].bits);
    }
}

/* The magnitudes of the small formats, typed from OCP MX v1.0 section 5.3. */
static void the_values_of_e2m1_are_the_published_eight(void **state)
{
    static const double values[8] = { 0, 0.5, 1, 1.5, 2, 3, 4, 6 };
    const struct num_format f = format("e2m1");

    (void)state;
    for (uint32_t code = 0; code < 8; code++) {
        check_close((double)num_decode(&f, code), values[code], 0);
        check_close((double)num_decode(&f, code | 8), -values[code], 0);
    }
}

/* e1m2 with subnormals is exactly int4n / 4 (arXiv 2510.25602 section A). */
static void e1m2_is_a_quarter_of_a_narrow_integer(void **state)
{
    const struct num_format f = format("e1m2");

    (void)state;
    for (uint32_t code = 0; code < 8; code++)
        check_close((double)num_decode(&f, code), code * 0.25, 0);
}

/* Every value of a format, by the definition of a floating-point number. */
static int brute_values(double *values, const struct num_format *f)
{
    int n = 0;

    if (f->kind == NUM_INT) {
        for (int v = (int)f->min_code; v <= (int)f->max; v++)
            values[n++] = v;
        return n;
    }
    for (int sign = -1; sign <= 1; sign += 2)
        for (int e = 0; e < 1 << f->exp_bits; e++)
            for (int m = 0; m < 1 << f->man_bits; m++) {
                const double x =
                    e == 0 ? ldexp(m, (f->exp_bits ? 1 - f->bias : 0) -
                                          f->man_bits)
                           : ldexp(1 + ldexp(m, -f->man_bits), e - f->bias);

                if (x <= f->max)
                    values[n++] = sign * x;
            }
    return n;
}

/* Nearest value; of two at the same distance the one with the even code. */
static double brute_round(const struct num_format *f, const double *values,
                          int n, double x)
{
    double best = values[0];

    for (int i = 1; i < n; i++) {
        const double d = fabs(values[i] - x), b = fabs(best - x);

        if (d < b || (d == b && values[i] != best &&
                      num_encode(f, (float)values[i]) % 2 == 0))
            best = values[i];
    }
    return best;
}

static void check_rounding(const char *name)
{
    const struct num_format f = format(name);
    double values[512] = { 0 };
    const int n = brute_values(values, &f);
    const uint64_t key = rng_key(1, RNG_TEST, 0);

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            /* every value, every midpoint, every tie's neighbours */
            const double mid = (values[i] + values[j]) / 2;
            const float tries[3] = { (float)mid, nextafterf((float)mid, 1e9f),
                                     nextafterf((float)mid, -1e9f) };

            for (int k = 0; k < 3; k++)
                check_close((double)num_round(&f, tries[k], NUM_NEAREST, 0),
                            brute_round(&f, values, n, (double)tries[k]), 0);
        }
    for (uint64_t i = 0; i < 5000; i++) {
        const double span = 2.5 * (double)f.max;
        const float x = (float)((rng_f64(key, i) - 0.5) * span);

        check_close((double)num_round(&f, x, NUM_NEAREST, 0),
                    brute_round(&f, values, n, (double)x), 0);
    }
}

static void rounding_picks_the_nearest_and_breaks_ties_to_even(void **state)
{
    static const char *const names[] = { "e2m1",      "e2m3", "e3m2", "e4m3",
                                         "e5m2",      "int4", "int8", "int2",
                                         "int5n",     "e3m0", "e1m2", "e0m5",
                                         "e3m3:ieee", "e5m1" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_rounding(names[i]);
}

static void codes_decode_to_what_was_encoded(void **state)
{
    static const char *const names[] = { "e4m3", "e5m2", "e2m1", "e3m2",
                                         "int8", "int3", "e0m7", "e3m0",
                                         "fp16", "bf16", "e6m9" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct num_format f = format(names[i]);

        for (uint32_t code = 0; code < 1u << f.bits; code++) {
            const float x = num_decode(&f, code);

            if (isnan(x) || (x == 0 && code != 0))
                continue; /* kept for NaN; minus zero */
            if (f.kind == NUM_INT && x < f.min_code)
                continue;
            assert_int_equal(num_encode(&f, x), code);
            check_close((double)num_round(&f, x, NUM_NEAREST, 0), (double)x, 0);
        }
    }
}

static void every_width_is_monotone_idempotent_and_symmetric(void **state)
{
    (void)state;
    for (int e = 0; e <= 15; e++)
        for (int m = e == 0 ? 1 : 0; e + m <= 15; m++) {
            char name[16];
            struct num_format f;
            double last = -INFINITY;

            snprintf(name, sizeof name, "e%dm%d", e, m);
            f = format(name);
            for (int i = -300; i <= 300; i++) {
                const float x = (float)i * fminf(f.max, 100.0f) / 250;
                const double y = (double)num_round(&f, x, NUM_NEAREST, 0);

                assert_true(y >= last);
                check_close((double)num_round(&f, (float)y, NUM_NEAREST, 0), y,
                            0);
                check_close((double)num_round(&f, -x, NUM_NEAREST, 0), -y, 0);
                last = y;
            }
        }
}

static void infinity_saturates_and_nan_stays(void **state)
{
    static const char *const names[] = { "e4m3", "int4", "bf16", "e0m7" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct num_format f = format(names[i]);

        check_close((double)num_round(&f, INFINITY, NUM_NEAREST, 0),
                    (double)f.max, 0);
        check_close((double)num_round(&f, -INFINITY, NUM_NEAREST, 0),
                    (double)f.min_code, 0);
        assert_true(isnan(num_round(&f, NAN, NUM_NEAREST, 0)));
    }
}

/* Bernoulli: mean x, variance (step)^2 p (1 - p); five standard errors. */
static void stochastic_rounding_is_unbiased(void **state)
{
    static const struct {
        const char *name;
        float x;
        double low, high;
    } table[] = {
        { "int4", 2.3f, 2, 3 },       { "int4", -2.3f, -3, -2 },
        { "e2m1", 2.7f, 2, 3 },       { "e2m1", 0.1f, 0, 0.5 },
        { "e4m3", -17.1f, -18, -16 }, { "e3m0", 1.2f, 1, 2 },
    };
    const uint64_t key = rng_key(3, RNG_ROUND, 0);
    const int n = 40000;

    (void)state;
    for (size_t t = 0; t < sizeof table / sizeof table[0]; t++) {
        const struct num_format f = format(table[t].name);
        const double x = (double)table[t].x,
                     step = table[t].high - table[t].low;
        const double p = (x - table[t].low) / step;
        double sum = 0;

        for (int i = 0; i < n; i++) {
            const double y = (double)num_round(&f, table[t].x, NUM_STOCHASTIC,
                                               rng_f32(key, (uint64_t)i));

            assert_true(y == table[t].low || y == table[t].high);
            sum += y;
        }
        check_close(sum / n, x, 5 * step * sqrt(p * (1 - p) / n));
    }
}

static void unknown_formats_are_refused_with_a_suggestion(void **state)
{
    static const struct {
        const char *name, *says;
    } table[] = {
        { "in4", "did you mean 'int4'" },
        { "e4m33", "did you mean 'e4m3'" },
        { "int9", "unknown number format 'int9'" },
        { "int1", "unknown number format" },
        { "e9m9", "'e9m9': eXmY needs X + Y <= 15, a sign and 15 bits; "
                  "9 + 9 is 18" },
        { "e8m8:nosub", "8 + 8 is 16" },
        { "e9m9x", "unknown number format" },
        { "e4m3:foo", "unknown number format" },
        { "", "unknown number format" },
        { "float7", "intN (2 to 8 bits)" },
    };
    struct num_format f;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(num_find(&f, table[i].name, &err), ERR_CONFIG);
        check_says(err, table[i].says);
    }
}

/* Distortion of the optimal uniform quantizer of a unit Gaussian with an odd
 * number of levels 2^b - 1 at b = 2 (3 levels): 0.1902 (Max 1960, table II);
 * int2n has the three levels -1, 0, 1. */
static void gaussian_error_agrees_with_max(void **state)
{
    const struct num_format f = format("int2n");

    (void)state;
    check_close(num_gaussian_mse(&f), 0.1902, 0.0002);
}

/* --- tables of codes --------------------------------------------------------- */

/* QLoRA, arXiv 2305.14314, appendix E. */
static const char nf4[] =
    "nf4:-1:-0.6961928009986877:-0.5250730514526367:-0.39491748809814453:"
    "-0.28444138169288635:-0.18477343022823334:-0.09105003625154495:0:"
    "0.07958029955625534:0.16093020141124725:0.24611230194568634:"
    "0.33791524171829224:0.44070982933044434:0.5626170039176941:"
    "0.7229568362236023:1";

/* The nearest by looking at all, in long double; half way the even code. */
static float nearest_of(const struct num_format *f, float x)
{
    int best = 0;

    for (int i = 1; i < f->table->n; i++) {
        const long double d =
            fabsl((long double)x - (long double)f->table->values[i]);
        const long double b =
            fabsl((long double)x - (long double)f->table->values[best]);

        if (d < b || (d == b && i % 2 == 0))
            best = i;
    }
    return f->table->values[best];
}

static void a_table_gives_the_nearest_of_its_values(void **state)
{
    static const char *const tables[] = {
        nf4,
        "two:-1:3",
        "third:-0.333333343:0.1:0.7",
        "far:-1e6:-1:0:1e-3:2:1e7",
    };

    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        struct num_format f;
        struct err err;

        check_ok(num_find(&f, tables[t], &err), err);
        for (int i = 0; i + 1 < f.table->n; i++) {
            float x = f.table->values[i];

            for (int k = -40; k <= 40; k++) { /* about the middle */
                x = (f.table->values[i] + f.table->values[i + 1]) / 2 *
                    (1 + (float)k * 0x1p-23f);
                assert_true(num_round(&f, x, NUM_NEAREST, 0) ==
                            nearest_of(&f, x));
            }
        }
        for (uint64_t k = 0; k < 20000; k++) {
            const float x = (float)rng_normal(3, k);

            assert_true(num_round(&f, x, NUM_NEAREST, 0) == nearest_of(&f, x));
        }
        assert_true(num_round(&f, INFINITY, NUM_NEAREST, 0) ==
                    f.table->values[f.table->n - 1]);
        assert_true(num_round(&f, -INFINITY, NUM_STOCHASTIC, 0.5f) ==
                    f.table->values[0]);
        assert_true(isnan(num_round(&f, NAN, NUM_NEAREST, 0)));
    }
}

/* -8 .. 7 with code 0 at -8 has the ties of int4. */
static void a_table_of_integers_is_the_integer_format(void **state)
{
    struct num_format table, int4;
    struct err err;

    (void)state;
    check_ok(
        num_find(&table, "mine:-8:-7:-6:-5:-4:-3:-2:-1:0:1:2:3:4:5:6:7", &err),
        err);
    check_ok(num_find(&int4, "int4", &err), err);
    for (int k = -400; k <= 400; k++)
        for (int mode = 0; mode < 2; mode++)
            assert_true(num_round(&table, (float)k / 32, &num_roundings[mode],
                                  0.375f) == num_round(&int4, (float)k / 32,
                                                       &num_roundings[mode],
                                                       0.375f));
    assert_int_equal(table.bits, int4.bits);
    for (uint32_t code = 0; code < 16; code++)
        assert_int_equal(num_encode(&table, num_decode(&table, code)), code);
}

/* 16 levels at quantiles of the normal distribution are better on it than 16
 * equal steps, and worse than the best 16 (Max 1960, table I: 0.009497). */
static void nf4_is_between_int4_and_the_best_on_gaussians(void **state)
{
    struct num_format f, int4;
    struct err err;
    double mse;

    (void)state;
    check_ok(num_find(&f, nf4, &err), err);
    check_ok(num_find(&int4, "int4", &err), err);
    mse = num_gaussian_mse(&f);
    assert_true(mse > 0.009497 && mse < num_gaussian_mse(&int4));
    assert_int_equal(f.bits, 4);
}

static void a_table_says_what_is_wrong_with_it(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "int4:0:1", "'int4' is built in" },
        { "fp32:0:1", "'fp32' is built in" },
        { "none:0:1", "'none' has another meaning" },
        { "4x:0:1", "a letter, then letters, digits or _" },
        { "a:1", "a has 1 value: a format has 2 to 256" },
        { "a:0:0", "values must rise: 0 stands before 0" },
        { "a:0:1:0.5", "values must rise: 1 stands before 0.5" },
        { "a:0:1:1.00000001", "values must rise: 1 stands before 1" },
        { "a:0:x", "'x' is not a number" },
        { "a:0:", "'' is not a number" },
        { "a:-1:inf", "not a number" },
        { "a:-1:1e31", "1e31 is not within 1e30" },
        { "a:-1e-40:0", "the largest magnitude is" },
    };
    char many[2000] = "a";
    struct num_format f;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(num_find(&f, table[i].text, &err), ERR_CONFIG);
        check_says(err, table[i].says);
    }
    for (int i = 0; i < 257; i++)
        sprintf(many + strlen(many), ":%d", i);
    assert_int_equal(num_find(&f, many, &err), ERR_CONFIG);
    check_says(err, "a has more than 256 values");
}

static void a_table_is_written_as_it_is_read(void **state)
{
    struct num_format f, g;
    char text[NUM_TEXT], again[NUM_TEXT];
    struct err err;

    (void)state;
    check_ok(num_find(&f, nf4, &err), err);
    check_ok(num_find(&g, num_print(text, &f), &err), err);
    assert_ptr_equal(f.table, g.table);
    assert_string_equal(num_print(again, &g), text);
    check_ok(num_find(&g, "a:-0.10:+1", &err), err);
    assert_string_equal(num_print(text, &g), "a:-0.1:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_what_their_documents_say),
        cmocka_unit_test(the_values_of_e2m1_are_the_published_eight),
        cmocka_unit_test(e1m2_is_a_quarter_of_a_narrow_integer),
        cmocka_unit_test(rounding_picks_the_nearest_and_breaks_ties_to_even),
        cmocka_unit_test(codes_decode_to_what_was_encoded),
        cmocka_unit_test(every_width_is_monotone_idempotent_and_symmetric),
        cmocka_unit_test(infinity_saturates_and_nan_stays),
        cmocka_unit_test(stochastic_rounding_is_unbiased),
        cmocka_unit_test(unknown_formats_are_refused_with_a_suggestion),
        cmocka_unit_test(gaussian_error_agrees_with_max),
        cmocka_unit_test(a_table_gives_the_nearest_of_its_values),
        cmocka_unit_test(a_table_of_integers_is_the_integer_format),
        cmocka_unit_test(nf4_is_between_int4_and_the_best_on_gaussians),
        cmocka_unit_test(a_table_says_what_is_wrong_with_it),
        cmocka_unit_test(a_table_is_written_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
