#include "base/rng.h"

#include <string.h>

#include "base/exact.h"
#include "tests/check.h"

/* Random123's kat_vectors, philox4x32 with 10 rounds. */
static void philox_gives_the_published_words(void **state)
{
    static const uint32_t zeros[4] = { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c,
                                       0x9b00dbd8 };
    uint32_t out[4];

    (void)state;
    rng_philox(out, 0, 0);
    assert_memory_equal(out, zeros, sizeof zeros);
}

static void numbers_depend_on_key_and_index_only(void **state)
{
    const uint64_t key = rng_key(7, RNG_TEST, 3);
    uint32_t forward[100];

    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        forward[i] = rng_u32(key, i);
    for (uint64_t i = 100; i-- > 0;)
        assert_int_equal(rng_u32(key, i), forward[i]);
}

static void keys_differ_in_each_of_their_parts(void **state)
{
    const uint64_t key = rng_key(1, RNG_TEST, 0);

    (void)state;
    assert_true(key != rng_key(2, RNG_TEST, 0));
    assert_true(key != rng_key(1, RNG_DATA, 0));
    assert_true(key != rng_key(1, RNG_TEST, 1));
}

static void uniforms_have_the_moments_of_a_uniform(void **state)
{
    const uint64_t key = rng_key(1, RNG_TEST, 1);
    const int n = 200000;
    double sum = 0, squares = 0;

    (void)state;
    for (int i = 0; i < n; i++) {
        const double u = rng_f64(key, (uint64_t)i);
        const float f = rng_f32(key, (uint64_t)i);

        assert_true(u >= 0 && u < 1 && f >= 0 && f < 1);
        sum += u;
        squares += u * u;
    }
    /* five standard errors: sd 12^(-1/2) and (4/45)^(1/2) */
    check_close(sum / n, 0.5, 5 * 0.2887 / sqrt(n));
    check_close(squares / n, 1.0 / 3, 5 * 0.2981 / sqrt(n));
}

static void below_reaches_every_value_equally(void **state)
{
    const uint64_t key = rng_key(1, RNG_TEST, 2);
    int count[7] = { 0 };

    (void)state;
    for (uint64_t i = 0; i < 70000; i++)
        count[rng_below(key, i, 7)]++;
    for (int i = 0; i < 7; i++)
        check_close(count[i], 10000, 5 * sqrt(10000 * 6 / 7.0));
}

/* Quantiles of the normal distribution: Abramowitz & Stegun, table 26.5, and
 * R's qnorm to 15 digits. */
static void quantiles_agree_with_tables(void **state)
{
    static const struct {
        double p, x;
    } table[] = {
        { 0.5, 0 },
        { 0.975, 1.95996398454005 },
        { 0.025, -1.95996398454005 },
        { 0.9999, 3.71901648545568 },
        { 1e-10, -6.36134090240406 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        /* p is a double: half an ulp of it moves the quantile by this. */
        const double density = exp(-table[i].x * table[i].x / 2) / 2.5066283;
        const double slack = 0x1p-54 * table[i].p / density;

        check_close(rng_normal_quantile(table[i].p), table[i].x, 2e-14 + slack);
    }
}

/* The quantile is the inverse of (1 + erf(x / sqrt 2)) / 2. */
static void quantile_inverts_the_distribution(void **state)
{
    (void)state;
    for (double p = 0.001; p < 1; p += 0.001)
        check_close(0.5 * erfc(-rng_normal_quantile(p) / sqrt(2)), p, 1e-14);
}

static void normals_have_the_moments_of_a_normal(void **state)
{
    const uint64_t key = rng_key(5, RNG_INIT, 0);
    const int n = 200000;
    double m1 = 0, m2 = 0, m4 = 0;

    (void)state;
    for (int i = 0; i < n; i++) {
        const double z = rng_normal(key, (uint64_t)i);

        m1 += z / n;
        m2 += z * z / n;
        m4 += z * z * z * z / n;
    }
    check_close(m1, 0, 5 / sqrt(n));
    check_close(m2, 1, 5 * sqrt(2.0 / n));
    check_close(m4, 3, 5 * sqrt(96.0 / n));
}

/* Against the C library, whose double functions are within 1 ulp. */
static void exact_functions_are_within_four_ulp(void **state)
{
    const double ulp = 0x1p-52;

    (void)state;
    check_need_long_double();
    for (int i = 1; i < 100000; i++) {
        const double x = i * 0.00173, y = (i - 50000) * 0.0121;
        const double t = (i - 50000) * 0.00037;

        check_close(exact_ln(x), log(x), 4 * ulp * fabs(log(x)));
        check_close(exact_exp(y), exp(y), 4 * ulp * exp(y));
        check_close(exact_sin_turns(t), (double)sinl(2 * M_PIl * t), 4e-16);
        check_close(exact_cos_turns(t), (double)cosl(2 * M_PIl * t), 4e-16);
    }
    check_relative(exact_pow(10000, -0.75), 1e-3, 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(numbers_depend_on_key_and_index_only),
        cmocka_unit_test(keys_differ_in_each_of_their_parts),
        cmocka_unit_test(uniforms_have_the_moments_of_a_uniform),
        cmocka_unit_test(below_reaches_every_value_equally),
        cmocka_unit_test(quantiles_agree_with_tables),
        cmocka_unit_test(quantile_inverts_the_distribution),
        cmocka_unit_test(normals_have_the_moments_of_a_normal),
        cmocka_unit_test(exact_functions_are_within_four_ulp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
