/* body_rows.h - the loops over rows, written once over the sixteen lanes.
 *
 * Included by kernels_ref.c and by each instruction set's file after its
 * lanes_*.h; every function is static there and fills its slot of the table.
 * The order of roundings below is the definition (kernels.h). */
#ifndef KERNELS_LANES
#error "include lanes_*.h first and define KERNELS_LANES"
#endif

#include <stdbool.h>
#include <stddef.h>

/* --- exp --------------------------------------------------------------- */

#ifdef QLAW_F64
static inline lanes lanes_exp(lanes x)
{
    for (int i = 0; i < 16; i++)
        x.v[i] = exp(x.v[i]);
    return x;
}
#else
/* e^x = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2; the polynomial is that
 * of Cephes' expf.  0 below -87.3, e^88.37 above it; NaN stays NaN. */
static inline lanes lanes_exp(lanes x)
{
    const lanes low = lanes_set(-87.3f), high = lanes_set(88.37f);
    const lanes magic = lanes_set(12582912.0f); /* 1.5 x 2^23 */
    const lanes in = lanes_min(high, lanes_max(low, x));
    const lanes n =
        lanes_sub(lanes_fma(in, lanes_set(1.44269504088896341f), magic), magic);
    lanes r = lanes_fma(n, lanes_set(-0.693359375f), in), p;

    r = lanes_fma(n, lanes_set(2.12194440e-4f), r);
    p = lanes_set(1.9875691500e-4f);
    p = lanes_fma(p, r, lanes_set(1.3981999507e-3f));
    p = lanes_fma(p, r, lanes_set(8.3334519073e-3f));
    p = lanes_fma(p, r, lanes_set(4.1665795894e-2f));
    p = lanes_fma(p, r, lanes_set(1.6666665459e-1f));
    p = lanes_fma(p, r, lanes_set(5.0000001201e-1f));
    p = lanes_fma(p, lanes_mul(r, r), r);
    p = lanes_add(p, lanes_set(1.0f));
    return lanes_unless_lt(x, low, lanes_scale2(p, n));
}
#endif

#ifndef KERNELS_EXP_ONLY

#include "kernels/body_exps.h"

/* 1 / (1 + e^-x) */
static inline lanes lanes_sigmoid(lanes x)
{
    const lanes one = lanes_set(1);

    return lanes_div(one,
                     lanes_add(one, lanes_exp(lanes_sub(lanes_set(0), x))));
}

/* Walk i over 0 .. n in steps of 16; m lanes of the step are in use. */
/* clang-format off */
#define FOR_LANES(n)                                                          \
    for (int i = 0, m = (n) < 16 ? (n) : 16; i < (n);                         \
         i += 16, m = (n) - i < 16 ? (n) - i : 16)
#define LOAD(p)     (m == 16 ? lanes_load((p) + i) : lanes_load_n((p) + i, m, 0))
#define STORE(p, x) do {                                                      \
        if (m == 16)                                                          \
            lanes_store((p) + i, (x));                                        \
        else                                                                  \
            lanes_store_n((p) + i, (x), m);                                   \
    } while (0)
/* clang-format on */

/* --- RMSNorm ----------------------------------------------------------- */

static void rmsnorm_forward(real *out, real *rstd, const real *x,
                            const real *weight, int rows, int c, real eps)
{
    for (int row = 0; row < rows; row++) {
        const real *xr = x + (size_t)row * (size_t)c;
        real *outr = out + (size_t)row * (size_t)c;
        lanes sum = lanes_set(0), scale;

        FOR_LANES(c)
        {
            const lanes v = LOAD(xr);

            sum = lanes_fma(v, v, sum);
        }
        rstd[row] = 1 / real_sqrt(lanes_sum(sum) / (real)c + eps);
        scale = lanes_set(rstd[row]);
        FOR_LANES(c)
        STORE(outr, lanes_mul(lanes_mul(LOAD(xr), scale), LOAD(weight)));
    }
}

static void rmsnorm_backward(real *dx, const real *dout, const real *x,
                             const real *weight, const real *rstd, int rows,
                             int c)
{
    for (int row = 0; row < rows; row++) {
        const size_t at = (size_t)row * (size_t)c;
        const real *xr = x + at, *dr = dout + at;
        const real s = rstd[row];
        real *dxr = dx + at, coef;
        lanes dot = lanes_set(0);

        FOR_LANES(c)
        dot = lanes_fma(lanes_mul(LOAD(dr), LOAD(weight)), LOAD(xr), dot);
        coef = -(lanes_sum(dot) * s * s * s / (real)c);
        FOR_LANES(c)
        {
            const lanes d = lanes_mul(LOAD(dr), LOAD(weight));
            const lanes t = lanes_fma(d, lanes_set(s), LOAD(dxr));

            STORE(dxr, lanes_fma(LOAD(xr), lanes_set(coef), t));
        }
    }
}

