/* kernels_vnni.c - integer products on AVX-512 with VNNI; the rest of that set
 * is kernels_avx512.c. */
#if !defined(__AVX512VNNI__)
#error "kernels_vnni.c must be compiled with -mavx512vnni ..."
#endif

#include "kernels/fillers.h"

#include <string.h>

#include "kernels/lanes_avx512.h"

typedef __m512i ivec;
typedef int8_t icode;

static inline void ivec_pack(int8_t *to, lanes fours)
{
    lanes_store((float *)(void *)to, fours);
}

static inline ivec ivec_start(const int32_t *start)
{
    return _mm512_loadu_si512(start);
}

/* vpdpbusd: unsigned bytes of x (biased by 128) times signed bytes of w. */
static inline ivec ivec_dot(ivec sum, const int8_t *w, const int8_t *x)
{
    int32_t x4;
    __m512i four, codes = _mm512_loadu_si512(w);

    memcpy(&x4, x, sizeof x4);
    four = _mm512_set1_epi32(x4);
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(four), "v"(codes));
    return sum;
}

/* -128 times the sum of n fours in each lane, stride bytes apart. */
static inline void ivec_bias_sum(int32_t *start, const int8_t *w, int n,
                                 ptrdiff_t stride)
{
    const int8_t ones[4] = { 1, 1, 1, 1 };
    ivec sum = _mm512_setzero_si512();

    for (int i = 0; i < n; i++, w += stride)
        sum = ivec_dot(sum, w, ones);
    _mm512_storeu_si512(start, _mm512_sub_epi32(_mm512_setzero_si512(),
                                                _mm512_slli_epi32(sum, 7)));
}

static inline lanes ivec_float(ivec sum)
{
    return _mm512_cvtepi32_ps(sum);
}

#define IGEMM_BIAS 128
#define I_ROWS     6
#define I_VECS     2
#include "kernels/body_igemm.h"

void kernels_fill_vnni(struct kernels *kn)
{
    fill_igemm(kn);
}
