/* kernels.h - the hot loops, as a table that an instruction set fills.
 *
 * kernels_ref.c is the definition: scalar, short, built with plain flags.  The
 * other files repeat it and give the same bits, because the order of every
 * rounding is part of the definition:
 *
 *   GEMM    each output is one chain of fused multiply-adds, k ascending,
 *           starting from 0 (or from C when accumulating);
 *   sums    of a row run over 16 virtual lanes (element i goes to lane i mod
 *           16, lanes start at +0, fused where a product is summed), joined
 *           as lane j += lane j + 8, 4, 2, 1;
 *   softmax takes exp(s - max) of a row and its sum over the lanes; attention
 *           is, for query t and keys j <= t,
 *             s_j = scale * (q . k_j), one chain over the head size,
 *             p_j = exp(s_j - max s),
 *             out = (chain over j ascending of p_j v_j) * (1 / sum p),
 *           and backward, with P_j = p_j (1 / sum p) and D = dout . out,
 *             dS_j = (P_j (dout . v_j - D)) scale,
 *             dq the chain over j of dS_j k_j, dk_j and dv_j the chains over
 *             t ascending of dS_j q_t and P_j dout_t.
 *           Later keys are skipped; a fast path that multiplies them by 0
 *           may only turn a result of -0 into +0;
 *   exp, log are our own polynomials (math below), the same steps everywhere.
 *
 * Tensors are row-major and contiguous unless a leading dimension is given.
 * Kernels allocate nothing and start no threads; callers split rows. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/quant.h"
#include "kernels/real.h"

enum kernels_isa { ISA_REF, ISA_AVX2, ISA_AVX512, ISA_COUNT };

/* Matrix operands of one product.  C[m, n] (+)= op(A) op(B), with leading
 * dimensions in elements. */
struct gemm {
    real *c;
    const real *a, *b;
    int ldc, lda, ldb;
    int m, n, k;
    bool accumulate; /* start from C instead of 0 */
    void *work;      /* GEMM_WORK bytes of this thread, 64-byte aligned */
    /* B as the kernel arranges it, for products with the same B: packed_bytes
     * of memory, 64-byte aligned, which is filled when pack says so (also with
     * m = 0) and else read in its place.  NULL: arranged anew each time. */
    void *packed;
    bool pack;
};

/* C[m, n] (+)= X W^T of operands with int8 codes and scales (quant_io).  The
 * definition, for every set: the exact integer sum of each segment, converted
 * to float, times the product of the two scales, fused onto C in order:
 *
 *   c = fma((float)sum_k x w, sx * (sw * unit), c)   for each segment
 *
 * unit is the product of the steps that the codes count (a power of two); seg
 * divides k and both operands' parts. */
struct igemm {
    real *c;
    const int8_t *x, *w; /* [m, k], [n, k] */
    const real *sx, *sw; /* [m, x_parts], [n, w_parts]; one in all when
                                the parts are 0 (per tensor) */
    int x_parts, w_parts;
    real unit;
    int ldc, m, n, k, seg;
    bool accumulate;
    void *work;   /* GEMM_WORK bytes of this thread */
    void *packed; /* W, as in struct gemm */
    bool pack;
};

/* One (batch, head) of causal attention: q, k, v, out and their gradients are
 * [seq, head_size] with leading dimensions. */
struct attention {
    const real *q, *k, *v;
    real *out;
    real *stat; /* [seq, 2]: row maximum of the scores, 1 / sum of exp */
    int ldq, ldk, ldv, ldo;
    int seq, head_size;
    real scale; /* head_size^(-1/2); positive */
    /* backward only; dk and dv are accumulated (grouped queries share them) */
    const real *dout;
    real *dq, *dk, *dv;
    int lddo, lddq, lddk, lddv;
    void *work; /* kernels_attention_work(seq, head_size) bytes */
};

struct adamw {
    real lr, beta1, beta2, eps, weight_decay;
    real bias1, bias2; /* 1 - beta^t */
    real grad_scale;   /* from clipping by the global norm */
};

struct kernels {
    const char *name; /* of the widest set that filled an entry */
    enum kernels_isa isa;

    /* nt: A[m, k] B[n, k]^T; nn: A[m, k] B[k, n]; tn: A[k, m]^T B[k, n]. */
    void (*gemm_nt)(const struct gemm *g);
    void (*gemm_nn)(const struct gemm *g);
    void (*gemm_tn)(const struct gemm *g);
    void (*igemm_nt)(const struct igemm *g);

