#include "kernels/kernels.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernels/fillers.h"

static const char *const isa_names[ISA_COUNT] = { "ref", "avx2", "avx512" };

/* Narrowest first: the widest permitted set overwrites its entries last. */
static void (*const fillers[ISA_COUNT])(struct kernels *kn) = {
    [ISA_REF] = kernels_fill_ref,
#ifdef KERNELS_X86
    [ISA_AVX2] = kernels_fill_avx2,
    [ISA_AVX512] = kernels_fill_avx512,
#endif
};

enum kernels_isa kernels_cpu(void)
{
#ifdef KERNELS_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return ISA_REF;
    if (!__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return ISA_AVX2;
    return ISA_AVX512;
#else
    return ISA_REF;
#endif
}

/* Columns in panels of 32 and fours of k, in floats, or in 16 bits with two
 * more words for each segment of four. */
size_t kernels_packed_bytes(int n, int k)
{
    const size_t across = ((size_t)n + 31) / 32 * 32;
    const size_t along = ((size_t)k + 63) / 64 * 64;

    return across * along * 4;
}

size_t kernels_attention_work(int seq, int head_size)
{
    const size_t pad = ATTENTION_PAD;
    const size_t t = ((size_t)seq + pad - 1) / pad * pad;
    const size_t h = ((size_t)head_size + pad - 1) / pad * pad;

    return sizeof(real) *
           (4 * t * h + 2 * ATTENTION_BLOCK * (t + STRIP_PAD + h));
}

#ifdef KERNELS_X86
/* Does this CPU add the pairs of a bf16 product in the order, and with the
 * roundings, of the f32 product?  Zen 4 does and Intel's manual says so; where
 * one does not, bits would differ, so it is tried: eight bits of significand
 * over twelve octaves, sums of which round at almost every step. */
static bool bf16_adds_in_order(const struct kernels *kn)
{
    enum { M = 2, N = 32, K = 64 };
    float a[M * K], b[N * K], want[M * N], got[M * N];
    struct gemm g = { .a = a,
                      .b = b,
                      .c = want,
                      .m = M,
                      .n = N,
                      .k = K,
                      .lda = K,
                      .ldb = K,
                      .ldc = N };
    uint32_t x = 1;

    for (int i = 0; i < (M + N) * K; i++) {
        float *to = i < M * K ? &a[i] : &b[i - M * K];

        x = x * 1664525 + 1013904223;
        *to = ldexpf((float)(128 + (x >> 25)), (int)(x >> 16 & 15) % 12 - 12) *
              (x >> 24 & 1 ? -1 : 1);
    }
    g.work = mem_alloc(GEMM_WORK);
    kn->gemm_nt(&g);
    g.c = got;
    kn->bf16_nt(&g);
    free(g.work);
    return memcmp(want, got, sizeof want) == 0;
}
#endif

/* The tables are filled once and constant from then on. */
static struct kernels tables[ISA_COUNT];

/* Only what this CPU has: a filler is built with the flags of its set, so the
 * call itself may not run elsewhere. */
static void fill_tables(void)
{
    for (int isa = 0; isa <= (int)kernels_cpu(); isa++)
        for (int k = 0; k <= isa; k++)
            if (fillers[k])
                fillers[k](&tables[isa]);
#ifdef KERNELS_X86
    if (kernels_cpu() == ISA_AVX512 && __builtin_cpu_supports("avx512vnni"))
        kernels_fill_vnni(&tables[ISA_AVX512]);
    if (kernels_cpu() == ISA_AVX512 && __builtin_cpu_supports("avx512bf16")) {
        struct kernels with = tables[ISA_AVX512];

        kernels_fill_bf16(&with);
        if (bf16_adds_in_order(&with))
            tables[ISA_AVX512] = with;
    }
#endif
}

enum status kernels_select(const struct kernels **out, const char *cap,
                           struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const enum kernels_isa cpu = kernels_cpu();
    int isa = 0;
    const char *near;

    pthread_once(&once, fill_tables);
    *out = &tables[cpu];
    if (!cap || !*cap)
        return OK;
    while (isa < ISA_COUNT && strcmp(isa_names[isa], cap) != 0)
        isa++;
    if (isa == ISA_COUNT) {
        near = text_nearest(cap, isa_names, ISA_COUNT);
        return err_set(err, ERR_USAGE,
                       "QLAW_ISA: '%.40s' is not ref, avx2 or avx512%s%s%s",
                       cap, near ? "; did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
    }
    if (isa > (int)cpu)
        return err_set(err, ERR_TOOL,
                       "QLAW_ISA: this CPU has no %s (its widest set is %s)",
                       cap, isa_names[cpu]);
    *out = &tables[isa];
    return OK;
}
