/* order.h - orders for qsort, and what an order says. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include <stddef.h>

/* Two doubles, the lesser first; NaN has no place among them. */
int order_doubles(const void *a, const void *b);

/* The quantiles share and 1 - share of x, linear between order statistics;
 * what is NaN is left out, and more than one in a hundred of it makes both NaN.
 * Leaves x in another order, without sorting it: much the faster for a thousand
 * numbers. */
void order_limits(double *lo, double *hi, double *x, size_t n, double share);

#endif
