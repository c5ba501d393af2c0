/* slurm.h - Slurm, through its commands: sbatch, squeue, scontrol, sacct,
 * scancel.  They have been stable for twenty years, work through wrappers, and
 * can be played by scripts in tests; the library changes with every release.
 *
 * What a command says is never the truth about a run: that is in the run's own
 * records.  It only explains why a record is not there. */
#ifndef HARNESS_SLURM_SLURM_H
#define HARNESS_SLURM_SLURM_H

#include <stdbool.h>

#include "base/err.h"

#define SLURM_JOB     24
#define SLURM_NAME    96
#define SLURM_STATE   32
#define SLURM_CLUSTER 64

#define SLURM_RANGE (-2) /* tasks of an array that wait share a line */

/* One task of an array; task -1: a job that is no array. */
struct slurm_task {
    char job[SLURM_JOB];     /* of the whole array */
    int task;                /* or SLURM_RANGE */
    char range[64];          /* "3,5-9%2" */
    char state[SLURM_STATE]; /* "PENDING", "RUNNING", "TIMEOUT", ... */
    char name[SLURM_NAME];
};

/* Tasks, sorted by job and task. */
struct slurm_tasks {
    struct slurm_task *list;
    int n;
    bool known;    /* false: nobody answered, or oddly */
    bool odd;      /* it answered, and not all of it was an answer */
    bool late;     /* it did not answer in time */
    char why[200]; /* when not known */
};

void slurm_tasks_release(struct slurm_tasks *t);
/* Is a task among those of a range?  In doubt it is. */
bool slurm_range_has(const char *range, int task);

const struct slurm_task *slurm_tasks_find(const struct slurm_tasks *t,
                                          const char *job, int task);

/* Our tasks that wait or run.  A task that has ended but is listed still, as
 * COMPLETING or in a state that is final, is left out.  An answer that is cut
 * off or holds a line that is none is not known; what was read of it is there
 * all the same. */
void slurm_queue(struct slurm_tasks *out);

/* What became of a job's tasks: of scontrol while it remembers, else of sacct
 * where there is accounting. */
void slurm_history(struct slurm_tasks *out, const char *job);

/* Is it a state that no task leaves any more, but by being put back into the
 * queue? */
bool slurm_is_final(const char *state);

/* What `scontrol show config` says. */
struct slurm_config {
    int max_array; /* MaxArraySize, which limits the index, not the count; 1001
                      when it cannot be asked, as Slurm comes */
    char cluster[SLURM_CLUSTER]; /* its name; "" when it cannot be asked */
};
void slurm_config_read(struct slurm_config *out);

/* Submit a script with more arguments (a NULL-ended list, may be NULL); the
 * cluster is "" unless sbatch names one.
 * ERR_TOOL with what sbatch said; *perhaps is set when a job may exist all the
 * same: sbatch gave up waiting for an answer, or answered oddly. */
enum status slurm_sbatch(char job[SLURM_JOB], char cluster[SLURM_CLUSTER],
                         bool *perhaps, const char *script, char *const *args,
                         struct err *err);

/* Cancel tasks of a job, "3,5-7"; tasks NULL: all of it. */
enum status slurm_scancel(const char *job, const char *tasks, struct err *err);

/* Is sbatch there at all? */
enum status slurm_check(struct err *err);

/* --- the readers of what the commands print, for tests and fuzzing ---------- */

/* False: not every line is one, or the last is cut off. */
bool slurm_read_squeue(struct slurm_tasks *out, const char *text);
void slurm_read_scontrol(struct slurm_tasks *out, const char *text);
void slurm_read_sacct(struct slurm_tasks *out, const char *text);
bool slurm_read_sbatch(char job[SLURM_JOB], char cluster[SLURM_CLUSTER],
                       const char *text);
void slurm_read_config(struct slurm_config *out, const char *text);

#endif