static void rmsnorm_dweight(real *dweight, const real *dout, const real *x,
                            const real *rstd, int rows, int c)
{
    for (int row = 0; row < rows; row++) {
        const real *xr = x + (size_t)row * (size_t)c;
        const real *dr = dout + (size_t)row * (size_t)c;
        const lanes s = lanes_set(rstd[row]);

        FOR_LANES(c)
        STORE(dweight,
              lanes_fma(LOAD(dr), lanes_mul(LOAD(xr), s), LOAD(dweight)));
    }
}

/* --- rotary embedding -------------------------------------------------- */

static void rope(real *x, int ld, int rows, int n_heads, int head_size, int seq,
                 const real *table, int direction)
{
    const int half = head_size / 2;
    const lanes sign = lanes_set((real)direction);

    for (int row = 0; row < rows; row++) {
        const real *cosine = table + (size_t)(row % seq) * (size_t)head_size;
        const real *sine = cosine + half;

        for (int h = 0; h < n_heads; h++) {
            real *a = x + (size_t)row * (size_t)ld + h * head_size;
            real *b = a + half;

            FOR_LANES(half)
            {
                const lanes c = LOAD(cosine);
                const lanes s = lanes_mul(LOAD(sine), sign);
                const lanes u = LOAD(a), v = LOAD(b);
                const lanes minus_s = lanes_sub(lanes_set(0), s);

                STORE(a, lanes_fma(v, minus_s, lanes_mul(u, c)));
                STORE(b, lanes_fma(u, s, lanes_mul(v, c)));
            }
        }
    }
}

/* --- SwiGLU ------------------------------------------------------------ */

static void swiglu_forward(real *out, const real *gu, int rows, int f)
{
    for (int row = 0; row < rows; row++) {
        const real *gate = gu + 2 * (size_t)row * (size_t)f, *up = gate + f;
        real *outr = out + (size_t)row * (size_t)f;

        FOR_LANES(f)
        {
            const lanes g = LOAD(gate);

            STORE(outr, lanes_mul(lanes_mul(g, lanes_sigmoid(g)), LOAD(up)));
        }
    }
}

/* d silu = s (1 + g (1 - s)), s = sigmoid(g). */
static void swiglu_backward(real *dgu, const real *dout, const real *gu,
                            int rows, int f)
{
    const lanes one = lanes_set(1);

    for (int row = 0; row < rows; row++) {
        const real *gate = gu + 2 * (size_t)row * (size_t)f, *up = gate + f;
        const real *dr = dout + (size_t)row * (size_t)f;
        real *dgate = dgu + 2 * (size_t)row * (size_t)f, *dup = dgate + f;

        FOR_LANES(f)
        {
            const lanes g = LOAD(gate), u = LOAD(up), d = LOAD(dr);
            const lanes s = lanes_sigmoid(g);
            const lanes slope =
                lanes_mul(s, lanes_fma(g, lanes_sub(one, s), one));

            STORE(dgate, lanes_mul(lanes_mul(d, u), slope));
            STORE(dup, lanes_mul(d, lanes_mul(g, s)));
        }
    }
}

/* --- softmax and loss -------------------------------------------------- */

#define LOWEST (-REAL_MAX)

static real row_max(const real *x, int n)
{
    lanes max = lanes_set(LOWEST);

    FOR_LANES(n)
    max = lanes_max(max, m == 16 ? lanes_load(x + i)
                                 : lanes_load_n(x + i, m, LOWEST));
    return lanes_hmax(max);
}

/* x[i] = exp(x[i] - max); returns the sum over the lanes. */
static real row_exp(real *x, int n, real max)
{
    const lanes shift = lanes_set(max);
    lanes sum = lanes_set(0);

    FOR_LANES(n)
    {
        const lanes e = lanes_exp(lanes_sub(
            m == 16 ? lanes_load(x + i) : lanes_load_n(x + i, m, LOWEST),
            shift));

        sum = lanes_add(sum, e);
        STORE(x, e);
    }
    return lanes_sum(sum);
}

static void row_scale(real *x, int n, real factor)
{
    const lanes f = lanes_set(factor);

    FOR_LANES(n)
    STORE(x, lanes_mul(LOAD(x), f));
}

static void cross_entropy(real *loss, real *logits, const int *target, int rows,
                          int v, real grad_scale)
{
    for (int row = 0; row < rows; row++) {
        real *x = logits + (size_t)row * (size_t)v;
        const real wanted = x[target[row]], max = row_max(x, v);
        const real sum = row_exp(x, v, max);

        loss[row] = kernels_log(sum) + (max - wanted);
        if (grad_scale != 0) {
            row_scale(x, v, grad_scale / sum);
            x[target[row]] -= grad_scale;
        }
    }
}

