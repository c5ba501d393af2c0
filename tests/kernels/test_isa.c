/* Every instruction set gives the bits of the reference, on awkward sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"

static const char *const names[ISA_COUNT] = { "ref", "avx2", "avx512" };
static const struct kernels *sets[ISA_COUNT];
static int n_sets;

static int find_sets(void **state)
{
    struct err err;

    (void)state;
    n_sets = (int)kernels_cpu() + 1;
    for (int i = 0; i < n_sets; i++)
        check_ok(kernels_select(&sets[i], names[i], &err), err);
    if (n_sets < ISA_COUNT)
        print_message("SKIPPED in part: this CPU has only %s\n",
                      names[n_sets - 1]);
    return 0;
}

/* n numbers around 0, at an address that is not a multiple of the vector. */
static float *some(size_t n, uint64_t key)
{
    float *p = mem_array(n + 1, sizeof *p);

    for (size_t i = 0; i <= n; i++)
        p[i] = (float)rng_normal(key, i);
    return p;
}

static const int sizes[] = { 1,  2,  3,  5,  6,  7,  8,  13,
                             14, 15, 16, 17, 31, 33, 67, 130 };
#define N_SIZES (int)(sizeof sizes / sizeof sizes[0])

/* --- products ---------------------------------------------------------------- */

typedef void gemm_function(const struct gemm *g);

static gemm_function *orientation(const struct kernels *kn, int o)
{
    return o == 0 ? kn->gemm_nt : o == 1 ? kn->gemm_nn : kn->gemm_tn;
}

/* |fl(dot) - dot| <= gamma_k sum |a||b|, gamma_k = k u / (1 - k u), for any
 * order of summation (Higham 2002, section 3.1), u = 2^-24. */
static void check_product(const struct gemm *g, int o, const float *start)
{
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            const double u = 0x1p-24, k = g->k + 1;
            double sum = g->accumulate ? (double)start[i * g->ldc + j] : 0;
            double size = fabs(sum);

            for (int p = 0; p < g->k; p++) {
                const double a = (double)(o == 2 ? g->a[p * g->lda + i]
                                                 : g->a[i * g->lda + p]);
                const double b = (double)(o == 0 ? g->b[j * g->ldb + p]
                                                 : g->b[p * g->ldb + j]);

                sum += a * b;
                size += fabs(a * b);
            }
            check_close((double)g->c[i * g->ldc + j], sum,
                        k * u / (1 - k * u) * size);
        }
}

/* The same product with B arranged beforehand, then rows in two stretches; C
 * starts as start does and becomes what want is. */
static void in_stretches(void (*product)(const struct gemm *g), struct gemm g,
                         int o, const float *start, const float *want)
{
    const size_t bytes = sizeof(float) * (size_t)((g.m - 1) * g.ldc + g.n);
    const int half = g.m / 2, m = g.m;
    float *c = mem_alloc(bytes);
    const float *a = g.a;

    memcpy(c, start, bytes);
    g.packed = aligned_alloc(64, kernels_packed_bytes(g.n, g.k));
    g.pack = true;
    g.m = 0;
    g.c = c;
    product(&g);
    g.pack = false;
    for (int at = 0; at < m; at += g.m) {
        g.m = at ? m - at : half ? half : m;
        g.a = a + (o == 2 ? at : at * g.lda);
        g.c = c + at * g.ldc;
        product(&g);
    }
    assert_memory_equal(c, want, bytes);
    free(g.packed);
    free(c);
}

static void compare_products(int o, int m, int n, int k, int extra, bool acc)
{
    const int lda = (o == 2 ? m : k) + extra, ldb = (o == 0 ? k : n) + extra;
    const int ldc = n + extra;
    const int rows_a = o == 2 ? k : m, rows_b = o == 0 ? n : k;
    float *a = some((size_t)(rows_a * lda), 1);
    float *b = some((size_t)(rows_b * ldb), 2);
    float *start = some((size_t)(m * ldc), 3), *c[ISA_COUNT];
    void *work = aligned_alloc(64, GEMM_WORK);

    for (int s = 0; s < n_sets; s++) {
        struct gemm g = { .a = a + 1,
                          .b = b + 1,
                          .ldc = ldc,
                          .lda = lda,
                          .ldb = ldb,
                          .m = m,
                          .n = n,
                          .k = k,
                          .accumulate = acc,
                          .work = work };

        c[s] = some((size_t)(m * ldc), 3);
        g.c = c[s] + 1;
        orientation(sets[s], o)(&g);
        if (s == 0)
            check_product(&g, o, start + 1);
        else
            assert_memory_equal(c[0], c[s],
                                sizeof(float) * (size_t)(m * ldc + 1));
        in_stretches(orientation(sets[s], o), g, o, start + 1, c[s] + 1);
    }
    for (int s = 0; s < n_sets; s++)
        free(c[s]);
    free(work);
    free(start);
    free(b);
    free(a);
}

