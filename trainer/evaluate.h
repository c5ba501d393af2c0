/* evaluate.h - what a model makes of a fixed set. */
#ifndef TRAINER_EVALUATE_H
#define TRAINER_EVALUATE_H

#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/selector.h"

struct evaluation {
    double loss; /* mean over the set, nats per token; NaN: it is empty */
    double se;   /* standard error over its sequences; NaN below two */
};

/* tokens and targets are scratch of one batch.  False when something was not
 * finite: m->work.bad says where. */
bool evaluate(struct evaluation *out, struct model *m, const struct data *d,
              enum data_set set, uint64_t seed, int *tokens, int *targets);

/* Kurtosis (fourth central moment over the squared variance; 3 for a normal
 * distribution) of the inputs of each kind of linear layer over the first
 * batch of the validation set, averaged over the blocks: how much outliers
 * stretch the range of a quantizer (arXiv 2505.14302, section 4.3). */
bool evaluate_kurtosis(double out[LAYER_HEAD], struct model *m,
                       const struct data *d, uint64_t seed, int *tokens,
                       int *targets);

#endif
