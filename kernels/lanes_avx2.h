/* lanes_avx2.h - sixteen lanes in two 256-bit registers; see lanes_ref.h. */
#ifndef KERNELS_LANES_AVX2_H
#define KERNELS_LANES_AVX2_H

#include "kernels/real.h"

#include <immintrin.h>
#include <stdint.h>

typedef struct {
    __m256 lo, hi;
} lanes;

/* All ones in the first n of the eight lanes from first on. */
static inline __m256i lanes_first(int n, int first)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n - first), index);
}

static inline lanes lanes_set(float x)
{
    return (lanes){ _mm256_set1_ps(x), _mm256_set1_ps(x) };
}

static inline lanes lanes_load(const float *p)
{
    return (lanes){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) };
}

static inline __m256 lanes_half_n(const float *p, __m256i mask, __m256 fill)
{
    return _mm256_blendv_ps(fill, _mm256_maskload_ps(p, mask),
                            _mm256_castsi256_ps(mask));
}

static inline lanes lanes_load_n(const float *p, int n, float fill)
{
    const __m256 f = _mm256_set1_ps(fill);

    return (lanes){ lanes_half_n(p, lanes_first(n, 0), f),
                    lanes_half_n(p + 8, lanes_first(n, 8), f) };
}

static inline void lanes_store(float *p, lanes a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}

static inline void lanes_store_n(float *p, lanes a, int n)
{
    _mm256_maskstore_ps(p, lanes_first(n, 0), a.lo);
    if (n > 8)
        _mm256_maskstore_ps(p + 8, lanes_first(n, 8), a.hi);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return (lanes){ _mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi) };
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return (lanes){ _mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi) };
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return (lanes){ _mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi) };
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return (lanes){ _mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi) };
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return (lanes){ _mm256_fmadd_ps(a.lo, b.lo, c.lo),
                    _mm256_fmadd_ps(a.hi, b.hi, c.hi) };
}

static inline lanes lanes_sqrt(lanes a)
{
    return (lanes){ _mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi) };
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return (lanes){ _mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi) };
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return (lanes){ _mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi) };
}

static inline lanes lanes_unless_lt(lanes a, lanes b, lanes x)
{
    return (lanes){
        _mm256_and_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_NLT_UQ), x.lo),
        _mm256_and_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_NLT_UQ), x.hi)
    };
}

static inline __m256 lanes_pow2_half(__m256 n)
{
    const __m256i field =
        _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));

    return _mm256_castsi256_ps(_mm256_slli_epi32(field, 23));
}

static inline lanes lanes_pow2(lanes n)
{
    return (lanes){ lanes_pow2_half(n.lo), lanes_pow2_half(n.hi) };
}

static inline float lanes_sum(lanes a)
{
    const __m256 h8 = _mm256_add_ps(a.lo, a.hi);
    const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8),
                                 _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline float lanes_hmax(lanes a)
{
    const __m256 h8 = _mm256_max_ps(a.lo, a.hi);
    const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8),
                                 _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline lanes lanes_abs(lanes a)
{
    const __m256 bits = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));

    return (lanes){ _mm256_and_ps(a.lo, bits), _mm256_and_ps(a.hi, bits) };
}

#define LANES_ROUND(a, mode)                                                  \
    (lanes){ _mm256_round_ps((a).lo, (mode) | _MM_FROUND_NO_EXC),             \
             _mm256_round_ps((a).hi, (mode) | _MM_FROUND_NO_EXC) }

static inline lanes lanes_rint(lanes a)
{
    return LANES_ROUND(a, _MM_FROUND_TO_NEAREST_INT);
}

static inline lanes lanes_floor(lanes a)
{
    return LANES_ROUND(a, _MM_FROUND_TO_NEG_INF);
}

/* x where a < b, else y. */
static inline lanes lanes_if_lt(lanes a, lanes b, lanes x, lanes y)
{
    return (lanes){
        _mm256_blendv_ps(y.lo, x.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
        _mm256_blendv_ps(y.hi, x.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))
    };
}

/* The power of two at or below a > 0, normal. */
static inline lanes lanes_octave(lanes a)
{
    const __m256 bits = _mm256_castsi256_ps(_mm256_set1_epi32(0x7f800000));

    return (lanes){ _mm256_and_ps(a.lo, bits), _mm256_and_ps(a.hi, bits) };
}

static inline int lanes_any_eq(lanes a, lanes b)
{
    return _mm256_movemask_ps(
        _mm256_or_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_EQ_OQ),
                     _mm256_cmp_ps(a.hi, b.hi, _CMP_EQ_OQ)));
}

/* |a| with the sign of s. */
static inline lanes lanes_sign(lanes a, lanes s)
{
    const __m256 bit = _mm256_castsi256_ps(_mm256_set1_epi32(INT32_MIN));

    return (lanes){ _mm256_or_ps(a.lo, _mm256_and_ps(s.lo, bit)),
                    _mm256_or_ps(a.hi, _mm256_and_ps(s.hi, bit)) };
}

#endif
