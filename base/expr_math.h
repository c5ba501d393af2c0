/* expr_math.h - the elementary functions of the expression engine.
 *
 * Written with + - * /, sqrt and shifts only and compiled without contraction,
 * so that a loop over them vectorizes, and a value has the same bits whatever
 * the instruction set, the vector width or the C library: a derived key of a
 * grid is part of a run's identity.
 *
 * Errors, measured against long double: exp, log, log2 below 2 ulp; x^y below
 * 2 (1 + |y ln x|) ulp, and plain products for whole |y| <= 64; expm1, log1p,
 * sinh, cosh, tanh, cbrt and hypot below 4 ulp. */
#ifndef BASE_EXPR_MATH_H
#define BASE_EXPR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t expr_bits(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double expr_from_bits(uint64_t u)
{
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

#define EXPR_LN2_HI   0x1.62e42fee00000p-1 /* 33 bits: n * hi is exact */
#define EXPR_LN2_LO   0x1.a39ef35793c76p-33
#define EXPR_INV_LN2  1.4426950408889634074
#define EXPR_INV_LN10 0.43429448190325182765
#define EXPR_TO_WHOLE 0x1.8p52 /* x + this - this rounds to an integer */

/* e^r - 1 for |r| <= 0.3466, by its series; the first omitted term is below
 * 5e-18. */
static inline double expr_expm1_small(double r)
{
    double q = 1.0 / 6227020800;

    q = q * r + 1.0 / 479001600;
    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 1.0 / 2;
    return r + r * r * q;
}

/* Results below 1e-307 are 0: no subnormal numbers. */
static inline double expr_exp1(double x)
{
    const double t = x * EXPR_INV_LN2 + EXPR_TO_WHOLE;
    const double n = t - EXPR_TO_WHOLE;
    const double r = (x - n * EXPR_LN2_HI) - n * EXPR_LN2_LO;
    /* 2^(n-1): the low bits of t are n. */
    const double half = expr_from_bits((expr_bits(t) + 1022) << 52);
    const double v = (1 + expr_expm1_small(r)) * half * 2;
    const double above = x > 709.782712893383973 ? HUGE_VAL : v;

    return x < -707.0 ? 0 : above;
}

/* x = m 2^e with sqrt(1/2) <= m < sqrt(2), for x > 0 and finite. */
static inline double expr_split(double x, double *e)
{
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdull;
    const double shift = x < 0x1p-1022 ? 54 : 0;
    const uint64_t u = expr_bits(x < 0x1p-1022 ? x * 0x1p54 : x);
    /* 1023 + e, and that number as a double. */
    const uint64_t k = (u - sqrt_half + (UINT64_C(1023) << 52)) >> 52;

    *e = expr_from_bits(k | 0x4330000000000000ull) - (0x1p52 + 1023) - shift;
    return expr_from_bits(u - (k << 52) + (UINT64_C(1023) << 52));
}

/* ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716; the parts beyond
 * 2 s are returned, and 2 s in *head. */
static inline double expr_log_tail(double m, double *head)
{
    const double f = m - 1, s = f / (2 + f), z = s * s;
    double q = 1.0 / 23;

    q = q * z + 1.0 / 21;
    q = q * z + 1.0 / 19;
    q = q * z + 1.0 / 17;
    q = q * z + 1.0 / 15;
    q = q * z + 1.0 / 13;
    q = q * z + 1.0 / 11;
    q = q * z + 1.0 / 9;
    q = q * z + 1.0 / 7;
    q = q * z + 1.0 / 5;
    q = q * z + 1.0 / 3;
    /* 2 s = f - s f, of which f is exact: only a small part is rounded. */
    *head = f;
    return s * (2 * z * q - f);
}

/* What log and log2 say of 0, negative numbers, infinity and NaN. */
static inline double expr_log_edge(double x, double v)
{
    const double low = x == 0 ? -HUGE_VAL : x < 0 ? (double)NAN : v;

    return x < HUGE_VAL ? low : x;
}

static inline double expr_log1(double x)
{
    double e, head;
    const double m = expr_split(x, &e);
    const double tail = expr_log_tail(m, &head);

    return expr_log_edge(x,
                         e * EXPR_LN2_HI + (head + (tail + e * EXPR_LN2_LO)));
}

/* Exact for powers of two. */
static inline double expr_log2_1(double x)
{
    double e, head;
    const double m = expr_split(x, &e);
    const double tail = expr_log_tail(m, &head);

    return expr_log_edge(x, e + (head + tail) * EXPR_INV_LN2);
}

/* Whole exponents up to this are done by multiplication. */
#define EXPR_POW_WHOLE 64

static inline int expr_pow_is_product(double y)
{
    return y == floor(y) && fabs(y) <= EXPR_POW_WHOLE;
}

double expr_pow_product(double x, int y);
double expr_pow1(double x, double y);
double expr_log10_1(double x);
double expr_tanh1(double x);
double expr_expm1_1(double x);
double expr_log1p_1(double x);
double expr_sinh1(double x);
double expr_cosh1(double x);
double expr_cbrt1(double x);
double expr_hypot1(double x, double y);

#endif
