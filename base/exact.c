#include "base/exact.h"

#include <math.h>

#define LN2_HI 6.93147180369123816490e-01 /* fdlibm's split of ln 2 */
#define LN2_LO 1.90821492927058770002e-10

double exact_ln(double x)
{
    int e;
    double m = frexp(x, &e), s, s2, sum = 0;

    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    /* ln m = 2 atanh(s) = 2 (s + s^3/3 + ...), |s| < 0.172 */
    s = (m - 1) / (m + 1);
    s2 = s * s;
    for (int k = 21; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * s2;
    return e * LN2_HI + (2 * s + (2 * s * sum + e * LN2_LO));
}

double exact_exp(double x)
{
    const double n = floor(x / 0.69314718055994530942 + 0.5);
    const double r = (x - n * LN2_HI) - n * LN2_LO;
    double sum = 0;

    for (int k = 17; k >= 2; k--)
        sum = (sum + 1) * r / k;
    return ldexp(1 + (r + sum * r), (int)n);
}

double exact_pow(double x, double y)
{
    return exact_exp(y * exact_ln(x));
}

/* Taylor series on |t| <= 1/8 turn, where 2 pi t is below 0.8. */
static double series(double a2, int first)
{
    double sum = 0;

    for (int k = first + 18; k > first; k -= 2)
        sum = (1 + sum) * (-a2 / (k * (k - 1)));
    return sum;
}

static double sin_small(double t)
{
    const double a = 6.28318530717958647693 * t;

    return a + a * series(a * a, 1);
}

static double cos_small(double t)
{
    const double a = 6.28318530717958647693 * t;

    return 1 + series(a * a, 0);
}

/* sin of 2 pi (turns + ahead / 4); the reduction to an eighth is exact. */
static double sin_quarters(double turns, double ahead)
{
    const double nearest = floor(turns * 4 + 0.5);
    const double t = turns - nearest / 4;
    const double quarter = nearest + ahead;

    switch ((int)(quarter - 4 * floor(quarter / 4))) {
    case 0:
        return sin_small(t);
    case 1:
        return cos_small(t);
    case 2:
        return -sin_small(t);
    default:
        return -cos_small(t);
    }
}

double exact_sin_turns(double turns)
{
    return sin_quarters(turns, 0);
}

double exact_cos_turns(double turns)
{
    return sin_quarters(turns, 1);
}
