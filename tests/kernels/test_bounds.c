/* Every kernel of every instruction set against its formula in double, within
 * a bound that follows from its roundings: u = 2^-24 for each, relative to the
 * magnitudes that are added (Higham 2002, section 3.1), first order in u with
 * one u to spare for the rest.  exp is good to 2.1 u and log to 1.7 u (half a
 * unit in the last place is u at most; kernels.h). */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"

static const double u = 0x1p-24;
static const double exp_u = 2.1 * 0x1p-24, log_u = 1.7 * 0x1p-24;

static const int sizes[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 67, 257 };
#define N_SIZES (int)(sizeof sizes / sizeof sizes[0])
#define ROWS    5
#define MOST    (ROWS * 2 * 257)

/* Inputs of one case, one element past an aligned address. */
struct input {
    float x[MOST + 1], y[MOST + 1], w[MOST + 1], z[MOST + 1];
};

static const struct kernels *set_at(int isa)
{
    static const char *const names[] = { "ref", "avx2", "avx512" };
    const struct kernels *kn;
    struct err err;

    check_ok(kernels_select(&kn, names[isa], &err), err);
    return kn;
}

typedef void case_function(const struct kernels *kn, const struct input *in,
                           int c);

static void every_set_and_size(case_function *f)
{
    struct input *in = mem_alloc(sizeof *in);

    for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
        for (int s = 0; s < N_SIZES; s++) {
            for (int i = 0; i <= MOST; i++) {
                const uint64_t n = (uint64_t)i;

                in->x[i] = (float)rng_normal(1, n);
                in->y[i] = (float)rng_normal(2, n);
                in->w[i] = (float)rng_normal(3, n);
                in->z[i] = (float)(3 * rng_normal(4, n));
            }
            f(set_at(isa), in, sizes[s]);
        }
    free(in);
}

/* --- RMSNorm: a sum of c squares over 16 lanes --------------------------- */

static void norm_case(const struct kernels *kn, const struct input *in, int c)
{
    const float *x = in->x + 1, *dout = in->y + 1, *weight = in->w + 1;
    float out[MOST], dx[MOST] = { 0 }, dw[257] = { 0 }, rstd[ROWS];
    const double sum_u = c / 16.0 + 6; /* roundings on the way of a term */

    kn->rmsnorm_forward(out, rstd, x, weight, ROWS, c, 1e-5f);
    kn->rmsnorm_backward(dx, dout, x, weight, rstd, ROWS, c);
    kn->rmsnorm_dweight(dw, dout, x, rstd, ROWS, c);
    for (int r = 0; r < ROWS; r++) {
        const int at = r * c;
        double squares = 0, dot = 0, size = 0, s;

        for (int i = 0; i < c; i++) {
            const double xi = (double)x[at + i];
            const double term = (double)dout[at + i] * (double)weight[i] * xi;

            squares += xi * xi;
            dot += term;
            size += fabs(term);
        }
        s = 1 / sqrt(squares / c + (double)1e-5f);
        check_relative((double)rstd[r], s, (sum_u / 2 + 4) * u);
        for (int i = 0; i < c; i++) {
            const double xi = (double)x[at + i], wi = (double)weight[i];
            const double di = (double)dout[at + i] * wi, cube = s * s * s / c;

            check_relative((double)out[at + i], xi * s * wi,
                           (sum_u / 2 + 7) * u);
            check_close((double)dx[at + i], di * s - dot * cube * xi,
                        ((sum_u / 2 + 8) * fabs(di * s) +
                         (2.5 * sum_u + 24) * size * cube * fabs(xi)) *
                            u);
        }
    }
    for (int i = 0; i < c; i++) {
        double sum = 0, size = 0;

        for (int r = 0; r < ROWS; r++) {
            const double t = (double)dout[r * c + i] *
                             ((double)x[r * c + i] * (double)rstd[r]);

            sum += t;
            size += fabs(t);
        }
        check_close((double)dw[i], sum, (ROWS + 2) * u * size);
    }
}

