/* gran.h - which elements share a scale, one row each. */
#ifndef KERNELS_QUANT_GRAN_H
#define KERNELS_QUANT_GRAN_H

#include "kernels/quant/word.h"

enum quant_gran {
    QUANT_GROUP,
    QUANT_ROW,
    QUANT_TENSOR,
    QUANT_TILE,
    QUANT_CHANNEL,
    QUANT_GRANS
};

struct quant_gran_row {
    struct quant_word word;
    const char *kind; /* what columns of results say: of a tile, "group" */
    /* Elements that share a scale along an axis of k; group is the word's
     * number. */
    int (*length)(int group, int k);
};

extern const struct quant_gran_row quant_grans[QUANT_GRANS];

#endif
