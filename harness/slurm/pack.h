/* pack.h - runs into tasks, tasks into arrays.
 *
 * Thousands of one-minute jobs wait longer than they work, and administrators
 * complain; so runs, in their order, are packed into tasks of about a target
 * length.  Tasks with the same time limit become job arrays whose indices
 * begin at 0 and stay below MaxArraySize. */
#ifndef HARNESS_SLURM_PACK_H
#define HARNESS_SLURM_PACK_H

#include <stdbool.h>

struct pack_options {
    double target_s, max_s; /* of a task: about; at most */
    double safety;          /* time limit over estimate */
    double early_s;         /* before its end a task is warned */
    int slots;              /* runs at once in a task */
    int max_array;          /* MaxArraySize */
    int max_running;        /* tasks at once, 0: any */
    bool known;             /* false: nobody knows how long runs take */
};

struct pack_task {
    int first, n; /* runs first .. first + n - 1 */
    double est_s, limit_s;
    bool too_long; /* than any limit: it goes on from a checkpoint */
};

struct pack_array {
    int first, n; /* tasks */
    double limit_s;
    int throttle; /* tasks at once, 0: any */
};

struct pack {
    struct pack_task *tasks;
    struct pack_array *arrays;
    int n_tasks, n_arrays;
};

/* est_s: seconds of each of n runs, in their order. */
void pack_make(struct pack *out, const double *est_s, int n,
               const struct pack_options *o);
void pack_release(struct pack *p);

#endif
