#include "kernels/quant.h"

#include <string.h>

#include "base/rng.h"
#include "kernels/kernels.h"
#include "tests/check.h"

static struct quant_spec spec(const char *text)
{
    struct quant_spec s;
    struct err err = { 0 };

    check_ok(quant_parse(&s, text, NULL, &err), err);
    return s;
}

static void a_group_must_divide_the_axis(void **state)
{
    const struct quant_spec s = spec("int4/g32"), row = spec("int4/row");
    struct err err;

    (void)state;
    check_ok(quant_check(&s, 64, "fc1.x", &err), err);
    check_ok(quant_check(&row, 63, "fc1.x", &err), err);
    assert_int_equal(quant_check(&s, 48, "fc1.x", &err), ERR_CONFIG);
    check_says(err, "fc1.x: a group of 32 does not divide the reduction axis "
                    "of 48");
}

/* arXiv 2510.25602: MXFP4 4.25 bits, NVFP4 4.5; int4 g128 with a 16-bit scale
 * 4.125 (research note A.3, rule c). */
static void stored_bits_count_the_scales(void **state)
{
    const struct quant_spec mx = spec("mxfp4"), nv = spec("nvfp4");
    const struct quant_spec w4 = spec("int4/g128/bf16");

    (void)state;
    check_close(quant_bits(&mx, 1024, 1024), 4.25, 0);
    check_close(quant_bits(&nv, 1024, 1024), 4.5, 32.0 / 1024 / 1024);
    check_close(quant_bits(&w4, 1024, 1024), 4.125, 0);
}

/* One group by hand: 7 is the largest code of int4, so the scale is 0.7 / 7;
 * its neighbours follow. */
static void a_group_is_quantized_as_by_hand(void **state)
{
    const struct quant_spec s = spec("int4/g8");
    const float x[8] = {
        0.7f, -0.7f, 0.24f, 0.26f, 0.0f, -0.06f, 0.05f, -0.35f
    };
    const float want[8] = { 7, -7, 2, 3, 0, -1, 0, -4 };
    float value[8], code[8], scale;
    uint8_t inside[8];
    const struct quant_io out = {
        .value = value, .elem = code, .scale = &scale, .inside = inside
    };

    (void)state;
    assert_true(quant_apply_ref(&s, &out, x, 1, 8, QUANT_ALONG_COLS, 0, NULL));
    check_close((double)scale, (double)(0.7f / 7), 0);
    for (int i = 0; i < 8; i++) {
        /* 0.05 / 0.1 and 0.35 / 0.1 are ties, which go to 0 and 4. */
        check_close((double)code[i], (double)want[i], 0);
        check_close((double)value[i], (double)(want[i] * scale), 0);
        assert_int_equal(inside[i], 1);
    }
}

/* The scale is rounded to its own format before the division: with 1.0 as the
 * range, the ideal e2m1 scale is 1/6; e8m0 gives 1/4 (ceil), 1/8 (floor: by
 * exponents 0 - 2 = -2, so 1/4) and nearest 1/8 or 1/4 by the logarithm. */
static void the_scale_is_rounded_first(void **state)
{
    static const struct {
        const char *text;
        float amax;
        double scale;
    } table[] = {
        { "e2m1/row/e8m0", 1.0f, 0.25 },
        { "e2m1/row/e8m0-floor", 1.0f, 0.25 },
        { "e2m1/row/e8m0-floor", 7.9f, 1 }, /* clips: 7.9 > 6 */
        { "e2m1/row/e8m0", 7.9f, 2 },
        { "e2m1/row/e8m0-round", 1.0f, 0.125 }, /* log2(1/6) = -2.58 */
        { "e2m1/row/e8m0", 6.0f, 1 },
        { "e4m3/row/e8m0-floor", 500.0f, 1 }, /* 500 > 448, 2^8 both */
        { "e4m3/row/e8m0", 500.0f, 2 },
        { "int8n/row/bf16", 127.4f, 1.0 }, /* 1.0031 rounds to 1 */
    };
    float x[4], value[4], code[4], scale;
    const struct quant_io out = { .value = value,
                                  .elem = code,
                                  .scale = &scale };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct quant_spec s = spec(table[i].text);

        x[0] = table[i].amax;
        x[1] = -table[i].amax / 3;
        x[2] = x[3] = 0.01f;
        assert_true(
            quant_apply_ref(&s, &out, x, 1, 4, QUANT_ALONG_COLS, 0, NULL));
        check_close((double)scale, table[i].scale, 0);
        for (int k = 0; k < 4; k++)
            check_close(
                (double)code[k],
                (double)num_round(&s.elem, x[k] / scale, NUM_NEAREST, 0), 0);
    }
}

