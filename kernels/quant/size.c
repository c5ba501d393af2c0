/* size.c - what the shape of an operand makes of a spec: parts, bits, bytes. */
#include "kernels/quant/rotated.h"

enum status quant_check(const struct quant_spec *s, int k, const char *what,
                        struct err *err)
{
    const bool parted = s->gran == QUANT_GROUP || s->gran == QUANT_TILE;

    if (s->on && parted && k % s->group != 0)
        return err_set(err, ERR_CONFIG,
                       "%s: a %s of %d does not divide the reduction axis of "
                       "%d",
                       what, quant_grans[s->gran].kind, s->group, k);
    if (s->on && s->transform == QUANT_HADAMARD && k % s->rotated != 0)
        return err_set(err, ERR_CONFIG,
                       "%s: a rotation of %d does not divide the reduction "
                       "axis of %d",
                       what, s->rotated, k);
    return OK;
}

int quant_part_length(const struct quant_spec *s, int k)
{
    return quant_grans[s->gran].length(s->group, k);
}

bool quant_is_elementwise(const struct quant_spec *s)
{
    return s->on && s->zero == QUANT_SYM && s->transform == QUANT_PLAIN &&
           s->gran != QUANT_TILE && s->when == QUANT_DYNAMIC;
}

bool quant_has_int8(const struct quant_spec *s)
{
    return quant_is_elementwise(s) && s->elem.scaled && s->elem.subnormals &&
           s->elem.max / s->elem.step_zero <= 127 &&
           s->elem.min_code / s->elem.step_zero >= -128;
}

bool quant_by_rows(const struct quant_spec *s)
{
    const bool whole = s->elem.scaled && s->when == QUANT_DYNAMIC &&
                       (s->gran == QUANT_TENSOR || s->gran == QUANT_TILE ||
                        s->scale->two_level);

    return !s->on || (!whole && !s->rounding->draws);
}

bool quant_is_bf16(const struct quant_spec *s)
{
    const struct num_format *f = &s->elem;
    const int significant = f->kind == NUM_INT ? f->bits : f->man_bits + 1;

    return s->on && f->scaled && f->kind != NUM_TABLE && significant <= 8 &&
           s->scale->power_of_two && s->zero == QUANT_SYM &&
           s->transform == QUANT_PLAIN;
}

double quant_bits(const struct quant_spec *s, int k, int rows)
{
    const double n = (double)k * rows;
    const int zero = quant_zeros[s->zero].bits;
    const double part = s->scale->bits + (zero < 0 ? s->elem.bits : zero);

    if (!s->on)
        return 32;
    if (!s->elem.scaled || s->when == QUANT_STATIC)
        return s->elem.bits;
    return s->elem.bits + part * quant_parts(s, rows, k, QUANT_ALONG_COLS) / n +
           (!s->scale->two_level        ? 0
            : s->scale->second_is_power ? 8
                                        : 32) /
               n;
}

int quant_parts(const struct quant_spec *s, int rows, int cols,
                enum quant_axis axis)
{
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    const int lines = axis == QUANT_ALONG_COLS ? rows : cols;
    const int length = quant_part_length(s, k);

    if (!s->elem.scaled)
        return 0;
    if (s->gran == QUANT_TENSOR)
        return 1;
    return (s->when == QUANT_STATIC ? 1
            : s->gran == QUANT_TILE ? (lines + length - 1) / length
                                    : lines) *
           ((k + length - 1) / length);
}

/* Numbers of the largest part. */
static size_t part_size(const struct quant_spec *s, int rows, int cols, int k)
{
    const size_t lines = (size_t)rows * (size_t)cols / (size_t)k;

    if (s->when == QUANT_STATIC && s->gran != QUANT_TENSOR)
        return lines * (size_t)quant_part_length(s, k);
    switch (s->gran) {
    case QUANT_TENSOR:
        return (size_t)rows * (size_t)cols;
    case QUANT_TILE:
        return (size_t)s->group * (size_t)s->group;
    default:
        return (size_t)(s->group ? s->group : k);
    }
}

size_t quant_work_size(const struct quant_spec *s, int rows, int cols,
                       enum quant_axis axis)
{
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    size_t bytes;

    if (!s->on)
        return 0;
    bytes = quant_rotated_size(s, rows, cols);
    if (s->range->scratch)
        bytes += sizeof(float) * part_size(s, rows, cols, k);
    if (s->gran == QUANT_TILE || s->when == QUANT_STATIC) /* in a row */
        bytes += sizeof(real) * part_size(s, rows, cols, k);
    return bytes;
}
