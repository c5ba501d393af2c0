/* layers.h - the linear layers of a decoder, one row a kind, and the shape that
 * their widths come from.
 *
 * Everything that goes over layers goes over these rows: parameters, selectors,
 * quantizers, counts, arms.  How activations flow between them is model_pass.c
 * and its tables (model.h). */
#ifndef TRAINER_LAYERS_H
#define TRAINER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

/* LAYER(kind, name, inputs, outputs, norm, adds) in the order of a block, the
 * head at the end.
 *
 * inputs, outputs: members of struct model_dims
 * norm: the RMSNorm of its input, or NULL
 * adds: its output is added to the residual stream, so that its initial weights
 *       are smaller (GPT-2's rule) */
#define LAYER_LIST(LAYER)                                                      \
    LAYER(QKV, "qkv", d, qkv, "norm1", false)                                  \
    LAYER(O, "o", d, d, NULL, true)                                            \
    LAYER(FC1, "fc1", d, gu, "norm2", false)                                   \
    LAYER(FC2, "fc2", f, d, NULL, true)                                        \
    LAYER(HEAD, "head", d, vocab, "norm_f", false)

enum layer_kind {
#define LAYER_ENUM(kind, name, in, out, norm, adds) LAYER_##kind,
    LAYER_LIST(LAYER_ENUM)
#undef LAYER_ENUM
        LAYER_KINDS
};

struct layer_row {
    const char *name;
    size_t in, out; /* offsets in struct model_dims */
    const char *norm;
    bool adds;
};
extern const struct layer_row layer_rows[LAYER_KINDS];

/* The kind of a name; LAYER_KINDS for none. */
enum layer_kind layer_find(const char *name);

struct model_dims {
    int n_layer, n_head, n_kv, head_size;
    int d, kvd, qkv; /* kvd = n_kv * head_size; qkv = d + 2 kvd */
    int f, gu;       /* gu = 2 f: gates and values */
    int vocab, seq, batch;
    int bt; /* batch * seq: rows of every activation */
    bool tied;
};

/* Of a resolved configuration. */
struct model_dims model_dims_of(const struct config *c);

int layer_in(const struct model_dims *s, enum layer_kind kind);
int layer_out(const struct model_dims *s, enum layer_kind kind);

/* Linear weights of a layer, and of all layers of the blocks together. */
int64_t layer_weights(const struct model_dims *s, enum layer_kind kind);
int64_t model_dims_body(const struct model_dims *s);

/* The most numbers in a row of any activation, logits among them. */
int model_dims_widest(const struct model_dims *s);

#endif