static void norms_are_within_their_bound(void **state)
{
    (void)state;
    every_set_and_size(norm_case);
}

/* --- SwiGLU -------------------------------------------------------------- */

static void swiglu_case(const struct kernels *kn, const struct input *in, int f)
{
    const float *gu = in->z + 1, *dout = in->y + 1;
    float out[MOST], dgu[MOST];
    /* of a sigmoid: exp, a sum, a quotient */
    const double s_u = exp_u + 3 * u;

    kn->swiglu_forward(out, gu, ROWS, f);
    kn->swiglu_backward(dgu, dout, gu, ROWS, f);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < f; i++) {
            const double g = (double)gu[2 * r * f + i];
            const double up = (double)gu[(2 * r + 1) * f + i];
            const double d = (double)dout[r * f + i];
            const double s = 1 / (1 + exp(-g)), rest = 1 - s;
            const double slope = s * (1 + g * rest);
            /* s enters twice, and 1 - s cancels */
            const double slope_err = fabs(slope) * (s_u + 3 * u) +
                                     s * (fabs(g) * (s * s_u + 2 * u) + 2 * u);

            check_close((double)out[r * f + i], g * s * up,
                        fabs(g * s * up) * (s_u + 3 * u));
            check_close((double)dgu[2 * r * f + i], d * up * slope,
                        fabs(d * up) * (slope_err + 3 * u * fabs(slope)));
            check_close((double)dgu[(2 * r + 1) * f + i], d * g * s,
                        fabs(d * g * s) * (s_u + 3 * u));
        }
}

static void swiglu_is_within_its_bound(void **state)
{
    (void)state;
    every_set_and_size(swiglu_case);
}

/* --- softmax and loss ---------------------------------------------------- */

static void loss_case(const struct kernels *kn, const struct input *in, int v)
{
    float logits[MOST], loss[ROWS];
    int target[ROWS];

    memcpy(logits, in->z + 1, sizeof(float) * (size_t)(ROWS * v));
    for (int r = 0; r < ROWS; r++)
        target[r] = (r * 5) % v;
    kn->cross_entropy(loss, logits, target, ROWS, v, 0.25f);
    for (int r = 0; r < ROWS; r++) {
        const float *x = in->z + 1 + r * v;
        double max = (double)x[0], sum = 0, spread = 0, e, wanted;

        for (int i = 0; i < v; i++)
            max = fmax(max, (double)x[i]);
        for (int i = 0; i < v; i++) {
            sum += exp((double)x[i] - max);
            spread = fmax(spread, max - (double)x[i]);
        }
        /* of a probability: the rounded difference, exp, sums, quotients */
        e = spread * u + exp_u;
        wanted = max - (double)x[target[r]];
        check_close((double)loss[r], log(sum) + wanted,
                    e + (v / 16.0 + 6) * u + log_u * log(sum) +
                        u * (2 * wanted + log(sum)));
        for (int i = 0; i < v; i++) {
            const double p = exp((double)x[i] - max) / sum;

            check_close((double)logits[r * v + i],
                        0.25 * (p - (i == target[r])),
                        0.25 * p * (2 * e + (v / 16.0 + 10) * u) +
                            (i == target[r] ? 0.25 * u : 0));
        }
    }
}

static void the_loss_is_within_its_bound(void **state)
{
    (void)state;
    every_set_and_size(loss_case);
}

/* --- rotation ------------------------------------------------------------ */

