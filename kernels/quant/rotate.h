/* rotate.h - what is done to an operand before it is quantized and taken back
 * after, one row each.
 *
 * hadN: blocks of N numbers along the reduction axis, each y = H diag(s) x /
 * sqrt(N), with the Hadamard matrix H by Sylvester and signs s that are the same
 * for every block and every operand.  It spreads one large number over N.  Both
 * steps are in value space, so that products need not know of it. */
#ifndef KERNELS_QUANT_ROTATE_H
#define KERNELS_QUANT_ROTATE_H

#include "kernels/quant/word.h"

enum quant_transform { QUANT_PLAIN, QUANT_HADAMARD, QUANT_TRANSFORMS };

extern const struct quant_word quant_transforms[QUANT_TRANSFORMS];

#endif
