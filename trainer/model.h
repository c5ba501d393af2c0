/* model.h - a Llama-style decoder, forward and backward.
 *
 *   x   = embed[token]
 *   x  += O attention(rope(QKV norm(x)))          RMSNorm, grouped queries
 *   x  += FC2 (silu(gate) * up), (gate, up) = FC1 norm(x)
 *   logits = head norm(x)
 *
 * No biases.  Weights are [outputs, inputs].  Every linear layer goes through
 * linear.h, where the six operands of its products are quantized.  All memory
 * is one arena, allocated before step 0.
 *
 * Everything is in `real`: the file is built in float for training and in
 * double for the gradient test. */
#ifndef TRAINER_MODEL_H
#define TRAINER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kernels/kernels.h"
#include "trainer/layers.h"
#include "trainer/linear.h"
#include "trainer/tensors.h"

/* What the forward pass of a block keeps for the backward pass. */
struct block {
    struct linear linear[LAYER_HEAD];
    const real *norm1, *norm2;
    real *dnorm1, *dnorm2;
    real *x;          /* [bt, d] residual stream at the entry */
    real *h1, *rstd1; /* norm(x) */
    real *qkv_out;    /* [bt, qkv], after rope */
    real *att, *stat; /* [bt, d]; [batch, n_head, seq, 2] */
    real *mid;        /* residual stream after attention */
    real *h2, *rstd2; /* norm(mid) */
    real *gu, *act;   /* [bt, 2f], [bt, f] */
};

struct model {
    struct model_dims dims;
    real eps; /* of the norms */
    const struct kernels *kn;
    int threads;
    struct tensors tensors;
    real *params, *grads, *moment1, *moment2; /* [tensors.values] each */
    struct block *blocks;
    struct linear head;
    const real *embed, *norm_f;
    real *dembed, *dnorm_f;
    real *out, *h_f, *rstd_f; /* residual stream at the end, norm of it */
    bool whole;               /* all rows are one stretch */
    int stretch; /* rows that go through a block at a time: whole sequences,
                    so few that they stay in the cache */
    real *dres, *dtmp;   /* gradients in flight: [bt, d] */
    real *dwide, *dact;  /* [stretch, max(2f, qkv)], [stretch, f] */
    real *logits, *loss; /* [chunk, vocab], [bt] */
    int chunk;           /* rows of logits at a time */
    real *rope;          /* [seq, head_size] */
    struct workspaces work;
    void *arena;
    size_t arena_bytes;
};

/* Allocate and draw the initial weights of seed: the same for every
 * quantization of the same shape.  c is resolved. */
enum status model_new(struct model **out, const struct config *c,
                      const struct kernels *kn, uint64_t seed, int threads,
                      struct err *err);
void model_free(struct model *m);

/* The same, but that all rows go through a block at once (workspaces.look). */
enum status model_new_whole(struct model **out, const struct config *c,
                            const struct kernels *kn, uint64_t seed,
                            int threads, struct err *err);

/* What a layer of a block reads: [bt, layer_in]. */
const real *block_input(const struct block *b, enum layer_kind kind);

/* Bytes that model_new will take. */
int64_t model_memory(const struct config *c);

/* Forward and backward over tokens[bt] with targets[bt]; gradients of the mean
 * loss go to m->grads.  step numbers the stochastic rounding.  False when
 * something was not finite: m->work.bad says where. */
bool model_step(struct model *m, double *loss, const int *tokens,
                const int *targets, uint64_t seed, int64_t step);

/* Forward only; m->loss[bt] holds the loss of each position. */
bool model_forward(struct model *m, const int *tokens, const int *targets);

/* The same in pieces, for those who look at what is between: up to the last
 * norm; the logits of rows at .. at+n-1, [n, vocab], n at most m->chunk, until
 * the next call; and their losses, which use the logits up. */
bool model_body(struct model *m, const int *tokens);
const real *model_logits(struct model *m, int at, int n);
void model_losses(struct model *m, const int *targets, int at, int n);

/* The tokens as the first block is given them, and one block by itself: from
 * its x to next, [bt, d], which may be the x of the block after it. */
void model_embed(struct model *m, real *x, const int *tokens);
bool model_block(struct model *m, int layer, real *next);

/* The input of the head, [bt, d], of the residual stream in m->out. */
const real *model_last_norm(struct model *m);

/* The matrix of a layer among the parameters, [out, in]; layer -1: the head's,
 * which is the embedding where they are tied. */
real *model_weight(struct model *m, enum layer_kind kind, int layer);

/* SHA-256 of the parameters, as little-endian bytes in table order. */
void model_hash(char *hex, const struct model *m);

#endif
