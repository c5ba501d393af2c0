/* stop.h - [stop]: when a run is given up, as formulas.
 *
 *   [stop]
 *   diverge  = loss > 1.5*loss_start || grad_norm > 100
 *   early    = step > 2000 && loss > 0.98*loss_start
 *   patience = 20
 *
 * A rule holds when it has been true at so many steps in a row.  diverge makes
 * the run a diverged one, a result; early leaves it out, as if it had been
 * cancelled.  Names: step and tokens done, loss of this step, loss_start of the
 * first, loss_min so far, val_loss of the last validation (NaN before one),
 * grad_norm before clipping, lr.  How long the run is to be is no name, so that
 * runs that share their beginning (branch.h) share what the rules say. */
#ifndef TRAINER_STOP_H
#define TRAINER_STOP_H

#include "base/expr.h"
#include "trainer/config.h"

enum stop_name {
    STOP_STEP,
    STOP_TOKENS,
    STOP_LOSS,
    STOP_LOSS_START,
    STOP_LOSS_MIN,
    STOP_VAL_LOSS,
    STOP_GRAD_NORM,
    STOP_LR,
    STOP_NAMES
};

struct stop_rules {
    struct expr *diverge, *early; /* NULL: no such rule */
    double patience;
};

/* What is remembered from step to step; part of a checkpoint. */
struct stop_state {
    double facts[STOP_NAMES];
    double diverge_steps, early_steps; /* in a row */
};

/* Read the rules.  The sentence of an error names key and column. */
enum status stop_read(struct stop_rules *out, const struct config *c,
                      struct err *err);
void stop_release(struct stop_rules *r);

/* Check the rules and give them one spelling. */
enum status stop_resolve(struct config *c, struct err *err);

struct stop_state stop_start(void);

enum stop_answer { STOP_GO_ON, STOP_DIVERGED, STOP_EARLY };

/* After a step; step counts it. */
enum stop_answer stop_look(struct stop_state *s, const struct stop_rules *r,
                           double step, double tokens, double loss,
                           double grad_norm, double lr);

#endif
