/* lanes_avx2.h - sixteen lanes in two 256-bit registers; see lanes_ref.h. */
#ifndef KERNELS_LANES_AVX2_H
#define KERNELS_LANES_AVX2_H

#include "kernels/real.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    __m256 lo, hi;
} lanes;

#define LANES_BURST 6 /* 12 of 16 registers */

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
    return (
        lanes){ _mm256_and_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_NLT_UQ), x.lo),
                _mm256_and_ps(_mm256_cmp_ps(a.hi, b.hi, _CMP_NLT_UQ), x.hi) };
}

static inline __m256 lanes_pow2_half(__m256 n)
{
    const __m256i field =
        _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));

    return _mm256_castsi256_ps(_mm256_slli_epi32(field, 23));
}

static inline lanes lanes_scale2(lanes a, lanes n)
{
    return (lanes){ _mm256_mul_ps(a.lo, lanes_pow2_half(n.lo)),
                    _mm256_mul_ps(a.hi, lanes_pow2_half(n.hi)) };
}

/* An 8 x 8 block: pairs and quarters within 128 bits, then the halves. */
static inline void lanes_transpose_block(__m256 r[8])
{
    __m256 t[8];

#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x20);
        t[4 + i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = t[i];
}

/* Rows become columns: out[i] lane j = in[j] lane i. */
static inline void lanes_transpose(lanes r[16])
{
    __m256 block[4][8];

    for (int i = 0; i < 8; i++) {
        block[0][i] = r[i].lo;
        block[1][i] = r[i].hi;
        block[2][i] = r[8 + i].lo;
        block[3][i] = r[8 + i].hi;
    }
    for (int b = 0; b < 4; b++)
        lanes_transpose_block(block[b]);
    for (int i = 0; i < 8; i++) {
        r[i] = (lanes){ block[0][i], block[2][i] };
        r[8 + i] = (lanes){ block[1][i], block[3][i] };
    }
}

static inline float lanes_sum(lanes a)
{
    const __m256 h8 = _mm256_add_ps(a.lo, a.hi);
    const __m128 h4 =
        _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline float lanes_hmax(lanes a)
{
    const __m256 h8 = _mm256_max_ps(a.lo, a.hi);
    const __m128 h4 =
        _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
    const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));

    return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}

static inline lanes lanes_abs(lanes a)
{
    const __m256 bits = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));

    return (lanes){ _mm256_and_ps(a.lo, bits), _mm256_and_ps(a.hi, bits) };
}

/* clang-format off */
#define LANES_ROUND(a, mode)                                                  \
    (lanes){ _mm256_round_ps((a).lo, (mode) | _MM_FROUND_NO_EXC),             \
             _mm256_round_ps((a).hi, (mode) | _MM_FROUND_NO_EXC) }
/* clang-format on */

/* The larger by bits: of numbers that are not negative, and NaN is largest. */
static inline __m256 half_max_bits(__m256 a, __m256 b)
{
    return _mm256_castsi256_ps(
        _mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}

static inline lanes lanes_max_bits(lanes a, lanes b)
{
    return (lanes){ half_max_bits(a.lo, b.lo), half_max_bits(a.hi, b.hi) };
}

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

static inline __m256 lanes_inverse2_half(__m256 a)
{
    return _mm256_castsi256_ps(
        _mm256_sub_epi32(_mm256_set1_epi32(254 << 23), _mm256_castps_si256(a)));
}

/* 1 / a for a power of two below 2^127. */
static inline lanes lanes_inverse2(lanes a)
{
    return (lanes){ lanes_inverse2_half(a.lo), lanes_inverse2_half(a.hi) };
}

static inline lanes lanes_with_bit(lanes a, uint32_t bit)
{
    const __m256 b = _mm256_castsi256_ps(_mm256_set1_epi32((int32_t)bit));

    return (lanes){ _mm256_or_ps(a.lo, b), _mm256_or_ps(a.hi, b) };
}

/* clang-format off */
#define LANES_MASK(a, b, relation)                                            \
    (_mm256_movemask_ps(_mm256_cmp_ps((a).lo, (b).lo, relation)) |            \
     _mm256_movemask_ps(_mm256_cmp_ps((a).hi, (b).hi, relation)) << 8)
/* clang-format on */

static inline int lanes_any_eq(lanes a, lanes b)
{
    return LANES_MASK(a, b, _CMP_EQ_OQ) != 0;
}

static inline int lanes_any_lt(lanes a, lanes b)
{
    return LANES_MASK(a, b, _CMP_LT_OQ) != 0;
}

static inline int lanes_count_lt(lanes a, lanes b)
{
    return __builtin_popcount((unsigned)LANES_MASK(a, b, _CMP_LT_OQ));
}

/* to[i] = a < b, for the first n lanes. */
static inline void lanes_flag_lt(uint8_t *to, lanes a, lanes b, int n)
{
    const __m256i lo =
        _mm256_castps_si256(_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ));
    const __m256i hi =
        _mm256_castps_si256(_mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ));
    /* 16-bit flags in the order lo 0-3, hi 0-3, lo 4-7, hi 4-7. */
    const __m256i mixed =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8);
    const __m128i flags =
        _mm_and_si128(_mm_packs_epi16(_mm256_castsi256_si128(mixed),
                                      _mm256_extracti128_si256(mixed, 1)),
                      _mm_set1_epi8(1));
    uint8_t all[16];

    if (n == 16) {
        _mm_storeu_si128((__m128i *)to, flags);
        return;
    }
    _mm_storeu_si128((__m128i *)all, flags);
    for (int i = 0; i < n; i++)
        to[i] = all[i];
}

