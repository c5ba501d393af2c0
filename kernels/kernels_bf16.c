/* kernels_bf16.c - products of bf16 operands on AVX-512 with BF16.
 *
 * vdpbf16ps adds two products to a lane, each rounded as a fused multiply-add
 * is, the odd one of a pair first (measured on Zen 4, and what Intel's manual
 * says).  Operands are therefore packed with the earlier k in the odd place,
 * and a lane is the chain over k that the f32 product of rounded operands is:
 * the same bits, but that numbers below 2^-126 are taken for zero.
 *
 * Both operands are rounded while they are packed: B into panels of NR columns,
 * A strip by strip. */
#if !defined(__AVX512BF16__)
#error "kernels_bf16.c must be compiled with -mavx512bf16 ..."
#endif

#include "kernels/fillers.h"

#include "kernels/lanes_avx512.h"

#define MR      8
#define NR      32
#define K_BLOCK 256
#define N_BLOCK 512
#define PAIRS   (K_BLOCK / 2)
_Static_assert(4 * PAIRS * (N_BLOCK + NR + MR) <= GEMM_WORK,
               "panels of B and a strip of A must fit the workspace");

/* Element [i, p] of an operand is x[i * row + p * step]. */
struct bf16_view {
    const float *x;
    ptrdiff_t row, step;
};

/* --- packing ----------------------------------------------------------- */

/* Sixteen neighbours along k as eight pairs. */
static inline __m256i pairs_along(__m512 x)
{
    return _mm256_rol_epi32((__m256i)_mm512_cvtneps_pbh(x), 16);
}

/* The sixteen elements of rows k and k + 1 as pairs. */
static inline __m512i pairs_across(__m512 first, __m512 second)
{
    const __m512i high =
        _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));

    return _mm512_or_si512(
        _mm512_slli_epi32(high, 16),
        _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second)));
}

/* 2 * 16 numbers from p on, of which n exist. */
static inline __m512i pairs_of_line(const float *x, int n)
{
    const __m512 low = n >= 16 ? lanes_load(x) : lanes_load_n(x, n, 0);
    const __m512 high = n >= 32  ? lanes_load(x + 16)
                        : n > 16 ? lanes_load_n(x + 16, n - 16, 0)
                                 : lanes_set(0);

    return _mm512_inserti64x4(_mm512_castsi256_si512(pairs_along(low)),
                              pairs_along(high), 1);
}

/* Pairs [k / 2][width] of `width` lines that run along k: first kept line by
 * line, then turned, sixteen lines at a time. */
static void pack_turned(uint32_t *to, int width, const float *x, ptrdiff_t row,
                        int k, int lines)
{
    for (int v = 0; v < width; v += 16)
        for (int p = 0; p < k; p += 32) {
            const int n = (k - p + 1) / 2 < 16 ? (k - p + 1) / 2 : 16;
            lanes r[16];

            for (int i = 0; i < 16; i++)
                r[i] = v + i < lines ? _mm512_castsi512_ps(pairs_of_line(
                                           x + (v + i) * row + p, k - p))
                                     : lanes_set(0);
            lanes_transpose(r);
            for (int q = 0; q < n; q++)
                lanes_store(
                    (float *)(void *)(to + (ptrdiff_t)(p / 2 + q) * width + v),
                    r[q]);
        }
}

/* The same of lines that stand side by side: element [i, p] at x[i + p * step].
 */
static void pack_across(uint32_t *to, int width, const float *x, ptrdiff_t step,
                        int k, int lines)
{
    for (int p = 0; p < k; p += 2, x += 2 * step, to += width)
        for (int v = 0; v < width; v += 16) {
            const int n = lines - v < 16 ? lines - v : 16;
            const int all = width - v < 16 ? width - v : 16;
            __m512 first = lanes_set(0), second = lanes_set(0);

            if (n > 0)
                first = lanes_load_n(x + v, n, 0);
            if (n > 0 && p + 1 < k)
                second = lanes_load_n(x + step + v, n, 0);
            _mm512_mask_storeu_epi32(to + v, lanes_first(all),
                                     pairs_across(first, second));
        }
}

/* A strip of A whose rows run along k, row after row. */
static void pack_lines(uint32_t *to, const float *x, ptrdiff_t row, int k,
                       int lines)
{
    for (int i = 0; i < lines; i++)
        for (int p = 0; p < k; p += 32)
            _mm512_storeu_si512(to + (ptrdiff_t)i * PAIRS + p / 2,
                                pairs_of_line(x + i * row + p, k - p));
}

/* --- one tile ---------------------------------------------------------- */

static inline __m512 dot(__m512 sum, __m512i a, __m512i b)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

