/* contrast.h - two runs, points or grids side by side.
 *
 * A side is the name of a grid, the number of a run, or the beginning of a
 * point's hash with an optional -SEED.  Points are compared over the seeds
 * that both have, grids over the points that both have at the same N, D, G
 * and format.  Whether a difference is more than chance is judged from paired
 * differences; with fewer than two of them, from what seeds differ by
 * elsewhere in the database. */
#ifndef HARNESS_CONTRAST_H
#define HARNESS_CONTRAST_H

#include <stdbool.h>

#include "base/str.h"
#include "db/db.h"
#include "harness/interval.h"

struct contrast_key {   /* of the configuration, where the sides differ */
    char *name, *a, *b; /* b or a NULL: not there; "(several)" */
};

struct contrast_cell { /* a pair */
    char *label;       /* "N=106k D=800k int3 W+A g4", or "seed 2" */
    double a, b;       /* losses */
};

struct contrast {
    char *name_a, *name_b;
    bool grids;
    struct contrast_key *keys;
    int n_keys;
    struct contrast_cell *cells;
    int n_cells;
    struct interval diff; /* of b - a over the cells */
    double noise;         /* standard deviation of a difference by chance; NaN:
                             not known */
    int noise_dof;
    bool distinct; /* the difference is more than chance would give */
    bool known;    /* that could be judged */
};

enum status contrast_make(struct contrast *c, struct db *db, const char *a,
                          const char *b, struct err *err);
void contrast_release(struct contrast *c);

/* For people, and one line of JSON: {"schema":"qlaw/compare/1","a","b",
 * "keys":[{"name","a","b"}],"pairs":[{"what","a","b"}],"difference","lo95",
 * "hi95","noise_sd","verdict"}. */
void contrast_text(struct str *out, const struct contrast *c);
void contrast_json(struct str *out, const struct contrast *c);

#endif
