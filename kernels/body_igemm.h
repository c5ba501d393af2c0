/* body_igemm.h - integer products with a scale for each segment.
 *
 * W is packed, four codes of a column together, into panels of 16 * I_VECS
 * columns, with the column's scales beside them; x is copied a few strips of
 * I_ROWS rows at a time, so that a panel stays in L1 while it meets them.  A
 * tile keeps I_ROWS x I_VECS integer sums of a segment; at its end they are
 * converted and fused onto the float sums, which stay in registers too: eight
 * steps of four codes, a product of scales and a fused multiply-add where a
 * segment has 32 codes, so 80 % of the integer peak at best.
 *
 * The including file says how four products are added to a lane:
 *
 *   icode                  a packed code (int8_t or int16_t)
 *   ivec                   sixteen int32 sums
 *   ivec_pack(to, r)       sixteen fours of codes as they are packed
 *   ivec_start(p)          what a segment starts from, sixteen int32
 *   ivec_dot(sum, w, x)    sum += the products of w's fours with that at x
 *   ivec_float(sum)        as lanes
 *   IGEMM_BIAS             added to the codes of x when copied (0 or 128)
 *   ivec_bias_sum(sum, w)  sum = -IGEMM_BIAS times the sum of w's codes
 *
 * Where the codes of x are biased to be unsigned, a segment starts from -128
 * times the sum of the column's codes in it, which makes the sum exact. */
#define I_NR (16 * I_VECS)

/* Codes of x that are copied at once; they share L1 with a panel. */
#define I_STRIP_BYTES (12 << 10)

struct ipanel {
    icode *w;       /* [k / 4][I_NR][4] */
    float *scale;   /* [segments][I_NR] */
    int32_t *start; /* [segments][I_NR] */
};

struct istrip {
    icode *x;     /* [I_ROWS][ld] */
    float *scale; /* [segments][I_ROWS] */
    ptrdiff_t ld;
    int segments;
};

/* --- packing ----------------------------------------------------------- */

/* The parts scales of one row or column, each for as many segments as it
 * covers, step apart. */
static void spread_scales(float *to, int step, const float *from, int parts,
                          int each, float unit)
{
    for (int p = 0; p < parts; p++)
        for (int s = 0; s < each; s++, to += step)
            *to = from[p] * unit;
}

/* Sixteen columns of a panel: fours of codes as if they were floats, turned.
 * Only their bits move. */
static void turn_codes(icode *to, const int8_t *w, int k, int cols)
{
    for (int p = 0; p < k; p += 64) {
        const int n = k - p < 64 ? (k - p) / 4 : 16;
        lanes r[16];

        for (int i = 0; i < 16; i++) {
            const float *from =
                (const float *)(const void *)(w + (ptrdiff_t)i * k + p);

            r[i] = i >= cols ? lanes_set(0)
                   : n == 16 ? lanes_load(from)
                             : lanes_load_n(from, n, 0);
        }
        lanes_transpose(r);
        for (int q = 0; q < n; q++)
            ivec_pack(to + (ptrdiff_t)(p / 4 + q) * 4 * I_NR, r[q]);
    }
}

static void pack_panel(const struct ipanel *to, const struct igemm *g, int j0)
{
    const int segments = g->k / g->seg;
    const int parts = g->w_parts ? g->w_parts : 1; /* one for the tensor */

    for (int v = 0; v < I_VECS; v++) {
        const int j = j0 + 16 * v;

        turn_codes(to->w + (ptrdiff_t)64 * v, g->w + (ptrdiff_t)j * g->k, g->k,
                   g->n - j);
        for (int s = 0; IGEMM_BIAS && s < segments; s++) {
            const icode *w = to->w + (ptrdiff_t)s * g->seg * I_NR + 64 * v;
            int32_t *start = to->start + (ptrdiff_t)s * I_NR + 16 * v;

            ivec_bias_sum(start, w, g->seg / 4, 4 * I_NR);
        }
    }
    for (int j = 0; j < I_NR; j++)
        if (j0 + j < g->n)
            spread_scales(to->scale + j, I_NR,
                          g->sw + (ptrdiff_t)(j0 + j) * g->w_parts, parts,
                          segments / parts, g->unit);
}

