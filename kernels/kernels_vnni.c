/* kernels_vnni.c - integer products on AVX-512 with VNNI; the rest of that set
 * is kernels_avx512.c. */
#if !defined(__AVX512VNNI__)
#error "kernels_vnni.c must be compiled with -mavx512vnni ..."
#endif

#include "kernels/fillers.h"

#include <string.h>

#include "kernels/lanes_avx512.h"

typedef __m512i ivec;

static inline ivec ivec_start(int32_t start)
{
    return _mm512_set1_epi32(start);
}

/* vpdpbusd: unsigned bytes of w (biased by 128) times signed bytes of x. */
static inline ivec ivec_dot(ivec sum, const uint8_t *w, int32_t x4)
{
    return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(w),
                               _mm512_set1_epi32(x4));
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
