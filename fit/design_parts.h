/* design_parts.h - what design.c and design_choose.c share. */
#ifndef FIT_DESIGN_PARTS_H
#define FIT_DESIGN_PARTS_H

#include "fit/design.h"

/* The inverse of the information, plus a share of what all rows together would
 * give: a prior that leaves what is unknown very uncertain, not infinite. */
void design_promised(double *cov, const struct design *d, double prior);

/* d (log) law / d coordinates at settings. */
enum status design_gradient(double *c, const struct design *d,
                            char *const *settings, int n, struct err *err);

/* a' cov b */
double design_form(const double *a, const double *cov, const double *b, int p);

#endif