static void rope_case(const struct kernels *kn, const struct input *in, int c)
{
    const int half = (c + 1) / 2, h = 2 * half;
    const float *table = in->w + 1;
    float x[MOST];

    memcpy(x, in->x + 1, sizeof x);
    kn->rope(x, h, 3, 1, h, 2, table, -1);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < half; i++) {
            const double a = (double)in->x[1 + r * h + i];
            const double b = (double)in->x[1 + r * h + half + i];
            const double cosine = (double)table[r % 2 * h + i];
            const double sine = -(double)table[r % 2 * h + half + i];

            check_close((double)x[r * h + i], a * cosine - b * sine,
                        3 * u * (fabs(a * cosine) + fabs(b * sine)));
            check_close((double)x[r * h + half + i], a * sine + b * cosine,
                        3 * u * (fabs(a * sine) + fabs(b * cosine)));
        }
}

static void rotation_is_within_its_bound(void **state)
{
    (void)state;
    every_set_and_size(rope_case);
}

/* --- AdamW and sums ------------------------------------------------------ */

static void update_case(const struct kernels *kn, const struct input *in, int c)
{
    const struct adamw a = {
        0.01f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.1f, 0.05f, 0.7f
    };
    float param[257], mean[257], var[257];
    double squares = 0;

    for (int i = 0; i < c; i++) {
        param[i] = in->x[1 + i];
        mean[i] = in->y[1 + i];
        var[i] = in->z[1 + i] * in->z[1 + i];
        squares += (double)in->x[1 + i] * (double)in->x[1 + i];
    }
    kn->adamw(param, mean, var, in->w + 1, (size_t)c, &a);
    for (int i = 0; i < c; i++) {
        const double g = (double)in->w[1 + i] * (double)a.grad_scale;
        const double m0 = (double)a.beta1 * (double)in->y[1 + i];
        const double m1 = (double)(1 - a.beta1) * g;
        const double v0 = (double)(in->z[1 + i] * in->z[1 + i]);
        const double v = (double)a.beta2 * v0 + (double)(1 - a.beta2) * g * g;
        const double root = sqrt(v / (double)a.bias2) + (double)a.eps;
        const double step = (m0 + m1) / (double)a.bias1 / root;
        const double size = (fabs(m0) + fabs(m1)) / (double)a.bias1 / root;
        const double kept =
            (double)in->x[1 + i] * (1 - (double)a.lr * (double)a.weight_decay);

        check_close((double)mean[i], m0 + m1, 4 * u * (fabs(m0) + fabs(m1)));
        check_relative((double)var[i], v, 6 * u);
        check_close((double)param[i], kept - (double)a.lr * step,
                    5 * u * fabs(kept) + 14 * u * (double)a.lr * size);
    }
    check_relative(kn->sum_squares(in->x + 1, (size_t)c), squares,
                   (c / 16.0 + 6) * u);
}

static void updates_are_within_their_bound(void **state)
{
    (void)state;
    every_set_and_size(update_case);
}

/* --- attention ----------------------------------------------------------- */

/* Scores, probabilities and slopes of one query in double, with bounds on
 * what floats may make of them. */
struct query {
    double p[257], p_err[257], ds[257], ds_err[257];
};

static double dot(const float *x, const float *y, int n, double *size)
{
    double sum = 0;

    *size = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[i] * (double)y[i];
        *size += fabs((double)x[i] * (double)y[i]);
    }
    return sum;
}

static void attend(struct query *q, const struct attention *a, int t)
{
    const int h = a->head_size;
    const double scale = (double)a->scale;
    double s[257], s_err = 0, max = -INFINITY, sum = 0, size, d, d_err;

    for (int j = 0; j <= t; j++) {
        s[j] = scale * dot(a->q + t * h, a->k + j * h, h, &size);
        s_err = fmax(s_err, (h + 1) * u * scale * size);
        max = fmax(max, s[j]);
    }
    for (int j = 0; j <= t; j++)
        sum += exp(s[j] - max);
    d = dot(a->dout + t * h, a->out + t * h, h, &size);
    d_err = (h + 8) * u * size;
    for (int j = 0; j <= t; j++) {
        const double dp = dot(a->dout + t * h, a->v + j * h, h, &size);

        q->p[j] = exp(s[j] - max) / sum;
        q->p_err[j] = q->p[j] * (4 * s_err + 2 * (max - s[j]) * u + 2 * exp_u +
                                 (t / 16.0 + 10) * u);
        q->ds[j] = q->p[j] * (dp - d) * scale;
        q->ds_err[j] = scale * (q->p_err[j] * fabs(dp - d) +
                                q->p[j] * (d_err + (h + 1) * u * size)) +
                       4 * u * fabs(q->ds[j]);
    }
}

