/* random_mixed.h - the restricted likelihood of a fit with random effects
 * (random.c only). */
#ifndef FIT_RANDOM_MIXED_H
#define FIT_RANDOM_MIXED_H

#include <gsl/gsl_matrix.h>

#include "fit/random.h"
#include "fit/solve.h"

/* Spreads that are tried lie within this of the noise, in logarithms of the
 * variances' ratio. */
#define RATIO_LEAST -14.0
#define RATIO_MOST  14.0

struct mixed {
    const struct model *m;
    struct model_work *w;
    struct solve_work *sw;
    int *unit, units;
    size_t *order, *first; /* rows by unit; first[units] is the end */
    int n_effects;
    int coord[RANDOM_MOST];
    double *z;      /* [n_effects][rows] d r / d constant, at theta */
    double *whiten; /* lower Cholesky factors, one unit after the other */
    size_t *at;     /* where each unit's begins */
    double *r, *jac, *u, *lo, *hi, *weight, *gather;
    double log_det;     /* of all V */
    double q, log_info; /* at the minimum: squares, log |J' V^-1 J| */
    gsl_matrix *info;   /* J' V^-1 J */
};

/* Rows less free parameters. */
double mixed_freedom(const struct mixed *x);

/* Minimize the whitened squares at these ratios of variances: x->u, x->q and
 * x->info; false when that fails. */
bool mixed_minimize(struct mixed *x, const double *log_ratio);

/* -2 log of the restricted likelihood at a noise variance, up to a constant; at
 * the best one when variance is 0. */
double mixed_deviance(struct mixed *x, const double *log_ratio,
                      double variance);

/* The best ratios from those in log_ratio; false when the search does not
 * settle. */
bool mixed_find_ratios(struct mixed *x, double *log_ratio);

#endif
