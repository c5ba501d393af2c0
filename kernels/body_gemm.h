/* body_gemm.h - the f32 product, written once over the sixteen lanes.
 *
 * B is packed into panels of NR columns, K_BLOCK rows at a time; A is read in
 * place, but for a transposed A that meets TILE_COPY panels or more, whose
 * strip is first copied together.  A tile of MR x NR sums stays in registers
 * while k runs in order; a later block of k loads C and goes on, so that every
 * output is the one chain of fused multiply-adds that the reference computes.
 *
 * What comes next is prefetched where the hardware does not see it coming: the
 * next strip of A during the last panel, C ahead of its use, B while packing.
 * Measured on Zen 4: 80 to 87 % of peak where operands lie in L3.
 *
 * The including file defines TILE_ROWS (MR), TILE_VECS (NR = 16 of them) and
 * TILE_COPY.  MR stays within the ways of L1 (8): rows of A that are a power of
 * two apart fall into one set, and 14 of them would evict each other. */
#include <string.h>

#define MR TILE_ROWS
#define NR (16 * TILE_VECS)

#define K_BLOCK 256
#define N_BLOCK 512
_Static_assert(K_BLOCK *(N_BLOCK + NR + MR) * sizeof(float) <= GEMM_WORK,
               "panels of B and a strip of A must fit the workspace");

/* How A's element [i, k] is found: a + i * row + k * step. */
struct strip {
    const float *a;
    ptrdiff_t row, step;
    const float *next;   /* the strip to prefetch meanwhile, or NULL; */
    ptrdiff_t next_step; /* its step; its rows are as far apart */
};

/* One step of k: a row of the panel times one element of each row of A. */
static inline __attribute__((always_inline)) void tile_step(
    lanes sum[MR][TILE_VECS], int vecs, const float *const *base, ptrdiff_t at,
    const float *b)
{
    lanes bv[TILE_VECS];

#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++)
        bv[v] = lanes_load(b + 16 * v);
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
        const lanes av = lanes_set(base[i][at]);

#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            sum[i][v] = lanes_fma(av, bv[v], sum[i][v]);
    }
}

/* The chains over k.  Rows of A hold 16 elements a cache line; columns of A
 * touch a line every step. */
static inline __attribute__((always_inline)) void tile_chains(
    lanes sum[MR][TILE_VECS], int vecs, const float *const *base,
    const struct strip *s, const float *b, int k, ptrdiff_t row, ptrdiff_t step)
{
    const float *next = s->next;

    if (step != 1) {
        for (int p = 0; p < k; p++, b += NR) {
            if (next)
                __builtin_prefetch(next + p * s->next_step);
            tile_step(sum, vecs, base, p * step, b);
        }
        return;
    }
    for (int p = 0; p < k;) {
        const int end = k - p < 16 ? k : p + 16;

        if (next)
            for (int i = 0; i < MR; i++)
                __builtin_prefetch(next + i * row + p);
        for (; p < end; p++, b += NR)
            tile_step(sum, vecs, base, p, b);
    }
}

/* C's lines: this tile's before it is stored, the next one's before it is
 * loaded. */
static inline __attribute__((always_inline)) void tile_prefetch(const float *c,
                                                                int ldc,
                                                                int rows,
                                                                bool load)
{
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECS; v++)
            __builtin_prefetch(
                c + (size_t)i * (size_t)ldc + 16 * v + (load ? NR : 0), 1);
}

/* One tile: rows <= MR, cols <= NR.  When rows < MR the rows beyond are
 * computed from row 0 and thrown away. */
