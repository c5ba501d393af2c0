/* step.h - how fast a training step is, alone and beside others.
 *
 * A step is forward, backward, clipping and AdamW on random tokens.  Steps of
 * several configurations are taken in turn, in CPU time of the thread, and a
 * ratio is the median over the rounds of the ratios to the first. */
#ifndef HARNESS_BENCH_STEP_H
#define HARNESS_BENCH_STEP_H

#include "base/err.h"
#include "kernels/kernels.h"
#include "trainer/config.h"

struct bench_step {
    double tok_per_s, gflops; /* medians; 6 N D + causal attention */
    double time_ratio;        /* of a step, to the first configuration's */
    int64_t memory_bytes;     /* what the model takes */
    int64_t least_bytes;      /* 16 a parameter, and the activations that the
                                 backward pass of f32 must have */
};

#define BENCH_STEPS 8 /* configurations at a time, at most */

/* n configurations (resolved) in turn, rounds times. */
enum status bench_steps(struct bench_step *out, struct config *const *c, int n,
                        const struct kernels *kn, int rounds, struct err *err);

/* Tokens per second of wall time of one run of one thread, of two such runs
 * at once, and of one run of two threads, each for about s seconds a round in
 * turn; ratios are medians of rounds. */
struct bench_slots {
    double one, two_slots, two_threads; /* tok/s */
    double slots_ratio, threads_ratio;  /* to one */
};
enum status bench_slots(struct bench_slots *out, const struct config *c,
                        const struct kernels *kn, int rounds, double s,
                        struct err *err);

#endif
