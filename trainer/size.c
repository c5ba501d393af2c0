#include "trainer/size.h"

#include <string.h>

#include "trainer/model.h"

/* Two models over the validation set, and the calibration once for each layer
 * of a block and once more. */
static double post_flops(const struct model_size *s, const struct config *c)
{
    const double forward = s->flops_per_token / 3;
    const double passes = config_post_calibrates(c)
                              ? (LAYER_HEAD + 1.0) *
                                    (double)config_post_calib(c) *
                                    (double)config_model_seq_len(c)
                              : 0;

    return forward * (2.0 * (double)config_data_val_tokens(c) + passes);
}

struct model_size config_counts(const struct config *c)
{
    const struct model_dims shape = model_dims_of(c);
    const int64_t l = shape.n_layer, d = shape.d;
    struct model_size s = {
        .body = model_dims_body(&shape),
        .embed = shape.vocab * d,
        .head = shape.tied ? 0 : layer_weights(&shape, LAYER_HEAD),
        .tokens = config_train_tokens(c),
    };

    for (int k = 0; k < LAYER_KINDS; k++)
        if (layer_rows[k].norm)
            s.other += (k == LAYER_HEAD ? 1 : l) *
                       layer_in(&shape, (enum layer_kind)k);
    s.steps = s.tokens / ((int64_t)shape.batch * shape.seq);
    /* 2 flops a multiply-add, forward once and backward twice; attention
     * counts the causal half of its two products. */
    s.flops_per_token =
        6.0 * (double)(s.body + layer_weights(&shape, LAYER_HEAD)) +
        6.0 * (double)l * (double)shape.seq * (double)d;
    s.flops = config_is_post(c) ? post_flops(&s, c)
                                : s.flops_per_token * (double)s.tokens;
    return s;
}

/* What looks at the inputs of layers: the residual stream of all sequences, the
 * widest inputs, and three matrices of sums in double. */
static int64_t calibration_memory(const struct config *c)
{
    const struct model_dims s = model_dims_of(c);
    const int64_t batches = (config_post_calib(c) + s.batch - 1) / s.batch;
    int64_t widest = 0;

    for (int k = 0; k < LAYER_KINDS; k++) {
        const int64_t in = layer_in(&s, (enum layer_kind)k);

        widest = in > widest ? in : widest;
    }
    return batches * s.bt * (s.d + widest) * (int64_t)sizeof(real) +
           3 * widest * widest * (int64_t)sizeof(double);
}

/* After training there are two models, the parent and what is made of it. */
static int64_t post_memory(const struct config *c)
{
    return 2 * model_memory(c) +
           (config_post_calibrates(c) ? calibration_memory(c) : 0);
}

int64_t config_memory(const struct config *c)
{
    return config_is_exec(c)   ? 0 /* not known */
           : config_is_post(c) ? post_memory(c)
                               : model_memory(c);
}

struct model_size config_size(const struct config *c)
{
    struct model_size s = config_counts(c);

    s.memory_bytes = config_memory(c);
    return s;
}
