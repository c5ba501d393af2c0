#include "base/expr_math.h"

double expr_pow_product(double x, int y)
{
    double square = x, product = 1;

    for (int k = y < 0 ? -y : y; k; k >>= 1) {
        if (k & 1)
            product *= square;
        square *= square;
    }
    return y < 0 ? 1 / product : product;
}

double expr_pow1(double x, double y)
{
    if (expr_pow_is_product(y))
        return expr_pow_product(x, (int)y);
    if (x > 0)
        return y == 0.5 ? sqrt(x) : expr_exp1(y * expr_log1(x));
    if (x == 0 && y == y)
        return y > 0 ? 0 : HUGE_VAL;
    if (x < 0 && y == floor(y)) { /* even or odd, and large */
        const double v = expr_exp1(y * expr_log1(-x));

        return floor(y / 2) * 2 == y ? v : -v;
    }
    return (double)NAN;
}

/* Powers of ten up to 10^22 are exact in double, and so is their answer. */
double expr_log10_1(double x)
{
    const double v = expr_log1(x) * EXPR_INV_LN10;
    const double n = floor(v + 0.5);

    if (fabs(n) <= 22 && fabs(v - n) < 1e-12 &&
        expr_pow_product(10, (int)n) == x)
        return n;
    return v;
}

/* tanh a = q / (q + 2) with q = e^2a - 1 = 2^n p + (2^n - 1), p = e^r - 1. */
double expr_tanh1(double x)
{
    const double a = fabs(x) < 20 ? fabs(x) : 20;
    const double n = floor(2 * a * EXPR_INV_LN2 + 0.5);
    const double r = (2 * a - n * EXPR_LN2_HI) - n * EXPR_LN2_LO;
    const double scale = expr_pow_product(2, (int)n);
    const double q = scale * expr_expm1_small(r) + (scale - 1);

    if (x != x)
        return x;
    return x < 0 ? -(q / (q + 2)) : q / (q + 2);
}
