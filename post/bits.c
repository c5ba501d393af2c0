#include "post/bits.h"

#include "trainer/size.h"

static double stored(const struct quant_spec *s, int k, int rows)
{
    return s->on ? quant_bits(s, k, rows) : BITS_PLAIN;
}

struct post_bits post_bits_of(const struct config *c)
{
    const struct model_dims dims = model_dims_of(c);
    const struct model_size size = config_counts(c);
    const struct quant_spec *head =
        &config_post_layer(c, -1, LAYER_HEAD)->spec[OPERAND_W];
    const double n_head = (double)layer_weights(&dims, LAYER_HEAD);
    double w = 0, x = 0, inputs = 0, others;

    for (int i = 0; i < dims.n_layer * LAYER_HEAD; i++) {
        const enum layer_kind kind = (enum layer_kind)(i % LAYER_HEAD);
        const struct layer_quant *q =
            config_post_layer(c, i / LAYER_HEAD, kind);
        const int in = layer_in(&dims, kind);

        w += (double)layer_weights(&dims, kind) *
             stored(&q->spec[OPERAND_W], in, layer_out(&dims, kind));
        x += in * stored(&q->spec[OPERAND_X], in, dims.bt);
        inputs += in;
    }
    /* A head that is tied is stored as the embedding. */
    others = (double)(size.embed + size.other);
    if (dims.tied)
        others -= n_head;
    return (struct post_bits){
        .w = w / (double)size.body,
        .all = (w + n_head * stored(head, dims.d, dims.vocab) +
                others * BITS_PLAIN) /
               (n_head + others + (double)size.body),
        .x = x / inputs,
    };
}
