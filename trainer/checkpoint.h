/* checkpoint.h - a run's whole state in one file, written whole.
 *
 * Layout, all numbers little-endian:
 *
 *   0    8  magic "QLAWCKP1"
 *   8   32  identity: SHA-256 of configuration, seeds and data
 *   40   8  step: optimizer steps done
 *   48   4  number of sections
 *   52   4  0
 *   56      one row a section: 16 bytes name (zero padded), 8 bytes offset
 *           from the start of the file, 8 bytes length, 32 bytes SHA-256
 *           then the sections in order, 64-byte aligned, then the SHA-256
 *           of the head and the table (32 bytes) and "QLAWEND1"
 *
 * Two generations are kept, DIR/checkpoint.0 and .1: a write goes to the older
 * one, by temporary name, sync and rename.  A file is used only when every
 * length and digest in it is right and its identity is ours. */
#ifndef TRAINER_CHECKPOINT_H
#define TRAINER_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CHECKPOINT_NAME 16

/* A piece of state: where it lives in memory. */
struct section {
    const char *name;
    void *data;
    size_t size;
};

/* Write the sections as of step.  ERR_IO leaves the generations as they
 * were. */
enum status checkpoint_write(const char *dir, const unsigned char id[32],
                             int64_t step, const struct section *sections,
                             int n, struct err *err);

/* Find the newest usable generation: *step, or -1 when there is none.  Reasons
 * why a file was not used go to warn (may be NULL), one sentence each. */
enum status checkpoint_find(int64_t *step, int *generation, const char *dir,
                            const unsigned char id[32],
                            void (*warn)(const char *sentence),
                            struct err *err);

/* Read one section of a generation that checkpoint_find chose; size is the
 * exact length expected, or with *data NULL any length, allocated for the
 * caller (free). */
enum status checkpoint_read(const char *dir, int generation, const char *name,
                            void **data, size_t *size, struct err *err);

/* Remove both generations. */
void checkpoint_remove(const char *dir);

#endif
