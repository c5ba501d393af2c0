/* The text of a quantizer: how it is read, printed, compared, and refused. */
#include "kernels/quant.h"

#include <string.h>

#include "base/str.h"
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
        { "e2m1/asym",
          "asym: a zero point is for integers, which e2m1 is not" },
        { "bf16/asymf", "asymf: a zero point is for integers" },
        { "int4/had24", "unknown quantizer part 'had24'" },
        { "int4/lp:0", "unknown quantizer part 'lp:0'" },
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

#define ALL_WORDS                                                              \
    "gN, row, tensor, tileN, chan, a scale format, absmax, pct:P, full, "      \
    "lp:P, "                                                                   \
    "kl:N, "                                                                   \
    "nearest, stochastic, sym, asym, asymf, plain, hadN, dynamic or static"

/* Word for word, because people and scripts know these sentences. */
static void sentences_name_every_word_there_is(void **state)
{
    static const struct {
        const char *text;
        struct quant_defaults d;
        const char *sentence;
    } table[] = {
        { "int4/zzz", { 0 }, "unknown quantizer part 'zzz': " ALL_WORDS },
        { "int4/pct", { 0 }, "unknown quantizer part 'pct': " ALL_WORDS },
        { "int4/pct:99x",
          { 0 },
          "unknown quantizer part 'pct:99x': " ALL_WORDS },
        { "int4/g16777217",
          { 0 },
          "unknown quantizer part 'g16777217': " ALL_WORDS },
        { "int4/1.5", { 0 }, "unknown quantizer part '1.5': " ALL_WORDS },
        { "int4/e8m0-flor",
          { 0 },
          "unknown quantizer part 'e8m0-flor', did you mean 'e8m0-floor'?" },
        { "int4/tensr",
          { 0 },
          "unknown quantizer part 'tensr', did you mean 'tensor'?" },
        { "int4/absmx",
          { 0 },
          "unknown quantizer part 'absmx', did you mean 'absmax'?" },
        { "int4",
          { .group = "2k" },
          "group '2k' is not a number of elements, row, tensor, tileN or "
          "chan" },
        { "int4",
          { .group = "0" },
          "group '0' is not a number of elements, row, tensor, tileN or chan" },
        { "int4", { .scale = "fp61" }, "unknown scale format 'fp61'" },
        { "int4",
          { .range = "max" },
          "range 'max' is not absmax, pct:P with 0 < P <= 100, full, lp:P with "
          "0 < P <= 16 or kl:N with 16 <= N <= 16384" },
        { "int4",
          { .range = "pct:0" },
          "range 'pct:0' is not absmax, pct:P with 0 < P <= 100, full, lp:P "
          "with "
          "0 < P <= 16 or kl:N with 16 <= N <= 16384" },
        { "int4",
          { .round = "up" },
          "rounding 'up' is not nearest or stochastic" },
        { "int4",
          { "x", "x", "x", "x" },
          "group 'x' is not a number of elements, row, tensor, tileN or chan" },
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
    static const char *const elems[] = {
        "int2", "int8n", "e2m1", "e4m3:ieee", "e3m0", "odd:-1:0:0.25:7"
    };
    static const char *const grans[] = { "g1", "g128", "g16777216", "row",
                                         "tensor" };
    static const char *const scales[] = { "fp32",       "bf16",       "e8m0",
                                          "e8m0-floor", "e8m0-round", "e4m3" };
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
        "int4",
        "int8",
        "int4/g16",
        "int4/row",
        "int4/tensor",
        "int4/bf16",
        "int4/pct:99",
        "int4/pct:99.9",
        "int4/stochastic",
        "a:-1:0:1",
        "a:-1:0:2",
        "b:-1:0:1",
        "bf16",
        "bf16/row/e8m0",
        "bf16/stochastic",
        "e2m1",
        "e2m1:finite",
        "none",
        "mxfp4",
        "e2m1/g32/e8m0",
        "e8m7",
        "bf16/pct:3/g4",
        "int4/pct:100",
        "fp32",
        "int4/asym",
        "int4/asymf",
        "int4/sym",
        "int4/had16",
        "int4/had32",
        "int4/plain",
        "int4/tile16",
        "int4/tile8",
        "int4/full",
        "int4/lp:2",
        "int4/kl:64",
        "int4/fp16",
        "int4/e4m3-one",
        "int4/e4m3",
        "int4/e4m3-pow2",
        "int4/static",
        "int4/chan/static",
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
    const char *const keys[] = { "group", "scale",     "range", "round",
                                 "zero",  "transform", "when" };

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
        { QUANT_FIELD_GRAN, "gN|row|tensor|tileN|chan",
          "[/gN|/row|/tensor|/tileN|/chan]" },
        { QUANT_FIELD_SCALE,
          "fp32|bf16|e8m0|e8m0-floor|e8m0-round|e4m3|fp16|e4m3-one|"
          "e4m3-pow2",
          "[/SCALE]" },
        { QUANT_FIELD_RANGE, "absmax|pct:P|full|lp:P|kl:N",
          "[/absmax|/pct:P|/full|/lp:P|/kl:N]" },
        { QUANT_FIELD_ROUND, "nearest|stochastic", "[/nearest|/stochastic]" },
        { QUANT_FIELD_ZERO, "sym|asym|asymf", "[/sym|/asym|/asymf]" },
        { QUANT_FIELD_TRANSFORM, "plain|hadN", "[/plain|/hadN]" },
        { QUANT_FIELD_WHEN, "dynamic|static", "[/dynamic|/static]" },
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
    assert_true(text_has_prefix(prose, "absmax, or pct:P, a percentile of the "
                                       "magnitudes, or full, "));
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
        "clip",
        "clip:0.5",
        "clip:0:steps=8",
        "clip:1.5:steps=8",
        "clip:0.5:steps=1",
        "clip:0.5:steps=65",
        "clip:0.5:steps=2.5",
        "clip:0.5:steps=8x",
        "clip:0.5:8",
        "clop:0.5:steps=8",
        "clip:x:steps=8",
        "",
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

/* Only what stands before the first part may be a table of codes. */
static void a_brief_text_leaves_out_codes_and_nothing_else(void **state)
{
    static const struct {
        const char *text, *brief;
    } cases[] = {
        { "nf4:-1:0:1/g32/e8m0", "nf4/g32/e8m0" },
        { "nf4:-1:0:1", "nf4" },
        { "e2m1/g32/e8m0/pct:99/stochastic",
          "e2m1/g32/e8m0/pct:99/stochastic" },
        { "nf4:-1:0:1/g32/pct:99", "nf4/g32/pct:99" },
        { "e2m1:finite/g32", "e2m1:finite/g32" },
        { "int4", "int4" },
        { "none", "none" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *brief = quant_brief(cases[i].text);

        assert_string_equal(brief, cases[i].brief);
        free(brief);
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
        cmocka_unit_test(a_brief_text_leaves_out_codes_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
