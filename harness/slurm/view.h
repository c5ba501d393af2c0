/* view.h - how claims stand with Slurm (between the slurm_*.c files).
 *
 * What is asked is a queue of some cluster, which need not be the one that has
 * the task: two clusters share a home folder, numbers of jobs begin again, a
 * wrapper prints a banner, a list is cut.  So a task's end is believed only of
 * an answer that names it: a final state of the task's number, under the name
 * of a job whose bundle holds the claim's token.  That a list does not name a
 * task says no more than that: PLACE_MISSING. */
#ifndef HARNESS_SLURM_VIEW_H
#define HARNESS_SLURM_VIEW_H

#include "harness/slurm/claims.h"

enum claim_place {
    PLACE_UNKNOWN,   /* nobody who could know has answered */
    PLACE_MISSING,   /* a whole list of what may be its cluster has not got it,
                      and nobody remembers it */
    PLACE_FORGOTTEN, /* its cluster knows the job, without this task: what is
                        cancelled before it begins leaves no trace */
    PLACE_WAITS,
    PLACE_RUNS,
    PLACE_GONE /* Slurm names its end */
};

struct slurm_view; /* what Slurm says, asked once a job */

/* root is runs/, where the bundles are; borrowed. */
struct slurm_view *slurm_view_open(const char *root);
void slurm_view_close(struct slurm_view *v);
bool slurm_view_known(const struct slurm_view *v, const char **why);

/* A claim whose submission was cut off learns its job's number: from the file
 * beside its bundle, or from the name of a job in the queue.  True when it
 * did. */
bool slurm_view_name(struct slurm_view *v, struct claim *c);

/* state gets Slurm's word, "" when it has none. */
enum claim_place slurm_view_place(struct slurm_view *v, const struct claim *c,
                                  char state[SLURM_STATE]);

#endif
