/* kernels_avx2.c - the loops of kernels_ref.c on AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "kernels_avx2.c must be compiled with -mavx2 -mfma"
#endif

#include "kernels/fillers.h"

#include "kernels/lanes_avx2.h"

#define KERNELS_LANES 1
#include "kernels/body_rows.h"

#define TILE_ROWS 6
#define TILE_VECS 1
#define TILE_COPY 8
#include "kernels/body_gemm.h"

#include "kernels/body_attention.h"
#include "kernels/quant/body_quant.h"

/* Codes are packed as 16 bits, the first two of a four in sixteen columns
 * before the other two, so that vpmaddwd adds two exact products to a lane. */
typedef struct {
    __m256i lo, hi;
} ivec;
typedef int16_t icode;

static inline void pack_half(int16_t *to, __m256i fours)
{
    const __m256i low = _mm256_set1_epi32(0xffff);

    for (int pair = 0; pair < 2; pair++) {
        const __m256i at = pair ? fours : _mm256_slli_epi32(fours, 16);
        const __m256i first = _mm256_srai_epi32(_mm256_slli_epi32(at, 8), 24);
        const __m256i second = _mm256_srai_epi32(at, 24);

        _mm256_storeu_si256((__m256i *)(void *)(to + 32 * pair),
                            _mm256_or_si256(_mm256_and_si256(first, low),
                                            _mm256_slli_epi32(second, 16)));
    }
}

static inline void ivec_pack(int16_t *to, lanes fours)
{
    pack_half(to, _mm256_castps_si256(fours.lo));
    pack_half(to + 16, _mm256_castps_si256(fours.hi));
}

static inline ivec ivec_start(const int32_t *start)
{
    (void)start; /* nothing is biased */
    return (ivec){ _mm256_setzero_si256(), _mm256_setzero_si256() };
}

static inline void ivec_bias_sum(int32_t *start, const int16_t *w, int n,
                                 ptrdiff_t stride)
{
    (void)start;
    (void)w;
    (void)n;
    (void)stride;
}

static inline __m256i dot_pair(__m256i sum, const int16_t *w, __m256i x)
{
    const __m256i codes = _mm256_loadu_si256((const __m256i *)(const void *)w);

    return _mm256_add_epi32(sum, _mm256_madd_epi16(codes, x));
}

static inline ivec ivec_dot(ivec sum, const int16_t *w, const int16_t *x)
{
    for (int i = 0; i < 2; i++, w += 32, x += 2) {
        int32_t pair;
        __m256i xs;

        memcpy(&pair, x, sizeof pair);
        xs = _mm256_set1_epi32(pair);
        sum.lo = dot_pair(sum.lo, w, xs);
        sum.hi = dot_pair(sum.hi, w + 16, xs);
    }
    return sum;
}

static inline lanes ivec_float(ivec sum)
{
    return (lanes){ _mm256_cvtepi32_ps(sum.lo), _mm256_cvtepi32_ps(sum.hi) };
}

#define IGEMM_BIAS 0
#define I_ROWS     3
#define I_VECS     1
#include "kernels/body_igemm.h"

void kernels_fill_avx2(struct kernels *kn)
{
    fill_rows(kn);
    fill_gemm(kn);
    fill_attention(kn);
    fill_quant(kn);
    fill_igemm(kn);
    kn->name = "avx2";
    kn->isa = ISA_AVX2;
}
