/* optimum.h - the minimum of a model's objective over its free parameters. */
#ifndef FIT_OPTIMUM_H
#define FIT_OPTIMUM_H

#include "fit/model.h"

struct optimum {
    double *theta;    /* [n_params] */
    double objective; /* as struct fit_loss defines it, weighted */
    bool converged;
    int starts;       /* local searches */
    int reached;      /* of which ended within 1e-6 of the best objective */
    double next;      /* the second-best distinct objective, NaN if none */
    double *ends;     /* [starts][n_params] where each search ended */
    double *end_objective; /* [starts] */
    int evaluations;
};

/* Search from starts of our own (start.h), or from the given ones alone when
 * every parameter that cannot be eliminated has one.  weight: NULL, or one for
 * each row, 0 leaving it out. */
void optimum_find(struct optimum *o, const struct model *m,
                  const double *weight, uint64_t seed);

/* From theta, nearby: a warm start. */
void optimum_from(struct optimum *o, const struct model *m,
                  const double *weight, const double *theta);
void optimum_release(struct optimum *o);

/* The objective at theta. */
double optimum_objective(const struct model *m, const double *weight,
                         const double *theta);

/* The coordinates in which searches near theta behave best: logarithms for
 * coefficients, plain values for exponents and for what sits at a bound. */
void optimum_coordinates(struct model_work *w, const double *theta);

/* Whether the parameter sits at one of its bounds. */
bool optimum_at_bound(const struct model_param *p, double value);

#endif
