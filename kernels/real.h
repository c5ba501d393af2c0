/* real.h - the element type of tensors.
 *
 * Training runs in float.  The same reference kernels and the same model code
 * are also built in double (-DQLAW_F64, tests only), so that gradients can be
 * checked against central differences to many digits. */
#ifndef KERNELS_REAL_H
#define KERNELS_REAL_H

#include <math.h>

#ifdef QLAW_F64
typedef double real;
#define real_fma(a, b, c) fma(a, b, c)
#define real_sqrt(x)      sqrt(x)
#define real_abs(x)       fabs(x)
#define REAL_MAX          1.7976931348623157e308
#else
typedef float real;
#define real_fma(a, b, c) fmaf(a, b, c)
#define real_sqrt(x)      sqrtf(x)
#define real_abs(x)       fabsf(x)
#define REAL_MAX          3.40282346638528859812e38f
#endif

#endif
