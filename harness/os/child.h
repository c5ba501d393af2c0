/* child.h - start one process of a run.
 *
 * The child leads a process group of its own, reads nothing, writes its output
 * and errors to a log, and finds in its environment
 *
 *   QLAW_METRICS  /dev/fd/3, a pipe to append its lines to
 *   QLAW_LIFE_FD  4, a descriptor that ends when we do
 *   QLAW_SLOT     which of the runs at once it is, from 0
 *   OMP_NUM_THREADS as the job says
 *   OMP_WAIT_POLICY passive, unless ours says otherwise: a thread that spins
 *                   takes a core from another run
 *
 * The kernel kills it when we die; the built-in trainer softens that to
 * SIGTERM once it can save its state. */
#ifndef HARNESS_OS_CHILD_H
#define HARNESS_OS_CHILD_H

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include "base/err.h"

struct child_spec {
    char *const *argv;    /* argv[0] is a path; no shell, no search */
    const char *log_path; /* appended to */
    int life_fd;          /* what becomes descriptor 4 */
    const sigset_t *mask; /* the signals that are blocked in it */
    int slot, threads;
    int nice;               /* added to ours */
    const cpu_set_t *cores; /* NULL: as ours */
};

/* *lines is the end of the pipe to read from, non-blocking.  ERR_IO when the
 * log, the pipe or the program cannot be opened. */
enum status child_start(pid_t *pid, int *lines, const struct child_spec *spec,
                        struct err *err);

#endif
