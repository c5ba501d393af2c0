/* when.h - of what numbers the range of a part is, one row each. */
#ifndef KERNELS_QUANT_WHEN_H
#define KERNELS_QUANT_WHEN_H

#include "kernels/quant/word.h"

enum quant_when { QUANT_DYNAMIC, QUANT_STATIC, QUANT_WHENS };

extern const struct quant_word quant_whens[QUANT_WHENS];

#endif
