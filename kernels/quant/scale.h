/* scale.h - the formats of scales, one row each.
 *
 * The ideal scale is range / largest code, and for two levels that over the
 * scale of the tensor; a row says how it is rounded.  Vector code has its own
 * for those that scale_lanes names and takes the row's function, lane by lane,
 * for the others.  The first row is the usual one. */
#ifndef KERNELS_QUANT_SCALE_H
#define KERNELS_QUANT_SCALE_H

#include <stdbool.h>

#include "kernels/num.h"
#include "kernels/quant/word.h"

/* How vector code does it. */
enum scale_lanes {
    SCALE_BY_ROW,  /* one at a time, by the function of the row */
    SCALE_IDEAL,   /* as it is */
    SCALE_ROUNDED, /* to the nearest value of a number format; two levels:
                      never below its smallest, then times the tensor's */
    SCALE_CEIL,    /* smallest power of two that is not below the ideal */
    SCALE_FLOOR,   /* exponent of the range minus that of the largest code */
    SCALE_NEAR,    /* nearest power of two in the logarithm */
    SCALE_LANES
};

struct quant_scale {
    struct quant_word word;
    double bits;          /* stored with each part */
    bool two_level;       /* a second scale for the whole tensor */
    bool second_is_power; /* which is a power of two, 8 bits, and not fp32 */
    bool power_of_two;    /* every scale is one */
    enum scale_lanes lanes;
    struct num_format elem; /* SCALE_ROUNDED */
    /* The scale of a part of this range > 0; qmax: the largest code. */
    float (*round)(const struct quant_scale *s, float ideal, float range,
                   float qmax);
};

extern const struct quant_scale quant_scales[];
extern const int n_quant_scales;

/* The scale of a part whose range is > 0. */
float quant_scale_round(const struct quant_scale *s, float range, float qmax,
                        float global);

/* The second-level scale of a tensor whose largest range is amax: the e4m3
 * level then spans up to its own largest value, 448, or less. */
float quant_global_scale(const struct quant_scale *s, float amax, float qmax);

#endif
