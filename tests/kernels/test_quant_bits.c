/* The bits of the quantizer as they were recorded: one hash for each element
 * format, scale format, range, rounding and granularity.
 *
 *   test_kernels_quant_bits tests/kernels/quant_bits.txt    compare
 *   test_kernels_quant_bits                                 print the table
 *
 * The table is a recording, not a definition (test_quant.c and test_num.c hold
 * that): a line that changes says that runs made before are no longer what the
 * same text makes now. */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"

enum { ROWS = 37, COLS = 40, N = ROWS * COLS };

static const char *const elems[] = {
    "int4",       "int8n", "e2m1", "e4m3",
    "e2m3:nosub", "e3m0",  "e6m3", "odd:-1:-0.3:-0.299:0.001:0.5:7.25:8",
};
static const char *const casts[] = { "bf16", "fp16", "e8m7", "e10m5" };
static const char *const scales[] = { "fp32",       "bf16",       "e8m0",
                                      "e8m0-floor", "e8m0-round", "e4m3" };
static const char *const ranges[] = { "absmax", "pct:90" };
static const char *const roundings[] = { "nearest", "stochastic" };
static const char *const grans[] = { "g4", "g16", "g20", "row", "tensor" };
#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

static const char *const sets[ISA_COUNT] = { "ref", "avx2", "avx512" };

/* Sums of uniforms, which every C library adds alike; with zeros, ties, wide
 * and narrow rows and some at the ends of float. */
static void fill(float *x)
{
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t row = i / COLS;
        double sum = -2;

        for (uint64_t k = 0; k < 4; k++)
            sum += (double)rng_f32(11, 4 * i + k);
        x[i] = (float)sum * (row % 3 == 0 ? 4 : 0.03125f);
        if (i % 5 == 0)
            x[i] = rintf(x[i] * 8) / 2;
        if (i % 17 == 0 || row == 7)
            x[i] = -0.0f;
        if (row == 11)
            x[i] *= 0x1p-118f;
        if (row == 13)
            x[i] *= 0x1p118f;
    }
}

/* FNV-1a. */
static uint32_t add(uint32_t hash, const void *data, size_t size)
{
    const unsigned char *byte = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT32_C(16777619);
    return hash;
}

static uint32_t bits_of(const struct kernels *kn, const char *text)
{
    struct quant_spec spec;
    struct err err;
    float x[N], value[N], code[N], scale[N], work[N];
    uint8_t inside[N];
    int8_t bytes[N];
    uint32_t hash = UINT32_C(2166136261);

    check_ok(quant_parse(&spec, text, NULL, &err), err);
    fill(x);
    for (int axis = 0; axis < 2; axis++) {
        const struct quant_io out = { .value = value,
                                      .elem = code,
                                      .scale = scale,
                                      .inside = inside,
                                      .code = quant_has_int8(&spec) ? bytes
                                                                    : NULL };

        memset(scale, 0, sizeof scale);
        memset(bytes, 0, sizeof bytes);
        assert_true(kn->quant_apply(&spec, &out, x, ROWS, COLS,
                                    (enum quant_axis)axis, 5, work));
        hash = add(hash, value, sizeof value);
        hash = add(hash, code, sizeof code);
        hash = add(hash, scale, sizeof scale);
        hash = add(hash, inside, sizeof inside);
        hash = add(hash, bytes, sizeof bytes);
    }
    return hash;
}

/* "int4/fp32/absmax/nearest 0badcafe ...", a hash for each granularity; a
 * table of codes goes by its name. */
static void add_line(struct str *s, const struct kernels *kn, const char *elem,
                     const char *rest, size_t n_grans)
{
    str_addf(s, "%.*s%s", (int)(strlen(elem) > 12 ? strcspn(elem, ":") : 12),
             elem, rest);
    for (size_t g = 0; g < n_grans; g++) {
        char *text = mem_printf("%s%s/%s", elem, rest, grans[g]);

        str_addf(s, " %08x", (unsigned)bits_of(kn, text));
        free(text);
    }
    str_add_char(s, '\n');
}

static char *table_of(const struct kernels *kn)
{
    struct str s = { 0 };

    str_add(&s, "# Recorded by test_quant_bits.c: g4 g16 g20 row tensor\n");
    for (size_t e = 0; e < LENGTH(elems); e++)
        for (size_t c = 0; c < LENGTH(scales); c++)
            for (size_t r = 0; r < LENGTH(ranges); r++)
                for (size_t m = 0; m < LENGTH(roundings); m++) {
                    char *rest = mem_printf("/%s/%s/%s", scales[c], ranges[r],
                                            roundings[m]);

                    add_line(&s, kn, elems[e], rest, LENGTH(grans));
                    free(rest);
                }
    for (size_t e = 0; e < LENGTH(casts); e++)
        for (size_t m = 0; m < LENGTH(roundings); m++) {
            char *rest = mem_printf("/%s", roundings[m]);

            add_line(&s, kn, casts[e], rest, 1);
            free(rest);
        }
    return str_steal(&s);
}

/* Line by line, so that what differs is named. */
static void bits_are_those_recorded(void **state)
{
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++) {
        const struct kernels *kn;
        struct err err;
        FILE *file = fopen(*state, "r");
        char *text, *save = NULL, *line, want[128];
        int lines = 0;

        assert_non_null(file);
        check_ok(kernels_select(&kn, sets[isa], &err), err);
        text = table_of(kn);
        for (line = strtok_r(text, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save), lines++) {
            assert_non_null(fgets(want, sizeof want, file));
            want[strcspn(want, "\n")] = '\0';
            assert_string_equal(line, want);
        }
        assert_null(fgets(want, sizeof want, file));
        assert_true(lines > 200);
        fclose(file);
        free(text);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(bits_are_those_recorded, argv[1]),
    };
    const struct kernels *ref;
    char *text;

    if (argc > 1)
        return cmocka_run_group_tests(tests, NULL, NULL);
    if (kernels_select(&ref, "ref", NULL) != OK)
        return 1;
    text = table_of(ref);
    fputs(text, stdout);
    free(text);
    return 0;
}
