/* branch.h - what a run leaves for others that share its beginning.
 *
 * While the learning rate is constant, the state after a step does not depend
 * on how many steps are to come.  So runs that differ only in their length and
 * their decay (train.tokens, train.decay, train.lr_final, and wsd or constant
 * as train.schedule) are one run until the first of them decays.  The longest
 * is the trunk: at the step where another leaves it, it writes into that one's
 * folder the very checkpoint which that one, trained alone, would have written
 * itself there.  The branch is then resumed like any other run and knows
 * nothing of its trunk; where the checkpoint is missing, it trains alone. */
#ifndef TRAINER_BRANCH_H
#define TRAINER_BRANCH_H

#include <stdbool.h>
#include <stdint.h>

#include "trainer/config.h"
#include "trainer/metrics.h"

/* A run to be served by a trunk. */
struct run_branch {
    const struct config *config; /* resolved */
    uint64_t seed, data_seed;
    const char *dir; /* where it will look for checkpoints */
};

/* Steps of a run that a longer one shares with it; 0: none, as its learning
 * rate depends on its length from the start. */
int64_t branch_step(const struct config *c);

/* Canonical text of all that must be equal for two runs to share their
 * beginning, seeds apart; the caller frees it. */
char *branch_identity(const struct config *c, enum identity what);

/* What one step of the trunk adds to curves. */
struct branch_note {
    double loss, grad_norm, wall_s;
};

/* A curve that grows. */
struct curve {
    struct curve_point *points;
    size_t n;
};

void curve_add(struct curve *c, const struct curve_point *p);

/* A curve of the first n steps with a point every log_every steps, made again
 * from the notes of the steps and the validations of the trunk's curve.
 * *loss_sum and *loss_count are left as of the steps since its last point. */
void branch_curve(struct curve *out, double *loss_sum, double *loss_count,
                  const struct branch_note *notes, int64_t n, int64_t log_every,
                  const struct curve *trunk, const struct config *c);

#endif
