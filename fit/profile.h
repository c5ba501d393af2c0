/* profile.h - how far a parameter can be moved, all others following, before
 * the objective rises by a given amount (profile likelihood). */
#ifndef FIT_PROFILE_H
#define FIT_PROFILE_H

#include "fit/model.h"

struct profile; /* scratch for one fit */

/* Around the minimum theta with the given objective, in the coordinates of
 * like, or of its own when that is NULL. */
struct profile *profile_new(const struct model *m, const double *theta,
                            double objective, const double *weight,
                            const struct model_work *like);
void profile_free(struct profile *p);

/* The least objective with coordinate f held so that the parameter has this
 * value; theta_out may be NULL. */
double profile_objective(struct profile *p, int f, double value,
                         double *theta_out);

/* Also look for the others' values from where they are when coordinate f's
 * parameter has this value: what sits at a bound at the minimum may leave it
 * along a profile, and a search from the bound does not see that. */
void profile_add_start(struct profile *p, int f, double value);

/* The value of coordinate f's parameter at which the objective has risen by
 * rise, above the minimum for a positive step and below it for a negative one;
 * step is a first guess of the distance in the coordinate.  Where the bound
 * comes first, it is that; where the side never closes, it is infinite (or 0
 * for a quantity with a sign). */
double profile_limit(struct profile *p, int f, double step, double rise);

/* By how much the objective has risen at the end of the parameter's range on
 * that side; zero and infinity are ends of a quantity with a sign.  Infinite
 * for a range without end, and where it passes `most` on the way. */
double profile_rise_at_end(struct profile *p, int f, double step, double most);

/* The lowest objective met on the way: below the minimum it started from when
 * that was only a local one. */
double profile_lowest(const struct profile *p);

#endif
