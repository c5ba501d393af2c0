/* edge_interval.h - intervals beside an edge: a bound, or infinity.
 *
 * An estimate that may not pass the edge is at it as often as noise would have
 * put it beyond.  Student's two-sided limit then holds 97.5 % of the time for
 * what lies at the edge and too seldom elsewhere.  Values are ordered by their
 * likelihood against the best allowed one instead (Feldman and Cousins 1998):
 * a value delta standard errors from the edge is kept when the objective rises
 * by no more than a critical size that goes from the one-sided quantile at the
 * edge to the two-sided one far from it, which holds 95 % of the time at every
 * distance.  Distances are roots of rises of the profile, so that the law may
 * bend. */
#ifndef FIT_EDGE_INTERVAL_H
#define FIT_EDGE_INTERVAL_H

#include "fit/fit.h"
#include "fit/profile.h"

/* The root of the critical rise at a distance in standard errors, for dof
 * degrees of freedom. */
double edge_critical(double distance, double dof);

/* The interval of parameter i whose estimate sits at an edge; off is a value
 * well inside, for other profiles to start from. */
void edge_interval_at(struct fit *f, struct profile *pr, int i, double *off);

/* The profile interval of any other parameter, with the critical rise of each
 * side. */
void edge_interval_profile(struct fit *f, struct profile *pr, int i);

#endif
