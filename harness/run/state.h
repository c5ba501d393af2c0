/* state.h - what a session knows (between the runner_*.c files). */
#ifndef HARNESS_RUN_STATE_H
#define HARNESS_RUN_STATE_H

#include "base/texts.h"
#include "harness/os/env.h"
#include "harness/os/lock.h"
#include "harness/os/scheduler.h"
#include "harness/plan/eta.h"
#include "harness/proto/attempt.h"
#include "harness/run/progress.h"
#include "harness/run/runner.h"
#include "harness/store/journal.h"
#include "harness/store/store.h"

/* A run of the grid that this session may run. */
struct task {
    int run;       /* index into runner.runs */
    bool open;     /* still to be run */
    bool prepared; /* its folder is there */
    short tries, failures;
    double not_before_s;     /* a retry waits until then */
    double best_step;        /* of all its attempts */
    enum wish wish;          /* of a user, while it runs */
    struct attempt *attempt; /* NULL unless it runs */
    char *label;
    int slot;           /* which set of cores, while it runs */
    struct task *trunk; /* the run that this one's beginning is part of */
    struct task *branches, *next_branch; /* those of this one, as a list */
    struct family *family;   /* a run that begins with another's weights */
    struct task *next_child; /* of the family */
    struct family *raises;   /* the family that this one is the parent of */
};

/* An attempt that has ended but is not yet in the database. */
struct ended {
    struct attempt *attempt;
    bool drop_checkpoints;
    const struct family *family; /* it was one of, or NULL */
};

struct runner {
    const struct session *session;
    const struct grid *g;
    struct runner_options o;
    struct runner_summary sum;
    struct err *err;
    enum status failed; /* what ends the session early; err has its sentence */

    struct db *db;
    struct lock lock;
    struct journal *journal;
    struct attempt_begin begin; /* what is the same for all attempts */
    struct store_run *runs;
    int n_runs;

    struct task *tasks; /* the open ones, in order */
    int n_tasks, next, started;
    struct family *families;
    int n_families;
    int *retries, n_retries; /* tasks that are to be tried again */
    struct task **running;
    int n_running, slots;
    bool *slot_taken;
    cpu_set_t *cores; /* of each slot, NULL: not pinned */
    int64_t memory_total, memory_used, memory_kills;
    double held_since_s; /* somebody else has a folder; 0: nobody */
    bool held_said;
    int claim; /* the records of the run that starts next, locked; -1: none */
    char *program;
    char **argv; /* of the job that starts next */

    struct ended *ended; /* in the order they ended */
    int n_ended;
    double busy_since_s, next_flush_s; /* the database is locked */
    bool busy_said;
    int64_t data_version;
    double next_request_s, next_log_look_s;

    struct progress *progress;
    struct progress_state state;
    struct progress_run *rows;
    struct eta eta;
    double flops_left, steps_left; /* of open tasks, without running parts */
    int starts_left;               /* of open tasks that do not run */

    char first_failure[200];
    int same_failures, succeeded, counts_said, notes_said;
    enum sched_stop want; /* our own wish to stop */
    struct sched *sched;
};

/* --- run/queue.c: which task is next ------------------------------------- */

void queue_make(struct runner *r);
/* NEXT_JOB sets *out to a task whose folder is ready. */
enum sched_next queue_next(struct task **out, struct runner *r);
void queue_again(struct runner *r, struct task *t, double after_s);
void queue_prepare_ahead(struct runner *r);
const struct store_run *task_run(const struct runner *r, const struct task *t);
const struct grid_point *task_point(const struct runner *r,
                                    const struct task *t);
double task_flops(const struct runner *r, const struct task *t);
double task_steps(const struct runner *r, const struct task *t); /* to train */
/* The share that is left to do by itself. */
double task_share(const struct runner *r, const struct task *t);
/* Its folder and configuration, made when they are not there; false after a
 * failure that ends the session. */
bool task_prepare(struct runner *r, struct task *t);
void task_state(struct runner *r, struct task *t, enum run_state state);
void task_close(struct runner *r, struct task *t); /* not to be run now */
void task_reopen(struct runner *r, struct task *t);

/* --- run/family.c: runs that begin with another's weights ----------------- */

void family_link(struct runner *r);
void family_free(struct runner *r);

/* The parent, while it is still to be run; else NULL. */
struct task *family_first(const struct task *t);

enum family_answer {
    FAMILY_GO,   /* the weights are there, or it is the one that makes them */
    FAMILY_WAIT, /* for the parent, or for a child that makes them */
    FAMILY_LOST  /* the parent has come to nothing */
};
enum family_answer family_ask(struct runner *r, struct task *t);
void family_give_up(struct runner *r, struct task *t); /* FAMILY_LOST */

/* Words for the command: where the weights are, or that they are to be kept. */
void family_words(struct texts *words, struct runner *r, const struct task *t);

/* A child is on record: the weights go with the last of them.  NULL is none. */
void family_settle(struct runner *r, const struct family *f);

/* The same of all families of the grid, for those whose last child came on record
 * when nobody looked: its scheduler was killed before. */
void family_sweep(struct runner *r);

/* --- run/jobs.c: the scheduler's calls -------------------------------------- */

extern const struct sched_ops runner_ops;

/* --- run/flush.c: into the database ------------------------------------------ */

/* Records that have ended are synced, then everything is written. */
void runner_flush(struct runner *r, double patience_s);
void runner_fail(struct runner *r, enum status st, const char *sentence);

/* --- run/wish.c: what other processes ask of this one ------------------------- */

void runner_hear_wishes(struct runner *r);

/* --- run/show.c: what a person sees ------------------------------------------- */

void runner_show(struct runner *r, bool force);
void runner_say(struct runner *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void runner_event(struct runner *r, const struct task *t, const char *event,
                  const char *state, const char *message);
char *task_label(const struct runner *r, const struct task *t);

#endif
