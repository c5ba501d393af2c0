/* process.h - which process was it?
 *
 * A pid is used again; a pid together with the time its process started (in
 * clock ticks since boot) and the boot's own id is not.  These are facts of
 * the kernel: no clock that a person can set takes part. */
#ifndef HARNESS_OS_PROCESS_H
#define HARNESS_OS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_BOOT 40

struct process {
    int64_t pid, start_ticks; /* start_ticks 0: unknown */
    char boot[PROCESS_BOOT];  /* "" where the system has no such id */
};

/* The facts of a running process; false when there is none (any more). */
bool process_find(struct process *out, pid_t pid);

/* The name of this host, and what starts this very program again, also when its
 * file has been replaced; the caller frees the second. */
#define PROCESS_HOST 64
void process_host(char out[PROCESS_HOST]);
char *process_program(void);

/* Is exactly that process still running?  A zombie is not. */
bool process_alive(const struct process *p);

/* Kill its process group and wait until the process is gone, at most
 * patience_s; true when it is. */
bool process_end_group(const struct process *p, double patience_s);

#endif
