/* collect.h - what the nodes have recorded, into the database.
 *
 * A claim is a run that was given to a task: a row of attempt with backend
 * 'slurm' and no outcome yet.  Collecting goes through the claims: records that
 * carry a claim's token are taken over, exactly once; what the records do not
 * explain, Slurm is asked about.  Whoever cannot be asked changes nothing:
 * unknown is not failed.
 *
 *   ended on record            -> as recorded
 *   task waits or runs         -> queued, or running as far as it has come
 *   its records are held       -> running, whatever Slurm says
 *   task gone, final line      -> done or diverged
 *   task gone, begun           -> lost, timeout, oom, preempted; tried again
 *   task gone, not begun       -> the claim is released, no trace of it
 *   nobody knows it            -> as it was, until slurm/judge.h says enough
 *   records were changed       -> named, nothing of them taken; tried again
 *
 * Claims that were closed without a result are looked at again while their run
 * has none: a record that came to its end after all is its result.
 *
 * The caller holds the lock of the database. */
#ifndef HARNESS_SLURM_COLLECT_H
#define HARNESS_SLURM_COLLECT_H

#include "base/str.h"
#include "harness/store/journal.h"

struct collected {
    int claims;                        /* that were looked at */
    int done, diverged, failed, again; /* ended: failed for good, to be tried
                                          again */
    int released;                      /* given back without having begun */
    int running, queued;
    int unseen;     /* of these Slurm does not know, or calls over */
    char since[32]; /* when the first of them was missed first */
    int damaged; /* were changed since they were written, or cannot be read */
    long points; /* rows of curves */
    bool known;  /* Slurm answered */
    char why[200];
};

/* What is damaged is named on standard error. */
enum status slurm_collect(struct collected *out, struct db *db,
                          struct journal *j, struct err *err);

/* How many claims are open; 0 for a database without any. */
enum status slurm_claims_open(int *n, struct db *db, struct err *err);

/* Lock, collect, unlock; *held: somebody else holds the lock, nothing was
 * done.  For verbs that only read otherwise. */
enum status slurm_collect_path(struct collected *out, bool *held,
                               const char *db_path, struct err *err);

/* A sentence or two; nothing when there were no claims. */
void collected_text(struct str *out, const struct collected *c);

#endif
