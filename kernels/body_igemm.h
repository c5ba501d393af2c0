/* body_igemm.h - integer products with a scale for each segment.
 *
 * W is packed, four codes of a column together, into panels of 16 * I_VECS
 * columns, with the column's scales beside them.  A tile keeps I_ROWS x I_VECS
 * integer sums of a segment; at its end they are converted and fused onto the
 * float sums, which stay in registers too.
 *
 * The including file says how four products are added to a lane:
 *
 *   ivec                   sixteen int32 sums
 *   ivec_start(xsum)       what a segment starts from
 *   ivec_dot(sum, w, x4)   sum += the four products of w's bytes with x4
 *   ivec_float(sum)        as lanes
 *   IGEMM_BIAS             added to the codes of w when packed (0 or 128)
 *
 * Where w's codes are biased to be unsigned, a segment starts from -128 times
 * the sum of x's codes in it, which makes the integer sum exact again. */
#define I_NR (16 * I_VECS)

struct ipanel {
    const uint8_t *w;   /* [k / 4][I_NR][4] */
    const float *scale; /* [segments][I_NR] */
};

static inline int32_t four(const int8_t *x)
{
    int32_t v;

    memcpy(&v, x, sizeof v);
    return v;
}

/* -bias * sum of each segment of a row of x. */
static void segment_starts(int32_t *start, const int8_t *x, int k, int seg)
{
    for (int s = 0; s < k / seg; s++) {
        int32_t sum = 0;

        for (int p = 0; p < seg; p++)
            sum += x[s * seg + p];
        start[s] = -IGEMM_BIAS * sum;
    }
}

static float scale_at(const float *scale, int parts, int i, int s,
                      int segments)
{
    return parts ? scale[(ptrdiff_t)i * parts + s / (segments / parts)]
                 : scale[0];
}

