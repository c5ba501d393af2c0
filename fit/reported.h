/* reported.h - functions of the parameters that a person asks for, such as
 * a = beta/(alpha + beta), with intervals of the fit's own kind.
 *
 *   one parameter alone    its own interval
 *   refits were made       percentiles of the function over them, or the
 *                          jackknife's multiple of its spread
 *   wald                   the delta method: sigma times the length of the
 *                          function's gradient in the coordinates of the fit
 *   profile                the least and the largest value of the function
 *                          over all parameters whose sum of squares is within
 *                          what Student's t allows; where one of those the
 *                          function depends on has such an interval
 *
 * A product of powers of coefficients (A/B, (alpha A/(beta B))^(1/(alpha +
 * beta))) has its interval about its logarithm, as coefficients have. */
#ifndef FIT_REPORTED_H
#define FIT_REPORTED_H

#include "base/str.h"
#include "fit/fit.h"

struct reported {
    char *name; /* "a"; the function's text when it was given none */
    char *text; /* "beta/(alpha + beta)" */
    struct fit_estimate est;
};

/* "a = beta/(alpha + beta)", or without a name.  ERR_USAGE with the nearest
 * parameter where a name is none. */
enum status reported_find(struct reported *out, const struct fit *f,
                          const char *text, struct err *err);
void reported_release(struct reported *r);

/* Lines of a table, and a list of objects {"name","formula","value","se",
 * "lo95","hi95","interval","why"}. */
void reported_text(struct str *out, const struct reported *r, int n);
void reported_json(struct str *out, const struct reported *r, int n);

#endif
