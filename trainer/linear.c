#include "trainer/linear.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

/* Rows a thread takes: whole tiles, so that no thread works on slivers. */
static int share(int rows, int threads)
{
    const int tile = 96; /* a multiple of the tile heights, 6 and 8 */
    const int per = (rows + threads - 1) / threads;

    return threads == 1 ? rows : (per + tile - 1) / tile * tile;
}

enum gemm_kind { GEMM_NT, GEMM_NN, GEMM_TN };
typedef void gemm_function(const struct gemm *g);

/* Threads read what is packed, so one of them packs it before. */
static void split_gemm(gemm_function *run, const struct workspaces *w,
                       enum gemm_kind kind, struct gemm *g)
{
    const int rows = share(g->m, w->threads), all = g->m;

    if (g->pack && w->threads > 1) {
        g->m = 0;
        g->work = w->gemm;
        run(g);
        g->m = all;
        g->pack = false;
    }
#pragma omp parallel for num_threads(w->threads) schedule(static)
    for (int at = 0; at < g->m; at += rows) {
        struct gemm part = *g;

        part.m = g->m - at < rows ? g->m - at : rows;
        part.c += (ptrdiff_t)at * g->ldc;
        part.a += kind == GEMM_TN ? at : (ptrdiff_t)at * g->lda;
        part.work = w->gemm + (size_t)omp_get_thread_num() * GEMM_WORK;
        run(&part);
    }
}

/* --- bf16 -------------------------------------------------------------- */

size_t linear_rounded(const struct linear *l)
{
    const size_t rows = (size_t)l->bt, in = (size_t)l->in;
    const size_t out = (size_t)l->out;

    if (!l->bf16 || (l->kn && l->kn->bf16_nt))
        return 0;
    return rows * (in > out ? in : out) +
           (rows > out ? rows : out) * (in > out ? in : out);
}

/* The definition, where there are no instructions: a cast of both operands,
 * before the f32 product.  What cannot be cast, because it is not finite, is
 * multiplied as it is, so that it shows in the loss. */
static void round_operands(const struct linear *l, enum gemm_kind kind,
                           struct gemm *g)
{
    struct quant_spec cast;
    const int rows_a = kind == GEMM_TN ? g->k : g->m;
    const int rows_b = kind == GEMM_NT ? g->n : g->k;
    real *a = l->work->rounded;
    real *b = a + (ptrdiff_t)rows_a * g->lda;
    const struct quant_io out_a = { .value = a }, out_b = { .value = b };

    quant_parse(&cast, "bf16", NULL, NULL);
    if (l->kn->quant_apply(&cast, &out_a, g->a, rows_a, g->lda,
                           QUANT_ALONG_COLS, 0, l->work->quant) &&
        l->kn->quant_apply(&cast, &out_b, g->b, rows_b, g->ldb,
                           QUANT_ALONG_COLS, 0, l->work->quant)) {
        g->a = a;
        g->b = b;
    }
}

/* Do the bf16 instructions give the bits of the f32 product?  They do when
 * the operands are exact in bf16, but that what is below 2^-126 becomes zero:
 * products, and sums that are rounded to f32, are multiples of the product of
 * the units, which must not be below that.  (An odd k may lose the minus of a
 * zero.) */
static bool exact_in_bf16(const struct linear *l, enum quant_operand a,
                          enum quant_operand b, int k)
{
    const double x = l->unit[a], y = l->unit[b];

    return k % 2 == 0 && x >= 0x1p-126 && y >= 0x1p-126 && x * y >= 0x1p-126;
}

/* The product of operands a and b of this layer, in the arithmetic that
 * train.compute names.  What is packed stays so while the product does. */
