/* body_attention.h - causal attention on tiles of body_gemm.h.
 *
 * Queries are taken in blocks; a block sees the keys up to its own last row.
 * Scores, their exponentials and the gradients of both live in two strips of
 * Q_BLOCK rows, never in a T x T matrix.  Positions after the query hold 0 in
 * the strips, which leaves the chains of the products as they are. */
#define Q_BLOCK ATTENTION_BLOCK

static int padded(int n)
{
    return (n + NR - 1) / NR * NR;
}

/* Panels of one operand and the strips, cut from the caller's workspace. */
struct attention_space {
    float *keys_t, *values;          /* forward */
    float *values_t, *keys;          /* backward */
    float *score, *slope;            /* [Q_BLOCK][ld] */
    float *queries, *douts;          /* panels of one block */
    int ld;
};

static struct attention_space attention_space(const struct attention *a)
{
    struct attention_space w = { .ld = padded(a->seq) };
    const size_t across = (size_t)w.ld * (size_t)a->head_size;
    const size_t down = (size_t)a->seq * (size_t)padded(a->head_size);
    const size_t block = (size_t)Q_BLOCK * (size_t)padded(a->head_size);
    float *p = a->work;

    w.keys_t = p;
    w.values = w.keys_t + across;
    w.values_t = w.values + down;
    w.keys = w.values_t + across;
    w.score = w.keys + down;
    w.slope = w.score + (size_t)Q_BLOCK * (size_t)w.ld;
    w.queries = w.slope + (size_t)Q_BLOCK * (size_t)w.ld;
    w.douts = w.queries + block;
    return w;
}

/* Panels of X[n, k] as k rows of NR columns (transposed), and of X[k, n]. */
static void pack_across(float *to, const float *x, int ld, int n, int k)
{
    for (int j = 0; j < n; j += NR)
        pack_cols(to + (size_t)j * (size_t)k, x + (ptrdiff_t)j * ld, ld, k,
                  n - j < NR ? n - j : NR);
}

static void pack_down(float *to, const float *x, int ld, int k, int n)
{
    for (int j = 0; j < n; j += NR)
        pack_rows(to + (size_t)j * (size_t)k, x + j, ld, k,
                  n - j < NR ? n - j : NR);
}

/* C[m, n] (+)= A B from panels that are depth rows high, k of them used. */
static void panel_product(float *c, int ldc, struct strip s,
                          tile_function *tile, const float *panels, int depth,
                          int m, int n, int k, bool load)
{
    for (int i = 0; i < m; i += MR) {
        struct strip at = s;

        at.a += i * s.row;
        for (int j = 0; j < n; j += NR)
            tile(c + (size_t)i * (size_t)ldc + j, ldc, &at,
                 panels + (size_t)j * (size_t)depth, k, m - i < MR ? m - i : MR,
                 n - j < NR ? n - j : NR, load);
    }
}

static struct strip by_rows(const float *a, int ld)
{
    return (struct strip){ a, ld, 1 };
}

static struct strip by_cols(const float *a, int ld)
{
    return (struct strip){ a, 1, ld };
}

/* Strips of scores: queries t0 .. t0+rows-1 against keys 0 .. n-1. */
static void block_scores(const struct attention *a,
                         const struct attention_space *w, int t0, int rows,
                         int n)
{
    panel_product(w->score, w->ld,
                  by_rows(a->q + (ptrdiff_t)t0 * a->ldq, a->ldq), tile_rows,
                  w->keys_t, a->head_size, rows, n, a->head_size, false);
}

