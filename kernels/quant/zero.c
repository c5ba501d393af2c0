#include "kernels/quant/zero.h"

const struct quant_zero_row quant_zeros[QUANT_ZEROS] = {
    [QUANT_SYM] = { .word = { "sym", "codes lie evenly about zero" } },
    [QUANT_ASYM] = { .word = { "asym",
                               "integers only: codes 0 .. 2^bits - 1 over the "
                               "range of a part, 0 within it, with a rounded "
                               "zero point" },
                     .bits = -1 },
    [QUANT_ASYMF] = { .word = { "asymf",
                                "the same from the least number of a part on, "
                                "which is stored" },
                      .bits = 16 },
};