static void multiply(struct linear *l, enum gemm_kind kind, struct gemm *g,
                     enum quant_operand a, enum quant_operand b)
{
    const struct kernels *kn = l->kn;
    gemm_function *const f32[] = { [GEMM_NT] = kn->gemm_nt,
                                   [GEMM_NN] = kn->gemm_nn,
                                   [GEMM_TN] = kn->gemm_tn };
    gemm_function *const bf16[] = { [GEMM_NT] = kn->bf16_nt,
                                    [GEMM_NN] = kn->bf16_nn,
                                    [GEMM_TN] = kn->bf16_tn };
    gemm_function *run = f32[kind];

    if (bf16[kind] && (l->bf16 || exact_in_bf16(l, a, b, g->k)))
        run = bf16[kind];
    else if (l->bf16)
        round_operands(l, kind, g);
    if (g->packed) {
        g->pack = g->pack || l->packed_for != run;
        l->packed_for = run;
    }
    split_gemm(run, l->work, kind, g);
}

/* --- operands ---------------------------------------------------------- */

/* Streams are numbered by these, whatever kinds of layers and operands there come
 * to be: published runs draw from them. */
#define STREAM_KINDS    5
#define STREAM_OPERANDS 6
_Static_assert(LAYER_KINDS <= STREAM_KINDS && OPERAND_COUNT <= STREAM_OPERANDS,
               "what is new draws from a purpose of its own (base/rng.h)");

/* The stochastic-rounding stream of one operand of one layer in one step. */
static uint64_t round_key(const struct linear *l, enum quant_operand operand)
{
    const uint64_t place =
        ((uint64_t)(l->layer + 1) * STREAM_KINDS + (uint64_t)l->kind) *
            STREAM_OPERANDS +
        (uint64_t)operand;

    return rng_key(l->work->seed, RNG_ROUND,
                   place * UINT64_C(0x100000000) + (uint64_t)l->work->step);
}

size_t linear_scales(const struct linear *l, enum quant_operand operand)
{
    const bool weight = operand == OPERAND_W || operand == OPERAND_W_D;
    const bool dy = operand == OPERAND_DY_D || operand == OPERAND_DY_G;
    const bool along_rows = operand == OPERAND_W_D || operand == OPERAND_DY_G ||
                            operand == OPERAND_X_G;

    if (!l->exact[operand])
        return 0;
    return (size_t)quant_parts(
        &l->spec[operand], weight ? l->out : l->bt, dy ? l->out : l->in,
        along_rows ? QUANT_ALONG_ROWS : QUANT_ALONG_COLS);
}

/* The smallest step among parts with these scales; a part of zeros has scale 0
 * and no steps. */
static double unit_of(const struct quant_spec *spec, const real *scale, int n)
{
    real least = REAL_MAX;

    for (int i = 0; i < n; i++)
        least = scale[i] > 0 && scale[i] < least ? scale[i] : least;
    return (double)spec->elem.step_zero * (double)least;
}

/* `first` says that the rows are the first of a pass. */
static bool quantize(struct linear *l, enum quant_operand operand,
                     struct quant_io out, const real *from, int rows, int cols,
                     enum quant_axis axis, bool first)
{
    const struct quant_spec *spec = &l->spec[operand];

    if (l->exact[operand] && !out.scale)
        out.scale = l->work->scale;
    if (l->kn->quant_apply(spec, &out, from, rows, cols, axis,
                           round_key(l, operand), l->work->quant)) {
        if (l->exact[operand]) {
            const double unit =
                unit_of(spec, out.scale, quant_parts(spec, rows, cols, axis));

            l->unit[operand] = first ? unit : fmin(unit, l->unit[operand]);
        }
        return true;
    }
    if (!l->work->bad[0] && l->kind == LAYER_HEAD)
        snprintf(l->work->bad, sizeof l->work->bad,
                 "operand %s of the head is not finite",
                 quant_operands[operand]);
    else if (!l->work->bad[0])
        snprintf(l->work->bad, sizeof l->work->bad,
                 "operand %s of %s in block %d is not finite",
                 quant_operands[operand], layer_rows[l->kind].name, l->layer);
    return false;
}

