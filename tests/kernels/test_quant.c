#include "kernels/quant.h"

#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"

static struct quant_spec spec(const char *text)
{
    struct quant_spec s;
    struct err err = { 0 };

    check_ok(quant_parse(&s, text, NULL, &err), err);
    return s;
}

static void texts_have_one_canonical_spelling(void **state)
{
    static const struct {
        const char *text, *canonical;
    } table[] = {
        { "int4", "int4/g32/fp32/absmax/nearest" },
        { "int4/nearest/fp32/g32", "int4/g32/fp32/absmax/nearest" },
        { "int4/32", "int4/g32/fp32/absmax/nearest" },
        { "mxfp4", "e2m1/g32/e8m0/absmax/nearest" },
        { "nvfp4/stochastic", "e2m1/g16/e4m3/absmax/stochastic" },
        { "e4m3/row", "e4m3/row/fp32/absmax/nearest" },
        { "int8/tensor/pct:99.9", "int8/tensor/fp32/pct:99.9/nearest" },
        { "int8/pct:100", "int8/g32/fp32/absmax/nearest" },
        { "bf16/g32/e8m0", "bf16/nearest" },
        { "e8m7/row", "e8m7/nearest" },
        { "none", "none" },
        { "fp32", "none" },
        { "int4/g+32", "int4/g32/fp32/absmax/nearest" },
        { "int4/pct:0.05k", "int4/g32/fp32/pct:50/nearest" },
        /* The texts of the manual and the tutorial. */
        { "int2/g4", "int2/g4/fp32/absmax/nearest" },
        { "int4/g64", "int4/g64/fp32/absmax/nearest" },
        { "int4/g64/bf16/nearest", "int4/g64/bf16/absmax/nearest" },
        { "e3m2/g16/bf16", "e3m2/g16/bf16/absmax/nearest" },
        { "mxint8", "int8n/g32/e8m0/absmax/nearest" },
        { "mxfp8", "e4m3/g32/e8m0/absmax/nearest" },
        { "mxfp6", "e2m3/g32/e8m0/absmax/nearest" },
        { "nvint4", "int4n/g16/e4m3/absmax/nearest" },
    };
    char buf[QUANT_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct quant_spec s = spec(table[i].text);

        assert_string_equal(quant_print(buf, &s), table[i].canonical);
        s = spec(table[i].canonical);
        assert_string_equal(quant_print(buf, &s), table[i].canonical);
    }
}

static void base_keys_fill_what_the_text_leaves_open(void **state)
{
    const struct quant_defaults d = { "128", "bf16", "pct:99", "stochastic" };
    struct quant_spec s;
    struct err err = { 0 };
    char buf[QUANT_TEXT];

    (void)state;
    check_ok(quant_parse(&s, "int4", &d, &err), err);
    assert_string_equal(quant_print(buf, &s),
                        "int4/g128/bf16/pct:99/stochastic");
    check_ok(quant_parse(&s, "mxfp4", &d, &err), err);
    assert_string_equal(quant_print(buf, &s),
                        "e2m1/g32/e8m0/pct:99/stochastic");
    check_ok(quant_parse(&s, "int4/row/nearest", &d, &err), err);
    assert_string_equal(quant_print(buf, &s), "int4/row/bf16/pct:99/nearest");
}

static void wrong_texts_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "int4/g", "unknown quantizer part 'g'" },
        { "int4/rwo", "did you mean 'row'" },
        { "int4/g0", "unknown quantizer part 'g0'" },
        { "int4/pct:0", "unknown quantizer part 'pct:0'" },
        { "int4/pct:101", "unknown quantizer part" },
        { "int4/nearst", "did you mean 'nearest'" },
        { "mxpf4", "number format 'mxpf4', did you mean 'mxfp4'?" },
        { "in4/g32", "number format 'in4', did you mean 'int4'?" },
        { "quux", "unknown number format 'quux': intN" },
        { "/g32", "a number format is missing" },
        { "", "a number format is missing" },
        { "int4/e8m1", "did you mean 'e8m0'" },
    };
    struct quant_spec s;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(quant_parse(&s, table[i].text, NULL, &err),
                         ERR_CONFIG);
        check_says(err, table[i].says);
    }
}

