/* worker.h - the runs of one task of a bundle, on the node they fell to.
 *
 * A worker can be started again from its first line: a run that has its end on
 * record is not run again, one that was cut off goes on from its checkpoint.
 * Two workers of one task do not disturb each other: each run is held by a
 * lock on its claim.  It does not wait for signals to learn that its time
 * ends, it knows the limit; a SIGTERM only makes it stop sooner. */
#ifndef HARNESS_SLURM_WORKER_H
#define HARNESS_SLURM_WORKER_H

#include "base/err.h"

struct worker_summary {
    int runs, done, diverged, failed, skipped; /* skipped: not ours to run */
    int left; /* not begun, or to be gone on with */
};

struct worker_options {
    const char *bundle;
    int task, slots;     /* slots 0: as the bundle says */
    const char *program; /* NULL: this very program */
};

/* OK whatever became of the runs; ERR_STOPPED when some are left. */
enum status worker_run(struct worker_summary *out,
                       const struct worker_options *o, struct err *err);

#endif
