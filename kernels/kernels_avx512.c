/* kernels_avx512.c - the loops of kernels_ref.c on AVX-512 (F, BW, VL, DQ). */
#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
#error "kernels_avx512.c must be compiled with -mavx512f -mavx512dq ..."
#endif

#include "kernels/fillers.h"

#include "kernels/lanes_avx512.h"

#define KERNELS_LANES 1
#include "kernels/body_rows.h"

#define TILE_ROWS 8
#define TILE_VECS 2
#define TILE_COPY 1000 /* never: a copy costs 1 % here */
#include "kernels/body_gemm.h"

#include "kernels/body_attention.h"
#include "kernels/quant/body_quant.h"

void kernels_fill_avx512(struct kernels *kn)
{
    fill_rows(kn);
    fill_gemm(kn);
    fill_attention(kn);
    fill_quant(kn);
    kn->name = "avx512";
    kn->isa = ISA_AVX512;
}
