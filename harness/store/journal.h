/* journal.h - what happens to runs, on its way into the database.
 *
 * Happenings wait in memory, in order, and are written in batches, each one
 * transaction.  While somebody else holds the file they go on waiting: nothing
 * is lost and nobody who reports is kept waiting.  Everything is also in the
 * run's own folder (record.h) by the time it comes here. */
#ifndef HARNESS_STORE_JOURNAL_H
#define HARNESS_STORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "harness/proto/record.h"

struct journal;

struct journal *journal_open(struct db *db, int64_t env_id);
void journal_close(struct journal *j); /* what waits is dropped */

/* An attempt begins: a row in attempt, and its run is running.  Beginning an
 * attempt that is there already changes nothing. */
void journal_begin(struct journal *j, int64_t run_id,
                   const struct attempt_begin *b, const char *log_path);

/* A point of its curve with its extra metrics; of a final line the extra
 * metrics only.  first: the first point of an attempt, which takes the place
 * of what earlier attempts said from there on. */
void journal_line(struct journal *j, int64_t run_id,
                  const struct metrics_line *line, bool first);

/* How an attempt ended and what becomes of its run; result is its final line,
 * NULL unless the run is done. */
void journal_end(struct journal *j, int64_t run_id, int number,
                 const struct attempt_end *end,
                 const struct metrics_line *result);

/* A run changes its state without an attempt; reason may be NULL. */
void journal_state(struct journal *j, int64_t run_id, enum run_state state,
                   const char *reason);

/* A line of the event table; run_id 0: of no run. */
void journal_event(struct journal *j, int64_t run_id, const char *kind,
                   const char *detail);

/* Write what waits.  patience_s bounds the wait for a locked file; ERR_DB
 * leaves everything waiting, and db_trouble says why. */
enum status journal_flush(struct journal *j, double patience_s,
                          struct err *err);

int journal_waiting(const struct journal *j);
bool journal_due(const struct journal *j); /* 100 ms old or 500 entries */

#endif
