/* derived_law.h - the answers themselves, for derived.c only.  Each takes the
 * parameters and gives NaN when there is no answer. */
#ifndef FIT_DERIVED_LAW_H
#define FIT_DERIVED_LAW_H

#include "fit/model.h"

#define DERIVED_NAMES 64 /* of a formula */

struct derived_ask {
    const struct model *m;
    const double *slots; /* of the variables */
    const int *chosen;   /* parameter of each other slot */
    double c, p, cost;   /* the settings beyond the law's */
    bool has_n, has_d;   /* given, not to be found */
};

double derived_n_opt(const struct derived_ask *a, const double *theta);
double derived_d_opt(const struct derived_ask *a, const double *theta);
double derived_loss_opt(const struct derived_ask *a, const double *theta);
double derived_n_eff(const struct derived_ask *a, const double *theta);
double derived_d_crit(const struct derived_ask *a, const double *theta);
double derived_g_max(const struct derived_ask *a, const double *theta);
double derived_split(const struct derived_ask *a, const double *theta);
double derived_p_opt(const struct derived_ask *a, const double *theta);

#endif
