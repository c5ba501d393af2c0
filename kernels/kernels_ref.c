/* kernels_ref.c - the definition: scalar, short, built with plain flags. */
#include "kernels/fillers.h"

#include <string.h>

#include "kernels/lanes_ref.h"

#define KERNELS_LANES 1
#include "kernels/body_rows.h"

/* --- products: one chain of fused multiply-adds, k ascending ----------------- */

/* How element [i, p] of an operand is found: x + i * row + p * step. */
struct view {
    const real *x;
    ptrdiff_t row, step;
};

static void multiply(const struct gemm *g, struct view a, struct view b)
{
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            real *c = g->c + (ptrdiff_t)i * g->ldc + j;
            real sum = g->accumulate ? *c : 0;

            for (int p = 0; p < g->k; p++)
                sum = real_fma(a.x[i * a.row + p * a.step],
                               b.x[j * b.row + p * b.step], sum);
            *c = sum;
        }
}

static void gemm_nt(const struct gemm *g)
{
    multiply(g, (struct view){ g->a, g->lda, 1 },
             (struct view){ g->b, g->ldb, 1 });
}

static void gemm_nn(const struct gemm *g)
{
    multiply(g, (struct view){ g->a, g->lda, 1 },
             (struct view){ g->b, 1, g->ldb });
}

static void gemm_tn(const struct gemm *g)
{
    multiply(g, (struct view){ g->a, 1, g->lda },
             (struct view){ g->b, 1, g->ldb });
}

/* The scale of row i in segment s of its k / seg. */
static real segment_scale(const real *scale, int parts, int i, int s,
                          int segments)
{
    return parts ? scale[(ptrdiff_t)i * parts + s / (segments / parts)]
                 : scale[0];
}

static void igemm_nt(const struct igemm *g)
{
    const int segments = g->k / g->seg;

    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            real *c = g->c + (ptrdiff_t)i * g->ldc + j;
            real sum = g->accumulate ? *c : 0;

            for (int s = 0; s < segments; s++) {
                const int8_t *x = g->x + (ptrdiff_t)i * g->k + s * g->seg;
                const int8_t *w = g->w + (ptrdiff_t)j * g->k + s * g->seg;
                int32_t dot = 0;

                for (int p = 0; p < g->seg; p++)
                    dot += x[p] * w[p];
                sum = real_fma(
                    (real)dot,
                    segment_scale(g->sx, g->x_parts, i, s, segments) *
                        (segment_scale(g->sw, g->w_parts, j, s, segments) *
                         g->unit),
                    sum);
            }
            *c = sum;
        }
}

static double burst_int8(int32_t *sink, long rounds)
{
    const uint32_t a = (uint32_t)*sink + 3;
    uint32_t x[8], sum = 0;

    for (uint32_t i = 0; i < 8; i++)
        x[i] = i;
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < 8; i++)
            x[i] = x[i] * a + 1;
    for (int i = 0; i < 8; i++)
        sum += x[i];
    *sink = (int32_t)(sum & 1);
    return 2.0 * 8 * (double)rounds;
}

/* --- attention, one query at a time ------------------------------------------ */

static real chain_dot(const real *x, const real *y, int n)
{
    real sum = 0;

    for (int i = 0; i < n; i++)
        sum = real_fma(x[i], y[i], sum);
    return sum;
}

/* Scores of query t against keys 0 .. t. */
static void scores(real *s, const struct attention *a, int t)
{
    for (int j = 0; j <= t; j++)
        s[j] = a->scale * chain_dot(a->q + (ptrdiff_t)t * a->ldq,
                                    a->k + (ptrdiff_t)j * a->ldk, a->head_size);
}

/* y = x factor + y, one step of head_size chains. */
static void chain_step(real *y, const real *x, real factor, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = real_fma(factor, x[i], y[i]);
}

static void attention_forward(const struct attention *a)
{
    real *s = a->work;

    for (int t = 0; t < a->seq; t++) {
        real *out = a->out + (ptrdiff_t)t * a->ldo, max;

        scores(s, a, t);
        max = row_max(s, t + 1);
        a->stat[2 * t] = max;
        a->stat[2 * t + 1] = 1 / row_exp(s, t + 1, max);
        memset(out, 0, (size_t)a->head_size * sizeof *out);
        for (int j = 0; j <= t; j++)
            chain_step(out, a->v + (ptrdiff_t)j * a->ldv, s[j], a->head_size);
        row_scale(out, a->head_size, a->stat[2 * t + 1]);
    }
}

static real lane_dot(const real *x, const real *y, int n)
{
    lanes sum = lanes_set(0);

    FOR_LANES(n)
    sum = lanes_fma(LOAD(x), LOAD(y), sum);
    return lanes_sum(sum);
}

/* dS = P (dP - dO.O) scale; dQ, dK and dV are chains over keys or queries. */
static void attention_backward(const struct attention *a)
{
    real *p = a->work;
    const int h = a->head_size;

    for (int t = 0; t < a->seq; t++) {
        const real *dout = a->dout + (ptrdiff_t)t * a->lddo;
        const real dot = lane_dot(dout, a->out + (ptrdiff_t)t * a->ldo, h);
        real *dq = a->dq + (ptrdiff_t)t * a->lddq;

        scores(p, a, t);
        row_exp(p, t + 1, a->stat[2 * t]);
        row_scale(p, t + 1, a->stat[2 * t + 1]);
        memset(dq, 0, (size_t)h * sizeof *dq);
        for (int j = 0; j <= t; j++) {
            const real dp = chain_dot(dout, a->v + (ptrdiff_t)j * a->ldv, h);
            const real ds = p[j] * (dp - dot) * a->scale;

            chain_step(dq, a->k + (ptrdiff_t)j * a->ldk, ds, h);
            chain_step(a->dk + (ptrdiff_t)j * a->lddk,
                       a->q + (ptrdiff_t)t * a->ldq, ds, h);
            chain_step(a->dv + (ptrdiff_t)j * a->lddv, dout, p[j], h);
        }
    }
}

void kernels_fill_ref(struct kernels *kn)
{
    fill_rows(kn);
    kn->gemm_nt = gemm_nt;
    kn->gemm_nn = gemm_nn;
    kn->gemm_tn = gemm_tn;
    kn->igemm_nt = igemm_nt;
    kn->burst_int8 = burst_int8;
    kn->quant_apply = quant_apply_ref;
    kn->attention_forward = attention_forward;
    kn->attention_backward = attention_backward;
    kn->name = "ref";
    kn->isa = ISA_REF;
}
