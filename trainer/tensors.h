/* tensors.h - the parameters of a model: what they are called, where each lies,
 * and how it begins. */
#ifndef TRAINER_TENSORS_H
#define TRAINER_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/real.h"
#include "trainer/layers.h"

/* One tensor; the order of rows is the order in memory, in checkpoints and in
 * dumps, and numbers the streams of initial values: what is new stands at the
 * end. */
struct tensor {
    const char *name; /* "embed", "qkv", ... */
    int layer;        /* -1 outside blocks */
    int rows, cols;   /* a vector has one row */
    size_t offset;    /* into the parameters */
    bool decay;       /* matrices decay, norms do not */
    bool adds;        /* into the residual stream (layers.h) */
};

struct tensors {
    struct tensor *at;
    int n;
    size_t values; /* of all of them */
};

/* Those of a decoder: the embedding, the layers of each block behind their
 * norms, and the head's.  tensors_free releases the list. */
void tensors_list(struct tensors *t, const struct model_dims *s);
void tensors_free(struct tensors *t);

/* NULL: there is none. */
const struct tensor *tensors_find(const struct tensors *t, const char *name,
                                  int layer);

/* The matrix of a layer; layer -1: the head's, which is the embedding where they
 * are tied. */
const struct tensor *tensors_layer(const struct tensors *t, bool tied,
                                   enum layer_kind kind, int layer);

/* Initial values: matrices normal with deviation std, those that add into the
 * residual stream smaller by sqrt(2 n_layer) (GPT-2's rule), vectors 1.  They
 * start as floats in the double build too, so that both train the same model. */
void tensors_draw(real *values, const struct tensors *t, int n_layer,
                  double std, uint64_t seed);

#endif
