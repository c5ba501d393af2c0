/* lanes_avx512.h - sixteen lanes in one 512-bit register; see lanes_ref.h. */
#ifndef KERNELS_LANES_AVX512_H
#define KERNELS_LANES_AVX512_H

#include "kernels/real.h"

#include <immintrin.h>
#include <stdint.h>

typedef __m512 lanes;

static inline __mmask16 lanes_first(int n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline lanes lanes_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline lanes lanes_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline lanes lanes_load_n(const float *p, int n, float fill)
{
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), lanes_first(n), p);
}

static inline void lanes_store(float *p, lanes a)
{
    _mm512_storeu_ps(p, a);
}

static inline void lanes_store_n(float *p, lanes a, int n)
{
    _mm512_mask_storeu_ps(p, lanes_first(n), a);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

static inline lanes lanes_sub(lanes a, lanes b)
{
    return _mm512_sub_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

static inline lanes lanes_fma(lanes a, lanes b, lanes c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline lanes lanes_sqrt(lanes a)
{
    return _mm512_sqrt_ps(a);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}

static inline lanes lanes_unless_lt(lanes a, lanes b, lanes x)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ), x);
}

static inline lanes lanes_pow2(lanes n)
{
    const __m512i field =
        _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));

    return _mm512_castsi512_ps(_mm512_slli_epi32(field, 23));
}

static inline __m256 lanes_high(lanes a)
{
    return _mm512_extractf32x8_ps(a, 1);
}

static inline float lanes_sum(lanes a)
{
    const __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(a), lanes_high(a));
    const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8),
                                 _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline float lanes_hmax(lanes a)
{
    const __m256 h8 = _mm256_max_ps(_mm512_castps512_ps256(a), lanes_high(a));
    const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8),
                                 _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline lanes lanes_abs(lanes a)
{
    return _mm512_abs_ps(a);
}

static inline lanes lanes_rint(lanes a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT |
                                       _MM_FROUND_NO_EXC);
}

static inline lanes lanes_floor(lanes a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

/* x where a < b, else y. */
static inline lanes lanes_if_lt(lanes a, lanes b, lanes x, lanes y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}

/* The power of two at or below a > 0, normal. */
static inline lanes lanes_octave(lanes a)
{
    return _mm512_and_ps(a, _mm512_castsi512_ps(
                                _mm512_set1_epi32(0x7f800000)));
}

static inline int lanes_any_eq(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ) != 0;
}

/* |a| with the sign of s. */
static inline lanes lanes_sign(lanes a, lanes s)
{
    const __m512 bit = _mm512_castsi512_ps(_mm512_set1_epi32(INT32_MIN));

    return _mm512_or_ps(a, _mm512_and_ps(s, bit));
}

#endif
