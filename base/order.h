/* order.h - orders for qsort. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

/* Two doubles, the lesser first; NaN has no place among them. */
int order_doubles(const void *a, const void *b);

#endif
