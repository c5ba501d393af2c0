/* submit.h - runs of a grid, given to Slurm.
 *
 * Each array is claimed in the database before sbatch is called, and gets its
 * number there afterwards; killed in between, the next collecting finds the
 * job by its name, or gives the claims back. */
#ifndef HARNESS_SLURM_SUBMIT_H
#define HARNESS_SLURM_SUBMIT_H

#include "harness/grid/grid.h"
#include "harness/os/session.h"
#include "harness/slurm/collect.h"

struct submit_options {
    int limit;     /* most runs, 0: all */
    int calibrate; /* that many runs of different lengths, a task each */
    bool dry_run, retry_failed;
    double flops_s;      /* of a run; 0: measured or learnt */
    const char *args;    /* more words for sbatch, or NULL */
    const char *program; /* NULL: this very program */
};

struct submitted {
    int runs, tasks, arrays; /* given to Slurm now */
    int there;               /* finished before */
    int held;                /* in Slurm's hands before */
    int left;                /* neither: sbatch refused, or --limit */
    int waits;               /* for parents that are not collected yet */
    struct str jobs;         /* "88120 88121" */
    struct str text;         /* dry run: the scripts; the table of classes */
    struct collected before; /* what was collected first */
};
void submitted_release(struct submitted *s);

/* ERR_TOOL with what sbatch said when it refused; what it had taken before
 * that stays. */
enum status slurm_submit_grid(struct submitted *out,
                              const struct session *session,
                              const struct grid *g,
                              const struct submit_options *o, struct err *err);

/* The same for single runs by number, with the keys of the last submission of
 * their grid. */
enum status slurm_submit_runs(struct submitted *out,
                              const struct session *session, const int64_t *ids,
                              int n, const struct submit_options *o,
                              struct err *err);

/* What became of a cancellation. */
struct slurm_cancelled {
    int tasks; /* of Slurm that were taken out of the queue */
    int begun; /* runs that somebody may have begun: their workers are told */
    char why[200]; /* Slurm was not told of some; "" */
};

/* Of runs that are not wanted any more: nodes are told, and tasks that hold
 * nothing else are cancelled.  The caller has set their state. */
enum status slurm_cancel_runs(struct slurm_cancelled *out, struct db *db,
                              const int64_t *ids, int n, struct err *err);

#endif
