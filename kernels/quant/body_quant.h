/* body_quant.h - the quantizer on sixteen lanes, one loop for every format.
 *
 * A part is read twice, for its range and for its codes, the second time from
 * cache.  Parts of 16 elements or more take a scale each; parts of 1, 2, 4 or
 * 8 elements sit side by side in a vector, which then holds a scale a lane. */
#include "kernels/quant/body_emit.h"
#include "kernels/quant/rotated.h"

/* A scale of 0 belongs to zeros, which any scale leaves zeros. */
LANES_INLINE lanes divisor(lanes scale)
{
    const lanes zero = lanes_set(0);

    return lanes_if_lt(zero, scale, scale, lanes_set(1));
}

/* --- ranges ------------------------------------------------------------ */

/* Largest magnitude of n elements.  The largest by bits is also the one that
 * is not finite, if there is one. */
LANES_INLINE float span_max(struct quant_pass *p, size_t at, size_t n)
{
    lanes max = lanes_set(0);

    for (size_t i = 0; i < n; i += 16)
        max =
            lanes_max_bits(lanes_abs(some_lanes(
                               p->x + at + i, n - i < 16 ? (int)(n - i) : 16)),
                           max);
    p->odd = lanes_fma(max, lanes_set(0), p->odd);
    return lanes_hmax(max);
}

/* The magnitude of the given rank among n elements, bit by bit: the largest
 * number that at most rank of them lie below. */
static float span_rank(const float *x, size_t n, int rank)
{
    uint32_t found = 0;
    float value = 0;

    for (uint32_t bit = UINT32_C(1) << 30; bit; bit >>= 1) {
        const uint32_t candidate = found | bit;
        float c;
        long below = 0;

        memcpy(&c, &candidate, sizeof c);
        for (size_t i = 0; i < n; i += 16)
            below += lanes_count_lt(
                lanes_abs(n - i >= 16
                              ? lanes_load(x + i)
                              : lanes_load_n(x + i, (int)(n - i), INFINITY)),
                lanes_set(c));
        if (below <= rank) {
            found = candidate;
            value = c;
        }
    }
    return value;
}

/* By the definition of the row. */
static float range_by_row(const struct quant_pass *p, size_t at, size_t n,
                          size_t stride, float amax)
{
    const struct quant_span span = { .spec = p->spec,
                                     .x = p->x + at,
                                     .stride = stride,
                                     .n = (int)n,
                                     .amax = amax,
                                     .global = p->scaler.global1,
                                     .scratch = p->scratch };

    /* What is not finite has been seen, and its result is not looked at. */
    return isfinite(amax) ? p->spec->range->of(&span) : 0;
}

static float range_by_rank(const struct quant_pass *p, size_t at, size_t n,
                           size_t stride, float amax)
{
    (void)stride;
    (void)amax;
    return span_rank(p->x + at, n, quant_rank((int)n, p->spec->range_param[0]));
}

static range_function *range_of(const struct quant_range *range)
{
    return range->lanes == RANGE_MAX    ? NULL
           : range->lanes == RANGE_RANK ? range_by_rank
                                        : range_by_row;
}

LANES_INLINE float span_range(struct quant_pass *p, size_t at, size_t n)
{
    const float max = span_max(p, at, n);

    return p->range ? p->range(p, at, n, 1, max) : max;
}

/* The same on sixteen columns, rows r0 .. r1-1. */
static lanes column_max(struct quant_pass *p, size_t at, int rows, int cols,
                        int m)
{
    lanes max = lanes_set(0);

    for (int row = 0; row < rows; row++, at += (size_t)cols) {
        const lanes v = some_lanes(p->x + at, m);

        max = lanes_max(lanes_abs(v), max);
        p->odd = lanes_fma(v, lanes_set(0), p->odd);
    }
    return max;
}

