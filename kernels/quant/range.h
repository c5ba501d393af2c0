/* range.h - rules for the range of a part, what its scale spans, one row each.
 *
 * A row is a definition on the elements of one part; vector code has its own
 * for those that range_lanes names and calls the definition, part by part, for
 * the others.  The first row is the usual one. */
#ifndef KERNELS_QUANT_RANGE_H
#define KERNELS_QUANT_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/quant/word.h"
#include "kernels/real.h"

struct quant_spec;

/* One part, as a rule sees it. */
struct quant_span {
    const struct quant_spec *spec; /* the rule's numbers: range_param */
    const real *x;                 /* n elements, stride apart, all finite */
    size_t stride;
    int n;
    float amax;     /* the largest magnitude among them */
    float global;   /* scale of the tensor, where scales have two levels */
    float *scratch; /* of n floats, where the row asks for it */
};

/* How vector code does it. */
enum range_lanes {
    RANGE_BY_ROW, /* part by part, by the function of the row */
    RANGE_MAX,    /* the largest magnitude */
    RANGE_RANK,   /* the magnitude of the percentile range_param[0] */
};

struct quant_range {
    struct quant_word word;
    bool scratch;
    bool ends_at_absmax; /* at the most of its first number it is absmax, and
                            is written so */
    enum range_lanes lanes;
    float (*of)(const struct quant_span *s); /* >= 0; 0: a part of zeros */
};

/* Rules that search (range_search.c): for the range at which the sum of the
 * P-th powers of the errors is least among the hundredths of absmax; for that
 * at which a histogram of N bins, cut there, loses least information (TensorRT's
 * calibration, Migacz 2017). */
float quant_range_lp(const struct quant_span *s);
float quant_range_kl(const struct quant_span *s);

extern const struct quant_range quant_ranges[];
extern const int n_quant_ranges;

/* Of n magnitudes in ascending order, the index of percentile p: the smallest
 * that at least p % do not exceed. */
int quant_rank(int n, double p);

#endif
