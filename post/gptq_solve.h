/* gptq_solve.h - rounding a row of weights one after another, each making up for
 * the errors before it (Frantar et al. 2022, arXiv:2210.17323, algorithm 1).
 *
 * For a row w and inputs x with moments H = sum of x x^T, the error of the
 * output is (w - q)^T H (w - q).  Once w_i has become q_i the best of the
 * weights that are left moves by -(w_i - q_i) / U_ii * U_ij, where H^-1 = U^T U
 * and U is upper triangular.  With H diagonal nothing moves. */
#ifndef POST_GPTQ_SOLVE_H
#define POST_GPTQ_SOLVE_H

#include <stdbool.h>

#include "kernels/quant.h"

/* u[n, n], upper triangular with H^-1 = U^T U, of the symmetric h[n, n] whose
 * lower triangle is read and used up; damp times the mean of the diagonal is
 * added to it first, and an input that is always 0 counts as any other.  False:
 * h is not positive definite, even so. */
bool gptq_factor(double *u, double *h, int n, double damp);

/* A matrix of weights w[rows, n], which becomes what spec can store. */
struct gptq {
    const struct quant_spec *spec;
    real *w;
    int rows, n;
    const int *order; /* [n]: the columns in the order they are rounded in; u's
                         rows and columns are in that order, too */
    const double *u;  /* gptq_factor's */
    bool settled;     /* scales are those of the weights as they were; else that
                         of a group is found when its first column is reached,
                         which needs order to be 0 .. n-1 */
    uint64_t key;     /* of stochastic rounding */
    int threads;
};

/* False when a weight is not finite. */
bool gptq_round(const struct gptq *g);

#endif
