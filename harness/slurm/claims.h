/* claims.h - the claims: runs that were given to tasks (between the
 * slurm_*.c files). */
#ifndef HARNESS_SLURM_CLAIMS_H
#define HARNESS_SLURM_CLAIMS_H

#include "db/db.h"
#include "harness/proto/record.h"
#include "harness/slurm/slurm.h"

struct claim {
    int64_t attempt_id, run_id;
    int number, task;
    uint64_t seed;
    char token[RECORD_TOKEN], point[HASH_ID];
    char job[SLURM_JOB + 8]; /* "88120", or "bundle:ID" until it is known */
    char slurm_state[SLURM_STATE]; /* as last seen */
    double unseen_s; /* seconds since its task was first missed; -1: never */
    char unseen_at[32];
    enum run_state state; /* of its run */
};

struct claims {
    struct claim *list;
    int n;
};

/* All open ones, by job and task. */
enum status claims_read(struct claims *out, struct db *db, struct err *err);

/* Those that were closed without a result and whose runs wait for another
 * attempt: what records there are of them may still come to an end. */
enum status claims_read_closed(struct claims *out, struct db *db,
                               struct err *err);
void claims_release(struct claims *c);

#endif
