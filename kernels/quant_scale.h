/* quant_scale.h - the formats of scales, one row each (internal to kernels).
 *
 * The ideal scale is range / largest code, and for two levels that over the
 * scale of the tensor; a rule says how it is rounded. */
#ifndef KERNELS_QUANT_SCALE_H
#define KERNELS_QUANT_SCALE_H

#include <stdbool.h>

#include "kernels/num.h"

enum scale_rule {
    SCALE_IDEAL,   /* as it is */
    SCALE_ROUNDED, /* to the nearest value of a number format; two levels:
                      never below its smallest, then times the tensor's */
    SCALE_CEIL,    /* smallest power of two that is not below the ideal: never
                      clips (arXiv 2510.25602 eq. 7-9) */
    SCALE_FLOOR,   /* exponent of the range minus exponent of the largest code
                      (OCP MX v1.0) */
    SCALE_NEAR,    /* nearest power of two in the logarithm */
    SCALE_RULES
};

struct quant_scale {
    const char *name;
    double bits;    /* stored with each part */
    bool two_level; /* a second, fp32 scale for the whole tensor */
    enum scale_rule rule;
    struct num_format elem; /* SCALE_ROUNDED */
    const char *help;
};

extern const struct quant_scale quant_scales[];
extern const int n_quant_scales;

/* Is every scale a power of two? */
bool quant_scale_is_power(const struct quant_scale *s);

/* The scale of a part whose range is > 0. */
float quant_scale_round(const struct quant_scale *s, float range, float qmax,
                        float global);

/* The second-level scale of a tensor whose largest range is amax: the e4m3
 * level then spans up to its own largest value, 448. */
float quant_global_scale(float amax, float qmax);

/* Is q (a value over its scale) rounded without being clipped? */
bool quant_fits(const struct num_format *f, double q);

/* Of n magnitudes in ascending order, the index of percentile p: the smallest
 * that at least p % do not exceed. */
int quant_rank(int n, double p);

#endif
