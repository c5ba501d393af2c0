/* measured.h - the finished runs of a grid beside their twins: what costs and
 * contrasts are computed from, and how.
 *
 * Only runs of this grid count, with its seeds: another grid in the same file
 * that adds seeds to a point changes nothing.  The strata of cells.h are the
 * twins: runs of one twin and seed share initial weights and the order of
 * data. */
#ifndef HARNESS_STUDY_MEASURED_H
#define HARNESS_STUDY_MEASURED_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "fit/cells.h"

struct measured_arm {
    char *name;   /* "int4 W+A g32" */
    char *family; /* the same without its group: "int4 W+A" */
    char *group;  /* "32", "row", "tensor", or "" where nothing is scaled */
    char *fmt;
    double G;    /* elements that share a scale; NaN: by tensor or unscaled */
    double bits; /* of an element; NaN: not known */
    int family_id, group_id; /* equal where the texts are */
};

struct measured_row { /* a finished quantized run */
    int arm, twin;    /* twins are numbered from 0 */
    int point;        /* so are points */
    int64_t seed;
    double N, D;
    double loss, base; /* base NaN: the twin of this seed is not finished */
};

struct measured {
    char *grid;                /* NULL: every run of the file */
    struct measured_arm *arms; /* by format, then family, then group */
    int n_arms;
    struct measured_row *rows; /* by arm, twin and seed */
    int n;
    int twins, points;
};

/* grid NULL: every run of the file. */
enum status measured_read(struct measured *out, struct db *db, const char *grid,
                          struct err *err);
void measured_release(struct measured *m);

/* --- sides ------------------------------------------------------------------ */

/* Some arms: one, or a family over its groups. */
struct measured_side {
    const char *name; /* of the arm, or of the family */
    bool *arms;       /* [n_arms] which; owned by the side */
    int *list;        /* [n] the same as numbers, in order */
    int n;
};

/* By the name of an arm, of a family, or the first words of one family
 * ("int3" for "int3 W+A").  ERR_USAGE: none, or several. */
enum status measured_side(struct measured_side *out, const struct measured *m,
                          const char *name, struct err *err);
void measured_side_of_arm(struct measured_side *out, const struct measured *m,
                          int arm);
void measured_side_of_family(struct measured_side *out,
                             const struct measured *m, const char *family);
void measured_side_of_all(struct measured_side *out, const struct measured *m);
void measured_side_release(struct measured_side *s);

/* Cost above the twin, over the cells (twin and group) that were measured. */
struct cells_mean measured_cost(const struct measured *m,
                                const struct measured_side *s);

struct cells_mean measured_cost_of_arm(const struct measured *m, int arm);

/* --- contrasts -------------------------------------------------------------- */

/* b - a over the cells that both have: the same twin, seed and group.  Where
 * the sides have no group in common and one each, the group is part of the
 * format and cells are twins. */
struct measured_contrast {
    struct cells_mean diff, a, b; /* a and b: costs over the same cells */
    struct cells_ratio ratio;     /* cost of b over cost of a */
    double p;
};

bool measured_share_group(const struct measured *m,
                          const struct measured_side *a,
                          const struct measured_side *b);

/* Only cells with this group, N and D; NULL and NaN: any. */
struct measured_only {
    const char *group;
    double N, D;
};
#define MEASURED_ANY ((struct measured_only){ NULL, (double)NAN, (double)NAN })

struct measured_contrast measured_contrast(const struct measured *m,
                                           const struct measured_side *a,
                                           const struct measured_side *b,
                                           struct measured_only only);

/* How the cost of a side changes from a low to a high value of N, D or G over
 * pairs of one seed that agree in all else; diff.cells = 0: no pair.  Of the
 * values that were run, the two ends are those with the most pairs, counted in
 * logarithms of their ratio. */
struct measured_effect {
    struct measured_contrast change; /* a: at lo, b: at hi */
    double lo, hi;
};
struct measured_effect measured_effect(const struct measured *m,
                                       const struct measured_side *s,
                                       char variable);

#endif
