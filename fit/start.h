/* start.h - where the search for a minimum begins.
 *
 * Parameters in which the law is affine are found by inspection and eliminated
 * (variable projection: Golub and Pereyra 1973): for each point over the
 * others, least squares with the signs that the bounds ask for give them.  The
 * points are a Sobol sequence, shifted by the seed. */
#ifndef FIT_START_H
#define FIT_START_H

#include <stdint.h>

#include "fit/model.h"

struct start_list {
    int n;         /* found, best first */
    int tried;     /* points looked at */
    double *theta; /* [n][n_params] */
    double *score; /* [n] the objective there, roughly */
};

/* The best `keep` starts, rows weighted by weight (NULL: alike); with given,
 * parameters for which a person gave a start have it. */
void start_find(struct start_list *out, const struct model *m,
                const double *weight, uint64_t seed, int keep, bool given);
void start_release(struct start_list *list);

/* How many free coordinates are eliminated. */
int start_linear_count(const struct model *m);

#endif