static void products_have_the_bits_of_the_reference(void **state)
{
    (void)state;
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < N_SIZES; i++)
            for (int j = 0; j < N_SIZES; j++)
                compare_products(o, sizes[i], sizes[j],
                                 sizes[(i * 7 + j * 3) % N_SIZES], (i + j) % 3,
                                 (i + j) % 2);
}

/* Longer than a block of k and wider than a block of n. */
static void blocks_do_not_show_in_the_bits(void **state)
{
    (void)state;
    for (int o = 0; o < 3; o++) {
        compare_products(o, 9, 33, 777, 1, false);
        compare_products(o, 7, 1100, 40, 0, true);
        compare_products(o, 40, 17, 513, 0, true);
    }
}

/* --- bf16 -------------------------------------------------------------------- */

/* Where there are instructions: the bits of the reference on operands that are
 * rounded first, a lost minus of a zero apart. */
static void compare_rounded(int o, int m, int n, int k, bool acc)
{
    const struct kernels *kn = sets[n_sets - 1], *ref = sets[0];
    const int lda = (o == 2 ? m : k) + 1, ldb = (o == 0 ? k : n) + 3;
    const int na = lda * (o == 2 ? k : m), nb = ldb * (o == 0 ? n : k);
    float *a = some((size_t)na, 1), *b = some((size_t)nb, 2);
    float *ra = mem_array((size_t)na + 1, sizeof *ra);
    float *rb = mem_array((size_t)nb + 1, sizeof *rb);
    float *c[2] = { some((size_t)(m * n), 3), some((size_t)(m * n), 3) };
    struct gemm g = { .a = a + 1,
                      .b = b + 1,
                      .c = c[0],
                      .ldc = n,
                      .lda = lda,
                      .ldb = ldb,
                      .m = m,
                      .n = n,
                      .k = k,
                      .accumulate = acc,
                      .work = aligned_alloc(64, GEMM_WORK) };
    struct num_format bf16;
    struct err err;

    void (*product)(const struct gemm *) = o == 0   ? kn->bf16_nt
                                           : o == 1 ? kn->bf16_nn
                                                    : kn->bf16_tn;

    check_ok(num_find(&bf16, "bf16", &err), err);
    product(&g);
    in_stretches(product, g, o, c[1], c[0]);
    for (int i = 0; i <= na; i++)
        ra[i] = num_round(&bf16, a[i], NUM_NEAREST, 0);
    for (int i = 0; i <= nb; i++)
        rb[i] = num_round(&bf16, b[i], NUM_NEAREST, 0);
    g.a = ra + 1;
    g.b = rb + 1;
    g.c = c[1];
    orientation(ref, o)(&g);
    for (int i = 0; i < m * n; i++)
        check_close((double)c[0][i], (double)c[1][i], 0);
    free(g.work);
    free(a);
    free(b);
    free(ra);
    free(rb);
    free(c[0]);
    free(c[1]);
}

static void bf16_products_are_those_of_rounded_operands(void **state)
{
    (void)state;
    if (!sets[n_sets - 1]->bf16_nt) {
        print_message("SKIPPED: this CPU has no bf16 products\n");
        skip();
    }
    for (int o = 0; o < 3; o++) {
        for (int i = 0; i < N_SIZES; i++)
            for (int j = 0; j < N_SIZES; j++)
                compare_rounded(o, sizes[i], sizes[j],
                                sizes[(i * 7 + j * 3) % N_SIZES], (i + j) % 2);
        compare_rounded(o, 9, 33, 777, false);
        compare_rounded(o, 7, 1100, 40, true);
        compare_rounded(o, 40, 17, 513, true);
    }
}

/* --- rows -------------------------------------------------------------------- */

