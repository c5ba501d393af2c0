/* runner.h - a grid, run to its end on this machine.
 *
 * What is missing of the grid is run, cheapest first.  Each run has a folder
 * RUNS/HASH-SEED beside the database with its configuration, its log, its
 * lines (metrics.jsonl) and its checkpoints. */
#ifndef HARNESS_RUNNER_H
#define HARNESS_RUNNER_H

#include <stdbool.h>

#include "base/err.h"
#include "harness/cli.h"
#include "harness/grid.h"

struct runner_options {
    int slots;  /* 0: as the grid or the machine says */
    int limit;  /* start at most so many runs; 0: all */
    bool fail_fast, retry_failed, keep_checkpoints;
};

struct runner_summary {
    int total, already, done, diverged, failed, waiting;
    double wall_s, flops;
    bool stopped;  /* by a signal or --limit, with runs left */
    bool breaker;  /* the same failure again and again */
};

/* ERR_DB when another scheduler holds the database; otherwise OK with the
 * summary, whatever became of the runs. */
enum status runner_run(struct runner_summary *out, const struct cli *cli,
                       const struct grid *g, const struct runner_options *o,
                       struct err *err);

/* RUNS/HASH-SEED of a run, for a database path; the caller frees it. */
char *runner_folder(const char *db_path, const char *point_id, uint64_t seed);

#endif