static lanes column_rank(const float *x, int rows, int cols, int m, int rank)
{
    const lanes one = lanes_set(1), zero = lanes_set(0);
    const lanes most = lanes_set((float)rank + 0.5f);
    lanes found = zero;

    for (uint32_t bit = UINT32_C(1) << 30; bit; bit >>= 1) {
        const lanes candidate = lanes_with_bit(found, bit);
        lanes below = zero;

        for (int row = 0; row < rows; row++)
            below = lanes_add(
                below, lanes_if_lt(lanes_abs(some_lanes(
                                       x + (size_t)row * (size_t)cols, m)),
                                   candidate, one, zero));
        found = lanes_if_lt(below, most, candidate, found);
    }
    return found;
}

/* The ranges of sixteen columns whose largest magnitudes are amax, by a rule.
 */
static lanes columns_by_rule(const struct quant_pass *p, size_t at, int rows,
                             int cols, int m, lanes amax)
{
    float x[16];

    if (p->spec->range->lanes == RANGE_RANK)
        return column_rank(p->x + at, rows, cols, m,
                           quant_rank(rows, p->spec->range_param[0]));
    lanes_store(x, amax);
    for (int i = 0; i < m; i++)
        x[i] = p->range(p, at + (size_t)i, (size_t)rows, (size_t)cols, x[i]);
    return lanes_load(x);
}

static lanes column_range(struct quant_pass *p, size_t at, int rows, int cols,
                          int m)
{
    const lanes max = column_max(p, at, rows, cols, m);

    return p->range ? columns_by_rule(p, at, rows, cols, m, max) : max;
}

/* --- walks ------------------------------------------------------------- */

/* Ranges of sixteen parts of whole vectors: their largest lanes, turned, so
 * that the last steps are made for all of them together. */
static lanes ranges_turned(struct quant_pass *p, size_t at, size_t length)
{
    const float *x = p->x + at;
    lanes max[16];

    for (int k = 0; k < 16; k++) {
        max[k] = lanes_abs(lanes_load(x));
        for (size_t i = 16; i < length; i += 16)
            max[k] = lanes_max_bits(lanes_abs(lanes_load(x + i)), max[k]);
        x += length;
    }
    lanes_transpose(max);
#pragma GCC unroll 4
    for (int half = 8; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int k = 0; k < half; k++)
            max[k] = lanes_max_bits(max[k], max[k + half]);
    p->odd = lanes_fma(max[0], lanes_set(0), p->odd);
    return max[0];
}

/* Ranges of the parts from at to end, in the first lanes; 1 in the others. */
static lanes ranges_each(struct quant_pass *p, size_t at, size_t end,
                         size_t length)
{
    float x[16];

    lanes_store(x, lanes_set(1));
    for (int k = 0; at < end; at += length, k++)
        x[k] = span_range(p, at, end - at < length ? end - at : length);
    return lanes_load(x);
}

/* One line of parts: as many at a time as stay in L1, sixteen at most, so
 * that their scales are rounded at once. */
static void quant_line(struct quant_pass *p, size_t at, size_t n, size_t length,
                       float *scales)
{
    const size_t batch = length * (length > 256 ? length > 4096 ? 1 : 2 : 16);
    const bool even = length % 16 == 0 && length <= 256 && !p->range;

    for (size_t c0 = 0; c0 < n; c0 += batch) {
        const size_t end = n - c0 < batch ? n : c0 + batch;
        const bool whole = even && end - c0 == batch;
        const lanes scale = scale_lanes(
            &p->scaler, whole ? ranges_turned(p, at + c0, length)
                              : ranges_each(p, at + c0, at + end, length));
        float x[16];
        int k = 0;

        lanes_store(x, scale);
        for (size_t c = c0; scales && c < end; c += length)
            scales[c / length] = x[k++];
        if (whole) {
            p->span(p, at + c0, length, x, 16);
            continue;
        }
        k = 0;
        for (size_t c = c0; c < end; c += length)
            emit_span(p, at + c, end - c < length ? end - c : length, x[k++]);
    }
}

