/* lanes_avx512.h - sixteen lanes in one 512-bit register; see lanes_ref.h. */
#ifndef KERNELS_LANES_AVX512_H
#define KERNELS_LANES_AVX512_H

#include "kernels/real.h"

#include <immintrin.h>
#include <stdint.h>

typedef __m512 lanes;

#define LANES_BURST 12

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

static inline lanes lanes_scale2(lanes a, lanes n)
{
    return _mm512_scalef_ps(a, n);
}

/* Rows become columns: out[i] lane j = in[j] lane i.  Pairs, then quarters,
 * within 128 bits; then the 128-bit pieces. */
static inline void lanes_transpose(lanes r[16])
{
    lanes t[16];

#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 4)
        for (int half = 0; half < 2; half++) {
            const __m512d a = _mm512_castps_pd(t[i + half]);
            const __m512d b = _mm512_castps_pd(t[i + 2 + half]);

            r[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
        /* r[4 g + c] holds columns c, c+4, c+8, c+12 of rows 4 g .. 4 g + 3. */
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        t[c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88);
        t[4 + c] = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd);
        t[8 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88);
        t[12 + c] = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        r[c] = _mm512_shuffle_f32x4(t[c], t[8 + c], 0x88);
        r[8 + c] = _mm512_shuffle_f32x4(t[c], t[8 + c], 0xdd);
        r[4 + c] = _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0x88);
        r[12 + c] = _mm512_shuffle_f32x4(t[4 + c], t[12 + c], 0xdd);
    }
}

static inline __m256 lanes_high(lanes a)
{
    return _mm512_extractf32x8_ps(a, 1);
}

static inline float lanes_sum(lanes a)
{
    const __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(a), lanes_high(a));
    const __m128 h4 =
        _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline float lanes_hmax(lanes a)
{
    const __m256 h8 = _mm256_max_ps(_mm512_castps512_ps256(a), lanes_high(a));
    const __m128 h4 =
        _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline lanes lanes_abs(lanes a)
{
    return _mm512_abs_ps(a);
}

/* The larger by bits: of numbers that are not negative, and NaN is largest. */
static inline lanes lanes_max_bits(lanes a, lanes b)
{
    return _mm512_castsi512_ps(
        _mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}

static inline lanes lanes_rint(lanes a)
{
    return _mm512_roundscale_ps(a,
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
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
    return _mm512_and_ps(a, _mm512_castsi512_ps(_mm512_set1_epi32(0x7f800000)));
}

/* 1 / a for a power of two below 2^127. */
static inline lanes lanes_inverse2(lanes a)
{
    return _mm512_castsi512_ps(
        _mm512_sub_epi32(_mm512_set1_epi32(254 << 23), _mm512_castps_si512(a)));
}

static inline lanes lanes_with_bit(lanes a, uint32_t bit)
{
    return _mm512_or_ps(a,
                        _mm512_castsi512_ps(_mm512_set1_epi32((int32_t)bit)));
}

static inline int lanes_any_eq(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ) != 0;
}

static inline int lanes_any_lt(lanes a, lanes b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ) != 0;
}

static inline int lanes_count_lt(lanes a, lanes b)
{
    return __builtin_popcount(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ));
}

/* to[i] = a < b, for the first n lanes. */
static inline void lanes_flag_lt(uint8_t *to, lanes a, lanes b, int n)
{
    const __m128i flags =
        _mm_maskz_set1_epi8(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), 1);

    _mm_mask_storeu_epi8(to, lanes_first(n), flags);
}

/* Each lane the largest of its group of 1, 2, 4 or 8 neighbours. */
static inline lanes lanes_near_max(lanes a, int group)
{
    if (group > 1)
        a = _mm512_max_ps(a, _mm512_permute_ps(a, 0xb1));
    if (group > 2)
        a = _mm512_max_ps(a, _mm512_permute_ps(a, 0x4e));
    if (group > 4)
        a = _mm512_max_ps(a, _mm512_shuffle_f32x4(a, a, 0xb1));
    return a;
}

/* Blocks block .. block+3 of the generator of base/rng.h (Philox4x32-10) as
 * the uniforms rng_f32 makes of them, one block in each 128 bits. */
static inline lanes lanes_uniform(uint64_t key, uint64_t block)
{
    const __m512i words = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);
    const __m512i factors =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0xCD9E8D57, 0xD2511F53));
    const __m512i weyl =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0xBB67AE85, 0x9E3779B9));
    __m512i keys = _mm512_broadcast_i32x4(
        _mm_set_epi64x((long long)(key >> 32), (long long)(uint32_t)key));
    __m512i c = _mm512_mask_add_epi64(words, 0x55, words,
                                      _mm512_set1_epi64((long long)block));

#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        const __m512i p = _mm512_shuffle_epi32(_mm512_mul_epu32(c, factors),
                                               (_MM_PERM_ENUM)0x1b);

        c = _mm512_xor_si512(_mm512_xor_si512(p, keys),
                             _mm512_srli_epi64(c, 32));
        keys = _mm512_add_epi32(keys, weyl);
    }
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srli_epi32(c, 8)),
                         _mm512_set1_ps(0x1p-24f));
}

/* |a| with the sign of s. */
static inline lanes lanes_sign(lanes a, lanes s)
{
    const __m512 bit = _mm512_castsi512_ps(_mm512_set1_epi32(INT32_MIN));

    return _mm512_or_ps(a, _mm512_and_ps(s, bit));
}

/* Sixteen integral values as bytes, m of them stored. */
static inline void lanes_store_int8(int8_t *p, lanes a, int m)
{
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a));

    if (m == 16)
        _mm_storeu_si128((__m128i *)(void *)p, bytes);
    else
        _mm_mask_storeu_epi8(p, lanes_first(m), bytes);
}

#endif
