/* contrast.h - two runs, points or grids side by side.
 *
 * A side is the name of a grid, the number of a run, or the beginning of a
 * point's hash with an optional -SEED.
 *
 * Grids are compared over the cells (N, D, arm) that either holds once, by the
 * seeds that both ask for; points over the seeds that both have.  The interval
 * is that of cells.h: what is paired by twin and seed counts once.
 *
 * Of one pair of runs, chance is judged by what seeds differ by elsewhere in
 * the grids that hold them: where both share twin and seed, by the differences
 * from the twin, else by sqrt(2) times the losses' standard deviation; those of
 * the two points themselves first, then of points of their size and length,
 * then of all.  Runs of one point differ in nothing but the seed. */
#ifndef HARNESS_STUDY_CONTRAST_H
#define HARNESS_STUDY_CONTRAST_H

#include <stdbool.h>

#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "fit/cells.h"

struct contrast_key {   /* of the configuration, where the sides differ */
    char *name, *a, *b; /* b or a NULL: not there; "(several)" */
};

struct contrast_cell { /* a pair; of grids, its seeds folded */
    char *label;       /* "N=106k D=800k int3 W+A g4", or "seed 2" */
    double a, b;       /* losses */
    int seeds;
};

/* Where the standard deviation of one difference comes from. */
enum contrast_noise {
    NOISE_UNKNOWN,
    NOISE_OF_POINTS, /* seeds of the two points */
    NOISE_OF_SIZE,   /* of points with their N and D */
    NOISE_OF_GRIDS,  /* of all points of their grids */
};

struct contrast {
    char *name_a, *name_b;
    bool grids;
    bool one_point; /* both are runs of one point: nothing but seeds differs */
    struct contrast_key *keys;
    int n_keys;
    struct contrast_cell *cells;
    int n_cells;
    int same;      /* of grids: points that both hold, left out */
    int ambiguous; /* of grids: points that have several partners, left out */
    struct cells_mean diff;       /* of b - a over the cells */
    enum contrast_noise noise_of; /* one pair only */
    double noise; /* standard deviation of its difference by chance; NaN */
    int noise_dof;
    bool known;    /* an interval could be had */
    bool distinct; /* and leaves out zero */
};

enum status contrast_make(struct contrast *c, struct db *db, const char *a,
                          const char *b, struct err *err);
void contrast_release(struct contrast *c);

/* Add the keys in which two configurations differ (contrast_keys.c). */
enum status contrast_add_keys(struct contrast *c, const char *config_a,
                              const char *config_b, struct err *err);

/* For people, and one line of JSON: {"schema":"qlaw/compare/1","a","b",
 * "keys":[{"name","a","b"}],"pairs":[{"what","a","b","seeds"}],"difference",
 * "lo95","hi95","dof","noise_sd","verdict"}. */
void contrast_text(struct str *out, const struct contrast *c);
void contrast_json(struct str *out, const struct contrast *c);

#endif