static inline __attribute__((always_inline)) void tile_body(
    float *c, int ldc, const struct strip *s, const float *b, int k, int rows,
    int cols, bool load, ptrdiff_t row, ptrdiff_t step)
{
    const int vecs = cols <= 16 ? 1 : TILE_VECS; /* constant where inlined */
    lanes sum[MR][TILE_VECS];
    const float *base[MR];

    for (int i = 0; i < MR; i++) {
        base[i] = s->a + (i < rows ? i : 0) * row;
        for (int v = 0; v < vecs; v++) {
            const int left = cols - 16 * v;

            sum[i][v] = !load || i >= rows || left <= 0 ? lanes_set(0)
                        : left >= 16
                            ? lanes_load(c + (size_t)i * (size_t)ldc + 16 * v)
                            : lanes_load_n(c + (size_t)i * (size_t)ldc + 16 * v,
                                           left, 0);
        }
    }
    tile_prefetch(c, ldc, rows, load);
    tile_chains(sum, vecs, base, s, b, k, row, step);
    for (int i = 0; i < MR; i++)
        for (int v = 0; v < vecs; v++) {
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
    else if (TILE_VECS > 1 && cols == 16)
        tile_body(c, ldc, s, b, k, rows, 16, load, s->row, 1);
    else
        tile_body(c, ldc, s, b, k, rows, cols, load, s->row, 1);
}

static void tile_cols(float *c, int ldc, const struct strip *s, const float *b,
                      int k, int rows, int cols, bool load)
{
    if (rows == MR && cols == NR)
        tile_body(c, ldc, s, b, k, MR, NR, load, 1, s->step);
    else if (TILE_VECS > 1 && cols == 16)
        tile_body(c, ldc, s, b, k, rows, 16, load, 1, s->step);
    else
        tile_body(c, ldc, s, b, k, rows, cols, load, 1, s->step);
}

#define ROWS_AHEAD 8 /* of B, fetched while packing */

/* Panel [k][NR] of B[k, n]; columns beyond n are zero. */
static void pack_rows(float *to, const float *b, int ldb, int k, int cols)
{
    for (int p = 0; p < k; p++, to += NR, b += ldb)
        for (int v = 0; v < TILE_VECS; v++) {
            const int left = cols - 16 * v;

            __builtin_prefetch(b + (ptrdiff_t)ROWS_AHEAD * ldb + 16 * v);
            lanes_store(to + 16 * v, left >= 16 ? lanes_load(b + 16 * v)
                                     : left > 0
                                         ? lanes_load_n(b + 16 * v, left, 0)
                                         : lanes_set(0));
        }
}

/* Sixteen columns of a panel from rows of B[n, k], cols of them in use. */
static void turn_columns(float *to, const float *b, int ldb, int k, int cols)
{
    for (int p = 0; p < k; p += 16) {
        const int n = k - p < 16 ? k - p : 16;
        lanes r[16];

        for (int i = 0; i < 16; i++)
            r[i] = i >= cols ? lanes_set(0)
                   : n == 16 ? lanes_load(b + (ptrdiff_t)i * ldb + p)
                             : lanes_load_n(b + (ptrdiff_t)i * ldb + p, n, 0);
        lanes_transpose(r);
        for (int q = 0; q < n; q++)
            lanes_store(to + (ptrdiff_t)(p + q) * NR, r[q]);
    }
}

/* The same of B[n, k], transposed. */
static void pack_cols(float *to, const float *b, int ldb, int k, int cols)
{
    for (int v = 0; v < TILE_VECS; v++)
        turn_columns(to + 16 * v, b + (ptrdiff_t)(16 * v) * ldb, ldb, k,
                     cols - 16 * v);
}

typedef void tile_function(float *c, int ldc, const struct strip *s,
                           const float *b, int k, int rows, int cols,
                           bool load);

/* Columns of A, k x MR, one after the other. */
static void copy_strip(float *to, const struct strip *s, int k, int rows)
{
    const float *from = s->a;

    if (rows == MR)
        for (int p = 0; p < k; p++, to += MR, from += s->step)
            memcpy(to, from, MR * sizeof *to);
    else
        for (int p = 0; p < k; p++, to += MR, from += s->step)
            memcpy(to, from, (size_t)rows * sizeof *to);
}

/* The next strip is prefetched during the last panel of this one. */
static void multiply_block(const struct gemm *g, struct strip s,
                           const float *panels, tile_function *tile, int n0,
                           int n1, int k, bool load)
{
    float *copy = (float *)g->work + K_BLOCK * (N_BLOCK + NR);
    const bool copied = s.step != 1 && n1 - n0 >= TILE_COPY * NR;

    for (int i = 0; i < g->m; i += MR, s.a += MR * s.row) {
        const int rows = g->m - i < MR ? g->m - i : MR;
        struct strip at = s;

        at.next = NULL;
        at.next_step = s.step;
        if (copied) {
            copy_strip(copy, &s, k, rows);
            at.a = copy;
            at.step = MR;
        }
        for (int j = n0; j < n1; j += NR) {
            if (n1 - j <= NR && i + MR < g->m)
                at.next = s.a + MR * s.row;
            tile(g->c + (size_t)i * (size_t)g->ldc + j, g->ldc, &at,
                 panels + (ptrdiff_t)(j - n0) * k, k, rows,
                 n1 - j < NR ? n1 - j : NR, load);
        }
    }
}

/* Panels of the columns n0 .. n1-1 of B, rows k0 .. k0+k-1. */
static void pack_panels(float *to, const struct gemm *g, bool b_cols, int n0,
                        int n1, int k0, int k)
{
    for (int j = n0; j < n1; j += NR, to += (ptrdiff_t)k * NR) {
        const int cols = n1 - j < NR ? n1 - j : NR;

        if (b_cols)
            pack_cols(to, g->b + (ptrdiff_t)j * g->ldb + k0, g->ldb, k, cols);
        else
            pack_rows(to, g->b + (ptrdiff_t)k0 * g->ldb + j, g->ldb, k, cols);
    }
}

/* All of it: blocks of n, blocks of k in order, panels, tiles. */
static void multiply(const struct gemm *g, bool a_cols, bool b_cols)
{
    tile_function *tile = a_cols ? tile_cols : tile_rows;
    float *panels = g->packed ? g->packed : g->work;

    for (int n0 = 0; n0 < g->n; n0 += N_BLOCK) {
        const int n1 = g->n - n0 < N_BLOCK ? g->n : n0 + N_BLOCK;

        for (int k0 = 0; k0 < g->k; k0 += K_BLOCK) {
            const int k = g->k - k0 < K_BLOCK ? g->k - k0 : K_BLOCK;
            const struct strip s = {
                .a = g->a + (a_cols ? (ptrdiff_t)k0 * g->lda : k0),
                .row = a_cols ? 1 : g->lda,
                .step = a_cols ? g->lda : 1,
            };

            if (!g->packed || g->pack)
                pack_panels(panels, g, b_cols, n0, n1, k0, k);
            multiply_block(g, s, panels, tile, n0, n1, k,
                           k0 > 0 || g->accumulate);
            if (g->packed)
                panels += (ptrdiff_t)k * ((n1 - n0 + NR - 1) / NR * NR);
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
