/* zero.h - where the codes of a part lie about zero, one row each.
 *
 * Symmetric codes are those of the element format.  Asymmetric ones are 0 ..
 * 2^bits - 1, spread over the part's own range from its least to its largest
 * number, and a zero point is stored with the scale. */
#ifndef KERNELS_QUANT_ZERO_H
#define KERNELS_QUANT_ZERO_H

#include "kernels/quant/word.h"

enum quant_zero { QUANT_SYM, QUANT_ASYM, QUANT_ASYMF, QUANT_ZEROS };

struct quant_zero_row {
    struct quant_word word;
    int bits; /* stored with each part; -1: those of an element */
};

extern const struct quant_zero_row quant_zeros[QUANT_ZEROS];

#endif
