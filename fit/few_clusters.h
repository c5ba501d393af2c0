/* few_clusters.h - how many of its standard errors a jackknife over few
 * clusters needs for 95 %.
 *
 * What a dozen refits say of a parameter may rest on four of them: exponents
 * live on the clusters at the ends of their axis.  Student's t with one degree
 * less than clusters is then too small, and the jackknife's variance is too
 * large, each by an amount that differs between parameters.  Both follow from
 * the derivatives X at the minimum (Bell and McCaffrey 2002, Imbens and
 * Kolesar 2016).  With U'U = 1, X = U S V', a quantity of gradient c in the
 * coordinates is moved by leaving out cluster g, of rows U_g, by
 *
 *   d_g = e_g' U_g v_g,   v_g = (1 - U_g'U_g)^-1 S^-1 V'c,
 *
 * so under rows of equal and independent errors e the variance
 * (n - 1)/n sum (d_g - mean)^2 is a weighted sum of chi squares, independent
 * of the estimate.  The multiple is the one whose ratio exceeds that sum in
 * 5 % of cases, by its own distribution (Imhof 1961) and not by the t that
 * has its first two moments, which is too wide below some 8 degrees. */
#ifndef FIT_FEW_CLUSTERS_H
#define FIT_FEW_CLUSTERS_H

#include <stddef.h>

#include "fit/covariance.h"

struct few_clusters;

/* unit[row] in 0 .. units-1 for the rows of c. */
struct few_clusters *few_clusters_new(const struct covariance *c, size_t rows,
                                      const int *unit, int units);
void few_clusters_free(struct few_clusters *f);

/* Standard errors of the jackknife in half an interval of 95 % for what has
 * this gradient in the coordinates of c ([c->n]).  NaN when a single cluster
 * says all that is known of it: no refit without it tells anything. */
double few_clusters_times(const struct few_clusters *f, const double *gradient);

/* Probability that sum_i weight_i chi2_1 exceeds zero. */
double chi_squares_above_zero(const double *weight, int n);

#endif
