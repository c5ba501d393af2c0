/* tenfold.h - what ten times the parameters, or the tokens, do to the cost, by
 * laws in which it is a power of each. */
#ifndef HARNESS_STUDY_TENFOLD_H
#define HARNESS_STUDY_TENFOLD_H

#include "fit/fit.h"

struct tenfold {
    double value, lo, hi; /* 95 %, of a factor */
};

/* By how much ten times axis 'N' divides the cost, or 'D' multiplies it: 10 to
 * the exponent, whose interval it has.  False where that tells nothing
 * (cells_is_factor), the exponent sits at a bound, or the law is another. */
bool tenfold_find(struct tenfold *out, const struct fit *f, char axis);

#endif
