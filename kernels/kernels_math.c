/* kernels_math.c - the scalar polynomials, one build for every path. */
#include "kernels/kernels.h"

#include <string.h>

#ifdef QLAW_F64

real kernels_exp(real x)
{
    return exp(x);
}

real kernels_log(real x)
{
    return log(x);
}

#else

#include "kernels/lanes_ref.h"
#define KERNELS_LANES 1
#define KERNELS_EXP_ONLY
#include "kernels/body_rows.h"

real kernels_exp(real x)
{
    return lanes_exp(lanes_set(x)).v[0];
}

/* ln x = e ln 2 + ln m, m in [sqrt(1/2), sqrt 2), with Cephes' logf
 * polynomial; +inf and NaN pass through. */
real kernels_log(real x)
{
    static const float coef[9] = {
        7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
        -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
        2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f,
    };
    int e;
    float m, y, z;

    if (!(x > 0) || x > REAL_MAX)
        return x == 0 ? -INFINITY : x > 0 ? x : NAN;
    m = frexpf(x, &e);
    if (m < 0.70710678f) {
        m = 2 * m;
        e--;
    }
    m -= 1;
    z = m * m;
    y = coef[0];
    for (int i = 1; i < 9; i++)
        y = fmaf(y, m, coef[i]);
    y = y * m * z;
    y = fmaf((float)e, -2.12194440e-4f, y);
    y = fmaf(z, -0.5f, y);
    return fmaf((float)e, 0.693359375f, m + y);
}

#endif
