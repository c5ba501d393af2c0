/* runner.h - a grid, run to its end on this machine.
 *
 * What is missing of the grid is run, in the grid's order (cheapest first
 * unless it says otherwise).  Each run has a folder beside the database
 * (record.h).  The database follows what happens (journal.h), it does not lead:
 * what runs is decided from memory, so a locked database stops nothing. */
#ifndef HARNESS_RUN_RUNNER_H
#define HARNESS_RUN_RUNNER_H

#include <stdbool.h>

#include "base/err.h"
#include "harness/grid/grid.h"
#include "harness/os/session.h"

struct runner_options {
    int slots; /* 0: as the grid or the machine says */
    int limit; /* start at most so many runs; 0: all */
    int nice;
    bool pin; /* each slot keeps to cores of its own */
    bool fail_fast, retry_failed, keep_checkpoints;
    bool json;           /* events as JSON lines on stdout */
    const char *program; /* runs as PROGRAM train --config FILE --dir DIR;
                            NULL: this very program */
};

struct runner_summary {
    int total, already, done, diverged, failed, left_out, waiting;
    int not_chosen; /* by --only and --skip; not in total */
    int elsewhere;  /* in Slurm's hands, part of waiting */
    int adopted;    /* results found in the records of a killed scheduler */
    double wall_s, flops;
    bool stopped; /* by a signal or --limit, with runs left */
    bool breaker; /* the same failure again and again */
    int signal;   /* that stopped it before anything had started; 0: none */
    char first_failure[200];
};

/* ERR_DB when another scheduler holds the database, ERR_STOPPED when the disk
 * or the database could not take more; otherwise OK with the summary,
 * whatever became of the runs. */
enum status runner_run(struct runner_summary *out,
                       const struct session *session, const struct grid *g,
                       const struct runner_options *o, struct err *err);

#endif
