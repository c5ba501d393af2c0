/* quant_ref.c - the reference quantizer, part by part. */
#include "kernels/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/num_table.h"
#include "kernels/quant_scale.h"

/* A part of an operand: n elements, stride apart; a whole tensor is rows of
 * one line each. */
struct part {
    size_t first, stride;
    int n;
    int index; /* of its scale */
};

struct pass {
    const struct quant_spec *spec;
    const struct quant_out *out;
    const real *x;
    uint64_t key;
    float global;
    float *sorted; /* scratch for percentiles */
};

size_t quant_work_size(const struct quant_spec *s, int rows, int cols,
                       enum quant_axis axis)
{
    size_t n = (size_t)(axis == QUANT_ALONG_COLS ? cols : rows);

    if (s->range != QUANT_PERCENTILE)
        return 0;
    if (s->gran == QUANT_TENSOR)
        n = (size_t)rows * (size_t)cols;
    else if (s->gran == QUANT_GROUP)
        n = (size_t)s->group;
    return n * sizeof(float);
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The range of a part; negative when it holds NaN or an infinity.  Percentile
 * p is the smallest magnitude that at least p % do not exceed. */
static float range_of(const struct pass *ps, const struct part *p)
{
    float amax = 0;

    for (int i = 0; i < p->n; i++) {
        const float a =
            fabsf((float)ps->x[p->first + (size_t)i * p->stride]);

        if (!isfinite(a))
            return -1;
        amax = a > amax ? a : amax;
        if (ps->spec->range == QUANT_PERCENTILE)
            ps->sorted[i] = a;
    }
    if (ps->spec->range == QUANT_ABSMAX)
        return amax;
    qsort(ps->sorted, (size_t)p->n, sizeof(float), by_value);
    return ps->sorted[quant_rank(p->n, ps->spec->percentile)];
}

int quant_rank(int n, double p)
{
    return (int)ceil(n * p / 100) - 1;
}

bool quant_fits(const struct num_format *f, double q)
{
    float centre, limit;
    int e;

    if (f->kind == NUM_TABLE) {
        num_table_span(&centre, &limit, f);
        return fabsf((float)q - centre) < limit;
    }
    if (f->kind == NUM_INT)
        return nearbyint(q) >= (double)f->min_code &&
               nearbyint(q) <= (double)f->max;
    frexp((double)f->max, &e);
    return fabs(q) < (double)f->max + ldexp(1, e - 1 - f->man_bits) / 2;
}

static void quantize_part(const struct pass *ps, const struct part *p,
                          real scale)
{
    const struct num_format *f = &ps->spec->elem;
    const struct quant_out *out = ps->out;

    if (out->scale && f->scaled)
        out->scale[p->index] = scale;
    if (scale == 0)
        scale = 1; /* a part of zeros gives zeros at any scale */
    for (int i = 0; i < p->n; i++) {
        const size_t at = p->first + (size_t)i * p->stride;
        const real q = ps->x[at] / scale;
        const float u = ps->spec->rounding == NUM_STOCHASTIC
                            ? rng_f32(ps->key, at)
                            : 0;
        const real code =
            (real)num_round(f, (float)q, ps->spec->rounding, u);

        if (out->inside)
            out->inside[at] = quant_fits(f, (double)q);
        if (out->elem)
            out->elem[at] = code;
        if (out->code)
            out->code[at] = (int8_t)(code / (real)f->step_zero);
        if (out->value)
            out->value[at] = code * scale;
    }
}

static bool do_part(const struct pass *ps, const struct part *p)
{
    const struct quant_spec *s = ps->spec;
    const float range = range_of(ps, p);
    real scale = 1;

    if (range < 0)
        return false;
    if (s->elem.scaled)
        scale = range > 0 ? quant_scale_round(s->scale, range, s->elem.max,
                                              ps->global)
                          : 0;
    quantize_part(ps, p, scale);
    return true;
}

static bool tensor_range(float *amax, const real *x, size_t n)
{
    *amax = 0;
    for (size_t i = 0; i < n; i++) {
        const float a = fabsf((float)x[i]);

        if (!isfinite(a))
            return false;
        *amax = a > *amax ? a : *amax;
    }
    return true;
}

bool quant_apply_ref(const struct quant_spec *spec,
                     const struct quant_out *out, const real *x, int rows,
                     int cols, enum quant_axis axis, uint64_t key, void *work)
{
    const bool by_cols = axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? rows : cols, k = by_cols ? cols : rows;
    const size_t step = by_cols ? 1 : (size_t)cols;
    struct pass ps = { .spec = spec, .out = out, .x = x, .key = key,
                       .sorted = work };
    const int length =
        spec->gran == QUANT_GROUP && spec->group < k ? spec->group : k;
    float amax;

    if (spec->scale->two_level) {
        if (!tensor_range(&amax, x, (size_t)rows * (size_t)cols))
            return false;
        ps.global = quant_global_scale(amax, spec->elem.max);
    }
    if (spec->gran == QUANT_TENSOR) {
        const struct part all = { 0, 1, rows * cols, 0 };

        return do_part(&ps, &all);
    }
    for (int at = 0; at < k; at += length)
        for (int line = 0; line < lines; line++) {
            const struct part p = {
                .first = (by_cols ? (size_t)line * (size_t)cols
                                  : (size_t)line) + (size_t)at * step,
                .stride = step,
                .n = at + length > k ? k - at : length,
                .index = by_cols ? line * ((k + length - 1) / length) +
                                       at / length
                                 : at / length * cols + line,
            };

            if (!do_part(&ps, &p))
                return false;
        }
    return true;
}