/* One line of parts of 1, 2, 4 or 8 elements. */
static void quant_line_short(struct quant_pass *p, size_t at, size_t n,
                             size_t length, float *scales)
{
    for (size_t i = 0; i < n; i += 16) {
        const int m = n - i < 16 ? (int)(n - i) : 16;
        const lanes v = some_lanes(p->x + at + i, m);
        const lanes s =
            scale_lanes(&p->scaler, lanes_near_max(lanes_abs(v), (int)length));

        p->odd = lanes_fma(v, lanes_set(0), p->odd);
        emit(p, at + i, m, divisor(s));
        if (scales) {
            float each[16];

            lanes_store(each, s);
            for (size_t k = 0; k < (size_t)m; k += length)
                scales[(i + k) / length] = each[k];
        }
    }
}

/* Where parts fill the rows, the whole tensor is one line of them. */
static bool quant_along_cols(struct quant_pass *p, int rows, int cols,
                             int length)
{
    const bool whole = cols % length == 0;
    const size_t n = whole ? (size_t)rows * (size_t)cols : (size_t)cols;
    const size_t parts = (n + (size_t)length - 1) / (size_t)length;
    const bool in_lanes = length < 16 && 16 % length == 0 && !p->range;

    for (int row = 0; row < (whole ? 1 : rows); row++)
        (in_lanes ? quant_line_short : quant_line)(
            p, (size_t)row * n, n, (size_t)length,
            p->out->scale ? p->out->scale + (size_t)row * parts : NULL);
    return lanes_sum(p->odd) == 0;
}

/* The m columns from at on, n rows of them, that have these scales.  Integers
 * have a loop of their own, in which the compiler knows that they are. */
static void emit_columns(const struct quant_pass *p, size_t at, int n, int cols,
                         int m, lanes scale)
{
    struct rounder r = p->rounder;

    if (!r.is_int || r.stochastic) {
        for (int row = 0; row < n; row++, at += (size_t)cols)
            emit(p, at, m, scale);
        return;
    }
    r.is_int = true;
    r.is_table = r.stochastic = false;
    for (int row = 0; row < n; row++, at += (size_t)cols)
        emit_by(p, &r, at, m, scale);
}

static bool quant_along_rows(struct quant_pass *p, int rows, int cols,
                             int length)
{
    for (int r0 = 0; r0 < rows; r0 += length) {
        const int n = rows - r0 < length ? rows - r0 : length;
        float *scales =
            p->out->scale ? p->out->scale + (size_t)(r0 / length) * (size_t)cols
                          : NULL;

        FOR_LANES(cols)
        {
            const size_t at = (size_t)r0 * (size_t)cols + (size_t)i;
            const lanes s =
                scale_lanes(&p->scaler, column_range(p, at, n, cols, m));

            if (scales)
                put_lanes(scales + i, s, m);
            emit_columns(p, at, n, cols, m, divisor(s));
        }
    }
    return lanes_sum(p->odd) == 0;
}

/* --- one scale for all, and none --------------------------------------- */

/* Largest magnitude of a tensor of n elements. */
static float tensor_max(struct quant_pass *p, size_t n)
{
    float max = 0;

    for (size_t at = 0; at < n; at += 4096) {
        const float m = span_max(p, at, n - at < 4096 ? n - at : 4096);

        max = m > max ? m : max;
    }
    return max;
}

static bool quant_tensor(struct quant_pass *p, size_t n)
{
    float range = tensor_max(p, n), scale;

    if (lanes_sum(p->odd) != 0)
        return false;
    if (p->range)
        range = p->range(p, 0, n, 1, range);
    scale = range > 0 ? quant_scale_round(p->spec->scale, range,
                                          p->spec->elem.max, p->scaler.global1)
                      : 0;
    if (p->out->scale)
        p->out->scale[0] = scale;
    emit_span(p, 0, n, scale);
    return true;
}