    /* The same products of operands rounded to bf16 (num.h), to the nearest,
     * ties to even; NULL where the CPU has no instructions for it.  Same bits
     * as gemm_* on operands that are rounded first, but that numbers below
     * 2^-126 are taken for zero, and that a sum of nothing but zeros may lose
     * its minus where k is odd. */
    void (*bf16_nt)(const struct gemm *g);
    void (*bf16_nn)(const struct gemm *g);
    void (*bf16_tn)(const struct gemm *g);

    /* See quant_apply_ref. */
    bool (*quant_apply)(const struct quant_spec *spec,
                        const struct quant_io *out, const real *x, int rows,
                        int cols, enum quant_axis axis, uint64_t key,
                        void *work);

    /* out[rows, c] = x * rstd * weight, rstd = (mean(x^2) + eps)^(-1/2).
     * Zhang & Sennrich 2019, arXiv:1910.07467. */
    void (*rmsnorm_forward)(real *out, real *rstd, const real *x,
                            const real *weight, int rows, int c, real eps);
    /* dx += ...; uses x, weight, rstd of the forward pass. */
    void (*rmsnorm_backward)(real *dx, const real *dout, const real *x,
                             const real *weight, const real *rstd, int rows,
                             int c);
    /* dweight[c] += sum over rows, in row order, of dout * x * rstd. */
    void (*rmsnorm_dweight)(real *dweight, const real *dout, const real *x,
                            const real *rstd, int rows, int c);

    /* Rotary embedding in place on n_heads heads of each row of x (leading
     * dimension ld), rows in positions row % seq: pairs (i, i + head_size/2),
     * Su et al. 2021, arXiv:2104.09864.  table[seq, head_size] holds cos in
     * its first and sin in its second half; direction -1 turns back. */
    void (*rope)(real *x, int ld, int rows, int n_heads, int head_size, int seq,
                 const real *table, int direction);

    /* out[rows, f] = silu(gate) * up, gu[rows, 2f] = (gate, up).  Shazeer
     * 2020, arXiv:2002.05202. */
    void (*swiglu_forward)(real *out, const real *gu, int rows, int f);
    void (*swiglu_backward)(real *dgu, const real *dout, const real *gu,
                            int rows, int f);

    void (*attention_forward)(const struct attention *a);
    void (*attention_backward)(const struct attention *a);

    /* loss[rows] = -log softmax(logits)[target]; when grad_scale is not 0 the
     * logits become grad_scale * (softmax - one-hot). */
    void (*cross_entropy)(real *loss, real *logits, const int *target, int rows,
                          int v, real grad_scale);

    void (*add)(real *y, const real *x, size_t n); /* y += x */

    /* out[n] = exp(x - the largest of x), in double, relative error below 1e-15;
     * returns the largest. */
    double (*exp_below)(double *out, const real *x, int n);

    /* Of n numbers, none of them NaN, the one that `rank` are not below: 0 gives
     * the largest.  scratch: n reals. */
    real (*nth_largest)(const real *x, int n, int rank, void *scratch);

    /* AdamW, Loshchilov & Hutter 2019, arXiv:1711.05101 (decoupled decay
     * times lr): one update of n parameters. */
    void (*adamw)(real *param, real *m, real *v, const real *grad, size_t n,
                  const struct adamw *step);

    /* Sum of squares of x over the 16 lanes, in blocks of 4096 elements whose
     * sums are added in double. */
    double (*sum_squares)(const real *x, size_t n);
    bool (*all_finite)(const real *x, size_t n);

    /* Independent fused multiply-adds in registers only, for measuring the
     * peak: returns how many flops it did.  *sink keeps them alive. */
    double (*burst)(real *sink, long rounds);
    /* The same of int8 products added to int32. */
    double (*burst_int8)(int32_t *sink, long rounds);
};

#define GEMM_WORK (1 << 20)
size_t kernels_packed_bytes(int n, int k); /* for any product with B's n, k */
size_t kernels_attention_work(int seq, int head_size);

/* The table for the widest set that the CPU has and cap allows.  cap is
 * "ref", "avx2", "avx512" or NULL/"" for no cap; ERR_TOOL when the CPU lacks
 * what cap names, ERR_USAGE when cap is none of these.  The result is static
 * and constant. */
enum status kernels_select(const struct kernels **out, const char *cap,
                           struct err *err);

/* Widest set of this CPU, and the name of a set. */
enum kernels_isa kernels_cpu(void);

/* The polynomials, scalar, for tests and tables.  Largest errors, measured
 * over every float of exp's range and of log's central octaves: 1.02 and
 * 0.83 units in the last place.  exp is 0 below -87.3 and stays at e^88.37
 * beyond it; log wants x > 0, normal. */
real kernels_exp(real x);
real kernels_log(real x);

#endif
