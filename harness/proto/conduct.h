/* conduct.h - one run as a process, the same whoever conducts it: the scheduler
 * of this machine or a worker of Slurm. */
#ifndef HARNESS_PROTO_CONDUCT_H
#define HARNESS_PROTO_CONDUCT_H

#include "base/texts.h"
#include "harness/os/scheduler.h"
#include "harness/proto/attempt.h"

/* The words of the command that trains, with NULL at their end: PROGRAM train
 * --config FILE --dir FOLDER and more.  The caller gives them to words_free. */
char **conduct_command(const char *program, const struct attempt *a,
                       const struct texts *more);

/* A line of the process: recorded, and told with whether it is the first of its
 * attempt (told may be NULL).  After the final one the process has a minute to
 * end.  False: it is to be killed. */
bool conduct_line(struct sched *s, const void *user, struct attempt *a,
                  const char *line, size_t n, bool whole,
                  void (*told)(void *ctx, const struct metrics_line *m,
                               bool first),
                  void *ctx);

/* What is known of an end before anybody has settled what becomes of the run:
 * all but its state and its time. */
struct attempt_end conduct_end(const struct attempt *a,
                               const struct sched_exit *e,
                               const struct verdict *v);

/* So many failures one after the other are about the machine. */
#define CONDUCT_BREAKER 5

#endif
