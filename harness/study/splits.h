/* splits.h - which splits of a number of bits these runs tell from the best.
 *
 * Arms of one number of bits, one group and the same operands are tried against
 * the one with the smallest mean, over the cells that both have; contrasts of
 * one such set are tested together (Holm).  A best that is not told from
 * another is no finding. */
#ifndef HARNESS_STUDY_SPLITS_H
#define HARNESS_STUDY_SPLITS_H

#include "harness/study/measured.h"

struct split {
    int arm;
    struct cells_mean cost;
    struct cells_mean behind; /* costs more than the best; of the best 0 */
    bool told;                /* from the best, beyond chance */
};

struct split_set {
    double bits;
    const char *group, *operands; /* "32", "W+A"; texts of splits */
    struct split *splits;         /* by cost; the first is the best */
    int n, n_told;
};

/* Sets of two arms or more, by bits and then group; returns how many. */
int splits_find(struct split_set **out, const struct measured *m);
void splits_free(struct split_set *s, int n);

#endif
