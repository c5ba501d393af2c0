/* reported_limits.h - how well the rows tell a function of the parameters: for
 * reported.c. */
#ifndef FIT_REPORTED_LIMITS_H
#define FIT_REPORTED_LIMITS_H

#include "fit/fit.h"

struct reported_function {
    const struct expr *e; /* slot i is parameter i */
    bool is_log;          /* a product of powers of coefficients: its logarithm
                             is what is judged */
    struct expr_work *work;
    int *slots; /* [m->n_params] 0 1 2 ... */
    struct expr_input *in;
    double *slope; /* [m->n_params] */
};

void reported_function_init(struct reported_function *fn, const struct expr *e,
                            const struct fit *f);
void reported_function_release(struct reported_function *fn);

/* Do the rows tell the function, although not each parameter in it?  As the
 * ratio b/R of b (1 - exp(-x/R)) on a straight line. */
bool reported_is_seen(const struct fit *f, struct reported_function *fn);

/* Standard error by the delta method, of the logarithm where is_log. */
double reported_error(const struct fit *f, struct reported_function *fn);

/* The least and the largest value over the parameters whose sum of squares is
 * at most t^2 sigma^2 above the minimum; false when one was not found. */
bool reported_limits(double *lo, double *hi, const struct fit *f,
                     struct reported_function *fn, double t);

#endif
