/* parents.h - the weights that parents keep for runs of later submissions. */
#ifndef HARNESS_SLURM_PARENTS_H
#define HARNESS_SLURM_PARENTS_H

#include "db/db.h"

/* Remove those that no run of this database waits for any more, unless
 * run.keep_weights says otherwise; root: record_root's. */
enum status parents_sweep(struct db *db, const char *root, struct err *err);

#endif