/* NVFP4 (arXiv 2509.25149): global = amax / (448 * 6); the scale of the block
 * that holds the amax is then 448 of e4m3 exactly. */
static void two_level_scales_reach_their_largest_code(void **state)
{
    const struct quant_spec s = spec("nvfp4");
    float x[32] = { 0 }, scale[2];
    const struct quant_io out = { .scale = scale };
    const float global = 3.0f / (448.0f * 6.0f);

    (void)state;
    x[3] = 3.0f;
    x[20] = 1e-7f; /* its ideal scale underflows e4m3 */
    assert_true(quant_apply_ref(&s, &out, x, 1, 32, QUANT_ALONG_COLS, 0, NULL));
    check_relative((double)scale[0], (double)(448 * global), 1e-7);
    check_close((double)scale[1], (double)(0x1p-9f * global), 0);
}

static void values_do_not_change_when_quantized_again(void **state)
{
    static const char *const texts[] = {
        "mxint8",           "mxfp8",
        "mxint6",           "mxfp6",
        "mxint4",           "mxfp4",
        "int4/g16",         "e4m3/row",
        "e3m2/g32",         "mxfp4/e8m0-floor",
        "mxfp8/e8m0-floor",
    };
    const uint64_t key = rng_key(2, RNG_TEST, 0);
    float x[256], once[256], twice[256];
    const struct quant_io first = { .value = once };
    const struct quant_io second = { .value = twice };

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        const struct quant_spec s = spec(texts[t]);

        for (uint64_t i = 0; i < 256; i++) {
            const double z = rng_normal(key, 256 * t + i);

            x[i] = (float)(z * z * z); /* heavy tails */
        }
        assert_true(
            quant_apply_ref(&s, &first, x, 4, 64, QUANT_ALONG_COLS, 0, NULL));
        assert_true(quant_apply_ref(&s, &second, once, 4, 64, QUANT_ALONG_COLS,
                                    0, NULL));
        assert_memory_equal(once, twice, sizeof once);
    }
}

/* Along rows must equal along columns of the transposed matrix. */
static void the_two_axes_are_transposes_of_each_other(void **state)
{
    static const char *const texts[] = { "int4/g8", "e2m1/row/bf16", "nvfp4",
                                         "int8/tensor", "int4/g8/pct:90" };
    enum { R = 16, C = 24 };
    float x[R * C], xt[C * R], y[R * C], yt[C * R], work[R * C];
    const struct quant_io out = { .value = y }, out_t = { .value = yt };

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        const struct quant_spec s = spec(texts[t]);

        for (int i = 0; i < R * C; i++)
            x[i] = (float)rng_normal(9, (uint64_t)i);
        for (int i = 0; i < R; i++)
            for (int j = 0; j < C; j++)
                xt[j * R + i] = x[i * C + j];
        assert_true(
            quant_apply_ref(&s, &out, x, R, C, QUANT_ALONG_ROWS, 0, work));
        assert_true(
            quant_apply_ref(&s, &out_t, xt, C, R, QUANT_ALONG_COLS, 0, work));
        for (int i = 0; i < R; i++)
            for (int j = 0; j < C; j++)
                check_close((double)y[i * C + j], (double)yt[j * R + i], 0);
    }
}

