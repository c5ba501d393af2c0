/* separate.h - objectives that fall apart into one for each value of a column.
 *
 * When every free parameter has a value of its own for each value of one and
 * the same column, rows of different values have nothing in common, and the
 * minimum is found value by value: a vertex parabola with all constants by
 * budget is six easy searches and one hopeless one. */
#ifndef FIT_SEPARATE_H
#define FIT_SEPARATE_H

#include "fit/optimum.h"

bool separate_can(const struct model *m);

/* As optimum_find; ends are those of each value's searches, the other values at
 * their best. */
void separate_find(struct optimum *o, const struct model *m,
                   const double *weight, uint64_t seed);

#endif