bool linear_begin(struct linear *l)
{
    const struct quant_io out = { .value = l->qw,
                                  .inside = l->in_w,
                                  .code = l->cw.code,
                                  .scale = l->cw.scale };

    return !l->spec[OPERAND_W].on || quantize(l, OPERAND_W, out, l->w, l->out,
                                              l->in, QUANT_ALONG_COLS, true);
}

/* Not where the backward pass quantizes: along rows, or a weight once more. */
bool linear_by_rows(const struct linear *l)
{
    for (int k = 0; k < OPERAND_COUNT; k++)
        if (k != OPERAND_W && k != OPERAND_X && l->spec[k].on && !l->reuse[k])
            return false;
    return quant_by_rows(&l->spec[OPERAND_X]);
}

/* The shorter of the two parts cuts the axis for both. */
static void integer_forward(struct linear *l, real *y, int first, int rows,
                            bool accumulate)
{
    const int parts = l->cx.parts > l->cw.parts ? l->cx.parts : l->cw.parts;
    struct igemm g = {
        .c = y,
        .x = l->cx.code + (ptrdiff_t)first * l->in,
        .w = l->cw.code,
        .sx = l->cx.scale + (ptrdiff_t)first * l->cx.parts,
        .sw = l->cw.scale,
        .x_parts = l->cx.parts,
        .w_parts = l->cw.parts,
        .unit = l->spec[OPERAND_X].elem.step_zero *
                l->spec[OPERAND_W].elem.step_zero,
        .ldc = l->out,
        .m = rows,
        .n = l->out,
        .k = l->in,
        .seg = l->in / (parts ? parts : 1),
        .accumulate = accumulate,
        .packed = l->packed,
        .pack = l->packed && first == 0,
    };
    const int each = share(rows, l->work->threads);

    if (g.pack && l->work->threads > 1) {
        g.m = 0;
        g.work = l->work->gemm;
        l->kn->igemm_nt(&g);
        g.pack = false;
    }
#pragma omp parallel for num_threads(l->work->threads) schedule(static)
    for (int at = 0; at < rows; at += each) {
        struct igemm part = g;

        part.m = rows - at < each ? rows - at : each;
        part.c += (ptrdiff_t)at * g.ldc;
        part.x += (ptrdiff_t)at * g.k;
        part.sx += (ptrdiff_t)at * g.x_parts;
        part.work = l->work->gemm + (size_t)omp_get_thread_num() * GEMM_WORK;
        l->kn->igemm_nt(&part);
    }
}

/* Quantize rows at .. of the input; NULL when they are not finite. */
static const real *quantize_input(struct linear *l, real *x, int at, int rows)
{
    const ptrdiff_t from = (ptrdiff_t)at * l->in;
    struct quant_io out = { .scale_in = l->x_scale, .zero_in = l->x_zero };

    if (l->in_place)
        l->qx = l->work->keep_inputs ? l->work->input : x - from;
    out.value = l->qx + from;
    if (l->in_x)
        out.inside = l->in_x + from;
    if (l->cx.code) {
        out.code = l->cx.code + from;
        out.scale = l->cx.scale + (ptrdiff_t)at * l->cx.parts;
    }
    return quantize(l, OPERAND_X, out, x, rows, l->in, QUANT_ALONG_COLS,
                    at == 0)
               ? out.value
               : NULL;
}

bool linear_forward(struct linear *l, real *y, real *x, int at, int rows,
                    bool accumulate)
{
    struct gemm g = { .c = y,
                      .a = x,
                      .b = l->w,
                      .ldc = l->out,
                      .lda = l->in,
                      .ldb = l->in,
                      .m = rows,
                      .n = l->out,
                      .k = l->in,
                      .accumulate = accumulate,
                      .packed = l->packed,
                      .pack = at == 0 };

    if (l->spec[OPERAND_X].on) {
        g.a = quantize_input(l, x, at, rows);
        if (!g.a)
            return false;
    }
    if (l->cx.code) {
        integer_forward(l, y, at, rows, accumulate);
        return true;
    }
    if (l->spec[OPERAND_W].on)
        g.b = l->qw;
    multiply(l, GEMM_NT, &g, OPERAND_X, OPERAND_W);
    return true;
}

