/* rotated.h - a quantizer between a rotation and its way back (rotate.h), for
 * the quantizers themselves. */
#ifndef KERNELS_QUANT_ROTATED_H
#define KERNELS_QUANT_ROTATED_H

#include "kernels/quant.h"

/* quant_apply_ref, or what a set of instructions has for it. */
typedef bool quant_function(const struct quant_spec *spec,
                            const struct quant_io *out, const real *x, int rows,
                            int cols, enum quant_axis axis, uint64_t key,
                            void *work);

/* Bytes of work that the rotation needs in front of the quantizer's own. */
size_t quant_rotated_size(const struct quant_spec *spec, int rows, int cols);

/* What apply makes of a spec with a rotation. */
bool quant_apply_rotated(quant_function *apply, const struct quant_spec *spec,
                         const struct quant_io *out, const real *x, int rows,
                         int cols, enum quant_axis axis, uint64_t key,
                         void *work);

#endif