/* Run f for each set on its own copy of the outputs and compare them. */
struct row_case {
    int rows, c;
    float *x, *y, *w, *g;  /* inputs */
    float *out[ISA_COUNT]; /* 4 * rows * c */
};

typedef void row_function(const struct kernels *kn, const struct row_case *k,
                          float *out);

static void run_norm(const struct kernels *kn, const struct row_case *k,
                     float *out)
{
    const size_t n = (size_t)k->rows * (size_t)k->c;
    float *rstd = out + 3 * n;

    kn->rmsnorm_forward(out, rstd, k->x, k->w, k->rows, k->c, 1e-5f);
    kn->rmsnorm_backward(out + n, k->y, k->x, k->w, rstd, k->rows, k->c);
    kn->rmsnorm_dweight(out + 2 * n, k->y, k->x, rstd, k->rows, k->c);
}

static void run_swiglu(const struct kernels *kn, const struct row_case *k,
                       float *out)
{
    const size_t n = (size_t)k->rows * (size_t)k->c;

    kn->swiglu_forward(out, k->g, k->rows, k->c);
    kn->swiglu_backward(out + n, k->y, k->g, k->rows, k->c);
}

static void run_loss(const struct kernels *kn, const struct row_case *k,
                     float *out)
{
    int target[64];

    for (int i = 0; i < k->rows; i++)
        target[i] = (i * 5) % k->c;
    memcpy(out, k->g, sizeof(float) * (size_t)k->rows * (size_t)k->c);
    kn->cross_entropy(out + 2 * k->rows * k->c, out, target, k->rows, k->c,
                      k->c % 2 ? 0.25f : 0);
}

static void run_rope(const struct kernels *kn, const struct row_case *k,
                     float *out)
{
    const int half = k->c / 2;

    memcpy(out, k->x, sizeof(float) * (size_t)k->rows * (size_t)k->c);
    if (half > 0)
        kn->rope(out, k->c, k->rows, 1, 2 * half, 3, k->g,
                 k->rows % 2 ? 1 : -1);
}

