#include "kernels/quant/gran.h"

static int group_length(int group, int k)
{
    return group < k ? group : k;
}

static int one(int group, int k)
{
    (void)group;
    (void)k;
    return 1;
}

static int whole_length(int group, int k)
{
    (void)group;
    return k;
}

const struct quant_gran_row quant_grans[QUANT_GRANS] = {
    [QUANT_GROUP] = { .word = { "g",
                                "N elements along the reduction axis; the g "
                                "may be left out",
                                .spelled = "a number of elements",
                                .param = { { "", "N", 1, 1 << 24,
                                             .whole = true } } },
                      .kind = "group",
                      .length = group_length },
    [QUANT_ROW] = { .word = { "row", "all elements along the reduction axis" },
                    .kind = "row",
                    .length = whole_length },
    [QUANT_TENSOR] = { .word = { "tensor", "the whole operand" },
                       .kind = "tensor",
                       .length = whole_length },
    [QUANT_TILE] = { .word = { "tile",
                               "N x N elements, so that a weight and its "
                               "transpose have the same codes (2509.25149)",
                               .spelled = "tileN",
                               .param = { { "", "N", 2, 4096,
                                            .whole = true } } },
                     .kind = "group",
                     .length = group_length },
    [QUANT_CHANNEL] = { .word = { "chan",
                                  "a channel, one place along the reduction "
                                  "axis, in all rows; with static" },
                        .kind = "channel",
                        .length = one },
};
