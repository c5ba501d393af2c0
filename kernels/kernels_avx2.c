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
#include "kernels/body_gemm.h"

#include "kernels/body_attention.h"
#include "kernels/body_quant.h"

void kernels_fill_avx2(struct kernels *kn)
{
    fill_rows(kn);
    fill_gemm(kn);
    fill_attention(kn);
    fill_quant(kn);
    kn->name = "avx2";
    kn->isa = ISA_AVX2;
}
