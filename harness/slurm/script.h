/* script.h - the script that sbatch gets: one job array.
 *
 * Logs are appended to, because a requeued task begins its file anew
 * otherwise.  SIGTERM comes to the worker itself (exec, B:), before the limit;
 * it is a bonus: workers watch their deadline. */
#ifndef HARNESS_SLURM_SCRIPT_H
#define HARNESS_SLURM_SCRIPT_H

#include "base/str.h"
#include "harness/slurm/pack.h"
#include "trainer/config.h"

struct script_names {
    const char *grid, *id, *store;
    const char *root;    /* runs/, absolute */
    const char *folder;  /* where jobs work */
    const char *program; /* qlaw, absolute */
};

/* How long before its end a task hears that it ends: run.grace and some more,
 * but never more than half of its time. */
#define SCRIPT_EARLY_S 60
double script_warning_s(const struct config *base, double limit_s);

/* base: the run and slurm keys.  ERR_CONFIG when a value cannot stand in a
 * script. */
enum status script_print(struct str *out, const struct config *base,
                         const struct pack_array *a, int max_array,
                         const struct script_names *n, struct err *err);

/* "qlaw:GRID:ID", of letters that every command prints as they are. */
char *script_job_name(const char *grid, const char *id);

#endif
