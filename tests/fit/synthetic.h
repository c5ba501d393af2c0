/* synthetic.h - for every built-in law, a design that can identify it, true
 * constants, and tables with noise. */
#ifndef TESTS_FIT_SYNTHETIC_H
#define TESTS_FIT_SYNTHETIC_H

#include <stdint.h>

#include "fit/model.h"

/* The table of a law: response = law x exp(sigma z), or in linear space law +
 * sigma x typical law x z, z standard normal.  seed 0 .. numbers replicates. */
struct table *synthetic_table(const struct law *law, double sigma,
                              uint64_t seed);

/* The true value of a parameter as a fit names it ("k", "eff[int4]"). */
double synthetic_truth(const struct law *law, const char *param);

#endif
