#include "trainer/layers.h"

#include <string.h>

#include "trainer/config.h"

const struct layer_row layer_rows[LAYER_KINDS] = {
#define LAYER_ROW(kind, name, in, out, norm, adds)                             \
    [LAYER_##kind] = { name, offsetof(struct model_dims, in),                  \
                       offsetof(struct model_dims, out), norm, adds },
    LAYER_LIST(LAYER_ROW)
#undef LAYER_ROW
};

enum layer_kind layer_find(const char *name)
{
    int k = 0;

    while (k < LAYER_KINDS && strcmp(layer_rows[k].name, name) != 0)
        k++;
    return (enum layer_kind)k;
}

struct model_dims model_dims_of(const struct config *c)
{
    struct model_dims s = {
        .n_layer = (int)config_model_n_layer(c),
        .n_head = (int)config_model_n_head(c),
        .n_kv = (int)config_model_n_kv_head(c),
        .d = (int)config_model_d_model(c),
        .f = (int)config_model_d_ff(c),
        .vocab = (int)config_model_vocab(c),
        .seq = (int)config_model_seq_len(c),
        .batch = (int)config_train_batch(c),
        .tied = config_model_tied(c),
    };

    s.head_size = s.d / s.n_head;
    s.kvd = s.n_kv * s.head_size;
    s.qkv = s.d + 2 * s.kvd;
    s.gu = 2 * s.f;
    s.bt = (int)((int64_t)s.batch * s.seq);
    return s;
}

static int member(const struct model_dims *s, size_t offset)
{
    return *(const int *)(const void *)((const char *)s + offset);
}

int layer_in(const struct model_dims *s, enum layer_kind kind)
{
    return member(s, layer_rows[kind].in);
}

int layer_out(const struct model_dims *s, enum layer_kind kind)
{
    return member(s, layer_rows[kind].out);
}

int64_t layer_weights(const struct model_dims *s, enum layer_kind kind)
{
    return (int64_t)layer_in(s, kind) * layer_out(s, kind);
}

int64_t model_dims_body(const struct model_dims *s)
{
    int64_t block = 0;

    for (int k = 0; k < LAYER_HEAD; k++)
        block += layer_weights(s, (enum layer_kind)k);
    return s->n_layer * block;
}

int model_dims_widest(const struct model_dims *s)
{
    int widest = 0;

    for (int k = 0; k < LAYER_KINDS; k++) {
        const int in = layer_in(s, (enum layer_kind)k);
        const int out = layer_out(s, (enum layer_kind)k);

        widest = in > widest ? in : widest;
        widest = out > widest ? out : widest;
    }
    return widest;
}
