/* interval.h - means and their 95 % intervals, as numbers and as text. */
#ifndef HARNESS_STUDY_INTERVAL_H
#define HARNESS_STUDY_INTERVAL_H

/* A mean with its interval by Student's t; lo and hi are NaN for n < 2. */
struct interval {
    double mean, lo, hi;
    int n;
};

struct interval interval_of(const double *x, int n);

/* Half the width: t of dof degrees of freedom times the standard error. */
double interval_half(double se, int dof);

/* "0.094 [0.079, 0.110]": as many decimals as the width justifies; without
 * brackets when lo or hi is NaN, a dash when value is.  The caller frees it. */
char *interval_text(double value, double lo, double hi);

#endif