/* A backward operand: the forward tensor, its own quantization, or as is. */
static const real *backward_operand(struct linear *l,
                                    enum quant_operand operand, const real *raw,
                                    const real *forward, int rows, int cols,
                                    enum quant_axis axis)
{
    if (l->reuse[operand]) {
        l->unit[operand] =
            l->unit[operand == OPERAND_W_D ? OPERAND_W : OPERAND_X];
        return forward;
    }
    if (!l->spec[operand].on)
        return raw;
    return quantize(l, operand, (struct quant_io){ .value = l->work->operand },
                    raw, rows, cols, axis, true)
               ? l->work->operand
               : NULL;
}

static void keep_inside(real *d, const uint8_t *inside, size_t n)
{
    for (size_t i = 0; i < n; i++)
        d[i] = inside[i] ? d[i] : 0;
}

/* dy_d and w_d may both be quantized: dy_d goes first into its own half of
 * the scratch, w_d into the other. */
static bool input_gradient(struct linear *l, real *dx, const real *dy, int at,
                           int rows)
{
    real *const scratch = l->work->operand;
    const real *forward = l->spec[OPERAND_W].on ? l->qw : l->w;
    const real *a, *b;
    struct gemm g = { .c = dx,
                      .ldc = l->in,
                      .lda = l->out,
                      .ldb = l->in,
                      .m = rows,
                      .n = l->in,
                      .k = l->out,
                      .packed = l->packed,
                      .pack = at == 0 };

    a = backward_operand(l, OPERAND_DY_D, dy, dy, rows, l->out,
                         QUANT_ALONG_COLS);
    l->work->operand += (size_t)l->bt * (size_t)l->out;
    b = backward_operand(l, OPERAND_W_D, l->w, forward, l->out, l->in,
                         QUANT_ALONG_ROWS);
    l->work->operand = scratch;
    if (!a || !b)
        return false;
    g.a = a;
    g.b = b;
    multiply(l, GEMM_NN, &g, OPERAND_DY_D, OPERAND_W_D);
    if (l->in_x)
        keep_inside(dx, l->in_x + (ptrdiff_t)at * l->in,
                    (size_t)rows * (size_t)l->in);
    return true;
}

static bool weight_gradient(struct linear *l, const real *dy, const real *x,
                            int at, int rows)
{
    real *const scratch = l->work->operand;
    const real *forward =
        l->spec[OPERAND_X].on ? l->qx + (ptrdiff_t)at * l->in : x;
    const real *a, *b;
    struct gemm g = { .c = l->dw,
                      .ldc = l->in,
                      .lda = l->out,
                      .ldb = l->in,
                      .m = l->out,
                      .n = l->in,
                      .k = rows,
                      .accumulate = at > 0 };

    a = backward_operand(l, OPERAND_DY_G, dy, dy, rows, l->out,
                         QUANT_ALONG_ROWS);
    l->work->operand += (size_t)l->bt * (size_t)l->out;
    b = backward_operand(l, OPERAND_X_G, x, forward, rows, l->in,
                         QUANT_ALONG_ROWS);
    l->work->operand = scratch;
    if (!a || !b)
        return false;
    g.a = a;
    g.b = b;
    multiply(l, GEMM_TN, &g, OPERAND_DY_G, OPERAND_X_G);
    if (l->in_w)
        keep_inside(l->dw, l->in_w, (size_t)l->out * (size_t)l->in);
    return true;
}

bool linear_backward(struct linear *l, real *dx, const real *dy, const real *x,
                     int at, int rows)
{
    if (l->work->look)
        l->work->look(l->work->look_ctx, l, dy, x, rows);
    return weight_gradient(l, dy, x, at, rows) &&
           input_gradient(l, dx, dy, at, rows);
}
