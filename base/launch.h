/* launch.h - the one place where another program begins.
 *
 * An argument vector and no shell; a process group of its own; of our
 * descriptors only those that are given to it.  vfork keeps a launch cheap
 * however large we are. */
#ifndef BASE_LAUNCH_H
#define BASE_LAUNCH_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define LAUNCH_FDS 5 /* at most */

struct launch {
    const char *path; /* of the program; it is not looked for */
    char *const *argv;
    char *const *env;    /* NULL: ours */
    const char *folder;  /* NULL: ours */
    int fds[LAUNCH_FDS]; /* what become 0 .. n_fds-1; -1: /dev/null, read */
    int n_fds;
    const sigset_t *mask;   /* the signals that are blocked in it; NULL: none */
    const cpu_set_t *cores; /* NULL: as ours */
    int nice;               /* added to ours */
    bool outlives;          /* otherwise the kernel kills it when we die */
};

/* ERR_IO where it cannot begin, also for what the program's file is. */
enum status launch_process(pid_t *pid, const struct launch *s, struct err *err);

/* The first executable file of that name in the folders of PATH, or the name
 * itself where it has a slash; the caller frees it.  NULL: there is none.
 * anywhere: as execvp looks, also in folders that are named relative to ours;
 * else in absolute ones alone. */
char *launch_find(const char *name, bool anywhere);

/* Our environment without the variables that begin with one of the texts in
 * drop, and with those in add ("NAME=VALUE"); both end with NULL and may be
 * NULL.  The caller frees the array, not what it points to. */
char **launch_environment(const char *const *drop, char *const *add);

#endif
