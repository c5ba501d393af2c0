/* optimizer.h - one AdamW update of the whole model. */
#ifndef TRAINER_OPTIMIZER_H
#define TRAINER_OPTIMIZER_H

#include "trainer/config.h"
#include "trainer/model.h"

struct optimizer {
    double beta1, beta2, eps, weight_decay, grad_clip;
};

struct optimizer optimizer_of(const struct config *c);

/* Global 2-norm of the gradients: tensors in table order, blocks of 4096. */
double optimizer_grad_norm(const struct model *m);

/* Update after step (from 0) with learning rate lr; gradients are scaled so
 * that their norm is at most grad_clip (0: no clipping).  Matrices decay,
 * norms do not. */
void optimizer_update(struct model *m, const struct optimizer *o, double lr,
                      double grad_norm, int64_t step);

#endif
