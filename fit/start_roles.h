/* start_roles.h - how each free coordinate of a start is found (start.c
 * only). */
#ifndef FIT_START_ROLES_H
#define FIT_START_ROLES_H

#include "fit/model.h"

enum start_role {
    SAMPLED,
    GIVEN,   /* by --start */
    LINEAR,  /* eliminated */
    INVERSE, /* eliminated, its reciprocal being the coefficient */
};

/* role[n_free], by inspection of the formula; given: starts that a person gave
 * count. */
void start_roles(enum start_role *role, const struct model *m, bool given);

#endif
