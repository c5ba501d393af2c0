/* bits.h - what a model takes to store, from its specs and shapes. */
#ifndef POST_BITS_H
#define POST_BITS_H

#include "trainer/config.h"

/* Mean stored bits: of a weight of the blocks' linear layers, of a parameter of
 * any kind, and of a number that those layers are given; scales are counted,
 * and what is not quantized counts BITS_PLAIN. */
#define BITS_PLAIN 16

struct post_bits {
    double w, all, x;
};

/* c: a resolved post-training run. */
struct post_bits post_bits_of(const struct config *c);

#endif
