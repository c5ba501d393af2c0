/* solve.h - minimize a sum of a robust loss of residuals inside a box.
 *
 *   F(u) = sum_i w_i rho(r_i(u)),   lo <= u <= hi
 *   rho(r) = r^2 / 2                    |r| <= delta
 *          = delta (|r| - delta / 2)    else          (Huber 1964)
 *
 * delta is infinite for least squares and goes to zero for least absolute
 * values.  Each step solves the problem with linearized residuals exactly
 * (Newton steps on a convex piecewise quadratic with an exact line search,
 * after Madsen and Nielsen 1990), damped as in Levenberg and Marquardt with
 * More's column scaling; a bound that a step would cross becomes active and is
 * released when the gradient points inside.  The kink of the Huber function
 * thus costs no model evaluations. */
#ifndef FIT_SOLVE_H
#define FIT_SOLVE_H

#include <stdbool.h>
#include <stddef.h>

/* What is to be minimized.  eval fills r[rows] and, unless jac is NULL,
 * jac[j * rows + i] = d r_i / d u_j; false when something is not finite. */
struct solve_problem {
    bool (*eval)(void *ctx, const double *u, double *r, double *jac);
    void *ctx;
    size_t rows;
    int n;
    const double *weight; /* [rows] */
    double delta;
    const double *lo, *hi; /* [n], infinite where free */
};

struct solve_options {
    int max_steps;
    double tolerance; /* stop when a step promises less, relative to F */
    double damping;   /* of the first step; small for a warm start */
};

struct solve_options solve_defaults(void);

struct solve_result {
    double objective;
    int steps, evaluations;
    bool converged;
};

/* Scratch for problems of this size, to be used again and again. */
struct solve_work;
struct solve_work *solve_work_new(size_t rows, int n);
void solve_work_free(struct solve_work *w);

/* What eval gives at the start, when it is known already. */
struct solve_warm {
    const double *r, *jac;
};

/* From u to the minimum, in place; warm may be NULL. */
struct solve_result solve_run(struct solve_work *w, double *u,
                              const struct solve_problem *p,
                              const struct solve_options *o,
                              const struct solve_warm *warm);

/* Least absolute values: the limit of ever smaller delta, the objective being
 * sum w |r|. */
struct solve_result solve_absolute(struct solve_work *w, double *u,
                                   const struct solve_problem *p,
                                   const struct solve_options *o);

/* Least squares by GSL's multifit_nlinear: Levenberg-Marquardt, QR, both its
 * own and More's scaling; the better result.  Bounds are ignored, so that the
 * caller must see whether the result respects them. */
struct solve_result solve_gsl(double *u, const struct solve_problem *p,
                              int max_steps);

/* min |b - A x|^2 over x with x_j >= 0 where positive[j], from the normal
 * equations H = A'A (row-major [n][n]), g = A'b (Lawson and Hanson 1974,
 * algorithm NNLS).  Returns false when H is singular on the chosen set. */
bool solve_nonnegative(double *x, const double *h, const double *g,
                       const bool *positive, int n);

/* Cholesky: solve H x = b for symmetric positive definite H in place (H is
 * overwritten by its factor); false when a pivot is not positive. */
bool solve_cholesky(double *h, double *b, int n);

#endif