/* Word for word, because people and scripts know these sentences. */
static void sentences_name_every_word_there_is(void **state)
{
    static const struct {
        const char *text;
        struct quant_defaults d;
        const char *sentence;
    } table[] = {
        { "int4/zzz", { 0 },
          "unknown quantizer part 'zzz': gN, row, tensor, a scale format, "
          "absmax, pct:P, nearest or stochastic" },
        { "int4/pct", { 0 },
          "unknown quantizer part 'pct': gN, row, tensor, a scale format, "
          "absmax, pct:P, nearest or stochastic" },
        { "int4/pct:99x", { 0 },
          "unknown quantizer part 'pct:99x': gN, row, tensor, a scale format, "
          "absmax, pct:P, nearest or stochastic" },
        { "int4/g16777217", { 0 },
          "unknown quantizer part 'g16777217': gN, row, tensor, a scale "
          "format, absmax, pct:P, nearest or stochastic" },
        { "int4/1.5", { 0 },
          "unknown quantizer part '1.5': gN, row, tensor, a scale format, "
          "absmax, pct:P, nearest or stochastic" },
        { "int4/e8m0-flor", { 0 },
          "unknown quantizer part 'e8m0-flor', did you mean 'e8m0-floor'?" },
        { "int4/tensr", { 0 },
          "unknown quantizer part 'tensr', did you mean 'tensor'?" },
        { "int4/absmx", { 0 },
          "unknown quantizer part 'absmx', did you mean 'absmax'?" },
        { "int4", { .group = "2k" },
          "group '2k' is not a number of elements, row or tensor" },
        { "int4", { .group = "0" },
          "group '0' is not a number of elements, row or tensor" },
        { "int4", { .scale = "fp16" }, "unknown scale format 'fp16'" },
        { "int4", { .range = "max" },
          "range 'max' is not absmax or pct:P with 0 < P <= 100" },
        { "int4", { .range = "pct:0" },
          "range 'pct:0' is not absmax or pct:P with 0 < P <= 100" },
        { "int4", { .round = "up" },
          "rounding 'up' is not nearest or stochastic" },
        { "int4", { "x", "x", "x", "x" },
          "group 'x' is not a number of elements, row or tensor" },
    };
    struct quant_spec s;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(quant_parse(&s, table[i].text, &table[i].d, &err),
                         ERR_CONFIG);
        assert_string_equal(err.text, table[i].sentence);
    }
}

/* Each format with each scale, granularity, range and rounding is a text that
 * reads back as itself, whatever the order of its parts. */
static void every_combination_reads_back_as_it_was_printed(void **state)
{
    static const char *const elems[] = { "int2", "int8n", "e2m1",
                                         "e4m3:ieee", "e3m0",
                                         "odd:-1:0:0.25:7" };
    static const char *const grans[] = { "g1", "g128", "g16777216", "row",
                                         "tensor" };
    static const char *const scales[] = { "fp32", "bf16", "e8m0", "e8m0-floor",
                                          "e8m0-round", "e4m3" };
    static const char *const ranges[] = { "absmax", "pct:99.9", "pct:1e-05" };
    static const char *const roundings[] = { "nearest", "stochastic" };
    struct quant_spec before;
    int n = 0;

    (void)state;
    for (int i = 0; i < 6 * 5 * 6 * 3 * 2; i++, n++) {
        const char *e = elems[i % 6], *g = grans[i / 6 % 5];
        const char *c = scales[i / 30 % 6], *r = ranges[i / 180 % 3];
        const char *m = roundings[i / 540];
        char *canonical = mem_printf("%s/%s/%s/%s/%s", e, g, c, r, m);
        char *turned = mem_printf("%s/%s/%s/%s/%s", e, m, r, c, g);
        char buf[QUANT_TEXT];
        struct quant_spec s = spec(canonical), t;

        assert_string_equal(quant_print(buf, &s), canonical);
        t = spec(turned);
        assert_string_equal(quant_print(buf, &t), canonical);
        assert_true(quant_equal(&s, &t));
        if (n > 0)
            assert_false(quant_equal(&s, &before));
        before = s;
        free(canonical);
        free(turned);
    }
    assert_int_equal(n, 1080);
}

