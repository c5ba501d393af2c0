/* progress.h - how far a grid is: a redrawn block on a terminal, a plain line
 * now and then elsewhere. */
#ifndef HARNESS_RUN_PROGRESS_H
#define HARNESS_RUN_PROGRESS_H

#include <stdbool.h>

#include "harness/os/session.h"

struct progress_run { /* one slot */
    bool busy;
    const char *label; /* "a41f09c2-1  N=24.6k D=393k int4 W+A g8" */
    double step, steps, loss;
    double started_s; /* monotonic */
};

struct progress_state {
    const char *grid;
    int total, done, diverged, failed, waiting;
    double flops_done, flops_running, flops_total;
    double flops_at_start; /* what was there before this session */
    double left_s;         /* expected from finished runs; NaN: not known yet */
    double started_s;
    const struct progress_run *runs;
    int n_runs;
    bool stopping;
};

struct progress; /* remembers what is on the screen */

struct progress *progress_open(const struct session *session);
void progress_close(struct progress *p); /* clears a redrawn block */

/* Show the state when it is time to; force always shows. */
void progress_show(struct progress *p, const struct progress_state *s,
                   bool force);

/* Clear the block, so that a line can be printed above the next one. */
void progress_clear(struct progress *p);

#endif
