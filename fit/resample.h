/* resample.h - intervals from refits, when they are made and which kind.
 *
 * Asked for (--bootstrap, --cluster), needed (a robust loss), or demanded by a
 * warning where the spec says that warnings are obeyed, as fits of a grid are:
 * where rows of one column err together the column is resampled whole, and
 * where rows lie far from the law, or the law misses them, rows are
 * (docs/intervals.md).  --profile keeps what was asked for, and the warning.
 *
 * Percentiles of a bootstrap need many units.  Fewer than 50 clusters get the
 * jackknife instead: refits without one cluster each, whose variance is that
 * of the estimate (Efron and Stein 1981), and as many of its roots as few
 * clusters need for this parameter (few_clusters.h).  A parameter at its bound
 * has no such variance, so the bootstrap stays there. */
#ifndef FIT_RESAMPLE_H
#define FIT_RESAMPLE_H

#include "fit/fit.h"

/* Refit as the spec asks. */
void resample_run(struct fit *f, const struct fit_spec *spec);

/* Refit as the warnings ask, unless the spec has spoken; true when new
 * intervals are to be taken from it. */
bool resample_obey(struct fit *f, const struct table *t,
                   const struct fit_spec *spec);

/* Are there enough refits for intervals? */
bool resample_has(const struct fit *f);

/* The interval of parameter i, and its standard error. */
void resample_estimate(struct fit *f, int i);

/* What the jackknife says of a quantity that value gives for parameters. */
struct resampled {
    double se, half; /* half an interval of 95 %; NaN: there is none */
};

struct resampled resample_value(const struct fit *f,
                                double (*value)(const double *theta, void *ctx),
                                void *ctx);

#endif
