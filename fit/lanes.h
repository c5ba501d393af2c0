/* lanes.h - sums that vectorize and keep their order.
 *
 * A sum runs over eight lanes that are joined in one fixed tree, so that it has
 * the same bits for every vector width; the clones are picked at load time. */
#ifndef FIT_LANES_H
#define FIT_LANES_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LANES_CLONES                                                           \
    __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LANES_CLONES
#endif

/* sum a b; a and b may be the same. */
double lanes_dot(const double *a, const double *b, size_t n);

/* sum a b c. */
double lanes_dot3(const double *a, const double *b, const double *c, size_t n);

/* out[k] = sum a col_k for the n-vectors col_k = cols + k n. */
void lanes_dots(double *out, const double *a, const double *cols, int count,
                size_t n);

/* out = a b. */
void lanes_product(double *out, const double *a, const double *b, size_t n);

/* out = sum_k s_k col_k for the n-vectors col_k = cols + k n. */
void lanes_combine(double *out, const double *cols, const double *s, int count,
                   size_t n);

/* out += s x. */
void lanes_add(double *out, const double *x, double s, size_t n);

/* Is every x finite? */
bool lanes_finite(const double *x, size_t n);

/* Huber's pieces at residuals z with row weights w and width delta:
 * psi = w max(-delta, min(delta, z)), zone = w where |z| <= delta, else 0.
 * Returns the sum of w rho.  delta may be infinite. */
double lanes_huber(double *psi, double *zone, const double *z, const double *w,
                   double delta, size_t n);

/* The sum of w rho alone. */
double lanes_huber_sum(const double *z, const double *w, double delta,
                       size_t n);

/* sum w max(-delta, min(delta, z + t slope)) slope: the derivative in t of
 * sum w rho(z + t slope). */
double lanes_huber_slope(const double *z, const double *slope, const double *w,
                         double delta, double t, size_t n);

#endif
