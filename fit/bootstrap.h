/* bootstrap.h - refit resamples of rows, or of whole clusters of rows
 * (Efron 1979); intervals are percentiles of the refitted values. */
#ifndef FIT_BOOTSTRAP_H
#define FIT_BOOTSTRAP_H

#include <stdint.h>

#include "fit/model.h"

struct bootstrap {
    int n;         /* replicates that reached a minimum */
    int failed;    /* that did not */
    int units;     /* things resampled */
    double *theta; /* [n][n_params] */
};

/* count refits, warm from the estimate; from has n_from parameter vectors, the
 * estimate first and then rival minima that a resample may prefer.  unit[row] in 0 .. units-1 says what is drawn
 * together (NULL: rows).  weight as for the fit itself, or NULL.  Replicate b
 * depends on seed and b alone. */
void bootstrap_run(struct bootstrap *b, const struct model *m,
                   const double *from, int n_from, const double *weight,
                   const int *unit, int units, int count, uint64_t seed);

/* One refit for each unit, without it: the jackknife. */
void bootstrap_leave_out(struct bootstrap *b, const struct model *m,
                         const double *theta, const double *weight,
                         const int *unit, int units);
void bootstrap_release(struct bootstrap *b);

/* Standard error of parameter i, half the distance between the quantiles that
 * hold 68.27 % (a few refits that ran away do not make it), and a quantile
 * (linear between order statistics). */
double bootstrap_sd(const struct bootstrap *b, int n_params, int i);
double bootstrap_quantile(const struct bootstrap *b, int n_params, int i,
                          double p);

/* The level of the percentile that stands for level p: resamples of n units vary
 * by sqrt((n - 1) / n) too little and know nothing of the error of their spread,
 * so that the level goes out to where Student's t has it (the expanded
 * percentile interval: Hesterberg 2015). */
double bootstrap_level(int units, double p);

/* Quantile of n sorted numbers. */
double sorted_quantile(const double *x, int n, double p);

#endif
