/* recover.h - take over what a scheduler that was killed left behind.
 *
 * Its workers, if any still live, are ended.  What their attempts had
 * recorded in their folders (record.h) but not yet in the database goes
 * there now: a run whose final record is there is done and is not run again;
 * one without becomes pending, its attempt lost.  Only the holder of the lock
 * may do this. */
#ifndef HARNESS_STORE_RECOVER_H
#define HARNESS_STORE_RECOVER_H

#include "harness/store/journal.h"
#include "harness/store/store.h"

struct recovery {
    int lost;    /* attempts that ended with their scheduler */
    int adopted; /* runs whose result was found in their records */
};

/* All runs that the database believes to be running, and those runs of a list
 * that have records it does not know.  Everything goes through the journal. */
enum status recover_runs(struct recovery *out, struct journal *j, struct db *db,
                         const char *store, const struct grid *g,
                         const struct store_run *runs, int n, struct err *err);

#endif