/* Each field tells specs apart, what is off is all one, and what a cast leaves
 * out is the same for all casts. */
static void specs_are_equal_where_their_texts_are(void **state)
{
    static const char *const texts[] = {
        "int4",          "int8",           "int4/g16",
        "int4/row",      "int4/tensor",    "int4/bf16",
        "int4/pct:99",   "int4/pct:99.9",  "int4/stochastic",
        "a:-1:0:1",      "a:-1:0:2",       "b:-1:0:1",
        "bf16",          "bf16/row/e8m0",  "bf16/stochastic",
        "e2m1",          "e2m1:finite",    "none",
        "mxfp4",         "e2m1/g32/e8m0",  "e8m7",
        "bf16/pct:3/g4", "int4/pct:100",   "fp32",
    };
    enum { COUNT = sizeof texts / sizeof texts[0] };

    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++) {
            const struct quant_spec a = spec(texts[i]), b = spec(texts[k]);
            char first[QUANT_TEXT], second[QUANT_TEXT];

            quant_print(first, &a);
            quant_print(second, &b);
            assert_int_equal(quant_equal(&a, &b), strcmp(first, second) == 0);
        }
}

static void every_row_is_complete(void **state)
{
    const char *const keys[] = { "group", "scale", "range", "round" };

    (void)state;
    for (int f = 0; f < QUANT_FIELDS; f++) {
        const struct quant_word *w;
        int n = 0;

        assert_int_equal(quant_field_find(keys[f]), f);
        for (; (w = quant_word_at((enum quant_field)f, n)); n++)
            assert_true(*w->name && strlen(w->name) < 16 && *w->help);
        assert_true(n >= 2);
    }
    assert_int_equal(quant_field_find("w"), QUANT_FIELDS);
    for (int i = 0; i < QUANT_GRANS; i++)
        assert_true(quant_grans[i].kind && quant_grans[i].length);
    for (int i = 0; i < n_quant_scales; i++) {
        assert_non_null(quant_scales[i].round);
        assert_true(quant_scales[i].bits > 0);
    }
    for (int i = 0; i < n_quant_ranges; i++)
        assert_non_null(quant_ranges[i].of);
    for (int i = 0; i < n_num_roundings; i++)
        assert_true(num_roundings[i].steps && num_roundings[i].between);
}

static void lists_say_every_word(void **state)
{
    static const struct {
        enum quant_field field;
        const char *choices, *syntax;
    } table[] = {
        { QUANT_FIELD_GRAN, "gN|row|tensor", "[/gN|/row|/tensor]" },
        { QUANT_FIELD_SCALE, "fp32|bf16|e8m0|e8m0-floor|e8m0-round|e4m3",
          "[/SCALE]" },
        { QUANT_FIELD_RANGE, "absmax|pct:P", "[/absmax|/pct:P]" },
        { QUANT_FIELD_ROUND, "nearest|stochastic", "[/nearest|/stochastic]" },
    };
    char *prose = quant_prose(QUANT_FIELD_RANGE);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *choices = quant_choices(table[i].field);
        char *syntax = quant_syntax(table[i].field);

        assert_string_equal(choices, table[i].choices);
        assert_string_equal(syntax, table[i].syntax);
        free(choices);
        free(syntax);
    }
    assert_string_equal(prose,
                        "absmax, or pct:P, a percentile of the magnitudes");
    free(prose);
}