static void attention_forward(const struct attention *a)
{
    const struct attention_space w = attention_space(a);

    pack_across(w.keys_t, a->k, a->ldk, a->seq, a->head_size);
    pack_down(w.values, a->v, a->ldv, a->seq, a->head_size);
    for (int t0 = 0; t0 < a->seq; t0 += Q_BLOCK) {
        const int rows = a->seq - t0 < Q_BLOCK ? a->seq - t0 : Q_BLOCK;
        const int n = t0 + rows;

        block_scores(a, &w, t0, rows, n);
        for (int i = 0; i < rows; i++) {
            const int t = t0 + i;
            float *s = w.score + (size_t)i * (size_t)w.ld, max;

            row_scale(s, t + 1, a->scale);
            max = row_max(s, t + 1);
            a->stat[2 * t] = max;
            a->stat[2 * t + 1] = 1 / row_exp(s, t + 1, max);
            memset(s + t + 1, 0, (size_t)(n - t - 1) * sizeof *s);
        }
        panel_product(a->out + (ptrdiff_t)t0 * a->ldo, a->ldo,
                      by_rows(w.score, w.ld), tile_rows, w.values, a->seq,
                      rows, a->head_size, n, false);
        for (int i = 0; i < rows; i++)
            row_scale(a->out + (ptrdiff_t)(t0 + i) * a->ldo, a->head_size,
                      a->stat[2 * (t0 + i) + 1]);
    }
}

static float row_dot(const float *x, const float *y, int n)
{
    lanes sum = lanes_set(0);

    FOR_LANES (n)
        sum = lanes_fma(LOAD(x), LOAD(y), sum);
    return lanes_sum(sum);
}

/* From scores and dP to probabilities P and dS = P (dP - dO.O) scale. */
static void block_slopes(const struct attention *a,
                         const struct attention_space *w, int t0, int rows,
                         int n_keys)
{
    for (int r = 0; r < rows; r++) {
        const int t = t0 + r, n = t + 1;
        float *s = w->score + (size_t)r * (size_t)w->ld;
        float *ds = w->slope + (size_t)r * (size_t)w->ld;
        const float dot = row_dot(a->dout + (ptrdiff_t)t * a->lddo,
                                  a->out + (ptrdiff_t)t * a->ldo,
                                  a->head_size);

        row_scale(s, n, a->scale);
        row_exp(s, n, a->stat[2 * t]);
        row_scale(s, n, a->stat[2 * t + 1]);
        FOR_LANES (n)
            STORE(ds, lanes_mul(lanes_mul(LOAD(s),
                                          lanes_sub(LOAD(ds),
                                                    lanes_set(dot))),
                                lanes_set(a->scale)));
        memset(s + n, 0, (size_t)(n_keys - n) * sizeof *s);
        memset(ds + n, 0, (size_t)(n_keys - n) * sizeof *ds);
    }
}

static void attention_backward(const struct attention *a)
{
    const struct attention_space w = attention_space(a);
    const int h = a->head_size;

    pack_across(w.keys_t, a->k, a->ldk, a->seq, h);
    pack_across(w.values_t, a->v, a->ldv, a->seq, h);
    pack_down(w.keys, a->k, a->ldk, a->seq, h);
    for (int t0 = 0; t0 < a->seq; t0 += Q_BLOCK) {
        const int rows = a->seq - t0 < Q_BLOCK ? a->seq - t0 : Q_BLOCK;
        const int n = t0 + rows;
        const float *dout = a->dout + (ptrdiff_t)t0 * a->lddo;

        block_scores(a, &w, t0, rows, n);
        panel_product(w.slope, w.ld, by_rows(dout, a->lddo), tile_rows,
                      w.values_t, h, rows, n, h, false);
        block_slopes(a, &w, t0, rows, n);
        panel_product(a->dq + (ptrdiff_t)t0 * a->lddq, a->lddq,
                      by_rows(w.slope, w.ld), tile_rows, w.keys, a->seq,
                      rows, h, n, false);
        pack_down(w.queries, a->q + (ptrdiff_t)t0 * a->ldq, a->ldq, rows, h);
        pack_down(w.douts, dout, a->lddo, rows, h);
        panel_product(a->dk, a->lddk, by_cols(w.slope, w.ld), tile_cols,
                      w.queries, rows, n, h, rows, true);
        panel_product(a->dv, a->lddv, by_cols(w.score, w.ld), tile_cols,
                      w.douts, rows, n, h, rows, true);
    }
}

static void fill_attention(struct kernels *kn)
{
    kn->attention_forward = attention_forward;
    kn->attention_backward = attention_backward;
}
