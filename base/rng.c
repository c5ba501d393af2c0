#include "base/rng.h"

#include <math.h>

#include "base/exact.h"

__extension__ typedef unsigned __int128 u128;

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

/* Finalizer of SplitMix64 (Steele, Lea, Flood 2014): mixes 64 bits. */
static uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t lane)
{
    uint64_t key = mix64(seed + 0x9E3779B97F4A7C15u);

    key = mix64(key ^ ((uint64_t)purpose * 0xD1B54A32D192ED03u));
    return mix64(key ^ mix64(lane + 0x8CB92BA72F3D8DD7u));
}

void rng_philox(uint32_t out[4], uint64_t key, uint64_t block)
{
    uint32_t c[4] = { (uint32_t)block, (uint32_t)(block >> 32), 0, 0 };
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)PHILOX_M0 * c[0];
        const uint64_t p1 = (uint64_t)PHILOX_M1 * c[2];
        const uint32_t c1 = c[1], c3 = c[3];

        c[0] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c[1] = (uint32_t)p1;
        c[2] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c[3] = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

uint32_t rng_u32(uint64_t key, uint64_t i)
{
    uint32_t word[4];

    rng_philox(word, key, i / 4);
    return word[i % 4];
}

uint64_t rng_u64(uint64_t key, uint64_t i)
{
    uint32_t word[4];

    rng_philox(word, key, i / 2);
    return (uint64_t)word[2 * (i % 2)] << 32 | word[2 * (i % 2) + 1];
}

float rng_f32(uint64_t key, uint64_t i)
{
    return (float)(rng_u32(key, i) >> 8) * 0x1p-24f;
}

double rng_f64(uint64_t key, uint64_t i)
{
    return (double)(rng_u64(key, i) >> 11) * 0x1p-53;
}

uint64_t rng_below(uint64_t key, uint64_t i, uint64_t n)
{
    return (uint64_t)(((u128)rng_u64(key, i) * n) >> 64);
}

static double ratio(const double num[8], const double den[8], double r)
{
    double n = num[7], d = den[7];

    for (int i = 6; i >= 0; i--) {
        n = n * r + num[i];
        d = d * r + den[i];
    }
    return n / d;
}

double rng_normal_quantile(double p)
{
    /* Coefficients of PPND16, Applied Statistics 37 (1988), 477-484. */
    static const double a[8] = {
        3.3871328727963666080e0, 1.3314166789178437745e2,
        1.9715909503065514427e3, 1.3731693765509461125e4,
        4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
    };
    static const double b[8] = {
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    };
    static const double c[8] = {
        1.42343711074968357734e0,  4.63033784615654529590e0,
        5.76949722146069140550e0,  3.64784832476320460504e0,
        1.27045825245236838258e0,  2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    };
    static const double d[8] = {
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    };
    static const double e[8] = {
        6.65790464350110377720e0,  5.46378491116411436990e0,
        1.78482653991729133580e0,  2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
    };
    static const double f[8] = {
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    };
    const double q = p - 0.5;
    double r, x;

    if (fabs(q) <= 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    r = sqrt(-exact_ln(q < 0 ? p : 1 - p));
    x = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
    return q < 0 ? -x : x;
}

double rng_normal(uint64_t key, uint64_t i)
{
    /* The half keeps p away from 0 and 1. */
    const double p = ((double)(rng_u64(key, i) >> 12) + 0.5) * 0x1p-52;

    return rng_normal_quantile(p);
}