/* --- vectors ----------------------------------------------------------- */

static void add(real *y, const real *x, size_t count)
{
    for (size_t at = 0; at < count; at += 1 << 20) {
        const int n = (int)(count - at < 1 << 20 ? count - at : 1 << 20);
        real *ys = y + at;
        const real *xs = x + at;

        FOR_LANES(n)
        STORE(ys, lanes_add(LOAD(ys), LOAD(xs)));
    }
}

static void adamw_block(real *param, real *mean, real *var, const real *grad,
                        int n, const struct adamw *a)
{
    const lanes b1 = lanes_set(a->beta1), b2 = lanes_set(a->beta2);
    const lanes c1 = lanes_set(1 - a->beta1), c2 = lanes_set(1 - a->beta2);
    const lanes keep = lanes_set(1 - a->lr * a->weight_decay);

    FOR_LANES(n)
    {
        const lanes g = lanes_mul(LOAD(grad), lanes_set(a->grad_scale));
        const lanes mt = lanes_fma(b1, LOAD(mean), lanes_mul(c1, g));
        const lanes vt =
            lanes_fma(b2, LOAD(var), lanes_mul(lanes_mul(c2, g), g));
        const lanes root = lanes_sqrt(lanes_div(vt, lanes_set(a->bias2)));
        const lanes step = lanes_div(lanes_div(mt, lanes_set(a->bias1)),
                                     lanes_add(root, lanes_set(a->eps)));

        STORE(mean, mt);
        STORE(var, vt);
        STORE(param,
              lanes_fma(lanes_set(-a->lr), step, lanes_mul(LOAD(param), keep)));
    }
}

static void adamw(real *param, real *mean, real *var, const real *grad,
                  size_t count, const struct adamw *step)
{
    for (size_t at = 0; at < count; at += 1 << 20) {
        const int n = (int)(count - at < 1 << 20 ? count - at : 1 << 20);

        adamw_block(param + at, mean + at, var + at, grad + at, n, step);
    }
}

static double sum_squares(const real *x, size_t count)
{
    double total = 0;

    for (size_t at = 0; at < count; at += 4096) {
        const int n = (int)(count - at < 4096 ? count - at : 4096);
        const real *xs = x + at;
        lanes sum = lanes_set(0);

        FOR_LANES(n)
        {
            const lanes v = LOAD(xs);

            sum = lanes_fma(v, v, sum);
        }
        total += (double)lanes_sum(sum);
    }
    return total;
}

/* x * 0 is 0 or NaN: the sum of all tells whether one was not finite. */
static bool all_finite(const real *x, size_t count)
{
    bool finite = true;

    for (size_t at = 0; finite && at < count; at += 4096) {
        const int n = (int)(count - at < 4096 ? count - at : 4096);
        const real *xs = x + at;
        lanes sum = lanes_set(0);

        FOR_LANES(n)
        sum = lanes_fma(LOAD(xs), lanes_set(0), sum);
        finite = lanes_sum(sum) == 0;
    }
    return finite;
}

/* Chains at once: more than latency times throughput, few enough to stay in
 * registers (lanes_*.h says how many). */
#define BURST LANES_BURST

static double burst(real *sink, long rounds)
{
    const lanes a = lanes_set(1 + *sink), b = lanes_set(*sink);
    lanes x[BURST], sum = lanes_set(0);

    for (int i = 0; i < BURST; i++)
        x[i] = lanes_set((real)i);
    for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 16
        for (int i = 0; i < BURST; i++)
            x[i] = lanes_fma(x[i], a, b);
    }
    for (int i = 0; i < BURST; i++)
        sum = lanes_add(sum, x[i]);
    *sink = lanes_sum(sum);
    return 2.0 * 16 * BURST * (double)rounds;
}

static void fill_rows(struct kernels *kn)
{
    kn->burst = burst;
    kn->rmsnorm_forward = rmsnorm_forward;
    kn->rmsnorm_backward = rmsnorm_backward;
    kn->rmsnorm_dweight = rmsnorm_dweight;
    kn->rope = rope;
    kn->swiglu_forward = swiglu_forward;
    kn->swiglu_backward = swiglu_backward;
    kn->cross_entropy = cross_entropy;
    kn->add = add;
    kn->exp_below = exp_below;
    kn->nth_largest = nth_largest;
    kn->adamw = adamw;
    kn->sum_squares = sum_squares;
    kn->all_finite = all_finite;
}

#endif /* KERNELS_EXP_ONLY */
