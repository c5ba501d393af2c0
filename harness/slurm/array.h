/* array.h - one submission and its arrays (between slurm/submit.c and
 * slurm/array.c). */
#ifndef HARNESS_SLURM_ARRAY_H
#define HARNESS_SLURM_ARRAY_H

#include "harness/slurm/pack.h"
#include "harness/slurm/slurm.h"
#include "harness/slurm/submit.h"
#include "harness/slurm/wanted.h"

/* One submission. */
struct submission {
    struct submitted *out;
    const struct submit_options *o;
    struct db *db;
    struct config *base; /* run, slurm and trainer keys */
    json_t *settings;    /* the same, what is not at its default */
    const char *grid;
    char *root, *folder, *program, store[RECORD_TOKEN];
    struct slurm_config slurm;
    struct wanted_list wanted;
    bool known;          /* how long runs take */
    int64_t first_claim; /* of the array at hand: its rows are the newest */
};

enum status submit_folders(const struct submission *s, struct err *err);
enum status submit_script(struct str *out, const struct submission *s,
                          const struct pack_array *a, const char *id,
                          struct err *err);

/* Write the bundle, claim its runs, call sbatch, write down the number. */
enum status submit_array(struct submission *s, const struct pack *p,
                         const struct pack_array *a, struct err *err);

#endif
