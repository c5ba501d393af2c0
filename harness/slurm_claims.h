/* slurm_claims.h - the open claims, and how they stand with Slurm (between
 * the slurm_*.c files). */
#ifndef HARNESS_SLURM_CLAIMS_H
#define HARNESS_SLURM_CLAIMS_H

#include "db/db.h"
#include "harness/record.h"
#include "harness/slurm.h"

struct claim {
    int64_t attempt_id, run_id;
    int number, task;
    uint64_t seed;
    char token[RECORD_TOKEN], point[POINT_ID];
    char job[SLURM_JOB + 8]; /* "88120", or "bundle:ID" until it is known */
    char slurm_state[SLURM_STATE]; /* as last seen */
    double unseen_s; /* seconds since its task was first missed; -1: never */
    enum run_state state; /* of its run */
};

struct claims {
    struct claim *list;
    int n;
};

/* All open ones, by job and task. */
enum status claims_read(struct claims *out, struct db *db, struct err *err);
void claims_release(struct claims *c);

/* Where a claim's task is. */
enum claim_place { PLACE_UNKNOWN, PLACE_WAITS, PLACE_RUNS, PLACE_GONE };

struct slurm_view; /* what Slurm says, asked once a job */

struct slurm_view *slurm_view_open(void);
void slurm_view_close(struct slurm_view *v);
bool slurm_view_known(const struct slurm_view *v, const char **why);

/* A claim whose submission was cut off learns its job's number: from the file
 * beside its bundle, or from the name of a job in the queue.  True when it
 * did. */
bool slurm_view_name(struct slurm_view *v, struct claim *c, const char *root);

/* state gets Slurm's word, "" when it has none. */
enum claim_place slurm_view_place(struct slurm_view *v, const struct claim *c,
                                  char state[SLURM_STATE]);

#endif