/* The 90th percentile of 1..10 is 9: 10 is clipped to it. */
static void a_percentile_clips_what_lies_beyond(void **state)
{
    const struct quant_spec s = spec("int8/row/pct:90");
    float x[10], value[10], scale, work[10];
    uint8_t inside[10];
    const struct quant_io out = { .value = value,
                                  .scale = &scale,
                                  .inside = inside };

    (void)state;
    for (int i = 0; i < 10; i++)
        x[i] = (float)(i + 1);
    assert_true(quant_apply_ref(&s, &out, x, 1, 10, QUANT_ALONG_COLS, 0, work));
    check_close((double)scale, (double)(9.0f / 127), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(inside[i], 1);
    assert_int_equal(inside[9], 0);
    check_relative((double)value[9], 9.0, 1e-6);
}

static const char *const sets[] = { "ref", "avx2", "avx512" };

/* Element i draws number i of the stream, whatever the order of the work: the
 * codes along rows, along columns and of each set are those of the definition.
 * 45 columns leave every position within a block of the generator. */
static void stochastic_codes_depend_on_the_position_only(void **state)
{
    enum { R = 33, C = 45 };
    static const char *const texts[] = { "int4/row/stochastic",
                                         "e4m3/tensor/stochastic",
                                         "bf16/stochastic" };
    const uint64_t key = rng_key(4, RNG_ROUND, 1);
    float x[R * C], code[R * C], scale[C];
    const struct quant_io out = { .elem = code, .scale = scale };
    struct err err;

    (void)state;
    for (int i = 0; i < R * C; i++)
        x[i] = (float)rng_normal(5, (uint64_t)i);
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
            for (int axis = 0; axis < 2; axis++) {
                const struct quant_spec s = spec(texts[t]);
                const struct kernels *kn;

                scale[0] = 1;
                check_ok(kernels_select(&kn, sets[isa], &err), err);
                assert_true(kn->quant_apply(&s, &out, x, R, C,
                                            (enum quant_axis)axis, key, NULL));
                for (int i = 0; i < R * C; i++) {
                    const int part = axis ? i % C : i / C;
                    const float q =
                        x[i] / scale[s.gran == QUANT_ROW ? part : 0];

                    check_close((double)code[i],
                                (double)num_round(&s.elem, q, NUM_STOCHASTIC,
                                                  rng_f32(key, (uint64_t)i)),
                                0);
                }
            }
}

/* The code is the rounded true quotient.  A double quotient rounded to float
 * is the correctly rounded one (53 >= 2 x 24 + 2 bits); a product with the
 * reciprocal rounds some of these to another code. */
static void the_division_by_the_scale_is_a_true_one(void **state)
{
    enum { N = 4096 };
    const struct quant_spec s = spec("int8/row");
    static float x[N], code[N];
    float scale;
    const struct quant_io out = { .elem = code, .scale = &scale };
    struct err err;
    int differ = 0;

    (void)state;
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
        for (int amax = 1; amax < 200; amax += 7) {
            const struct kernels *kn;

            check_ok(kernels_select(&kn, sets[isa], &err), err);
            x[0] = (float)amax;         /* x / (x / 127) is not always 127 */
            for (int i = 1; i < N; i++) /* next to half-way */
                x[i] = (float)((i % 126 + 0.5) * amax / 127);
            assert_true(
                kn->quant_apply(&s, &out, x, 1, N, QUANT_ALONG_COLS, 0, NULL));
            check_close((double)scale, (double)((float)amax / 127), 0);
            for (int i = 0; i < N; i++) {
                const float q = (float)((double)x[i] / (double)scale);

                check_close((double)code[i], nearbyint((double)q), 0);
                differ += nearbyintf(x[i] * (1 / scale)) != code[i];
            }
            check_close((double)code[0], 127, 0);
        }
    assert_true(differ > 0); /* the test can tell */
}

static void zeros_stay_zero_and_what_is_not_finite_is_reported(void **state)
{
    static const char *const texts[] = { "int4/g4",     "nvfp4/g4", "mxfp4/g4",
                                         "int8/tensor", "bf16",     "e3m0/g4" };
    struct err err;

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (int isa = 0; isa <= (int)kernels_cpu(); isa++) {
            const struct quant_spec s = spec(texts[t]);
            const struct kernels *kn;
            float x[40] = { 0 }, y[40];
            const struct quant_io out = { .value = y };

            check_ok(kernels_select(&kn, sets[isa], &err), err);
            for (int axis = 0; axis < 2; axis++) {
                memset(x, 0, sizeof x);
                assert_true(kn->quant_apply(&s, &out, x, 4, 10,
                                            (enum quant_axis)axis, 0, NULL));
                for (int i = 0; i < 40; i++)
                    check_close((double)y[i], 0, 0);
                for (int at = 0; at < 40; at += 13) {
                    x[at] = NAN;
                    assert_false(kn->quant_apply(
                        &s, &out, x, 4, 10, (enum quant_axis)axis, 0, NULL));
                    x[at] = -INFINITY;
                    assert_false(kn->quant_apply(
                        &s, &out, x, 4, 10, (enum quant_axis)axis, 0, NULL));
                    x[at] = 0;
                }
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_must_divide_the_axis),
        cmocka_unit_test(stored_bits_count_the_scales),
        cmocka_unit_test(a_group_is_quantized_as_by_hand),
        cmocka_unit_test(the_scale_is_rounded_first),
        cmocka_unit_test(two_level_scales_reach_their_largest_code),
        cmocka_unit_test(values_do_not_change_when_quantized_again),
        cmocka_unit_test(the_two_axes_are_transposes_of_each_other),
        cmocka_unit_test(a_percentile_clips_what_lies_beyond),
        cmocka_unit_test(stochastic_codes_depend_on_the_position_only),
        cmocka_unit_test(the_division_by_the_scale_is_a_true_one),
        cmocka_unit_test(zeros_stay_zero_and_what_is_not_finite_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
