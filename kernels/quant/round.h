/* round.h - how a number between two codes becomes one of them, one row each.
 *
 * A row is a definition in scalar form; vector code has its own for those that
 * round_lanes names and leaves the others to the reference quantizer.
 * The first row is the usual one, which a text without the word means. */
#ifndef KERNELS_QUANT_ROUND_H
#define KERNELS_QUANT_ROUND_H

#include <stdbool.h>

#include "kernels/quant/word.h"

/* How vector code does it. */
enum round_lanes {
    ROUND_BY_ROW,    /* not at all: quant_apply_ref does */
    ROUND_NEAREST,   /* to the nearest, ties to even */
    ROUND_FLOOR_SUM, /* down, after u is added */
};

struct num_rounding {
    struct quant_word word;
    bool draws;        /* reads a uniform u in [0, 1) for each element */
    bool ties_by_code; /* a tie looks at the code: where a format has no
                          mantissa bits that is between's business, not that
                          of steps */
    enum round_lanes lanes;
    /* x steps of equal size, exact in float: how many to keep. */
    double (*steps)(double x, float u);
    /* low or high, two neighbours whatever their distance; odd: the code of
     * low is.  Beyond the last code x is outside of them. */
    float (*between)(float x, float low, float high, bool odd, float u);
};

extern const struct num_rounding num_roundings[];
extern const int n_num_roundings;
#define NUM_NEAREST    (&num_roundings[0])
#define NUM_STOCHASTIC (&num_roundings[1])

#endif
