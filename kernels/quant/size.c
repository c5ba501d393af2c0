/* size.c - what the shape of an operand makes of a spec: parts, bits, bytes. */
#include "kernels/quant.h"

enum status quant_check(const struct quant_spec *s, int k, const char *what,
                        struct err *err)
{
    if (!s->on || s->gran != QUANT_GROUP || k % s->group == 0)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "%s: a group of %d does not divide the reduction axis of "
                   "%d",
                   what, s->group, k);
}

int quant_part_length(const struct quant_spec *s, int k)
{
    return quant_grans[s->gran].length(s->group, k);
}

bool quant_has_int8(const struct quant_spec *s)
{
    return s->on && s->elem.scaled && s->elem.subnormals &&
           s->elem.max / s->elem.step_zero <= 127 &&
           s->elem.min_code / s->elem.step_zero >= -128;
}

bool quant_by_rows(const struct quant_spec *s)
{
    const bool whole =
        s->elem.scaled && (s->gran == QUANT_TENSOR || s->scale->two_level);

    return !s->on || (!whole && !s->rounding->draws);
}

bool quant_is_bf16(const struct quant_spec *s)
{
    const struct num_format *f = &s->elem;
    const int significant = f->kind == NUM_INT ? f->bits : f->man_bits + 1;

    return s->on && f->scaled && f->kind != NUM_TABLE && significant <= 8 &&
           s->scale->power_of_two;
}

double quant_bits(const struct quant_spec *s, int k, int rows)
{
    const double n = (double)k * rows;
    double bits = s->elem.bits;

    if (!s->on)
        return 32;
    if (!s->elem.scaled)
        return bits;
    bits += s->gran == QUANT_TENSOR ? s->scale->bits / n
                                    : s->scale->bits / quant_part_length(s, k);
    return s->scale->two_level ? bits + 32 / n : bits;
}

int quant_parts(const struct quant_spec *s, int rows, int cols,
                enum quant_axis axis)
{
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    const int lines = axis == QUANT_ALONG_COLS ? rows : cols;
    const int length = quant_part_length(s, k);

    if (!s->elem.scaled)
        return 0;
    return s->gran == QUANT_TENSOR ? 1 : lines * ((k + length - 1) / length);
}

size_t quant_work_size(const struct quant_spec *s, int rows, int cols,
                       enum quant_axis axis)
{
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;

    if (!s->on || !s->range->scratch)
        return 0;
    return sizeof(float) * (s->gran == QUANT_TENSOR
                                ? (size_t)rows * (size_t)cols
                                : (size_t)(s->group ? s->group : k));
}