/* A row of the test's own, so that what no row has yet is held too. */
static void a_word_reads_its_numbers_within_their_bounds(void **state)
{
    static const struct quant_word w = {
        "clip", "for this test",
        .param = { { ":", "C", 0, 1, .open = true },
                   { ":steps=", "S", 2, 64, .whole = true } }
    };
    static const char *const wrong[] = {
        "clip",           "clip:0.5",         "clip:0:steps=8",
        "clip:1.5:steps=8", "clip:0.5:steps=1", "clip:0.5:steps=65",
        "clip:0.5:steps=2.5", "clip:0.5:steps=8x", "clip:0.5:8",
        "clop:0.5:steps=8", "clip:x:steps=8", "",
    };
    double param[QUANT_PARAMS];
    char buf[QUANT_WORD];
    struct str form = { 0 };

    (void)state;
    assert_true(quant_word_read(param, &w, "clip:0.1234567:steps=64"));
    check_close(param[0], 0.1234567, 0);
    check_close(param[1], 64, 0);
    assert_string_equal(quant_word_print(buf, &w, param, false),
                        "clip:0.1234567:steps=64");
    assert_string_equal(quant_word_print(buf, &w, param, true),
                        "clip:0.123457:steps=64");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(quant_word_read(param, &w, wrong[i]));
    quant_word_spell(&form, &w);
    assert_string_equal(str_text(&form),
                        "clip:C:steps=S with 0 < C <= 1 and 2 <= S <= 64");
    str_release(&form);
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
    const float x[8] = { 0.7f, -0.7f, 0.24f, 0.26f, 0.0f, -0.06f, 0.05f,
                         -0.35f };
    const float want[8] = { 7, -7, 2, 3, 0, -1, 0, -4 };
    float value[8], code[8], scale;
    uint8_t inside[8];
    const struct quant_out out = { value, code, &scale, inside, NULL };

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
    const struct quant_out out = { value, code, &scale, NULL, NULL };

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
            check_close((double)code[k],
                        (double)num_round(&s.elem, x[k] / scale, NUM_NEAREST,
                                          0),
                        0);
    }
}

/* NVFP4 (arXiv 2509.25149): global = amax / (448 * 6); the scale of the block
 * that holds the amax is then 448 of e4m3 exactly. */
static void two_level_scales_reach_their_largest_code(void **state)
{
    const struct quant_spec s = spec("nvfp4");
    float x[32] = { 0 }, scale[2];
    const struct quant_out out = { .scale = scale };
    const float global = 3.0f / (448.0f * 6.0f);

    (void)state;
    x[3] = 3.0f;
    x[20] = 1e-7f; /* its ideal scale underflows e4m3 */
    assert_true(
        quant_apply_ref(&s, &out, x, 1, 32, QUANT_ALONG_COLS, 0, NULL));
    check_relative((double)scale[0], (double)(448 * global), 1e-7);
    check_close((double)scale[1], (double)(0x1p-9f * global), 0);
}

