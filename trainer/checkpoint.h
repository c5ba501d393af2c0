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
 *           then the sections in order, each starting at a multiple of 64,
 *           zeros between; then, again at a multiple of 64, the SHA-256 of
 *           head and table (32 bytes) and "QLAWEND1"
 *
 * Every byte is covered by a digest or must be zero, so a file that differs
 * anywhere from what was written is noticed.
 *
 * Two generations are kept, DIR/checkpoint.0 and .1: a write goes to the older
 * one, by temporary name, sync and rename.  Files are streamed: neither writing
 * nor reading holds a copy of the state in memory. */
#ifndef TRAINER_CHECKPOINT_H
#define TRAINER_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CHECKPOINT_NAME     16
#define CHECKPOINT_SECTIONS 64 /* at most */

/* A piece of state: where it lives in memory. */
struct section {
    const char *name;
    const void *data;
    size_t size;
};

/* Write the sections as of step.  ERR_IO leaves the generations as they
 * were. */
enum status checkpoint_write(const char *dir, const unsigned char id[32],
                             int64_t step, const struct section *sections,
                             int n, struct err *err);

struct checkpoint; /* an open generation, checked from end to end */

/* The newest generation that is whole and has this identity, or NULL.  Why a
 * file was not used goes to warn (may be NULL), one sentence each. */
struct checkpoint *checkpoint_open(const char *dir, const unsigned char id[32],
                                   void (*warn)(const char *sentence));
void checkpoint_close(struct checkpoint *c);

int64_t checkpoint_step(const struct checkpoint *c);

/* The step of the newest generation whose head can be read, of whichever run;
 * -1: none.  Nothing else of it is checked. */
int64_t checkpoint_peek(const char *dir);

/* Read one section; size is the exact length expected, or with *data NULL any
 * length, allocated for the caller (free). */
enum status checkpoint_read(const struct checkpoint *c, const char *name,
                            void **data, size_t *size, struct err *err);

/* One file of this form by its own path, beside the generations; tmp is the
 * name it has until it is whole.  The same promises. */
enum status checkpoint_write_file(const char *path, const char *tmp,
                                  const unsigned char id[32], int64_t step,
                                  const struct section *sections, int n,
                                  struct err *err);

/* Checked from end to end; NULL with a sentence that says why. */
struct checkpoint *checkpoint_open_file(const char *path,
                                        const unsigned char id[32],
                                        struct err *err);

/* Remove both generations. */
void checkpoint_remove(const char *dir);

#endif
