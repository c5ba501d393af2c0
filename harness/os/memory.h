/* memory.h - how much memory runs may use, and whether the kernel took some
 * away. */
#ifndef HARNESS_OS_MEMORY_H
#define HARNESS_OS_MEMORY_H

#include <stdint.h>

/* Bytes that this process and its children may have: the machine's memory or
 * the limit of a control group (version 2) above us, whichever is less; 0:
 * unknown. */
int64_t memory_total(void);

/* Processes that the kernel has killed for memory since boot; -1: unknown. */
int64_t memory_kills(void);

#endif
