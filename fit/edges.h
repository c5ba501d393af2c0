/* edges.h - parameters that a search pushed to an edge of their range.
 *
 * A term that contributes less than rounding to every row is nothing: its
 * coefficient is 0.  A parameter that the rows push outwards without end (R of
 * 1 - exp(-x/R) on a straight line) has no finite estimate: it is put at
 * OPTIMUM_FAR, which stands for infinity, when the objective there is the same
 * and the rows reject something nearer. */
#ifndef FIT_EDGES_H
#define FIT_EDGES_H

#include "fit/model.h"

/* Put theta's parameters where they belong; objective is that at theta, what
 * differs from it by floor is rounding.  True when some was put at infinity, so
 * that the others are to be searched once more. */
bool edges_settle(double *theta, const struct model *m, const double *weight,
                  double objective, double floor);

#endif