static void run_update(const struct kernels *kn, const struct row_case *k,
                       float *out)
{
    const size_t n = (size_t)k->rows * (size_t)k->c;
    const struct adamw step = { 0.01f, 0.9f, 0.95f, 1e-8f,
                                0.1f,  0.1f, 0.05f, 0.7f };

    memcpy(out, k->x, n * sizeof *out);
    memcpy(out + n, k->y, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[2 * n + i] = k->g[i] * k->g[i];
    kn->adamw(out, out + n, out + 2 * n, k->g, n, &step);
    kn->add(out, k->y, n);
    out[3 * n] = (float)kn->sum_squares(k->x, n);
}

static void compare_rows(row_function *f)
{
    for (int i = 0; i < N_SIZES; i++)
        for (int rows = 1; rows <= 33; rows += 16) {
            struct row_case k = { .rows = rows, .c = sizes[i] };
            const size_t n = (size_t)rows * (size_t)sizes[i];

            k.x = some(2 * n, 5) + 1;
            k.y = some(2 * n, 6) + 1;
            k.w = some(2 * n, 7) + 1;
            k.g = some(2 * n + 3 * 140, 8) + 1;
            for (size_t q = 0; q < 2 * n; q += 9)
                k.g[q] *= 40; /* reach the ends of exp */
            for (int s = 0; s < n_sets; s++) {
                k.out[s] = mem_array(4 * n + 64, sizeof(float));
                f(sets[s], &k, k.out[s]);
                assert_memory_equal(k.out[0], k.out[s],
                                    (4 * n + 64) * sizeof(float));
            }
            for (int s = 0; s < n_sets; s++)
                free(k.out[s]);
            free(k.x - 1);
            free(k.y - 1);
            free(k.w - 1);
            free(k.g - 1);
        }
}

static void norms_have_the_bits_of_the_reference(void **state)
{
    (void)state;
    compare_rows(run_norm);
}

static void swiglu_has_the_bits_of_the_reference(void **state)
{
    (void)state;
    compare_rows(run_swiglu);
}

static void the_loss_has_the_bits_of_the_reference(void **state)
{
    (void)state;
    compare_rows(run_loss);
}

/* Not far from exp, and the same everywhere. */
static void exponentials_have_the_bits_of_the_reference(void **state)
{
    enum { N = 1003 };
    float x[N];
    double out[ISA_COUNT][N];

    (void)state;
    for (int i = 0; i < N; i++)
        x[i] = 40 * (float)rng_normal(3, (uint64_t)i) - (i % 9 == 0 ? 700 : 0);
    for (int s = 0; s < n_sets; s++) {
        const double most = sets[s]->exp_below(out[s], x, N);

        for (int i = 0; i < N; i++)
            if ((double)x[i] - most > -700)
                check_relative(out[s][i], exp((double)x[i] - most), 1e-15);
            else
                assert_true(out[s][i] == 0);
        assert_memory_equal(out[0], out[s], sizeof out[0]);
    }
}

static int falling(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* As sorting says it, signs and ties among them. */
static void ranks_are_those_of_a_sorted_list(void **state)
{
    enum { N = 301 };
    float x[N], sorted[N], scratch[N];

    (void)state;
    for (int shift = -2; shift <= 2; shift++) {
        for (int i = 0; i < N; i++)
            x[i] = i % 5 == 0
                       ? (float)shift
                       : (float)shift + (float)rng_normal(5, (uint64_t)i);
        x[7] = -0.0f;
        x[8] = 3e38f;
        x[9] = -1e-40f;
        memcpy(sorted, x, sizeof x);
        qsort(sorted, N, sizeof *sorted, falling);
        for (int s = 0; s < n_sets; s++)
            for (int rank = 0; rank < N; rank++)
                assert_true(sets[s]->nth_largest(x, N, rank, scratch) ==
                            sorted[rank]);
    }
}

static void rope_has_the_bits_of_the_reference(void **state)
{
    (void)state;
    compare_rows(run_rope);
}

static void updates_have_the_bits_of_the_reference(void **state)
{
    (void)state;
    compare_rows(run_update);
}

/* --- attention ---------------------------------------------------------------- */

static void compare_attention(int seq, int head_size, float spread)
{
    const int ld = head_size + 3;
    const size_t n = (size_t)seq * (size_t)ld;
    float *q = some(n, 1), *k = some(n, 2), *v = some(n, 3), *d = some(n, 4);
    float *out[ISA_COUNT];
    void *work = aligned_alloc(
        64, (kernels_attention_work(seq, head_size) + 63) / 64 * 64);

    for (size_t i = 0; i < n; i++)
        q[i] *= spread;
    for (int s = 0; s < n_sets; s++) {
        float *o = out[s] = some(4 * n + 2 * (size_t)seq, 5);
        const struct attention a = {
            .q = q,
            .k = k,
            .v = v,
            .out = o,
            .stat = o + 4 * n,
            .ldq = ld,
            .ldk = ld,
            .ldv = ld,
            .ldo = ld,
            .seq = seq,
            .head_size = head_size,
            .scale = 0.25f,
            .dout = d,
            .dq = o + n,
            .dk = o + 2 * n,
            .dv = o + 3 * n,
            .lddo = ld,
            .lddq = ld,
            .lddk = ld,
            .lddv = ld,
            .work = work,
        };

        sets[s]->attention_forward(&a);
        sets[s]->attention_backward(&a);
        assert_memory_equal(out[0], out[s],
                            (4 * n + 2 * (size_t)seq) * sizeof(float));
    }
    for (int s = 0; s < n_sets; s++)
        free(out[s]);
    free(work);
    free(q);
    free(k);
    free(v);
    free(d);
}

static void attention_has_the_bits_of_the_reference(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZES; i++)
        compare_attention(sizes[i], sizes[(3 * i) % 10] * 2, 1);
    compare_attention(200, 32, 10);
    compare_attention(65, 16, 30);
}

/* --- quantizer ------------------------------------------------------------------ */

static void compare_spec(const struct quant_spec *spec, uint64_t salt)
{
    enum { N = 1480 };
    /* Some near the ends of float, where scales need care. */
    const float size = salt % 11 == 3   ? 0x1p-118f
                       : salt % 11 == 7 ? 0x1p118f
                                        : 1;
    float x[N], value[2][N], code[2][N], scale[2][N], work[3 * N];
    uint8_t inside[2][N];
    int8_t bytes[2][N];

    memset(bytes, 0, sizeof bytes);
    for (int axis = 0; axis < 2; axis++) {
        const int rows = axis ? 40 : 37, cols = axis ? 37 : 40;

        for (int i = 0; i < N; i++) {
            x[i] = (float)rng_normal(salt, (uint64_t)i);
            x[i] *= i / 40 % 3 == 0 ? size : 0.001f * size;
            if (i % 17 == 0)
                x[i] = -0.0f;
            if (i % 5 == 0)
                x[i] = rintf(x[i] / size * 8) * (size / 2); /* ties */
            if (i < 80 && salt % 4 == 0)
                x[i] = 0;
        }
        memset(scale, 0, sizeof scale);
        for (int s = 0; s < n_sets; s++) {
            const int to = s > 0;
            const struct quant_io out = {
                .value = value[to],
                .elem = code[to],
                .scale = scale[to],
                .inside = inside[to],
                .code = quant_has_int8(spec) ? bytes[to] : NULL,
            };

            assert_true(sets[s]->quant_apply(spec, &out, x, rows, cols,
                                             (enum quant_axis)axis, 5, work));
            if (s == 0)
                continue;
            assert_memory_equal(value[0], value[1], sizeof x);
            assert_memory_equal(code[0], code[1], sizeof x);
            assert_memory_equal(scale[0], scale[1], sizeof x);
            assert_memory_equal(inside[0], inside[1], sizeof inside[0]);
            assert_memory_equal(bytes[0], bytes[1], sizeof bytes[0]);
        }
    }
}

static struct quant_spec spec_of(const char *text)
{
    struct quant_spec spec;
    struct err err;

    check_ok(quant_parse(&spec, text, NULL, &err), err);
    return spec;
}

static void compare_quantizer(const char *text, uint64_t salt)
{
    const struct quant_spec spec = spec_of(text);

    compare_spec(&spec, salt);
}

/* The word of a row, with numbers at nine tenths of their span; whole ones, at
 * four times the least, which a rotation has. */
static const char *word_of(char buf[QUANT_WORD], const struct quant_word *w)
{
    double param[QUANT_PARAMS] = { 0 };

    for (int i = 0; i < QUANT_PARAMS && w->param[i].before; i++) {
        const struct quant_param *p = &w->param[i];
        const double x = p->least + 0.9 * (p->most - p->least);

        param[i] = p->whole ? 4 * p->least : x;
    }
    return quant_word_print(buf, w, param, false);
}

/* Read from the tables, so that a new row is compared too. */
static void every_row_has_the_bits_of_the_reference(void **state)
{
    static const char *const elems[] = { "int4", "e2m1", "e4m3", "e3m0",
                                         "odd:-1:-0.3:-0.299:0.001:7.25:8" };
    static const char *const grans[] = { "g4",  "g5",     "g16",
                                         "row", "tensor", "tile8" };
    const struct quant_word *w;
    uint64_t salt = 0;

    (void)state;
    for (int f = QUANT_FIELD_SCALE; f < QUANT_FIELDS; f++)
        for (int i = 0; (w = quant_word_at((enum quant_field)f, i)); i++)
            for (int k = 0; k < 5 * 6; k++) {
                char word[QUANT_WORD];
                char *text = mem_printf("%s/%s/%s", elems[k % 5], grans[k / 5],
                                        word_of(word, w));

                /* Zero points are for integers, static parts for all rows. */
                if ((f == QUANT_FIELD_ZERO && i != QUANT_SYM && k % 5 != 0) ||
                    (f == QUANT_FIELD_WHEN && i == QUANT_STATIC &&
                     (k / 5 == 3 || k / 5 == 5))) {
                    free(text);
                    continue;
                }
                compare_quantizer(text, salt++);
                free(text);
            }
}

/* Rows with scales that are given, some of them none. */
static void given_scales_have_the_bits_of_the_reference(void **state)
{
    enum { ROWS = 9, COLS = 84 };
    static const char *const texts[] = {
        "int4/g4/static",          "int8/chan/static",
        "int4/tensor/static",      "e2m1/g16/e4m3/static",
        "e4m3/g12/e8m0/static",    "int3/chan/stochastic/static",
        "int4/chan/asym/static",   "int4/g28/had4/static",
        "odd:-1:-0.3:0.1:7/static"
    };
    static float x[ROWS * COLS], value[2][ROWS * COLS], scale[COLS], zero[COLS];
    static uint8_t inside[2][ROWS * COLS];
    static float copy[2][COLS];

    (void)state;
    for (int i = 0; i < ROWS * COLS; i++)
        x[i] = i % 17 == 0 ? -0.0f : (float)rng_normal(77, (uint64_t)i);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int gap = 0; gap < 2; gap++) {
            const struct quant_spec s = spec_of(texts[i]);
            const size_t room =
                quant_work_size(&s, ROWS, COLS, QUANT_ALONG_COLS) + 1;
            const struct quant_io measure = { .scale = scale, .zero = zero };
            void *work = mem_alloc(room);

            assert_true(quant_apply_ref(&s, &measure, x, ROWS - 2, COLS,
                                        QUANT_ALONG_COLS, 1, work));
            if (gap)
                scale[0] = zero[0] = 0;
            for (int k = 0; k < n_sets; k++) {
                const struct quant_io use = { .value = value[k > 0],
                                              .inside = inside[k > 0],
                                              .scale = copy[k > 0],
                                              .scale_in = scale,
                                              .zero_in = zero };

                assert_true(sets[k]->quant_apply(&s, &use, x, ROWS, COLS,
                                                 QUANT_ALONG_COLS, 5, work));
                if (k == 0)
                    continue;
                assert_memory_equal(value[0], value[1], sizeof value[0]);
                assert_memory_equal(inside[0], inside[1], sizeof inside[0]);
                assert_memory_equal(copy[0], copy[1], sizeof copy[0]);
            }
            free(work);
        }
}

