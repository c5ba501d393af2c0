#include "kernels/quant/when.h"

const struct quant_word quant_whens[QUANT_WHENS] = {
    [QUANT_DYNAMIC] = { "dynamic", "of those that are rounded" },
    [QUANT_STATIC] = { "static",
                       "post.x only: of all rows of the calibration sequences "
                       "together, once, so that every row has the same "
                       "scales" },
};
