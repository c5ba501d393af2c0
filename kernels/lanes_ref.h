/* lanes_ref.h - sixteen virtual lanes in plain C: the definition.
 *
 * The body_*.h are written once over these operations; lanes_avx2.h and
 * lanes_avx512.h provide the same ones on vectors, with the same roundings. */
#ifndef KERNELS_LANES_REF_H
#define KERNELS_LANES_REF_H

#include "kernels/real.h"

#include <stdint.h>
#include <string.h>

typedef struct {
    real v[16];
} lanes;

#define LANES_BURST 8

#define LANES_MAP(expression)                                                  \
    lanes r;                                                                   \
    for (int i = 0; i < 16; i++)                                               \
        r.v[i] = (expression);                                                 \
    return r

static inline lanes lanes_set(real x)
{
    LANES_MAP(x);
}

static inline lanes lanes_load(const real *p)
{
    LANES_MAP(p[i]);
}

/* The first n lanes from p, the others fill. */
static inline lanes lanes_load_n(const real *p, int n, real fill)
{
    LANES_MAP(i < n ? p[i] : fill);
}

static inline void lanes_store(real *p, lanes a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline void lanes_store_n(real *p, lanes a, int n)
{
    memcpy(p, a.v, (size_t)n * sizeof *p);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    LANES_MAP(a.v[i] + b.v[i]);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    LANES_MAP(a.v[i] - b.v[i]);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    LANES_MAP(a.v[i] * b.v[i]);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    LANES_MAP(a.v[i] / b.v[i]);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c) /* a b + c */
{
    LANES_MAP(real_fma(a.v[i], b.v[i], c.v[i]));
}

static inline lanes lanes_sqrt(lanes a)
{
    LANES_MAP(real_sqrt(a.v[i]));
}

/* a > b ? a : b, as the vector instruction: b when either is NaN. */
static inline lanes lanes_max(lanes a, lanes b)
{
    LANES_MAP(a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    LANES_MAP(a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}

/* 0 where a < b, else x; a NaN keeps x. */
static inline lanes lanes_unless_lt(lanes a, lanes b, lanes x)
{
    LANES_MAP(a.v[i] < b.v[i] ? 0 : x.v[i]);
}

/* a 2^n for integral n in [-126, 127]. */
static inline lanes lanes_scale2(lanes a, lanes n)
{
    LANES_MAP(n.v[i] == n.v[i] ? a.v[i] * (real)ldexp(1, (int)n.v[i]) : NAN);
}

/* Lane j += lane j + 8, then 4, 2, 1. */
static inline real lanes_sum(lanes a)
{
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.v[i] += a.v[i + half];
    return a.v[0];
}

static inline real lanes_hmax(lanes a)
{
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    return a.v[0];
}

#undef LANES_MAP
#endif