/* A row that names no way of its own for lanes, as a new one does, goes by its
 * definition: here those that have one, without it. */
static void rows_without_a_way_for_lanes_go_by_their_definition(void **state)
{
    static const char *const elems[] = {
        "int4", "int8", "e2m1", "e4m3",
        "e3m0", "e6m3", "bf16", "odd:-1:-0.3:-0.299:0.001:0.5:7.25:8",
    };
    static const char *const grans[] = { "g4", "g5", "g16", "row", "tensor" };
    static const char *const rest[] = {
        "fp32/absmax/nearest",    "e8m0/pct:90/stochastic",
        "e4m3/pct:90/nearest",    "e8m0-round/absmax/stochastic",
        "bf16/absmax/stochastic", "e8m0-floor/pct:3/nearest",
    };
    uint64_t salt = 0;

    (void)state;
    for (size_t e = 0; e < sizeof elems / sizeof elems[0]; e++)
        for (size_t g = 0; g < sizeof grans / sizeof grans[0]; g++)
            for (size_t r = 0; r < sizeof rest / sizeof rest[0]; r++) {
                char text[160];
                struct quant_spec spec;
                struct quant_scale scale;
                struct quant_range range;
                struct num_rounding rounding;

                snprintf(text, sizeof text, "%s/%s/%s", elems[e], grans[g],
                         rest[r]);
                spec = spec_of(text);
                scale = *spec.scale;
                range = *spec.range;
                rounding = *spec.rounding;
                scale.lanes = SCALE_BY_ROW;
                range.lanes = RANGE_BY_ROW;
                rounding.lanes = ROUND_BY_ROW;
                spec.scale = &scale;
                spec.range = &range;
                spec.rounding = &rounding;
                compare_spec(&spec, salt++);
            }
}

