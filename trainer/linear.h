/* linear.h - a linear layer whose six GEMM operands can be quantized.
 *
 *   forward          Y  = x w^T       x  [bt, in],  w  [out, in]
 *   input gradient   dX = dy_d w_d    dy_d [bt, out]
 *   weight gradient  dW = dy_g^T x_g
 *
 * Each operand is quantized along the axis its product reduces over.  A
 * backward operand that says "forward" uses the tensor of the forward pass as
 * it was, which is what automatic differentiation of a straight-through
 * estimator does.  With clipping, dX and dW are zeroed where the forward
 * quantizer clipped x or w (Bengio et al. 2013, arXiv:1308.3432, saturated).
 *
 * Where x and w both have int8 codes, Y is the integer product of kernels.h
 * (quant.gemm = fake asks for the f32 product of the same values instead).
 * Where the values of both operands of any product are exact in bf16, its
 * instructions give the bits of the f32 product and are taken. */
#ifndef TRAINER_LINEAR_H
#define TRAINER_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"
#include "trainer/config.h"
#include "trainer/selector.h"

struct linear;

/* Scratch of every thread, shared by all layers, and the first failure. */
struct workspaces {
    int threads;
    unsigned char *gemm; /* threads * GEMM_WORK */
    unsigned char *attention;
    size_t attention_bytes; /* of one thread */
    void *quant;
    real *operand; /* a quantized backward operand in flight */
    real *input;   /* of one layer, where inputs are to stay as they are */
    real *scale;   /* of the parts of the operand quantized last */
    real *rounded; /* both operands of a bf16 product, without instructions */
    bool keep_inputs;
    uint64_t seed;
    int64_t step;
    char bad[96]; /* "" or what was not finite, and where */
    /* Shown what each backward pass of a layer is given; NULL in training. */
    void (*look)(void *ctx, const struct linear *l, const real *dy,
                 const real *x, int rows);
    void *look_ctx;
};

/* int8 codes of an operand and the scales of its parts (kernels.h). */
struct codes {
    int8_t *code;
    real *scale;
    int parts; /* of a row; 0: one scale for the tensor */
};

struct linear {
    const struct kernels *kn;
    struct workspaces *work;
    int layer;
    enum layer_kind kind;
    int in, out, bt;
    struct quant_spec spec[OPERAND_COUNT];
    bool reuse[OPERAND_COUNT]; /* backward operands that say "forward" */
    bool bf16; /* products of rounded operands (train.compute) */
    bool clip;
    bool exact[OPERAND_COUNT];  /* values exact in bf16, and that is used */
    double unit[OPERAND_COUNT]; /* then what those of this pass so far are
                                   multiples of; 0: not exact */
    const real *w;
    real *dw;
    real *qw;             /* quantized weight of this step, or NULL */
    real *qx;             /* quantized input of this pass, or NULL */
    bool in_place;        /* qx takes the place of the input: nothing else needs
                          that, unless keep_inputs says so */
    uint8_t *in_w, *in_x; /* not clipped, or NULL */
    void *packed; /* room for the weight as the product of a pass arranges it,
                     where a pass has many stretches; else NULL */
    void (*packed_for)(const struct gemm *g); /* that product */
    struct codes cw, cx; /* of an integer forward product, else empty */
    /* Of a static input: what calibration gave its parts, not ours; NULL: not
     * measured yet, and each pass measures for itself. */
    const real *x_scale, *x_zero;
};

/* Quantize the weight for the step; call before the first use in it. */
bool linear_begin(struct linear *l);

/* A pass over bt rows may be made a stretch at a time, from row 0 on: y, x, dx
 * and dy are those of rows at .. at+rows-1.  That is for layers of which
 * linear_by_rows says so; the bits are those of one pass over all. */
bool linear_by_rows(const struct linear *l);

/* y[rows, out] = x w^T, or += when accumulate; x is overwritten where in_place
 * says so. */
bool linear_forward(struct linear *l, real *y, real *x, int at, int rows,
                    bool accumulate);

/* dx[rows, in] = dy w and dw = dy^T x, added to that of the rows before; x is
 * what the forward pass was given. */
bool linear_backward(struct linear *l, real *dx, const real *dy, const real *x,
                     int at, int rows);

/* Scales of its parts that an operand needs room for in workspaces.scale. */
size_t linear_scales(const struct linear *l, enum quant_operand operand);

/* Elements of workspaces.rounded that a layer needs with these kernels. */
size_t linear_rounded(const struct linear *l);

#endif