/* A strip of x; what lies in rows beyond those in use does not matter. */
static void pack_strip(const struct istrip *to, const struct igemm *g, int i0,
                       int rows)
{
    const int k = g->k; /* bytes may alias anything, also g */
    const int parts = g->x_parts ? g->x_parts : 1; /* one for the tensor */
    const int each = to->segments / parts;

    for (int i = 0; i < rows; i++) {
        const int8_t *x = g->x + (ptrdiff_t)(i0 + i) * k;
        icode *copy = to->x + i * to->ld;

        for (int p = 0; p < k; p++)
            copy[p] = (icode)(x[p] ^ IGEMM_BIAS);
        spread_scales(to->scale + i, I_ROWS,
                      g->sx + (ptrdiff_t)(i0 + i) * g->x_parts, parts, each, 1);
    }
}

/* --- one tile ---------------------------------------------------------- */

static inline __attribute__((always_inline)) void itile(const struct igemm *g,
                                                        const struct ipanel *b,
                                                        const struct istrip *a,
                                                        float *c, int rows,
                                                        int cols)
{
    const int segments = a->segments, seg = g->seg;
    const ptrdiff_t ldc = g->ldc, ld = a->ld;
    const icode *w = b->w, *x = a->x;
    lanes sum[I_ROWS][I_VECS];

#pragma GCC unroll 8
    for (int i = 0; i < I_ROWS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < I_VECS; v++) {
            const int left = cols - 16 * v;
            const float *at = c + i * ldc + 16 * v;

            if (i < rows)
                __builtin_prefetch(at, 1);
            sum[i][v] = !g->accumulate || i >= rows || left <= 0 ? lanes_set(0)
                        : left >= 16 ? lanes_load(at)
                                     : lanes_load_n(at, left, 0);
        }
    for (int s = 0; s < segments; s++) {
        ivec dot[I_ROWS][I_VECS];

#pragma GCC unroll 8
        for (int i = 0; i < I_ROWS; i++)
#pragma GCC unroll 4
            for (int v = 0; v < I_VECS; v++)
                dot[i][v] = ivec_start(b->start + (ptrdiff_t)s * I_NR + 16 * v);
        for (int p = 0; p < seg; p += 4, x += 4, w += 4 * I_NR)
#pragma GCC unroll 8
            for (int i = 0; i < I_ROWS; i++) {
#pragma GCC unroll 4
                for (int v = 0; v < I_VECS; v++)
                    dot[i][v] = ivec_dot(dot[i][v], w + 64 * v, x + i * ld);
            }
#pragma GCC unroll 8
        for (int i = 0; i < I_ROWS; i++) {
            const lanes sx = lanes_set(a->scale[s * I_ROWS + i]);

#pragma GCC unroll 4
            for (int v = 0; v < I_VECS; v++)
                sum[i][v] = lanes_fma(
                    ivec_float(dot[i][v]),
                    lanes_mul(sx, lanes_load(b->scale + (ptrdiff_t)s * I_NR +
                                             16 * v)),
                    sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < I_ROWS; i++)
#pragma GCC unroll 4
        for (int v = 0; v < I_VECS; v++) {
            float *at = c + i * ldc + 16 * v;
            const int left = cols - 16 * v;

            if (i < rows && left >= 16)
                lanes_store(at, sum[i][v]);
            else if (i < rows && left > 0)
                lanes_store_n(at, sum[i][v], left);
        }
}

static void itile_whole(const struct igemm *g, const struct ipanel *b,
                        const struct istrip *a, float *c)
{
    itile(g, b, a, c, I_ROWS, I_NR);
}

static void itile_part(const struct igemm *g, const struct ipanel *b,
                       const struct istrip *a, float *c, int rows, int cols)
{
    itile(g, b, a, c, rows, cols);
}

/* --- all of it --------------------------------------------------------- */

/* The caller's workspace: strips, then panels, unless these are kept. */
struct ispace {
    unsigned char *at, *kept;
    size_t strip_bytes, panel_bytes;
    int strips, panels, segments;
    ptrdiff_t ld;
};

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static struct ispace ispace(const struct igemm *g)
{
    const size_t segments = (size_t)(g->k / g->seg);
    struct ispace s = { .at = g->work,
                        .kept = g->packed,
                        .segments = (int)segments };
    size_t left;

    /* an odd number of lines, so that rows do not meet in one set of L1 */
    s.ld = (ptrdiff_t)(whole_lines((size_t)g->k) | 64);
    s.strip_bytes = whole_lines((size_t)I_ROWS *
                                ((size_t)s.ld * sizeof(icode) + 4 * segments));
    s.panel_bytes = (size_t)I_NR *
                    (whole_lines((size_t)g->k) * sizeof(icode) + 8 * segments);
    s.strips = (int)(I_STRIP_BYTES / s.strip_bytes) + 1;
    left = (size_t)s.strips * s.strip_bytes;
    s.panels = left < GEMM_WORK ? (int)((GEMM_WORK - left) / s.panel_bytes) : 0;
    return s;
}

static struct istrip strip_at(const struct ispace *s, int i)
{
    unsigned char *at = s->at + (size_t)i * s->strip_bytes;
    icode *x = (icode *)(void *)at;

    return (struct istrip){ x, (float *)(void *)(x + I_ROWS * s->ld), s->ld,
                            s->segments };
}

/* The panel of the columns from j on, among those from j0 on. */
static struct ipanel panel_at(const struct ispace *s, const struct igemm *g,
                              int j0, int j)
{
    unsigned char *at = s->kept
                            ? s->kept + (size_t)(j / I_NR) * s->panel_bytes
                            : s->at + (size_t)s->strips * s->strip_bytes +
                                  (size_t)((j - j0) / I_NR) * s->panel_bytes;
    icode *w = (icode *)(void *)at;
    float *scale = (float *)(void *)(w + I_NR * whole_lines((size_t)g->k));

    return (struct ipanel){
        w, scale, (int32_t *)(void *)(scale + (ptrdiff_t)(g->k / g->seg) * I_NR)
    };
}

/* Rows i0 .. i1-1, whose strips are copied, times the columns j0 .. j1-1. */
static void igemm_block(const struct igemm *g, const struct ispace *space,
                        int i0, int i1, int j0, int j1)
{
    for (int j = j0; j < j1; j += I_NR) {
        const struct ipanel b = panel_at(space, g, j0, j);
        const int cols = g->n - j < I_NR ? g->n - j : I_NR;

        for (int i = i0; i < i1; i += I_ROWS) {
            const struct istrip a = strip_at(space, (i - i0) / I_ROWS);
            const int rows = i1 - i < I_ROWS ? i1 - i : I_ROWS;
            float *c = g->c + (ptrdiff_t)i * g->ldc + j;

            if (rows == I_ROWS && cols == I_NR)
                itile_whole(g, &b, &a, c);
            else
                itile_part(g, &b, &a, c, rows, cols);
        }
    }
}

/* Columns whose panels fit the workspace together. */
static void igemm_panels(const struct igemm *g, const struct ispace *space,
                         int j0, int j1)
{
    const int step = space->strips * I_ROWS;

    for (int j = j0; j < j1 && (!g->packed || g->pack); j += I_NR) {
        const struct ipanel b = panel_at(space, g, j0, j);

        pack_panel(&b, g, j);
    }
    for (int i0 = 0; i0 < g->m; i0 += step) {
        const int i1 = g->m - i0 < step ? g->m : i0 + step;

        for (int i = i0; i < i1; i += I_ROWS) {
            const struct istrip a = strip_at(space, (i - i0) / I_ROWS);

            pack_strip(&a, g, i, i1 - i < I_ROWS ? i1 - i : I_ROWS);
        }
        igemm_block(g, space, i0, i1, j0, j1);
    }
}

static void igemm_nt(const struct igemm *g)
{
    const struct ispace space = ispace(g);
    const int step = space.panels * I_NR;
    struct kernels ref;

    if (g->seg % 4 != 0 || space.panels == 0) {
        kernels_fill_ref(&ref);
        ref.igemm_nt(g);
        return;
    }
    for (int j = 0; j < g->n; j += step)
        igemm_panels(g, &space, j, g->n - j < step ? g->n : j + step);
}

static double burst_int8(int32_t *sink, long rounds)
{
    const icode w[64] = { 1 }, x4[4] = { (icode)*sink };
    const int32_t starts[16] = { 1, 2, 3 };
    ivec x[I_ROWS * I_VECS];
    float last[16];

    for (int i = 0; i < I_ROWS * I_VECS; i++)
        x[i] = ivec_start(starts);
    for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 16
        for (int i = 0; i < I_ROWS * I_VECS; i++)
            x[i] = ivec_dot(x[i], w, x4);
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