static void codes_and_scales_have_the_bits_of_the_reference(void **state)
{
    static const char *const elems[] = {
        "int2",
        "int3",
        "int4",
        "int8",
        "int4n",
        "e2m1",
        "e2m3",
        "e3m2",
        "e4m3",
        "e5m2",
        "e1m2",
        "e0m7",
        "e3m0",
        "e6m3",
        "e8m7",
        "bf16",
        "fp16",
        "e4m3:ieee",
        "e3m3:nosub",
        "e10m5",
        "two:-1:3",
        "posit4:-4:-2:-1.5:-1:-0.75:-0.5:-0.25:0:0.25:0.5:0.75:1:1.5:2:4",
        "odd:-1:-0.3:-0.299:0.001:0.5:7.25:8",
    };
    static const char *const scales[] = { "fp32",       "bf16",       "e8m0",
                                          "e8m0-floor", "e8m0-round", "e4m3" };
    static const char *const grans[] = { "g1",  "g2",  "g4",  "g8",    "g5",
                                         "g16", "g20", "row", "tensor" };
    static const char *const ranges[] = { "absmax", "pct:90", "pct:3" };
    uint64_t salt = 0;

    (void)state;
    for (size_t e = 0; e < sizeof elems / sizeof elems[0]; e++)
        for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++)
            for (size_t g = 0; g < sizeof grans / sizeof grans[0]; g++)
                for (int r = 0; r < 2; r++) {
                    char text[160];

                    snprintf(text, sizeof text, "%s/%s/%s/%s/%s", elems[e],
                             grans[g], scales[s], r ? "stochastic" : "nearest",
                             ranges[salt % 7 < 5 ? 0 : salt % 7 - 4]);
                    compare_quantizer(text, salt++);
                }
}

