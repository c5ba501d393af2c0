/* ref.c - the reference quantizer, part by part. */
#include "kernels/quant.h"

#include <math.h>

#include "base/rng.h"
#include "kernels/quant/num_table.h"

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
    float *scratch; /* for the range of a part */
};

/* The largest magnitude of n elements; negative when one is not finite. */
static float largest(const real *x, size_t n, size_t stride)
{
    float amax = 0;

    for (size_t i = 0; i < n; i++) {
        const float a = fabsf((float)x[i * stride]);

        if (!isfinite(a))
            return -1;
        amax = a > amax ? a : amax;
    }
    return amax;
}

/* The range of a part; negative when it holds NaN or an infinity. */
static float range_of(const struct pass *ps, const struct part *p)
{
    const struct quant_span span = {
        .spec = ps->spec,
        .x = ps->x + p->first,
        .stride = p->stride,
        .n = p->n,
        .amax = largest(ps->x + p->first, (size_t)p->n, p->stride),
        .global = ps->global,
        .scratch = ps->scratch,
    };

    return span.amax < 0 ? -1 : ps->spec->range->of(&span);
}

/* Is q (a value over its scale) rounded without being clipped? */
static bool fits(const struct num_format *f, double q)
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
        const float u = ps->spec->rounding->draws ? rng_f32(ps->key, at) : 0;
        const real code = (real)num_round(f, (float)q, ps->spec->rounding, u);

        if (out->inside)
            out->inside[at] = fits(f, (double)q);
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

bool quant_apply_ref(const struct quant_spec *spec, const struct quant_out *out,
                     const real *x, int rows, int cols, enum quant_axis axis,
                     uint64_t key, void *work)
{
    const bool by_cols = axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? rows : cols, k = by_cols ? cols : rows;
    const size_t step = by_cols ? 1 : (size_t)cols;
    struct pass ps = {
        .spec = spec, .out = out, .x = x, .key = key, .scratch = work
    };
    const int length = quant_part_length(spec, k);

    if (spec->scale->two_level) {
        const float amax = largest(x, (size_t)rows * (size_t)cols, 1);

        if (amax < 0)
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
                .first =
                    (by_cols ? (size_t)line * (size_t)cols : (size_t)line) +
                    (size_t)at * step,
                .stride = step,
                .n = at + length > k ? k - at : length,
                .index = by_cols
                             ? line * ((k + length - 1) / length) + at / length
                             : at / length * cols + line,
            };

            if (!do_part(&ps, &p))
                return false;
        }
    return true;
}
