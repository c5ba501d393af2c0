/* scheduler.h - processes and their lines; no knowledge of training.
 *
 * Jobs are asked for one at a time and run as child processes, each in a
 * process group of its own, as many at once as there are slots.  One poll loop
 * hears their lines, their ends, and our signals:
 *
 *   SIGINT  once: start nothing more; twice: ask the jobs to stop (SIGTERM);
 *           three times: kill them
 *   SIGTERM the same as SIGINT twice;  SIGHUP goes on
 *
 * A job gets, by number in the environment: QLAW_METRICS, a pipe to append its
 * lines to, and QLAW_LIFE_FD, a descriptor that ends when we do.  Its output
 * and errors go to a log.  Whatever is left of its group when it ends is
 * killed. */
#ifndef HARNESS_SCHEDULER_H
#define HARNESS_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct sched_job {
    void *user;
    char *const *argv; /* argv[0] is the program's path; no shell */
    const char *log_path; /* appended to */
    double timeout_s;  /* wall time; 0: none */
};

struct sched_exit {
    pid_t pid;
    int exit_code;   /* -1 when killed */
    int term_signal; /* 0 when not */
    bool timed_out, asked_to_stop;
    double wall_s, cpu_s;
    long max_rss; /* bytes */
};

/* How far a stop has been asked for. */
enum sched_stop { STOP_NONE, STOP_DRAIN, STOP_ASK, STOP_KILL };

enum sched_next { NEXT_NONE, NEXT_JOB, NEXT_LATER };

struct sched_ops {
    /* The next job.  NEXT_LATER: none now, but there will be one (a retry that
     * waits); NEXT_NONE: no more.  Strings must live until started is
     * called. */
    enum sched_next (*next)(void *ctx, struct sched_job *job);
    void (*started)(void *ctx, void *user, pid_t pid);
    /* One line without its newline, at most SCHED_LINE bytes. */
    void (*line)(void *ctx, void *user, const char *line, size_t n);
    void (*done)(void *ctx, void *user, const struct sched_exit *e);
    /* About ten times a second; returns how far to stop. */
    enum sched_stop (*tick)(void *ctx, enum sched_stop asked, int running);
};

#define SCHED_LINE 65536

/* Run until next has nothing and no job runs, or a stop is complete.  *stopped
 * says how far a stop went. */
enum status sched_run(enum sched_stop *stopped, int slots,
                      const struct sched_ops *ops, void *ctx, struct err *err);

#endif
