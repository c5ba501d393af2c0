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
#include "kernels/body_quant.h"

/* Four signed products by way of 16 bits, where they and their pairwise sums
 * are exact. */
typedef struct {
    __m256i lo, hi;
} ivec;

static inline ivec ivec_start(const int32_t *start)
{
    (void)start; /* nothing is biased */
    return (ivec){ _mm256_setzero_si256(), _mm256_setzero_si256() };
}

static inline void ivec_bias_sum(int32_t *start, const int8_t *w, int n,
                                 ptrdiff_t stride)
{
    (void)start;
    (void)w;
    (void)n;
    (void)stride;
}

/* Eight lanes: 32 bytes of w times the four of x4 in each lane. */
static inline __m256i dot_half(__m256i sum, const int8_t *w, __m256i x)
{
    const __m256i first =
        _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w));
    const __m256i second = _mm256_cvtepi8_epi16(
        _mm_loadu_si128((const __m128i *)(const void *)(w + 16)));
    /* each lane's two pair sums lie side by side */
    const __m256i pairs = _mm256_hadd_epi32(_mm256_madd_epi16(first, x),
                                            _mm256_madd_epi16(second, x));

    return _mm256_add_epi32(sum, _mm256_permute4x64_epi64(pairs, 0xd8));
}

static inline ivec ivec_dot(ivec sum, const int8_t *w, int32_t x4)
{
    const __m256i x =
        _mm256_cvtepi8_epi16(_mm_set1_epi32(x4)); /* x4 four times over */

    return (ivec){ dot_half(sum.lo, w, x), dot_half(sum.hi, w + 32, x) };
}

static inline lanes ivec_float(ivec sum)
{
    return (lanes){ _mm256_cvtepi32_ps(sum.lo), _mm256_cvtepi32_ps(sum.hi) };
}

#define IGEMM_BIAS 0
#define I_ROWS     4
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