static void values_do_not_change_when_quantized_again(void **state)
{
    static const char *const texts[] = {
        "mxint8", "mxfp8", "mxint6", "mxfp6", "mxint4", "mxfp4", "int4/g16",
        "e4m3/row", "e3m2/g32", "mxfp4/e8m0-floor", "mxfp8/e8m0-floor",
    };
    const uint64_t key = rng_key(2, RNG_TEST, 0);
    float x[256], once[256], twice[256];
    const struct quant_out first = { .value = once };
    const struct quant_out second = { .value = twice };

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        const struct quant_spec s = spec(texts[t]);

        for (uint64_t i = 0; i < 256; i++) {
            const double z = rng_normal(key, 256 * t + i);

            x[i] = (float)(z * z * z); /* heavy tails */
        }
        assert_true(
            quant_apply_ref(&s, &first, x, 4, 64, QUANT_ALONG_COLS, 0, NULL));
        assert_true(quant_apply_ref(&s, &second, once, 4, 64,
                                    QUANT_ALONG_COLS, 0, NULL));
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
    const struct quant_out out = { .value = y }, out_t = { .value = yt };

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        const struct quant_spec s = spec(texts[t]);

        for (int i = 0; i < R * C; i++)
            x[i] = (float)rng_normal(9, (uint64_t)i);
        for (int i = 0; i < R; i++)
            for (int j = 0; j < C; j++)
                xt[j * R + i] = x[i * C + j];
        assert_true(quant_apply_ref(&s, &out, x, R, C, QUANT_ALONG_ROWS, 0,
                                    work));
        assert_true(quant_apply_ref(&s, &out_t, xt, C, R, QUANT_ALONG_COLS, 0,
                                    work));
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
    const struct quant_out out = { value, NULL, &scale, inside, NULL };

    (void)state;
    for (int i = 0; i < 10; i++)
        x[i] = (float)(i + 1);
    assert_true(
        quant_apply_ref(&s, &out, x, 1, 10, QUANT_ALONG_COLS, 0, work));
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
    const struct quant_out out = { .elem = code, .scale = scale };
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
                                            (enum quant_axis)axis, key,
                                            NULL));
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
    const struct quant_out out = { .elem = code, .scale = &scale };
    struct err err;
    int differ = 0;

    (void)state;
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
        for (int amax = 1; amax < 200; amax += 7) {
            const struct kernels *kn;

            check_ok(kernels_select(&kn, sets[isa], &err), err);
            x[0] = (float)amax; /* x / (x / 127) is not always 127 */
            for (int i = 1; i < N; i++) /* next to half-way */
                x[i] = (float)((i % 126 + 0.5) * amax / 127);
            assert_true(kn->quant_apply(&s, &out, x, 1, N, QUANT_ALONG_COLS,
                                        0, NULL));
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
    static const char *const texts[] = { "int4/g4", "nvfp4/g4", "mxfp4/g4",
                                         "int8/tensor", "bf16", "e3m0/g4" };
    struct err err;

    (void)state;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        for (int isa = 0; isa <= (int)kernels_cpu(); isa++) {
            const struct quant_spec s = spec(texts[t]);
            const struct kernels *kn;
            float x[40] = { 0 }, y[40];
            const struct quant_out out = { .value = y };

            check_ok(kernels_select(&kn, sets[isa], &err), err);
            for (int axis = 0; axis < 2; axis++) {
                memset(x, 0, sizeof x);
                assert_true(kn->quant_apply(&s, &out, x, 4, 10,
                                            (enum quant_axis)axis, 0, NULL));
                for (int i = 0; i < 40; i++)
                    check_close((double)y[i], 0, 0);
                for (int at = 0; at < 40; at += 13) {
                    x[at] = NAN;
                    assert_false(kn->quant_apply(&s, &out, x, 4, 10,
                                                 (enum quant_axis)axis, 0,
                                                 NULL));
                    x[at] = -INFINITY;
                    assert_false(kn->quant_apply(&s, &out, x, 4, 10,
                                                 (enum quant_axis)axis, 0,
                                                 NULL));
                    x[at] = 0;
                }
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_one_canonical_spelling),
        cmocka_unit_test(base_keys_fill_what_the_text_leaves_open),
        cmocka_unit_test(wrong_texts_say_what_is_wrong),
        cmocka_unit_test(sentences_name_every_word_there_is),
        cmocka_unit_test(every_combination_reads_back_as_it_was_printed),
        cmocka_unit_test(specs_are_equal_where_their_texts_are),
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(lists_say_every_word),
        cmocka_unit_test(a_word_reads_its_numbers_within_their_bounds),
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
