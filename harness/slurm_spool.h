/* slurm_spool.h - what a node recorded of a run that it had claimed, before it
 * is part of the run's own records. */
#ifndef HARNESS_SLURM_SPOOL_H
#define HARNESS_SLURM_SPOOL_H

#include "harness/journal.h"
#include "harness/record.h"
#include "harness/slurm_claims.h"

/* The part of a file of records that carries a claim's token. */
struct spool {
    const struct claim *claim;
    struct journal *journal; /* NULL: only look */
    char *path, *log_path; /* the file of records; owned by the caller */
    bool inside, begun, ended, first;
    double step;               /* the last */
    struct metrics_line final; /* final.final: it came */
    struct attempt_end end;
    long points;
};

/* Read path anew; with a journal, tell it everything. */
void spool_read(struct spool *s);

/* Append a spool to the folder's metrics.jsonl, with the end e when it has none.
 * Doing it again changes nothing. */
enum status spool_merge(const struct spool *s, const char *folder,
                        const struct attempt_end *e, struct err *err);

#endif
