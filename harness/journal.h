/* journal.h - what happens to runs, on its way into the database.
 *
 * Happenings wait in memory, in order, and are written in batches, each one
 * transaction.  While somebody else holds the file they go on waiting: nothing
 * is lost and nobody who reports is kept waiting.  Every line is also in the
 * run's own folder by the time it comes here. */
#ifndef HARNESS_JOURNAL_H
#define HARNESS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "harness/metrics_line.h"

struct journal;

struct journal *journal_open(struct db *db, int64_t env_id);
void journal_close(struct journal *j); /* what waits is dropped */

/* An attempt begins: run to `running`, a row in attempt. */
void journal_start(struct journal *j, int64_t run_id, int number, int64_t pid,
                   const char *log_path);

/* A point of its curve. */
void journal_point(struct journal *j, int64_t run_id,
                   const struct metrics_line *line);

/* How an attempt ended and what becomes of its run. */
struct journal_end {
    const char *state;   /* of the run: done, diverged, failed, pending ... */
    const char *outcome; /* of the attempt: ok, diverged, error ... */
    const char *message; /* NULL: none */
    int exit_code, term_signal;
    double cpu_s, wall_s;
    int64_t max_rss;
    const struct metrics_line *result; /* NULL unless done */
};
void journal_end(struct journal *j, int64_t run_id, int number,
                 const struct journal_end *end);

/* Write what waits.  patience_s bounds the wait for a locked file; ERR_DB
 * leaves everything waiting.  *n counts what was written (may be NULL). */
enum status journal_flush(struct journal *j, double patience_s, int *n,
                          struct err *err);

int journal_waiting(const struct journal *j);
bool journal_due(const struct journal *j); /* 100 ms old or 500 rows */

#endif