/* Rows beyond `rows` repeat the first and are not stored. */
static inline __attribute__((always_inline)) void
itile(const struct igemm *g, const struct ipanel *b, const int32_t *starts,
      int i0, int j0, int rows)
{
    const int segments = g->k / g->seg, cols = g->n - j0;
    lanes sum[I_ROWS][I_VECS];

    for (int i = 0; i < I_ROWS; i++)
        for (int v = 0; v < I_VECS; v++) {
            const int left = cols - 16 * v;
            const float *c =
                g->c + (ptrdiff_t)(i0 + (i < rows ? i : 0)) * g->ldc + j0 +
                16 * v;

            sum[i][v] = !g->accumulate || left <= 0 ? lanes_set(0)
                        : left >= 16                ? lanes_load(c)
                                                    : lanes_load_n(c, left, 0);
        }
    for (int s = 0; s < segments; s++) {
        const uint8_t *w = b->w + (ptrdiff_t)s * g->seg * I_NR;
        const int8_t *x = g->x + (ptrdiff_t)i0 * g->k + s * g->seg;
        ivec dot[I_ROWS][I_VECS];

#pragma GCC unroll 8
        for (int i = 0; i < I_ROWS; i++)
#pragma GCC unroll 4
            for (int v = 0; v < I_VECS; v++)
                dot[i][v] = ivec_start(
                    starts[(i < rows ? i : 0) * segments + s]);
        for (int p = 0; p < g->seg; p += 4, w += 4 * I_NR)
#pragma GCC unroll 8
            for (int i = 0; i < I_ROWS; i++) {
                const int32_t x4 =
                    four(x + (ptrdiff_t)(i < rows ? i : 0) * g->k + p);

#pragma GCC unroll 4
                for (int v = 0; v < I_VECS; v++)
                    dot[i][v] = ivec_dot(dot[i][v], w + 64 * v, x4);
            }
#pragma GCC unroll 8
        for (int i = 0; i < I_ROWS; i++) {
            const lanes sx = lanes_set(scale_at(
                g->sx, g->x_parts, i0 + (i < rows ? i : 0), s, segments));

#pragma GCC unroll 4
            for (int v = 0; v < I_VECS; v++)
                sum[i][v] = lanes_fma(
                    ivec_float(dot[i][v]),
                    lanes_mul(sx, lanes_load(b->scale + (ptrdiff_t)s * I_NR +
                                             16 * v)),
                    sum[i][v]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < I_VECS; v++) {
            float *c = g->c + (ptrdiff_t)(i0 + i) * g->ldc + j0 + 16 * v;
            const int left = cols - 16 * v;

            if (left >= 16)
                lanes_store(c, sum[i][v]);
            else if (left > 0)
                lanes_store_n(c, sum[i][v], left);
        }
}

static void itile_whole(const struct igemm *g, const struct ipanel *b,
                        const int32_t *starts, int i0, int j0)
{
    itile(g, b, starts, i0, j0, I_ROWS);
}

static void itile_part(const struct igemm *g, const struct ipanel *b,
                       const int32_t *starts, int i0, int j0, int rows)
{
    itile(g, b, starts, i0, j0, rows);
}

/* Columns j0 .. of W with four codes of a column together. */
static void pack_panel(uint8_t *to, float *scale, const struct igemm *g,
                       int j0)
{
    const int segments = g->k / g->seg;

    for (int j = 0; j < I_NR; j++) {
        const int8_t *w = g->w + (ptrdiff_t)(j0 + j) * g->k;
        const bool in = j0 + j < g->n;

        for (int p = 0; p < g->k; p++)
            to[(ptrdiff_t)(p / 4) * 4 * I_NR + 4 * j + p % 4] =
                (uint8_t)((in ? w[p] : 0) + IGEMM_BIAS);
        for (int s = 0; s < segments; s++)
            scale[(ptrdiff_t)s * I_NR + j] =
                in ? scale_at(g->sw, g->w_parts, j0 + j, s, segments) * g->unit
                   : 0;
    }
}

static size_t panel_bytes(const struct igemm *g)
{
    return (size_t)I_NR * ((size_t)g->k + 4 * (size_t)(g->k / g->seg));
}

/* Panels that fit the workspace are packed together, so that x is walked
 * through as few times as possible. */
static void igemm_panels(const struct igemm *g, int j0, int j1, uint8_t *work,
                         int32_t *starts)
{
    const int segments = g->k / g->seg;

    for (int j = j0; j < j1; j += I_NR) {
        uint8_t *at = work + (size_t)((j - j0) / I_NR) * panel_bytes(g);

        pack_panel(at, (float *)(void *)(at + (size_t)I_NR * (size_t)g->k), g,
                   j);
    }
    for (int i = 0; i < g->m; i += I_ROWS) {
        const int rows = g->m - i < I_ROWS ? g->m - i : I_ROWS;

        for (int r = 0; r < rows; r++)
            segment_starts(starts + r * segments,
                           g->x + (ptrdiff_t)(i + r) * g->k, g->k, g->seg);
        for (int j = j0; j < j1; j += I_NR) {
            const uint8_t *at =
                work + (size_t)((j - j0) / I_NR) * panel_bytes(g);
            const struct ipanel b = {
                at,
                (const float *)(const void *)(at +
                                              (size_t)I_NR * (size_t)g->k),
            };

            if (rows == I_ROWS)
                itile_whole(g, &b, starts, i, j);
            else
                itile_part(g, &b, starts, i, j, rows);
        }
    }
}

static void igemm_nt(const struct igemm *g)
{
    const size_t starts =
        ((size_t)I_ROWS * (size_t)(g->k / g->seg) * 4 + 63) / 64 * 64;
    const size_t room = GEMM_WORK > starts ? GEMM_WORK - starts : 0;
    const int fit = (int)(room / panel_bytes(g));
    struct kernels ref;

    if (g->seg % 4 != 0 || fit == 0) {
        kernels_fill_ref(&ref);
        ref.igemm_nt(g);
        return;
    }
    for (int j = 0; j < g->n; j += fit * I_NR)
        igemm_panels(g, j, g->n - j < fit * I_NR ? g->n : j + fit * I_NR,
                     (uint8_t *)g->work + starts, g->work);
}

static double burst_int8(int32_t *sink, long rounds)
{
    const uint8_t w[64] = { 1 };
    ivec x[I_ROWS * I_VECS];
    float last[16];

    for (int i = 0; i < I_ROWS * I_VECS; i++)
        x[i] = ivec_start(i);
    for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 16
        for (int i = 0; i < I_ROWS * I_VECS; i++)
            x[i] = ivec_dot(x[i], w, *sink);
    }
    for (int i = 0; i < I_ROWS * I_VECS; i++) {
        lanes_store(last, ivec_float(x[i]));
        *sink += last[i % 16] > 0;
    }
    return 2.0 * 64 * I_ROWS * I_VECS * (double)rounds;
}

static void fill_igemm(struct kernels *kn)
{
    kn->igemm_nt = igemm_nt;
    kn->burst_int8 = burst_int8;
}
