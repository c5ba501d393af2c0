/* body_gemm.h - the f32 product, written once over the sixteen lanes.
 *
 * B is packed into panels of NR columns, K_BLOCK rows at a time; A is read in
 * place.  A tile of MR x NR sums stays in registers while k runs in order; a
 * later block of k loads C and goes on, so that every output is the one chain
 * of fused multiply-adds that the reference computes.
 *
 * The including file defines TILE_ROWS (MR) and TILE_VECS (NR = 16 of them)
 * so that the tile fills its registers. */
#include <string.h>

#define MR TILE_ROWS
#define NR (16 * TILE_VECS)

#define K_BLOCK 256
#define N_BLOCK 512
_Static_assert(K_BLOCK * (N_BLOCK + NR) * sizeof(float) <= GEMM_WORK,
               "the panels of B must fit the workspace");

/* How A's element [i, k] is found: a + i * row + k * step. */
struct strip {
    const float *a;
    ptrdiff_t row, step;
};

/* One tile: rows <= MR, cols <= NR.  When rows < MR the rows beyond are
 * computed from row 0 and thrown away. */
static inline __attribute__((always_inline)) void
tile_body(float *c, int ldc, const struct strip *s, const float *b, int k,
          int rows, int cols, bool load, ptrdiff_t row, ptrdiff_t step)
{
    lanes sum[MR][TILE_VECS];
    const float *base[MR];

    for (int i = 0; i < MR; i++) {
        base[i] = s->a + (i < rows ? i : 0) * row;
        for (int v = 0; v < TILE_VECS; v++) {
            const int left = cols - 16 * v;

            sum[i][v] = !load || i >= rows || left <= 0 ? lanes_set(0)
                        : left >= 16
                            ? lanes_load(c + (size_t)i * (size_t)ldc + 16 * v)
                            : lanes_load_n(c + (size_t)i * (size_t)ldc +
                                               16 * v,
                                           left, 0);
        }
    }
    for (int p = 0; p < k; p++, b += NR) {
        lanes bv[TILE_VECS];

#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++)
            bv[v] = lanes_load(b + 16 * v);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            const lanes av = lanes_set(base[i][p * step]);

#pragma GCC unroll 4
            for (int v = 0; v < TILE_VECS; v++)
                sum[i][v] = lanes_fma(av, bv[v], sum[i][v]);
        }
    }
    for (int i = 0; i < MR; i++)
        for (int v = 0; v < TILE_VECS; v++) {
            float *at = c + (size_t)i * (size_t)ldc + 16 * v;
            const int left = cols - 16 * v;

            if (i < rows && left >= 16)
                lanes_store(at, sum[i][v]);
            else if (i < rows && left > 0)
                lanes_store_n(at, sum[i][v], left);
        }
}

/* A row-major (nt, nn) and A transposed (tn): a constant step lets the
 * compiler address A well. */
static void tile_rows(float *c, int ldc, const struct strip *s, const float *b,
                      int k, int rows, int cols, bool load)
{
    if (rows == MR && cols == NR)
        tile_body(c, ldc, s, b, k, MR, NR, load, s->row, 1);
    else
        tile_body(c, ldc, s, b, k, rows, cols, load, s->row, 1);
}

static void tile_cols(float *c, int ldc, const struct strip *s, const float *b,
                      int k, int rows, int cols, bool load)
{
    if (rows == MR && cols == NR)
        tile_body(c, ldc, s, b, k, MR, NR, load, 1, s->step);
    else
        tile_body(c, ldc, s, b, k, rows, cols, load, 1, s->step);
}

/* Panel [k][NR] of B[k, n]; columns beyond n are zero. */
static void pack_rows(float *to, const float *b, int ldb, int k, int cols)
{
    for (int p = 0; p < k; p++, to += NR, b += ldb)
        for (int v = 0; v < TILE_VECS; v++) {
            const int left = cols - 16 * v;

            lanes_store(to + 16 * v, left >= 16 ? lanes_load(b + 16 * v)
                                     : left > 0
                                         ? lanes_load_n(b + 16 * v, left, 0)
                                         : lanes_set(0));
        }
}

/* The same of B[n, k], transposed. */
static void pack_cols(float *to, const float *b, int ldb, int k, int cols)
{
    for (int j = 0; j < NR; j++) {
        const float *from = b + (ptrdiff_t)j * ldb;

        for (int p = 0; p < k; p++)
            to[(ptrdiff_t)p * NR + j] = j < cols ? from[p] : 0;
    }
}

typedef void tile_function(float *c, int ldc, const struct strip *s,
                           const float *b, int k, int rows, int cols,
                           bool load);

static void multiply_block(const struct gemm *g, struct strip s,
                           const float *panels, tile_function *tile, int n0,
                           int n1, int k, bool load)
{
    for (int i = 0; i < g->m; i += MR) {
        const int rows = g->m - i < MR ? g->m - i : MR;
        struct strip at = s;

        at.a += i * s.row;
        for (int j = n0; j < n1; j += NR)
            tile(g->c + (size_t)i * (size_t)g->ldc + j, g->ldc, &at,
                 panels + (ptrdiff_t)(j - n0) * K_BLOCK, k, rows,
                 n1 - j < NR ? n1 - j : NR, load);
    }
}

/* All of it: blocks of n, blocks of k in order, panels, tiles. */
static void multiply(const struct gemm *g, bool a_cols, bool b_cols)
{
    float *panels = g->work;
    tile_function *tile = a_cols ? tile_cols : tile_rows;

    for (int n0 = 0; n0 < g->n; n0 += N_BLOCK) {
        const int n1 = g->n - n0 < N_BLOCK ? g->n : n0 + N_BLOCK;

        for (int k0 = 0; k0 < g->k; k0 += K_BLOCK) {
            const int k = g->k - k0 < K_BLOCK ? g->k - k0 : K_BLOCK;
            const struct strip s = {
                .a = g->a + (a_cols ? (ptrdiff_t)k0 * g->lda : k0),
                .row = a_cols ? 1 : g->lda,
                .step = a_cols ? g->lda : 1,
            };

            for (int j = n0; j < n1; j += NR) {
                float *to = panels + (ptrdiff_t)(j - n0) * K_BLOCK;
                const int cols = n1 - j < NR ? n1 - j : NR;

                if (b_cols)
                    pack_cols(to, g->b + (ptrdiff_t)j * g->ldb + k0, g->ldb,
                              k, cols);
                else
                    pack_rows(to, g->b + (ptrdiff_t)k0 * g->ldb + j, g->ldb,
                              k, cols);
            }
            multiply_block(g, s, panels, tile, n0, n1, k,
                           k0 > 0 || g->accumulate);
        }
    }
}

static void gemm_nt(const struct gemm *g)
{
    multiply(g, false, true);
}

static void gemm_nn(const struct gemm *g)
{
    multiply(g, false, false);
}

static void gemm_tn(const struct gemm *g)
{
    multiply(g, true, false);
}

static void fill_gemm(struct kernels *kn)
{
    kn->gemm_nt = gemm_nt;
    kn->gemm_nn = gemm_nn;
    kn->gemm_tn = gemm_tn;
}
