#include "kernels/quant/rotate.h"

#include <string.h>

#include "base/rng.h"
#include "kernels/quant/rotated.h"

const struct quant_word quant_transforms[QUANT_TRANSFORMS] = {
    [QUANT_PLAIN] = { "plain", "as it is" },
    [QUANT_HADAMARD] = { "had",
                         "blocks of N along the reduction axis are rotated by "
                         "a Hadamard matrix with fixed signs before, and back "
                         "after; N a power of two",
                         .spelled = "hadN with N a power of two",
                         .param = { { "", "N", 2, 4096, .whole = true } } },
};

/* The signs of every rotation, whatever it is for: part of what hadN means. */
static bool is_negative(int i)
{
    return rng_u32(UINT64_C(0x68616461), (uint64_t)i) & 1;
}

/* H x in place, elements step apart; butterflies from near to far. */
static void butterflies(real *x, size_t step, int n)
{
    for (int half = 1; half < n; half *= 2)
        for (int i = 0; i < n; i += 2 * half)
            for (int k = i; k < i + half; k++) {
                real *a = x + (size_t)k * step;
                real *b = x + (size_t)(k + half) * step;
                const real sum = *a + *b;

                *b = *a - *b;
                *a = sum;
            }
}

static void rotate_block(real *x, size_t step, int n, bool back)
{
    const real scale = 1 / real_sqrt((real)n);

    for (int i = 0; i < n && !back; i++)
        if (is_negative(i))
            x[(size_t)i * step] = -x[(size_t)i * step];
    butterflies(x, step, n);
    for (int i = 0; i < n; i++)
        x[(size_t)i * step] *= back && is_negative(i) ? -scale : scale;
}

void quant_rotate(real *x, int rows, int cols, enum quant_axis axis, int n,
                  bool back)
{
    const bool by_cols = axis == QUANT_ALONG_COLS;
    const int lines = by_cols ? rows : cols, k = by_cols ? cols : rows;
    const size_t step = by_cols ? 1 : (size_t)cols;

    for (int line = 0; line < lines; line++)
        for (int at = 0; at + n <= k; at += n)
            rotate_block(
                x + (by_cols ? (size_t)line * (size_t)cols : (size_t)line) +
                    (size_t)at * step,
                step, n, back);
}

size_t quant_rotated_size(const struct quant_spec *s, int rows, int cols)
{
    const size_t bytes = (size_t)rows * (size_t)cols * sizeof(real);

    return s->transform == QUANT_HADAMARD ? (bytes + 63) / 64 * 64 : 0;
}

bool quant_apply_rotated(quant_function *apply, const struct quant_spec *spec,
                         const struct quant_io *out, const real *x, int rows,
                         int cols, enum quant_axis axis, uint64_t key,
                         void *work)
{
    const size_t n = (size_t)rows * (size_t)cols;
    struct quant_spec plain = *spec;
    struct quant_io inner = *out;
    real *y = work;

    plain.transform = QUANT_PLAIN;
    inner.value = y;
    memcpy(y, x, n * sizeof *y);
    quant_rotate(y, rows, cols, axis, spec->rotated, false);
    if (!apply(&plain, &inner, y, rows, cols, axis, key,
               (char *)work + quant_rotated_size(spec, rows, cols)))
        return false;
    quant_rotate(y, rows, cols, axis, spec->rotated, true);
    if (out->value)
        memcpy(out->value, y, n * sizeof *y);
    return true;
}
