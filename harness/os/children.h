/* children.h - processes that are ours because whoever started them is gone. */
#ifndef HARNESS_OS_CHILDREN_H
#define HARNESS_OS_CHILDREN_H

#include <sys/types.h>

/* The children of this process's first thread, which orphans become where it is
 * a subreaper; the caller frees the list. */
pid_t *children_list(int *n);

/* Kill the children that a trainer left behind (their environment names the
 * folder of a run) and that are none of known[n], and wait for them; more than
 * once, because whoever dies hands its own to us.  A group that is killed whole
 * takes its guard with it, and a helper in a session of its own would live on.
 * group is that of the trainer, whose members are waited for: only when they are
 * gone their children become ours. */
void children_end_orphans(const pid_t *known, int n, pid_t group);

#endif
