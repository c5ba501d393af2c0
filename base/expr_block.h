/* expr_block.h - one operation over a block of rows, forwards and backwards.
 * The loops vectorize; on x86-64 they are compiled for three instruction sets
 * and picked at load time, with the same bits from each. */
#ifndef BASE_EXPR_BLOCK_H
#define BASE_EXPR_BLOCK_H

#include <stddef.h>

#include "base/expr_node.h"

#define EXPR_BLOCK 64 /* rows evaluated together; their buffers stay in L1 */

/* v = op(a, b, c) for m rows; EXPR_POW has functions of its own. */
void expr_block_value(enum expr_op op, double *v, const double *a,
                      const double *b, const double *c, size_t m);

/* d[j] = adj * d value / d argument j for the arguments whose d[j] is not
 * NULL; in holds the arguments.  An adjoint of 0 stays 0 whatever the
 * derivative, so that a branch not taken cannot spoil the row. */
void expr_block_adjoint(enum expr_op op, double *const d[3], const double *adj,
                        const double *v, const double *const in[3], size_t m);

void expr_block_log(double *out, const double *x, size_t m);

/* v = x^y with logs = log x at hand; shared_y is the exponent when all rows
 * share one, else NaN; positive promises x > 0 throughout. */
void expr_block_pow(double *v, const double *x, const double *y,
                    const double *logs, double shared_y, int positive,
                    size_t m);

/* Adjoints of x^y; dx or dy may be NULL. */
void expr_block_pow_adjoint(double *dx, double *dy, const double *adj,
                            const double *v, const double *x, const double *y,
                            const double *logs, size_t m);

#endif
