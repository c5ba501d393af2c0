#include "trainer/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"

static void add(struct tensors *t, const char *name, int layer, int rows,
                int cols, bool adds)
{
    t->at = mem_grow(t->at, (size_t)t->n + 1, sizeof *t->at);
    t->at[t->n++] = (struct tensor){
        .name = name,
        .layer = layer,
        .rows = rows,
        .cols = cols,
        .offset = t->values,
        .decay = rows > 1,
        .adds = adds,
    };
    t->values += (size_t)rows * (size_t)cols;
}

/* A linear layer behind its norm; a tied head is the embedding's. */
static void add_layer(struct tensors *t, const struct model_dims *s,
                      enum layer_kind kind, int layer)
{
    const struct layer_row *row = &layer_rows[kind];
    const int in = layer_in(s, kind), out = layer_out(s, kind);

    if (row->norm)
        add(t, row->norm, layer, 1, in, false);
    if (kind != LAYER_HEAD || !s->tied)
        add(t, row->name, layer, out, in, row->adds);
}

void tensors_list(struct tensors *t, const struct model_dims *s)
{
    *t = (struct tensors){ 0 };
    add(t, "embed", -1, s->vocab, s->d, false);
    for (int l = 0; l < s->n_layer; l++)
        for (int k = 0; k < LAYER_HEAD; k++)
            add_layer(t, s, (enum layer_kind)k, l);
    add_layer(t, s, LAYER_HEAD, -1);
}

void tensors_free(struct tensors *t)
{
    free(t->at);
    *t = (struct tensors){ 0 };
}

const struct tensor *tensors_find(const struct tensors *t, const char *name,
                                  int layer)
{
    for (int i = 0; i < t->n; i++)
        if (t->at[i].layer == layer && strcmp(t->at[i].name, name) == 0)
            return &t->at[i];
    return NULL;
}

const struct tensor *tensors_layer(const struct tensors *t, bool tied,
                                   enum layer_kind kind, int layer)
{
    const bool embedding = kind == LAYER_HEAD && tied;

    return tensors_find(t, embedding ? "embed" : layer_rows[kind].name,
                        kind == LAYER_HEAD ? -1 : layer);
}

void tensors_draw(real *values, const struct tensors *list, int n_layer,
                  double std, uint64_t seed)
{
    const double into = std / sqrt(2.0 * n_layer);

    for (int i = 0; i < list->n; i++) {
        const struct tensor *t = &list->at[i];
        const size_t n = (size_t)t->rows * (size_t)t->cols;
        const uint64_t key = rng_key(seed, RNG_INIT, (uint64_t)i);
        real *w = values + t->offset;

        for (size_t k = 0; k < n; k++)
            w[k] = t->rows == 1
                       ? 1
                       : (float)(rng_normal(key, k) * (t->adds ? into : std));
    }
}
