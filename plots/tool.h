/* tool.h - another program, run for what it makes: an argument vector and no
 * shell, nothing on its standard input, its output kept for a message, its
 * whole group killed when it takes too long or ends. */
#ifndef PLOTS_TOOL_H
#define PLOTS_TOOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct tool {
    const char *name;  /* for messages */
    pid_t pid;         /* 0: none */
    int fd;            /* what it prints; -1 after its end */
    struct str output; /* the first 4 KiB of it, both streams */
    double limit_s, until;
    bool late;
    int wait_status;
};

/* Start it in a folder (NULL: here).  Variables that begin with one of the
 * texts in drop (NULL at its end; may be NULL) are kept from it. */
enum status tool_start(struct tool *t, const char *name, const char *path,
                       char *const *argv, const char *folder,
                       const char *const *drop, double limit_s,
                       struct err *err);

/* Wait a little for output of any of n, then see which have ended. */
void tool_wait(struct tool *t, int n);
bool tool_ended(struct tool *t);

/* OK when it ended with status 0; the caller releases output. */
enum status tool_verdict(struct tool *t, struct err *err);

/* All of it at once. */
enum status tool_run(struct str *output, const char *name, const char *path,
                     char *const *argv, const char *folder,
                     const char *const *drop, double limit_s, struct err *err);

#endif
