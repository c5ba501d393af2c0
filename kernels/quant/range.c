#include "kernels/quant/range.h"

#include <stdlib.h>

#include "kernels/quant.h"

static float absmax(const struct quant_span *s)
{
    return s->amax;
}

/* The scale is 2 absmax / (2^bits - 1): half of all steps on either side. */
static float full(const struct quant_span *s)
{
    const struct num_format *f = &s->spec->elem;

    return s->amax * (2 * f->max / (f->max - f->min_code));
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
    { .word = { "full",
                "absmax over all codes of an integer, so that its most "
                "negative one is used; the largest numbers may be clipped" },
      .lanes = RANGE_BY_ROW,
      .of = full },
    { .word = { "lp", "where the P-th powers of the errors sum to least",
                .param = { { ":", "P", 0, 16, .open = true } } },
      .lanes = RANGE_BY_ROW,
      .of = quant_range_lp },
    { .word = { "kl", "where a histogram of N bins loses least information",
                .param = { { ":", "N", 16, 16384, .whole = true } } },
      .lanes = RANGE_BY_ROW,
      .of = quant_range_kl },
};
const int n_quant_ranges = (int)(sizeof quant_ranges / sizeof quant_ranges[0]);

int quant_rank(int n, double p)
{
    return (int)ceil(n * p / 100) - 1;
}