/* got = the sum over j of f_j x_j, with f_j uncertain by err_j. */
static void check_chain(double got, const double *f, const double *err,
                        const float *x, int stride, int n)
{
    double sum = 0, bound = 0;

    for (int j = 0; j < n; j++) {
        sum += f[j] * (double)x[j * stride];
        bound +=
            (err[j] + (n + 1) * u * fabs(f[j])) * fabs((double)x[j * stride]);
    }
    check_close(got, sum, bound);
}

static void attention_case(const struct kernels *kn, int seq, int h)
{
    const size_t n = (size_t)(seq * h);
    float *m[8], *stat = mem_array(2 * (size_t)seq, sizeof *stat);
    void *work =
        aligned_alloc(64, (kernels_attention_work(seq, h) + 63) / 64 * 64);
    struct query *q = mem_array((size_t)seq, sizeof *q);
    struct attention a = { .stat = stat,
                           .ldq = h,
                           .ldk = h,
                           .ldv = h,
                           .ldo = h,
                           .lddo = h,
                           .lddq = h,
                           .lddk = h,
                           .lddv = h,
                           .seq = seq,
                           .head_size = h,
                           .scale = 0.25f,
                           .work = work };
    double f[257], err[257];

    for (int i = 0; i < 8; i++) {
        m[i] = mem_array(n, sizeof *m[i]);
        for (size_t k = 0; k < n && i < 4; k++)
            m[i][k] = (float)rng_normal((uint64_t)i, k);
    }
    a.q = m[0];
    a.k = m[1];
    a.v = m[2];
    a.dout = m[3];
    a.out = m[4];
    a.dq = m[5];
    a.dk = m[6];
    a.dv = m[7];
    kn->attention_forward(&a);
    kn->attention_backward(&a);
    for (int t = 0; t < seq; t++) {
        attend(&q[t], &a, t);
        for (int i = 0; i < h; i++) {
            check_chain((double)a.out[t * h + i], q[t].p, q[t].p_err, a.v + i,
                        h, t + 1);
            check_chain((double)a.dq[t * h + i], q[t].ds, q[t].ds_err, a.k + i,
                        h, t + 1);
        }
    }
    for (int j = 0; j < seq; j++)
        for (int i = 0; i < 2 * h; i++) {
            const bool values = i >= h;

            for (int t = j; t < seq; t++) {
                f[t - j] = values ? q[t].p[j] : q[t].ds[j];
                err[t - j] = values ? q[t].p_err[j] : q[t].ds_err[j];
            }
            check_chain((double)(values ? a.dv : a.dk)[j * h + i % h], f, err,
                        (values ? a.dout : a.q) + j * h + i % h, h, seq - j);
        }
    for (int i = 0; i < 8; i++)
        free(m[i]);
    free(stat);
    free(work);
    free(q);
}

static void attention_is_within_its_bound(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
        for (int s = 0; s < N_SIZES; s++)
            attention_case(set_at(isa), sizes[s], s % 3 ? 16 : 2 + s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_within_their_bound),
        cmocka_unit_test(swiglu_is_within_its_bound),
        cmocka_unit_test(the_loss_is_within_its_bound),
        cmocka_unit_test(rotation_is_within_its_bound),
        cmocka_unit_test(updates_are_within_their_bound),
        cmocka_unit_test(attention_is_within_its_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
