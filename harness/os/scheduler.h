/* scheduler.h - processes and their lines; no knowledge of training.
 *
 * Jobs are asked for one at a time and run as child processes (child.h), as
 * many at once as there are slots.  One poll loop hears their lines, their
 * ends, and our signals:
 *
 *   SIGINT  once: start nothing more; twice: ask the jobs to stop (SIGTERM);
 *           three times: kill them
 *   SIGTERM the same as SIGINT twice, a second one kills; SIGHUP goes on
 *
 * A job that was asked to stop has its grace, SCHED_GRACE_S seconds unless it
 * says otherwise, to save its state.
 * Whatever is left of its group when it ends is killed. */
#ifndef HARNESS_OS_SCHEDULER_H
#define HARNESS_OS_SCHEDULER_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define SCHED_LINE    65536 /* longest line */
#define SCHED_GRACE_S 10

struct sched_job {
    void *user;
    char *const *argv;    /* argv[0] is the program's path; no shell */
    const char *log_path; /* appended to */
    double timeout_s;     /* wall time; 0: none */
    double grace_s;       /* 0: SCHED_GRACE_S */
    int threads;          /* 0: one */
    int nice;
    const cpu_set_t *cores; /* NULL: any */
};

struct sched_exit {
    pid_t pid;
    int exit_code;   /* -1 when killed */
    int term_signal; /* 0 when not */
    bool timed_out, asked_to_stop;
    bool refused; /* by the line call-back */
    double wall_s, cpu_s;
    long max_rss; /* bytes */
};

/* How far a stop has been asked for. */
enum sched_stop { STOP_NONE, STOP_DRAIN, STOP_ASK, STOP_KILL };

enum sched_next { NEXT_NONE, NEXT_JOB, NEXT_LATER };

struct sched; /* valid during sched_run */

struct sched_ops {
    /* The next job.  NEXT_LATER: none now, but there will be one (a retry that
     * waits, memory that has to become free); NEXT_NONE: no more.  Strings
     * must live until started is called. */
    enum sched_next (*next)(void *ctx, struct sched_job *job);
    void (*started)(void *ctx, void *user, pid_t pid);
    /* The program, its log or a pipe could not be opened: the job is over and
     * err says why. */
    void (*unstarted)(void *ctx, void *user, const struct err *err);
    /* One line without its newline; a longer one than SCHED_LINE comes cut,
     * with whole = false.  Returning false kills the job. */
    bool (*line)(void *ctx, void *user, const char *line, size_t n, bool whole);
    void (*done)(void *ctx, void *user, const struct sched_exit *e);
    /* At least ten times a second; returns how far to stop. */
    enum sched_stop (*tick)(void *ctx, struct sched *s, enum sched_stop asked);
};

int sched_running(const struct sched *s);

/* Ask one running job to stop (SIGTERM, after the grace SIGKILL). */
void sched_ask(struct sched *s, const void *user);

/* Kill one, as if its lines had been refused. */
void sched_refuse(struct sched *s, const void *user);

/* Kill one that still runs after so many seconds; that is no time-out. */
void sched_let_end(struct sched *s, const void *user, double seconds);

/* From now on at most so many at once; running jobs go on. */
void sched_limit(struct sched *s, int slots);

/* Run until next has nothing and no job runs, or a stop is complete.  *stopped
 * says how far a stop went and *sig the first signal that asked for it, 0 when
 * none did; both may be NULL. */
enum status sched_run(enum sched_stop *stopped, int *sig, int slots,
                      const struct sched_ops *ops, void *ctx, struct err *err);

#endif