/* --- integer products -------------------------------------------------------------- */

static void integers_in_stretches(const struct kernels *kn, struct igemm g,
                                  const float *start, const float *want)
{
    const size_t bytes = sizeof(float) * (size_t)((g.m - 1) * g.ldc + g.n);
    const int half = g.m / 2, m = g.m;
    const int8_t *x = g.x;
    const float *sx = g.sx;
    float *c = mem_alloc(bytes);

    memcpy(c, start, bytes);
    g.packed = aligned_alloc(64, kernels_packed_bytes(g.n, g.k));
    g.pack = true;
    g.m = 0;
    kn->igemm_nt(&g);
    g.pack = false;
    for (int at = 0; at < m; at += g.m) {
        g.m = at ? m - at : half ? half : m;
        g.x = x + at * g.k;
        g.sx = sx + at * g.x_parts;
        g.c = c + at * g.ldc;
        kn->igemm_nt(&g);
    }
    assert_memory_equal(c, want, bytes);
    free(g.packed);
    free(c);
}

/* m, n, k, elements of a segment, parts of x and of w (0: per tensor). */
static void compare_integers(int m, int n, int k, int seg, int xp, int wp,
                             bool acc)
{
    const size_t mk = (size_t)(m * k), nk = (size_t)(n * k);
    int8_t *x = mem_array(mk, 1), *w = mem_array(nk, 1);
    float *sx = some((size_t)(m * xp + 1), 1),
          *sw = some((size_t)(n * wp + 1), 2);
    float *c[ISA_COUNT] = { 0 }, *start = some((size_t)(m * (n + 3)), 3);
    void *work = aligned_alloc(64, GEMM_WORK);

    for (size_t i = 0; i < mk; i++)
        x[i] = (int8_t)(i % 7 ? (int)rng_below(4, i, 256) - 128 : -128);
    for (size_t i = 0; i < nk; i++)
        w[i] = (int8_t)(i % 5 ? (int)rng_below(5, i, 256) - 128 : -128);
    for (int s = 0; s < n_sets; s++) {
        struct igemm g = { .c = c[s] = some((size_t)(m * (n + 3)), 3),
                           .x = x,
                           .w = w,
                           .sx = sx,
                           .sw = sw,
                           .x_parts = xp,
                           .w_parts = wp,
                           .unit = 0.5f,
                           .ldc = n + 3,
                           .m = m,
                           .n = n,
                           .k = k,
                           .seg = seg,
                           .accumulate = acc,
                           .work = work };

        sets[s]->igemm_nt(&g);
        assert_memory_equal(c[0], c[s], sizeof(float) * (size_t)(m * (n + 3)));
        integers_in_stretches(sets[s], g, start, c[0]);
        free(s > 0 ? c[s] : NULL);
    }
    /* against the plain sum in double: one rounding a product, two a segment */
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = acc ? (double)start[i * (n + 3) + j] : 0, size;

            size = fabs(sum);
            for (int p = 0; p < k; p++) {
                const double a =
                    (double)(xp ? sx[i * xp + p / (k / xp)] : sx[0]);
                const double b =
                    (double)(wp ? sw[j * wp + p / (k / wp)] : sw[0]);
                const double t = 0.5 * x[i * k + p] * w[j * k + p] * a * b;

                sum += t;
                size += fabs(t);
            }
            check_close((double)c[0][i * (n + 3) + j], sum,
                        (k / seg + 3) * 0x1p-23 * size);
        }
    free(c[0]);
    free(start);
    free(x);
    free(w);
    free(sx);
    free(sw);
    free(work);
}

