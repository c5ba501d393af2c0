/* size.h - what a configuration amounts to: parameters, operations, memory. */
#ifndef TRAINER_SIZE_H
#define TRAINER_SIZE_H

#include <stdint.h>

#include "trainer/config.h"

/* Parameter counts by the conventions of the laws, and training FLOPs. */
struct model_size {
    int64_t body; /* linear weights of the blocks: N of both papers */
    int64_t embed, head, other; /* head 0 when tied; other: norms */
    double flops_per_token;     /* 6 N(body + head) + attention, forward+back */
    int64_t memory_bytes;       /* weights, gradients, moments, activations */
    int64_t steps, tokens;      /* of the whole run, or of its parent */
    double flops; /* of the whole run; what follows a training, alone */
};
struct model_size config_size(const struct config *c);

/* The same with memory_bytes at 0, and those by themselves, which take longer
 * to find out than all others and depend on less: on model.*, train.batch,
 * train.compute, trainer.kind, run.threads and quant.*. */
struct model_size config_counts(const struct config *c);
int64_t config_memory(const struct config *c);

#endif
