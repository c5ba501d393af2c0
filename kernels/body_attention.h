/* body_attention.h - causal attention on tiles of body_gemm.h.
 *
 * Queries are taken a few tiles at a time, so that their strip of scores stays
 * in L1; a tile sees the keys up to its own last query.  The backward pass
 * keeps Q_BLOCK rows of probabilities P and slopes dS and then adds their
 * products to dK and dV.  There is never a T x T matrix.  After its diagonal a
 * row of a strip holds MR zeros, which a tile may multiply. */
#define Q_STEP  (2 * MR) /* queries whose strip is made at once */
#define Q_BLOCK (8 * MR) /* queries whose strips are kept */
_Static_assert(Q_BLOCK <= ATTENTION_BLOCK && MR <= STRIP_PAD,
               "the strips must fit the workspace");

static int padded(int n)
{
    return (n + NR - 1) / NR * NR;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Panels of one operand and the strips, cut from the caller's workspace. */
struct attention_space {
    float *keys_t, *values; /* forward */
    float *values_t, *keys; /* backward */
    float *score, *slope;   /* [Q_BLOCK][ld] */
    float *queries, *douts; /* panels of one block */
    int ld;
};

static struct attention_space attention_space(const struct attention *a)
{
    struct attention_space w = { .ld = padded(a->seq) + STRIP_PAD };
    const size_t across = (size_t)padded(a->seq) * (size_t)a->head_size;
    const size_t down = (size_t)a->seq * (size_t)padded(a->head_size);
    const size_t block = (size_t)Q_BLOCK * (size_t)padded(a->head_size);
    float *p = a->work;

    w.score = p;
    w.slope = w.score + (size_t)Q_BLOCK * (size_t)w.ld;
    w.keys_t = w.slope + (size_t)Q_BLOCK * (size_t)w.ld;
    w.values = w.keys_t + across;
    w.values_t = w.values + down;
    w.keys = w.values_t + across;
    w.queries = w.keys + down;
    w.douts = w.queries + block;
    return w;
}

/* Panels of X[n, k] as k rows of NR columns (transposed), and of X[k, n]. */
static void pack_across(float *to, const float *x, int ld, int n, int k)
{
    for (int j = 0; j < n; j += NR)
        pack_cols(to + (size_t)j * (size_t)k, x + (ptrdiff_t)j * ld, ld, k,
                  least(n - j, NR));
}

static void pack_down(float *to, const float *x, int ld, int k, int n)
{
    for (int j = 0; j < n; j += NR)
        pack_rows(to + (size_t)j * (size_t)k, x + j, ld, k, least(n - j, NR));
}

/* Rows of the strip c: X[rows, depth] against the transposed panels; row tile
 * i gets the columns up to query first + i + MR - 1. */
static void strip_products(float *c, int ld, const float *x, int ldx,
                           const float *panels, int depth, int first, int rows)
{
    for (int j = 0; j < first + rows; j += NR)
        for (int i = 0; i < rows; i += MR) {
            const struct strip s = { x + (ptrdiff_t)i * ldx, ldx, 1, NULL, 0 };
            const int r = least(rows - i, MR), cols = first + i + r - j;

            if (cols > 0)
                tile_rows(c + (size_t)i * (size_t)ld + j, ld, &s,
                          panels + (size_t)j * (size_t)depth, depth, r,
                          cols > 16 ? NR : 16, false);
        }
}

/* Y[rows, n] = strip times X, keys up to each tile's last query. */
static void strip_times(float *y, int ldy, const float *strip, int ld,
                        const float *panels, int seq, int n, int first,
                        int rows)
{
    for (int i = 0; i < rows; i += MR) {
        const struct strip s = { strip + (size_t)i * (size_t)ld, ld, 1, NULL,
                                 0 };
        const int r = least(rows - i, MR);

        for (int j = 0; j < n; j += NR)
            tile_rows(y + (ptrdiff_t)i * ldy + j, ldy, &s,
                      panels + (size_t)j * (size_t)seq, first + i + r, r,
                      least(n - j, NR), false);
    }
}

/* Y[keys, n] += strip^T X, for the queries from the tile's first key on. */
static void strip_turned_times(float *y, int ldy, const float *strip, int ld,
                               const float *panels, int n, int first, int rows)
{
    for (int k = 0; k < first + rows; k += MR) {
        const int skip = k > first ? k - first : 0;
        const struct strip s = { strip + (size_t)skip * (size_t)ld + k, 1, ld,
                                 NULL, 0 };

        for (int j = 0; j < n; j += NR)
            tile_cols(y + (ptrdiff_t)k * ldy + j, ldy, &s,
                      panels + (size_t)j * (size_t)rows +
                          (size_t)skip * (size_t)NR,
                      rows - skip, least(first + rows - k, MR),
                      least(n - j, NR), true);
    }
}

/* s = exp(factor s - max); returns the sum over the lanes. */
static float row_exp_scaled(float *s, int n, float factor, float max)
{
    const lanes f = lanes_set(factor), shift = lanes_set(max);
    lanes sum = lanes_set(0);

    FOR_LANES(n)
    {
        const lanes v =
            m == 16 ? lanes_load(s + i) : lanes_load_n(s + i, m, LOWEST);
        const lanes e = lanes_exp(lanes_sub(lanes_mul(v, f), shift));

        sum = lanes_add(sum, e);
        STORE(s, e);
    }
    return lanes_sum(sum);
}

static void end_row(float *s, int n)
{
    memset(s + n, 0, MR * sizeof *s);
}

static void attention_forward(const struct attention *a)
{
    const struct attention_space w = attention_space(a);
    const int h = a->head_size;

    pack_across(w.keys_t, a->k, a->ldk, a->seq, h);
    pack_down(w.values, a->v, a->ldv, a->seq, h);
    for (int t0 = 0; t0 < a->seq; t0 += Q_STEP) {
        const int rows = least(a->seq - t0, Q_STEP);
        float *out = a->out + (ptrdiff_t)t0 * a->ldo;

        strip_products(w.score, w.ld, a->q + (ptrdiff_t)t0 * a->ldq, a->ldq,
                       w.keys_t, h, t0, rows);
        for (int i = 0; i < rows; i++) {
            const int t = t0 + i;
            float *s = w.score + (size_t)i * (size_t)w.ld;
            /* Rounding is monotone, so the scaled largest is the largest
             * scaled. */
            const float max = a->scale * row_max(s, t + 1);

            a->stat[2 * t] = max;
            a->stat[2 * t + 1] = 1 / row_exp_scaled(s, t + 1, a->scale, max);
            end_row(s, t + 1);
        }
        strip_times(out, a->ldo, w.score, w.ld, w.values, a->seq, h, t0, rows);
        for (int i = 0; i < rows; i++)
            row_scale(out + (ptrdiff_t)i * a->ldo, h,
                      a->stat[2 * (t0 + i) + 1]);
    }
}

static float row_dot(const float *x, const float *y, int n)
{
    lanes sum = lanes_set(0);

    FOR_LANES(n)
    sum = lanes_fma(LOAD(x), LOAD(y), sum);
    return lanes_sum(sum);
}

/* From a row of scores and of dP to probabilities P and
 * dS = P (dP - dot) scale, dot = dO.O. */
static void row_slopes(float *s, float *ds, int n, const float *stat, float dot,
                       float scale)
{
    const lanes factor = lanes_set(scale), rest = lanes_set(stat[1]);
    const lanes max = lanes_set(stat[0]), shift = lanes_set(dot);

    FOR_LANES(n)
    {
        const lanes score = lanes_mul(LOAD(s), factor);
        const lanes p = lanes_mul(lanes_exp(lanes_sub(score, max)), rest);

        STORE(s, p);
        STORE(ds, lanes_mul(lanes_mul(p, lanes_sub(LOAD(ds), shift)), factor));
    }
    end_row(s, n);
    end_row(ds, n);
}

/* P, dS and dQ of queries t0 .. t0+rows-1, which are row i0 of the strips. */
static void backward_step(const struct attention *a,
                          const struct attention_space *w, int t0, int i0,
                          int rows)
{
    const int h = a->head_size;
    float *score = w->score + (size_t)i0 * (size_t)w->ld;
    float *slope = w->slope + (size_t)i0 * (size_t)w->ld;

    strip_products(score, w->ld, a->q + (ptrdiff_t)t0 * a->ldq, a->ldq,
                   w->keys_t, h, t0, rows);
    strip_products(slope, w->ld, a->dout + (ptrdiff_t)t0 * a->lddo, a->lddo,
                   w->values_t, h, t0, rows);
    for (int i = 0; i < rows; i++) {
        const int t = t0 + i;

        row_slopes(score + (size_t)i * (size_t)w->ld,
                   slope + (size_t)i * (size_t)w->ld, t + 1, a->stat + 2 * t,
                   row_dot(a->dout + (ptrdiff_t)t * a->lddo,
                           a->out + (ptrdiff_t)t * a->ldo, h),
                   a->scale);
    }
    strip_times(a->dq + (ptrdiff_t)t0 * a->lddq, a->lddq, slope, w->ld, w->keys,
                a->seq, h, t0, rows);
}

static void attention_backward(const struct attention *a)
{
    const struct attention_space w = attention_space(a);
    const int h = a->head_size;

    pack_across(w.keys_t, a->k, a->ldk, a->seq, h);
    pack_across(w.values_t, a->v, a->ldv, a->seq, h);
    pack_down(w.keys, a->k, a->ldk, a->seq, h);
    for (int t0 = 0; t0 < a->seq; t0 += Q_BLOCK) {
        const int rows = least(a->seq - t0, Q_BLOCK);

        for (int i = 0; i < rows; i += Q_STEP)
            backward_step(a, &w, t0 + i, i, least(rows - i, Q_STEP));
        pack_down(w.queries, a->q + (ptrdiff_t)t0 * a->ldq, a->ldq, rows, h);
        pack_down(w.douts, a->dout + (ptrdiff_t)t0 * a->lddo, a->lddo, rows, h);
        strip_turned_times(a->dk, a->lddk, w.slope, w.ld, w.queries, h, t0,
                           rows);
        strip_turned_times(a->dv, a->lddv, w.score, w.ld, w.douts, h, t0, rows);
    }
}

static void fill_attention(struct kernels *kn)
{
    kn->attention_forward = attention_forward;
    kn->attention_backward = attention_backward;
}