static inline __m256 lanes_near_max_half(__m256 a, int group)
{
    if (group > 1)
        a = _mm256_max_ps(a, _mm256_permute_ps(a, 0xb1));
    if (group > 2)
        a = _mm256_max_ps(a, _mm256_permute_ps(a, 0x4e));
    if (group > 4)
        a = _mm256_max_ps(a, _mm256_permute2f128_ps(a, a, 1));
    return a;
}

/* Each lane the largest of its group of 1, 2, 4 or 8 neighbours. */
static inline lanes lanes_near_max(lanes a, int group)
{
    return (lanes){ lanes_near_max_half(a.lo, group),
                    lanes_near_max_half(a.hi, group) };
}

/* Two blocks of the generator, one in each 128 bits. */
static inline __m256 lanes_uniform_half(uint64_t key, uint64_t block)
{
    const __m256i factors =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0xCD9E8D57, 0xD2511F53));
    const __m256i weyl =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0xBB67AE85, 0x9E3779B9));
    __m256i keys = _mm256_broadcastsi128_si256(
        _mm_set_epi64x((long long)(key >> 32), (long long)(uint32_t)key));
    __m256i c =
        _mm256_set_epi64x(0, (long long)(block + 1), 0, (long long)block);

#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        const __m256i p =
            _mm256_shuffle_epi32(_mm256_mul_epu32(c, factors), 0x1b);

        c = _mm256_xor_si256(_mm256_xor_si256(p, keys),
                             _mm256_srli_epi64(c, 32));
        keys = _mm256_add_epi32(keys, weyl);
    }
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(c, 8)),
                         _mm256_set1_ps(0x1p-24f));
}

/* Blocks block .. block+3 of the generator of base/rng.h (Philox4x32-10) as
 * the uniforms rng_f32 makes of them. */
static inline lanes lanes_uniform(uint64_t key, uint64_t block)
{
    return (lanes){ lanes_uniform_half(key, block),
                    lanes_uniform_half(key, block + 2) };
}

/* |a| with the sign of s. */
static inline lanes lanes_sign(lanes a, lanes s)
{
    const __m256 bit = _mm256_castsi256_ps(_mm256_set1_epi32(INT32_MIN));

    return (lanes){ _mm256_or_ps(a.lo, _mm256_and_ps(s.lo, bit)),
                    _mm256_or_ps(a.hi, _mm256_and_ps(s.hi, bit)) };
}

/* Sixteen integral values as bytes, m of them stored. */
static inline void lanes_store_int8(int8_t *p, lanes a, int m)
{
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)),
        0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words),
                                          _mm256_extracti128_si256(words, 1));

    if (m == 16)
        _mm_storeu_si128((__m128i *)(void *)p, bytes);
    else {
        int8_t all[16];

        _mm_storeu_si128((__m128i *)(void *)all, bytes);
        memcpy(p, all, (size_t)m);
    }
}

#endif
