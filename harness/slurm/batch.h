/* batch.h - what collecting changes, and in which order it lasts (between
 * the slurm_*.c files).
 *
 * Records are appended as they are taken over.  They are made to last, then the
 * database follows, and only then what they were taken from may go: each step
 * can be repeated after a kill. */
#ifndef HARNESS_SLURM_BATCH_H
#define HARNESS_SLURM_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "harness/store/journal.h"

struct change;
struct leftover;

struct batch {
    struct db *db;
    struct journal *journal;
    const char *root; /* runs/ */
    bool wrote; /* something that has to last before the database follows */
    struct change *changes;
    struct leftover *leftovers;
    int n_changes, n_leftovers;
};

/* A statement with :text, which may be NULL, and the number :attempt, either
 * of which it may lack. */
void batch_change(struct batch *b, const char *sql, const char *text,
                  int64_t attempt);

/* Afterwards remove a file of records, and the checkpoints of a folder; either
 * may be NULL. */
void batch_leave(struct batch *b, const char *spool, const char *folder);

enum status batch_commit(struct batch *b, struct err *err);
void batch_release(struct batch *b); /* what waits is dropped */

#endif
