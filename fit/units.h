/* units.h - rows that belong together: of one configuration, or of one value of
 * a column. */
#ifndef FIT_UNITS_H
#define FIT_UNITS_H

#include "fit/model.h"

/* Order of two rows by every variable and grouping column; 0 when they agree
 * in all. */
int units_compare(const struct model *m, size_t a, size_t b);

/* Number the units that rows fall into, by text[source row] or, when text is
 * NULL, by configuration; returns how many. */
int units_number(int *unit, const struct model *m, char **text);

/* Sums of squares of x about its units' means, and of those means, one a row,
 * about the whole mean. */
void units_split(double *within, double *between, const double *x,
                 const int *unit, int units, size_t n);

#endif
