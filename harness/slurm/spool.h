/* spool.h - what a node recorded of a run that it had claimed, before it
 * is part of the run's own records. */
#ifndef HARNESS_SLURM_SPOOL_H
#define HARNESS_SLURM_SPOOL_H

#include "harness/proto/record.h"
#include "harness/slurm/claims.h"
#include "harness/store/journal.h"

/* The part of a file of records that carries a claim's token. */
struct spool {
    const struct claim *claim;
    struct journal *journal;        /* NULL: only look */
    char *folder, *path, *log_path; /* path: the file of records */
    int fd;                         /* of the file while it is held, -1 */
    enum record_lock
        lock;       /* as it was found; free: also when it is not there */
    double quiet_s; /* since somebody wrote to it */
    bool inside, begun, ended, first;
    int64_t damaged; /* the first line of an attempt that was changed; 0 */
    double step;     /* the last */
    struct metrics_line final; /* final.final: it came */
    struct attempt_end end;
    long points;
};

/* Of a claim, with nothing read yet. */
void spool_init(struct spool *s, const char *root, const struct claim *claim);
void spool_release(struct spool *s);

/* Read the file anew; with a journal, tell it everything. */
void spool_read(struct spool *s);

/* Who holds the file? */
void spool_look(struct spool *s);

/* Hold it: with LOCK_FREE, nobody writes to it until spool_release. */
void spool_hold(struct spool *s);

/* Append it to the folder's metrics.jsonl, with the end e when it has none of
 * its own.  Doing it again changes nothing.  *busy: somebody else writes
 * there, and nothing was done. */
enum status spool_merge(bool *busy, const struct spool *s,
                        const struct attempt_end *e, struct err *err);

/* See to it that a claim that no worker has begun is never begun: the mark that
 * cancels it is set while its file is held.  *done is false when it was begun.
 * A worker looks for the mark once it holds the file. */
enum status spool_fence(bool *done, const char *folder, const char *token,
                        struct err *err);

#endif
