#include "kernels/quant/range.h"

#include <stdlib.h>

#include "kernels/quant.h"

static float absmax(const struct quant_span *s)
{
    return s->amax;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static float percentile(const struct quant_span *s)
{
    for (int i = 0; i < s->n; i++)
        s->scratch[i] = fabsf((float)s->x[(size_t)i * s->stride]);
    qsort(s->scratch, (size_t)s->n, sizeof(float), by_value);
    return s->scratch[quant_rank(s->n, s->spec->range_param[0])];
}

const struct quant_range quant_ranges[] = {
    { .word = { "absmax", "the largest magnitude" },
      .lanes = RANGE_MAX,
      .of = absmax },
    { .word = { "pct", "a percentile of the magnitudes",
                .param = { { ":", "P", 0, 100, .open = true } } },
      .scratch = true,
      .ends_at_absmax = true,
      .lanes = RANGE_RANK,
      .of = percentile },
};
const int n_quant_ranges = (int)(sizeof quant_ranges / sizeof quant_ranges[0]);

int quant_rank(int n, double p)
{
    return (int)ceil(n * p / 100) - 1;
}
