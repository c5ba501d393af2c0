/* optimum.h - the minimum of a model's objective over its free parameters. */
#ifndef FIT_OPTIMUM_H
#define FIT_OPTIMUM_H

#include "fit/model.h"

struct optimum {
    double *theta;    /* [n_params] */
    double objective; /* as struct fit_loss defines it, weighted */
    bool converged;
    int starts;   /* local searches */
    int reached;  /* of which ended within 1e-6 of the best objective */
    double next;  /* the second-best distinct objective, NaN if none */
    double *ends; /* [starts][n_params] where each search ended */
    double *end_objective; /* [starts] */
    int evaluations;
};

/* Search from starts of our own (start.h) and from those given, or with
 * m->start_only from these alone.  weight: NULL, or one for each row, 0 leaving
 * it out. */
void optimum_find(struct optimum *o, const struct model *m,
                  const double *weight, uint64_t seed);

/* From theta, nearby: a warm start. */
void optimum_from(struct optimum *o, const struct model *m,
                  const double *weight, const double *theta);
void optimum_release(struct optimum *o);

/* The objective at theta. */
double optimum_objective(const struct model *m, const double *weight,
                         const double *theta);

/* The coordinates of intervals: the logarithm of a coefficient whose sign its
 * bounds decide, the plain value of anything else, so that the interval of a
 * slope near 0 has both signs. */
void optimum_coordinates(struct model_work *w, const double *theta);

/* The coordinates in which searches near theta behave best: logarithms for all
 * coefficients, whose sign they keep. */
void optimum_search_coordinates(struct model_work *w, const double *theta);

/* Something that multiplies, whose size matters more than its sign. */
bool optimum_is_coefficient(const struct model *m, int i);

/* A size that stands for infinity: a parameter that the rows push there without
 * end, R of 1 - exp(-x/R) on a straight line, is put there. */
#define OPTIMUM_FAR 1e100

/* Whether the parameter sits at one of its bounds, or at infinity; at the lower
 * one, or at minus infinity. */
bool optimum_at_bound(const struct model_param *p, double value);
bool optimum_at_low_end(const struct model_param *p, double value);
bool optimum_is_far(double value);

/* Objectives that differ by a smaller share are those of one minimum. */
#define OPTIMUM_SAME 1e-6

#endif