/* A plain cast: the scale is 1. */
static bool quant_cast(struct quant_pass *p, size_t n)
{
    for (size_t at = 0; at < n; at += 4096) {
        const size_t m = n - at < 4096 ? n - at : 4096;

        span_max(p, at, m);
        emit_span(p, at, m, 1);
    }
    return lanes_sum(p->odd) == 0;
}

/* --- scales that were measured before ----------------------------------- */

/* A part of nothing but zeros has none: whatever comes there becomes 0, which
 * the reference says. */
static bool has_static_lanes(const struct quant_spec *s,
                             const struct quant_io *io, int cols,
                             enum quant_axis axis)
{
    const int parts = quant_parts(s, 1, cols, QUANT_ALONG_COLS);
    bool all = io->scale_in && !io->zero && s->zero == QUANT_SYM &&
               axis == QUANT_ALONG_COLS && s->rounding->lanes != ROUND_BY_ROW;

    for (int i = 0; i < parts && all; i++)
        all = io->scale_in[i] > 0;
    return all;
}

/* Every row has the same scales, so that columns are taken sixteen at a time. */
static bool quant_static(struct quant_pass *p, int rows, int cols, int length)
{
    const struct quant_io *io = p->out;

    for (int i = 0; io->scale && i < cols; i += length)
        io->scale[i / length] = io->scale_in[i / length];
    for (int row = 0; row < rows; row++)
        span_max(p, (size_t)row * (size_t)cols, (size_t)cols);
    FOR_LANES(cols)
    {
        float scale[16];

        lanes_store(scale, lanes_set(1));
        for (int k = 0; k < m; k++)
            scale[k] = io->scale_in[(i + k) / length];
        emit_columns(p, (size_t)i, rows, cols, m, lanes_load(scale));
    }
    return lanes_sum(p->odd) == 0;
}

static bool quant_apply(const struct quant_spec *spec,
                        const struct quant_io *out, const float *x, int rows,
                        int cols, enum quant_axis axis, uint64_t key,
                        void *work)
{
    const size_t n = (size_t)rows * (size_t)cols;
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    const int length = quant_part_length(spec, k);
    struct quant_pass p = { .spec = spec,
                            .out = out,
                            .x = x,
                            .key = key,
                            .range = range_of(spec->range),
                            .scratch = work,
                            .rounder = rounder(&spec->elem, spec->rounding),
                            .odd = lanes_set(0) };
    float global = 0;

    /* A branch in the loops for this cost all others 8 % and more. */
    if (spec->transform == QUANT_HADAMARD)
        return quant_apply_rotated(quant_apply, spec, out, x, rows, cols, axis,
                                   key, work);
    if (spec->rounding->lanes == ROUND_BY_ROW || spec->zero != QUANT_SYM ||
        spec->gran == QUANT_TILE ||
        (spec->when == QUANT_STATIC &&
         !has_static_lanes(spec, out, cols, axis)))
        return quant_apply_ref(spec, out, x, rows, cols, axis, key, work);
    p.span = span_of(&p.rounder, out);
    if (spec->when == QUANT_STATIC)
        return quant_static(&p, rows, cols, length);
    if (!spec->elem.scaled)
        return quant_cast(&p, n);
    if (spec->scale->two_level)
        global =
            quant_global_scale(spec->scale, tensor_max(&p, n), spec->elem.max);
    p.scaler = scaler(spec, global);
    if (spec->gran == QUANT_TENSOR)
        return quant_tensor(&p, n);
    return axis == QUANT_ALONG_COLS ? quant_along_cols(&p, rows, cols, length)
                                    : quant_along_rows(&p, rows, cols, length);
}

static void fill_quant(struct kernels *kn)
{
    kn->quant_apply = quant_apply;
}