static void integer_products_have_the_bits_of_the_reference(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZES; i++) {
        const int m = sizes[i], n = sizes[(i * 7 + 3) % N_SIZES];

        compare_integers(m, n, 96, 32, 3, 3, i % 2);
        compare_integers(m, n, 96, 8, 12, 12, i % 2);
        compare_integers(m, n, 64, 16, 4, 1, i % 2);
        compare_integers(m, n, 60, 20, 1, 3, false);
        compare_integers(m, n, 40, 40, 0, 1, true);
        compare_integers(m, n, 40, 40, 0, 0, false);
        compare_integers(m, n, 42, 6, 7, 7, false); /* not by fours */
    }
    compare_integers(20, 300, 4096, 32, 128, 128, false); /* many panels */
}

/* --- dispatch --------------------------------------------------------------------- */

/* Equal bits cannot tell a set that is not used from one that is. */
static void every_set_fills_its_own_entries(void **state)
{
    bool own_integers = true;

    (void)state;
    for (int s = 1; s < n_sets; s++) {
        const struct kernels *kn = sets[s], *below = sets[s - 1];

        assert_true(kn->gemm_nt != below->gemm_nt);
        assert_true(kn->gemm_nn != below->gemm_nn);
        assert_true(kn->gemm_tn != below->gemm_tn);
        assert_true(kn->quant_apply != below->quant_apply);
        assert_true(kn->attention_forward != below->attention_forward);
        assert_true(kn->attention_backward != below->attention_backward);
        assert_true(kn->rmsnorm_forward != below->rmsnorm_forward);
        assert_true(kn->swiglu_forward != below->swiglu_forward);
        assert_true(kn->cross_entropy != below->cross_entropy);
        assert_true(kn->adamw != below->adamw);
        assert_true(kn->exp_below != below->exp_below);
#ifdef __x86_64__
        own_integers = s < ISA_AVX512 || __builtin_cpu_supports("avx512vnni");
#endif
        if (own_integers)
            assert_true(kn->igemm_nt != below->igemm_nt);
    }
}

static void the_cap_names_a_set_this_cpu_has(void **state)
{
    const struct kernels *kn;
    struct err err;

    (void)state;
    assert_int_equal(kernels_select(&kn, "avx", &err), ERR_USAGE);
    check_says(err, "'avx' is not ref, avx2 or avx512; did you mean 'avx2'?");
    check_ok(kernels_select(&kn, "", &err), err);
    assert_int_equal(kn->isa, kernels_cpu());
    check_ok(kernels_select(&kn, "ref", &err), err);
    assert_string_equal(kn->name, "ref");
    if (kernels_cpu() < ISA_AVX512) {
        assert_int_equal(kernels_select(&kn, "avx512", &err), ERR_TOOL);
        check_says(err, "this CPU has no avx512");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_have_the_bits_of_the_reference),
        cmocka_unit_test(blocks_do_not_show_in_the_bits),
        cmocka_unit_test(bf16_products_are_those_of_rounded_operands),
        cmocka_unit_test(norms_have_the_bits_of_the_reference),
        cmocka_unit_test(swiglu_has_the_bits_of_the_reference),
        cmocka_unit_test(the_loss_has_the_bits_of_the_reference),
        cmocka_unit_test(exponentials_have_the_bits_of_the_reference),
        cmocka_unit_test(ranks_are_those_of_a_sorted_list),
        cmocka_unit_test(rope_has_the_bits_of_the_reference),
        cmocka_unit_test(updates_have_the_bits_of_the_reference),
        cmocka_unit_test(attention_has_the_bits_of_the_reference),
        cmocka_unit_test(codes_and_scales_have_the_bits_of_the_reference),
        cmocka_unit_test(every_row_has_the_bits_of_the_reference),
        cmocka_unit_test(given_scales_have_the_bits_of_the_reference),
        cmocka_unit_test(rows_without_a_way_for_lanes_go_by_their_definition),
        cmocka_unit_test(integer_products_have_the_bits_of_the_reference),
        cmocka_unit_test(every_set_fills_its_own_entries),
        cmocka_unit_test(the_cap_names_a_set_this_cpu_has),
    };

    return cmocka_run_group_tests(tests, find_sets, NULL);
}