/* a[i * row + p * step] is pair p of row i. */
static inline __attribute__((always_inline)) void tile(
    float *c, ptrdiff_t ldc, const uint32_t *a, ptrdiff_t row, ptrdiff_t step,
    const uint32_t *b, int pairs, int rows, int cols, bool load)
{
    __m512 sum[MR][2];

#pragma GCC unroll 8
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
            const int left = cols - 16 * v;

            sum[i][v] = !load || i >= rows || left <= 0
                            ? lanes_set(0)
                            : lanes_load_n(c + i * ldc + 16 * v,
                                           left < 16 ? left : 16, 0);
        }
    for (int p = 0; p < pairs; p++, a += step, b += NR) {
        const __m512i b0 = _mm512_loadu_si512(b);
        const __m512i b1 = _mm512_loadu_si512(b + 16);

#pragma GCC unroll 8
        for (int i = 0; i < MR; i++) {
            const __m512i ai = _mm512_set1_epi32((int)a[i * row]);

            sum[i][0] = dot(sum[i][0], ai, b0);
            sum[i][1] = dot(sum[i][1], ai, b1);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
            const int left = cols - 16 * v;

            if (i < rows && left >= 16)
                lanes_store(c + i * ldc + 16 * v, sum[i][v]);
            else if (i < rows && left > 0)
                lanes_store_n(c + i * ldc + 16 * v, sum[i][v], left);
        }
}

static void tile_lines(float *c, ptrdiff_t ldc, const uint32_t *a,
                       const uint32_t *b, int pairs, int rows, int cols,
                       bool load)
{
    if (rows == MR && cols >= NR)
        tile(c, ldc, a, PAIRS, 1, b, pairs, MR, NR, load);
    else
        tile(c, ldc, a, PAIRS, 1, b, pairs, rows, cols, load);
}

static void tile_across(float *c, ptrdiff_t ldc, const uint32_t *a,
                        const uint32_t *b, int pairs, int rows, int cols,
                        bool load)
{
    if (rows == MR && cols >= NR)
        tile(c, ldc, a, 1, MR, b, pairs, MR, NR, load);
    else
        tile(c, ldc, a, 1, MR, b, pairs, rows, cols, load);
}

/* --- all of it --------------------------------------------------------- */

/* One block of k against the packed columns n0 .. n1-1. */
static void multiply_block(const struct gemm *g, struct bf16_view a,
                           const uint32_t *panels, uint32_t *strip, int n0,
                           int n1, int k, bool load)
{
    const bool lines = a.step == 1;
    const int pairs = (k + 1) / 2;

    for (int i = 0; i < g->m; i += MR, a.x += MR * a.row) {
        const int rows = g->m - i < MR ? g->m - i : MR;

        if (lines)
            pack_lines(strip, a.x, a.row, k, rows);
        else
            pack_across(strip, MR, a.x, a.step, k, rows);
        for (int j = n0; j < n1; j += NR)
            (lines ? tile_lines
                   : tile_across)(g->c + (ptrdiff_t)i * g->ldc + j, g->ldc,
                                  strip, panels + (ptrdiff_t)(j - n0) * pairs,
                                  pairs, rows, n1 - j, load);
    }
}

/* Panels of the columns n0 .. n1-1 of B, rows k0 .. k0+k-1. */
static void pack_panels(uint32_t *to, struct bf16_view b, int n0, int n1,
                        int k0, int k)
{
    for (int j = n0; j < n1; j += NR, to += (ptrdiff_t)((k + 1) / 2) * NR) {
        const float *x = b.x + j * b.row + k0 * b.step;

        if (b.step == 1)
            pack_turned(to, NR, x, b.row, k, n1 - j);
        else
            pack_across(to, NR, x, b.step, k, n1 - j);
    }
}

static void multiply(const struct gemm *g, struct bf16_view a,
                     struct bf16_view b)
{
    uint32_t *panels = g->packed ? g->packed : g->work;
    uint32_t *strip = (uint32_t *)g->work + PAIRS * (N_BLOCK + NR);

    for (int n0 = 0; n0 < g->n; n0 += N_BLOCK) {
        const int n1 = g->n - n0 < N_BLOCK ? g->n : n0 + N_BLOCK;

        for (int k0 = 0; k0 < g->k; k0 += K_BLOCK) {
            const int k = g->k - k0 < K_BLOCK ? g->k - k0 : K_BLOCK;
            const struct bf16_view at = { a.x + k0 * a.step, a.row, a.step };

            if (!g->packed || g->pack)
                pack_panels(panels, b, n0, n1, k0, k);
            multiply_block(g, at, panels, strip, n0, n1, k,
                           k0 > 0 || g->accumulate);
            if (g->packed)
                panels +=
                    (ptrdiff_t)((k + 1) / 2) * ((n1 - n0 + NR - 1) / NR * NR);
        }
    }
}

static void gemm_nt(const struct gemm *g)
{
    multiply(g, (struct bf16_view){ g->a, g->lda, 1 },
             (struct bf16_view){ g->b, g->ldb, 1 });
}

static void gemm_nn(const struct gemm *g)
{
    multiply(g, (struct bf16_view){ g->a, g->lda, 1 },
             (struct bf16_view){ g->b, 1, g->ldb });
}

static void gemm_tn(const struct gemm *g)
{
    multiply(g, (struct bf16_view){ g->a, 1, g->lda },
             (struct bf16_view){ g->b, 1, g->ldb });
}

void kernels_fill_bf16(struct kernels *kn)
{
    kn->bf16_nt = gemm_nt;
    kn->bf16_nn = gemm_nn;
    kn->bf16_tn = gemm_tn;
}
