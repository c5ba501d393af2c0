/* quant_scale.h - the formats of scales, one row each (internal to kernels).
 *
 * A rule takes the range of a part and the largest code it aims at, because
 * the OCP rule works on their exponents and not on their quotient. */
#ifndef KERNELS_QUANT_SCALE_H
#define KERNELS_QUANT_SCALE_H

#include <stdbool.h>

#include "kernels/num.h"

struct quant_scale {
    const char *name;
    double bits;      /* stored with each part */
    bool two_level;   /* a second, fp32 scale for the whole tensor */
    float (*round)(float range, float qmax, float global);
    const char *help;
};

extern const struct quant_scale quant_scales[];
extern const int n_quant_scales;

/* The second-level scale of a tensor whose largest range is amax: the e4m3
 * level then spans up to its own largest value, 448. */
float quant_global_scale(float amax, float qmax);

/* Is q (a value over its scale) rounded without being clipped? */
bool quant_fits(const struct num_format *f, double q);

#endif
