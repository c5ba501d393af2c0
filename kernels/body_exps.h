/* body_exps.h - exponentials in double, and numbers by their rank: plain loops,
 * which the compiler turns into the vectors of each set. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/real.h"

static inline uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double of_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) for x <= 0, relative error below 1e-15, 0 below -700: one step of
 * reduction and a series.  Choices are made on bits, where a compiler is free to
 * make them for a whole vector; the bits are the same everywhere. */
static inline double falling_exp(double x)
{
    const double shift = 0x1.8p52, log2e = 0x1.71547652b82fep0;
    const double high = 0x1.62e42fefa0000p-1, low = 0x1.cf79abc9e3b3ap-40;
    const uint64_t least = UINT64_C(0xc085e00000000000); /* of -700 */
    const int64_t size = (int64_t)(bits_of(x) << 1 >> 1);
    const uint64_t far = 0 - (uint64_t)(size > (int64_t)(least << 1 >> 1));
    const double inside = of_bits((least & far) | (bits_of(x) & ~far));
    const double t = inside * log2e + shift, k = t - shift;
    const double r = (inside - k * high) - k * low;
    double y = 1.0 / 6227020800;

    y = y * r + 1.0 / 479001600;
    y = y * r + 1.0 / 39916800;
    y = y * r + 1.0 / 3628800;
    y = y * r + 1.0 / 362880;
    y = y * r + 1.0 / 40320;
    y = y * r + 1.0 / 5040;
    y = y * r + 1.0 / 720;
    y = y * r + 1.0 / 120;
    y = y * r + 1.0 / 24;
    y = y * r + 1.0 / 6;
    y = y * r + 0.5;
    y = y * r + 1;
    y = y * r + 1;
    y *= of_bits((bits_of(t) + 1023) << 52);
    return of_bits(bits_of(y) & ~far);
}

static double exp_below(double *out, const real *x, int n)
{
    real each[16], most = -INFINITY;
    int i = 0;

    for (int k = 0; k < 16; k++)
        each[k] = -INFINITY;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++)
            each[k] = x[i + k] > each[k] ? x[i + k] : each[k];
    for (; i < n; i++)
        each[0] = x[i] > each[0] ? x[i] : each[0];
    for (int k = 0; k < 16; k++)
        most = each[k] > most ? each[k] : most;
    for (i = 0; i < n; i++)
        out[i] = falling_exp((double)x[i] - (double)most);
    return (double)most;
}

/* Numbers in the order of integers: the bits, those of the negative ones turned. */
#ifdef QLAW_F64
typedef int64_t order_key;
#define ORDER_MOST INT64_MAX
#else
typedef int32_t order_key;
#define ORDER_MOST INT32_MAX
#endif

static inline order_key order_of(real x)
{
    order_key bits;

    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? bits ^ ORDER_MOST : bits;
}

static inline real in_order(order_key key)
{
    real x;

    key = key < 0 ? key ^ ORDER_MOST : key;
    memcpy(&x, &key, sizeof x);
    return x;
}

/* Bit by bit: the largest key that at least rank + 1 of them reach. */
static real nth_largest(const real *x, int n, int rank, void *scratch)
{
    const int bits = 8 * (int)sizeof(order_key) - 1;
    order_key *keys = scratch, found;
    int reach = 0;

    for (int i = 0; i < n; i++) {
        keys[i] = order_of(x[i]);
        reach += keys[i] >= 0;
    }
    found = reach > rank ? 0 : -ORDER_MOST - 1;
    for (int bit = bits - 1; bit >= 0; bit--) {
        const order_key candidate = found + ((order_key)1 << bit);

        reach = 0;
        for (int i = 0; i < n; i++)
            reach += keys[i] >= candidate;
        found = reach > rank ? candidate : found;
    }
    return in_order(found);
}
