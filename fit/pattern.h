/* pattern.h - how far values at points (N, D) scatter about a smooth pattern.
 *
 * The error of a design without replicates: levels of N and levels of D add
 * up, and one degree of freedom takes out what a product of both leaves
 * (Tukey 1949, Biometrics 5:232).  With too few points for that, a line in
 * log N and log D; points that share N and D are replicates. */
#ifndef FIT_PATTERN_H
#define FIT_PATTERN_H

/* Sum of squares of sqrt(weight) (y - pattern) into *sum; returns its degrees
 * of freedom, 0 when no pattern leaves any. */
int pattern_scatter(double *sum, const double *y, const double *n,
                    const double *d, const int *weight, int count);

#endif
