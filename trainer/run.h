/* run.h - one training run, from configuration to final loss.
 *
 * The protocol with the scheduler (also spoken by users' own trainers): the
 * configuration is JSON; every report is one JSON object on a line of its own,
 * appended to the metrics descriptor:
 *
 *   {"step":20,"tokens":20480,"train_loss":5.1,"val_loss":null,"lr":0.003,
 *    "grad_norm":1.2,"wall_s":0.4}
 *   {"final":true,"loss":4.2,"loss_se":0.01,"train_loss":4.1,"best_loss":4.2,
 *    "steps":400,"tokens":409600,"flops":1.2e12,"wall_s":9.1,
 *    "tok_per_s":45000,"weights_sha256":"...","n_body":...,"n_embed":...,
 *    "n_head_params":...,"n_other":...}
 *   {"final":true,"diverged":true,"step":118,"reason":"..."}
 *   {"final":true,"stopped":true,"step":118,"reason":"..."}   (stop.early)
 *
 * A line may hold more numbers by other names, which are kept as metrics (our
 * final line has "probe_loss" when data.probe is set, and "kurtosis.qkv",
 * "kurtosis.o", "kurtosis.fc1", "kurtosis.fc2"; that of a post-training run has
 * those of post/post.h).
 *
 * train_loss of a curve point is the mean since the point before.  A resumed
 * run first repeats the curve points up to its checkpoint, so that each
 * attempt's lines are complete by themselves. */
#ifndef TRAINER_RUN_H
#define TRAINER_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "kernels/real.h"
#include "trainer/config.h"
#include "trainer/selector.h"

struct run_branch; /* branch.h */

struct run_io {
    const char *dir;     /* checkpoints live here; NULL: none are kept */
    int metrics_fd;      /* where lines go; -1: nowhere */
    const char *isa_cap; /* QLAW_ISA or NULL */
    const volatile sig_atomic_t *stop; /* set: checkpoint and ERR_STOPPED */
    const struct run_branch *branches; /* runs to leave a checkpoint for */
    int n_branches;
    int64_t stop_after; /* tests: stop like a signal after this step; 0: no */
    bool keep_weights;  /* leave DIR/weights (weights.h) at the end */
    const char *parent; /* post-training: a folder where the parent's weights
                           may be, or NULL */
    struct run_weights *weights; /* NULL, or where the last ones are copied */
};

/* The parameters at the end of a run; the caller frees them. */
struct run_weights {
    real *params; /* NULL: the run did not end well */
};

/* One more number of the final line, by name. */
struct run_number {
    const char *name; /* a constant */
    double value;
};
#define RUN_NUMBERS 24

struct run_result {
    bool diverged;
    bool stopped; /* given up by stop.early; reason says so */
    char reason[160];
    double loss, loss_se, train_loss, best_loss;
    double probe_loss;           /* of data.probe; NaN without */
    double kurtosis[LAYER_HEAD]; /* of linear inputs (evaluate.h) */
    int64_t steps, tokens;
    double flops, wall_s;
    char weights_sha256[HASH_HEX];
    bool
        is_post; /* what follows training: best_loss, train_loss, probe_loss and
                     kurtosis are not measured then, numbers are */
    struct run_number numbers[RUN_NUMBERS]; /* n of them */
    int n_numbers;
};

/* Train c (resolved) with the given seeds: seed draws the initial weights and
 * rounding, data_seed the order of the data.  ERR_DIVERGED (a result: out is
 * filled), ERR_STOPPED (checkpoint written), ERR_CONFIG, ERR_IO. */
enum status run_train(struct run_result *out, const struct config *c,
                      uint64_t seed, uint64_t data_seed,
                      const struct run_io *io, struct err *err);

#endif
