/* ref.c - the reference quantizer, part by part. */
#include "kernels/quant.h"

#include <math.h>

#include "base/rng.h"
#include "kernels/quant/num_table.h"
#include "kernels/quant/rotated.h"

/* A part of an operand: n elements, stride apart, of each of so many lines. */
struct part {
    size_t first, stride;
    int n;
    int index; /* of its scale */
    int lines;
    size_t line_stride;
};

struct pass {
    const struct quant_spec *spec;
    const struct quant_io *io;
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

static float largest_of(const struct pass *ps, const struct part *p)
{
    float amax = 0;

    for (int l = 0; l < p->lines; l++) {
        const float a = largest(ps->x + p->first + (size_t)l * p->line_stride,
                                (size_t)p->n, p->stride);

        if (a < 0)
            return -1;
        amax = a > amax ? a : amax;
    }
    return amax;
}

/* The numbers of a part in a row; those of one line stay where they are. */
static const real *in_a_row(const struct pass *ps, const struct part *p,
                            size_t *stride)
{
    const real *x = ps->x + p->first;
    real *copy = (real *)(void *)ps->scratch;

    *stride = p->stride;
    if (p->lines == 1)
        return x;
    *stride = 1;
    for (int l = 0; l < p->lines; l++)
        for (int i = 0; i < p->n; i++)
            copy[l * p->n + i] =
                x[(size_t)l * p->line_stride + (size_t)i * p->stride];
    return copy;
}

/* The range of a part; negative when it holds NaN or an infinity. */
static float range_of(const struct pass *ps, const struct part *p)
{
    const float amax = largest_of(ps, p);
    struct quant_span span = { .spec = ps->spec,
                               .n = p->n * p->lines,
                               .amax = amax,
                               .global = ps->global,
                               .scratch = ps->scratch };

    if (amax < 0 || ps->spec->range == &quant_ranges[0])
        return amax;
    span.x = in_a_row(ps, p, &span.stride);
    if (p->lines > 1) /* behind the copy */
        span.scratch = (float *)(void *)((real *)(void *)ps->scratch + span.n);
    return ps->spec->range->of(&span);
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

/* What element `at` becomes: its code as a number, or clipped. */
static real code_of(const struct pass *ps, size_t at, real q)
{
    const float u = ps->spec->rounding->draws ? rng_f32(ps->key, at) : 0;

    return (real)num_round(&ps->spec->elem, (float)q, ps->spec->rounding, u);
}

static void put(const struct pass *ps, size_t at, real elem, real value,
                bool inside)
{
    const struct quant_io *io = ps->io;

    if (io->inside)
        io->inside[at] = inside;
    if (io->elem)
        io->elem[at] = elem;
    if (io->code)
        io->code[at] = (int8_t)(elem / (real)ps->spec->elem.step_zero);
    if (io->value)
        io->value[at] = value;
}

static size_t element(const struct part *p, int line, int i)
{
    return p->first + (size_t)line * p->line_stride + (size_t)i * p->stride;
}

/* What the elements of a part are rounded with. */
struct steps {
    real scale; /* 0: of a part of zeros, or of one number */
    real zero;  /* a code, less which they are; of asymf the number that code 0
                   is */
};

static void put_steps(const struct pass *ps, const struct part *p,
                      const struct steps *s)
{
    if (ps->io->scale && ps->spec->elem.scaled)
        ps->io->scale[p->index] = s->scale;
    if (ps->io->zero)
        ps->io->zero[p->index] = s->zero;
}

/* Codes that lie evenly about zero. */
static void quantize_symmetric(const struct pass *ps, const struct part *p,
                               const struct steps *s)
{
    /* A part of zeros gives zeros at any scale, unless another's is given. */
    const real scale = s->scale > 0 ? s->scale : 1;
    const bool nothing = s->scale == 0 && ps->io->scale_in;

    for (int l = 0; l < p->lines; l++)
        for (int i = 0; i < p->n; i++) {
            const size_t at = element(p, l, i);
            const real q = nothing ? 0 : ps->x[at] / scale;
            const real code = code_of(ps, at, q);

            put(ps, at, code, nothing ? 0 : code * scale,
                nothing ? ps->x[at] == 0 : fits(&ps->spec->elem, (double)q));
        }
}

/* --- asymmetric codes ---------------------------------------------------- */

/* The least and the largest number of a part, both drawn in by the range's share
 * of the largest magnitude. */
static void ends_of(const struct pass *ps, const struct part *p, float range,
                    float *low, float *high)
{
    const float amax = largest_of(ps, p), share = range / amax;

    *low = INFINITY;
    *high = -INFINITY;
    for (int l = 0; l < p->lines; l++)
        for (int i = 0; i < p->n; i++) {
            const float x = (float)ps->x[element(p, l, i)];

            *low = fminf(*low, x);
            *high = fmaxf(*high, x);
        }
    if (share != 1) {
        *low *= share;
        *high *= share;
    }
}

static double steps_of(const struct pass *ps, size_t at, double x)
{
    const float u = ps->spec->rounding->draws ? rng_f32(ps->key, at) : 0;

    return ps->spec->rounding->steps(x, u);
}

static float most_code(const struct pass *ps)
{
    return (float)((1 << ps->spec->elem.bits) - 1);
}

static struct steps asymmetric_steps(const struct pass *ps,
                                     const struct part *p, float range)
{
    const bool whole = ps->spec->zero == QUANT_ASYM;
    const float most = most_code(ps);
    struct steps s = { 0 };
    float low, high;

    ends_of(ps, p, range, &low, &high);
    if (whole) {
        low = fminf(low, 0);
        high = fmaxf(high, 0);
    }
    if (high > low)
        s.scale =
            quant_scale_round(ps->spec->scale, high - low, most, ps->global);
    if (!whole)
        s.zero = low;
    else if (s.scale > 0)
        s.zero = fminf(nearbyintf(-low / (float)s.scale), most);
    return s;
}

/* Codes 0 .. most; int: x = (code - zero) scale; float: x = code scale + low. */
static void quantize_asymmetric(const struct pass *ps, const struct part *p,
                                const struct steps *s)
{
    const bool whole = ps->spec->zero == QUANT_ASYM;
    const double zero = whole ? (double)s->zero : 0;
    const double most = (double)most_code(ps);
    const real base = whole ? 0 : s->zero;

    for (int l = 0; l < p->lines; l++)
        for (int i = 0; i < p->n; i++) {
            const size_t at = element(p, l, i);
            const real x = ps->x[at] - base;
            const double code =
                s->scale > 0 ? steps_of(ps, at, (double)(x / s->scale)) + zero
                             : 0;
            const double kept = fmin(fmax(code, 0), most);
            const real elem = (real)(kept - zero);

            put(ps, at, elem, elem * s->scale + base, code == kept);
        }
}

/* --- parts --------------------------------------------------------------- */

/* False when the part holds NaN or an infinity. */
static bool find_steps(struct steps *out, const struct pass *ps,
                       const struct part *p)
{
    const struct quant_spec *s = ps->spec;
    const float range = ps->io->scale_in ? largest_of(ps, p) : range_of(ps, p);

    if (range < 0)
        return false;
    *out = (struct steps){ .scale = s->elem.scaled ? 0 : 1 };
    if (ps->io->scale_in) {
        out->scale = ps->io->scale_in[p->index];
        out->zero = ps->io->zero_in ? ps->io->zero_in[p->index] : 0;
    } else if (range > 0 && s->zero != QUANT_SYM) {
        *out = asymmetric_steps(ps, p, range);
    } else if (range > 0 && s->elem.scaled) {
        out->scale =
            quant_scale_round(s->scale, range, s->elem.max, ps->global);
    }
    return true;
}

static bool do_part(const struct pass *ps, const struct part *p)
{
    struct steps s;

    if (!find_steps(&s, ps, p))
        return false;
    put_steps(ps, p, &s);
    if (!ps->io->value && !ps->io->elem && !ps->io->code && !ps->io->inside)
        return true; /* nothing but the scales */
    if (ps->spec->zero == QUANT_SYM)
        quantize_symmetric(ps, p, &s);
    else
        quantize_asymmetric(ps, p, &s);
    return true;
}

/* All lines together. */
static bool do_static(const struct pass *ps, int lines, size_t line_stride,
                      int k, size_t stride)
{
    const int length = quant_part_length(ps->spec, k);

    for (int at = 0; at < k; at += length) {
        const struct part p = {
            .first = (size_t)at * stride,
            .stride = stride,
            .n = at + length > k ? k - at : length,
            .lines = lines,
            .line_stride = line_stride,
            .index = at / length,
        };

        if (!do_part(ps, &p))
            return false;
    }
    return true;
}

/* Squares, whatever the axis. */
static bool do_tiles(const struct pass *ps, int rows, int cols)
{
    const int side = ps->spec->group, across = (cols + side - 1) / side;

    for (int r = 0; r < rows; r += side)
        for (int c = 0; c < cols; c += side) {
            const struct part p = {
                .first = (size_t)r * (size_t)cols + (size_t)c,
                .stride = 1,
                .n = c + side > cols ? cols - c : side,
                .lines = r + side > rows ? rows - r : side,
                .line_stride = (size_t)cols,
                .index = r / side * across + c / side,
            };

            if (!do_part(ps, &p))
                return false;
        }
    return true;
}

bool quant_apply_ref(const struct quant_spec *spec, const struct quant_io *io,
                     const real *x, int rows, int cols, enum quant_axis axis,
                     uint64_t key, void *work)
{
    const bool by_cols = axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? rows : cols, k = by_cols ? cols : rows;
    const size_t step = by_cols ? 1 : (size_t)cols;
    struct pass ps = {
        .spec = spec, .io = io, .x = x, .key = key, .scratch = work
    };
    const int length = quant_part_length(spec, k);

    if (spec->transform == QUANT_HADAMARD)
        return quant_apply_rotated(quant_apply_ref, spec, io, x, rows, cols,
                                   axis, key, work);
    if (spec->scale->two_level && !io->scale_in) {
        const float amax = largest(x, (size_t)rows * (size_t)cols, 1);

        if (amax < 0)
            return false;
        ps.global = quant_global_scale(spec->scale, amax, spec->elem.max);
    }
    if (spec->when == QUANT_STATIC)
        return do_static(&ps, lines, by_cols ? (size_t)cols : 1, k, step);
    if (spec->gran == QUANT_TENSOR) {
        const struct part all = { 0, 1, rows * cols, 0, 1, 0 };

        return do_part(&ps, &all);
    }
    if (spec->gran == QUANT_TILE)
        return do_tiles(&ps, rows, cols);
    for (int at = 0; at < k; at += length)
        for (int line = 0; line < lines; line++) {
            const struct part p = {
                .first =
                    (by_cols ? (size_t)line * (size_t)cols : (size_t)line) +
                    (size_t)at * step,
                .stride = step,
                .lines = 1,
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
