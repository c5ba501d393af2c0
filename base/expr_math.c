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

/* e^x - 1 = 2^n p + (2^n - 1) with p = e^r - 1, x = n ln 2 + r. */
double expr_expm1_1(double x)
{
    const double n = floor(x * EXPR_INV_LN2 + 0.5);
    const double r = (x - n * EXPR_LN2_HI) - n * EXPR_LN2_LO;

    if (!(fabs(x) < 40))
        return x > 0 ? expr_exp1(x) : x < 0 ? -1 : x;
    return expr_pow_product(2, (int)n) * expr_expm1_small(r) +
           (expr_pow_product(2, (int)n) - 1);
}

/* log u + (x - (u - 1)) / u, where u is 1 + x rounded. */
double expr_log1p_1(double x)
{
    const double u = 1 + x;

    if (!(x > -1) || x == HUGE_VAL)
        return expr_log1(u);
    if (u == 1)
        return x;
    return expr_log1(u) + (x - (u - 1)) / u;
}

double expr_tanh1(double x)
{
    const double q = expr_expm1_1(2 * (fabs(x) < 20 ? fabs(x) : 20));

    if (x != x)
        return x;
    return x < 0 ? -(q / (q + 2)) : q / (q + 2);
}

/* (q + q / (q + 1)) / 2 with q = e^|x| - 1. */
double expr_sinh1(double x)
{
    const double half = expr_exp1(0.5 * fabs(x)) * 0.5;
    const double q = expr_expm1_1(fabs(x));
    const double v = fabs(x) < 40 ? 0.5 * (q + q / (q + 1))
                                  : half * expr_exp1(0.5 * fabs(x));

    return x < 0 ? -v : v;
}

double expr_cosh1(double x)
{
    const double half = expr_exp1(0.5 * fabs(x));

    if (!(fabs(x) < 40))
        return 0.5 * half * half;
    return 0.5 * (expr_exp1(fabs(x)) + 1 / expr_exp1(fabs(x)));
}

/* A power to start from, and one of Newton's steps for its last bits. */
double expr_cbrt1(double x)
{
    const double a = fabs(x);
    double v;

    if (!(a > 0) || a == HUGE_VAL)
        return x;
    v = expr_exp1(expr_log1(a) / 3);
    v -= (v - a / (v * v)) / 3;
    return x < 0 ? -v : v;
}

double expr_hypot1(double x, double y)
{
    const double a = fmax(fabs(x), fabs(y)), b = fmin(fabs(x), fabs(y));

    if (x != x || y != y)
        return fabs(x) == HUGE_VAL || fabs(y) == HUGE_VAL ? HUGE_VAL : x + y;
    return a == 0 || a == HUGE_VAL ? a : a * sqrt(1 + b / a * (b / a));
}
