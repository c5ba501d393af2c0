/* command.h - a program of the system, run for all that it prints.
 *
 * An argument vector and no shell, nothing on its standard input, its group
 * killed when it takes too long.  tool.h keeps the head of an output for a
 * message; this keeps all of it, for a reader. */
#ifndef HARNESS_OS_COMMAND_H
#define HARNESS_OS_COMMAND_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct command {
    struct str out, err; /* what it printed; release them */
    int exit_code;       /* -1: killed, by a signal or for its time */
    bool late;
};

/* argv[0] is looked for along PATH.  ERR_TOOL when it is not there or printed
 * beyond all measure; an exit code is the caller's to judge. */
enum status command_run(struct command *c, char *const *argv, double limit_s,
                        struct err *err);
void command_release(struct command *c);

#endif
