/* slurm_keys.h - keys of Slurm that cannot stand together, found when the grid is
 * read and not when its jobs are made. */
#ifndef HARNESS_GRID_SLURM_KEYS_H
#define HARNESS_GRID_SLURM_KEYS_H

#include "trainer/config.h"

/* ERR_CONFIG for what no job script can be made of: a quote of slurm.args that
 * is not closed, a grace that leaves no time to work in. */
enum status slurm_keys_check(const struct config *base, struct err *err);

#endif
