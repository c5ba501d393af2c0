#include "harness/bench/bench.h"

#include <stdlib.h>
#include <time.h>

#include "base/order.h"
#include "base/rng.h"
#include "base/str.h"

#define ROUNDS 7
#define MIN_S  0.02 /* shortest time that is measured */

double bench_cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, order_doubles);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static real *noise(size_t n, uint64_t key)
{
    real *x = mem_array(n, sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_f32(key, i) - (real)0.5;
    return x;
}

/* --- timing ------------------------------------------------------------ */

typedef void work_function(void *ctx);

static double time_calls(work_function *work, void *ctx, int calls)
{
    const double start = bench_cpu_s();

    for (int k = 0; k < calls; k++)
        work(ctx);
    return bench_cpu_s() - start;
}

/* As many calls as take MIN_S. */
static int enough_calls(work_function *work, void *ctx)
{
    int calls = 1;

    while (time_calls(work, ctx, calls) < MIN_S && calls < 1 << 20)
        calls *= 2;
    return calls;
}

/* Best time of one call of work(ctx). */
static double best_time(work_function *work, void *ctx)
{
    const int calls = enough_calls(work, ctx);
    double best = 1e30;

    for (int i = 0; i < ROUNDS; i++) {
        const double took = time_calls(work, ctx, calls) / calls;

        best = took < best ? took : best;
    }
    return best;
}

/* Median times of n works in turn, and how many times faster than the first
 * each is, as the median over the rounds. */
#define MAX_WORKS 4

static void compare(double s[MAX_WORKS], double faster[MAX_WORKS],
                    work_function *const *works, void *ctx, int n)
{
    double took[MAX_WORKS][ROUNDS], ratio[MAX_WORKS][ROUNDS];
    int calls[MAX_WORKS];

    for (int w = 0; w < n; w++)
        calls[w] = enough_calls(works[w], ctx);
    for (int i = 0; i < ROUNDS; i++)
        for (int w = 0; w < n; w++) {
            took[w][i] = time_calls(works[w], ctx, calls[w]) / calls[w];
            ratio[w][i] = took[0][i] / took[w][i];
        }
    for (int w = 0; w < n; w++) {
        s[w] = bench_median(took[w], ROUNDS);
        faster[w] = bench_median(ratio[w], ROUNDS);
    }
}

/* --- peaks ------------------------------------------------------------- */

struct peak_work {
    const struct kernels *kn;
    real sink;
    int32_t sink8;
    double flops;
};

#define BURST_ROUNDS 100000

static void run_peak(void *ctx)
{
    struct peak_work *w = ctx;

    w->flops = w->kn->burst(&w->sink, BURST_ROUNDS);
}

static void run_peak_int8(void *ctx)
{
    struct peak_work *w = ctx;

    w->flops = w->kn->burst_int8(&w->sink8, BURST_ROUNDS);
}

double bench_peak(const struct kernels *kn)
{
    struct peak_work w = { .kn = kn };
    const double s = best_time(run_peak, &w);

    return w.flops / s * 1e-9;
}

double bench_peak_int8(const struct kernels *kn)
{
    struct peak_work w = { .kn = kn };
    const double s = best_time(run_peak_int8, &w);

    return w.flops / s * 1e-9;
}

/* --- products ---------------------------------------------------------- */

struct gemm_work {
    struct gemm g;
    void (*run)(const struct gemm *g);
};

static void run_gemm(void *ctx)
{
    struct gemm_work *w = ctx;

    w->run(&w->g);
}

double bench_gemm(const struct kernels *kn, int orientation, int m, int n,
                  int k)
{
    real *a = noise((size_t)m * (size_t)k, 1);
    real *b = noise((size_t)n * (size_t)k, 2);
    real *c = mem_array((size_t)m * (size_t)n, sizeof *c);
    void *work = aligned_alloc(64, GEMM_WORK);
    struct gemm_work w = {
        .g = { .c = c,
               .a = a,
               .b = b,
               .ldc = n,
               .lda = orientation == 2 ? m : k,
               .ldb = orientation == 0 ? k : n,
               .m = m,
               .n = n,
               .k = k,
               .work = work },
        .run = orientation == 0   ? kn->gemm_nt
               : orientation == 1 ? kn->gemm_nn
                                  : kn->gemm_tn,
    };
    const double s = best_time(run_gemm, &w);

    free(a);
    free(b);
    free(c);
    free(work);
    return 2.0 * m * n * k / s * 1e-9;
}

/* --- the quantizer ----------------------------------------------------- */

struct quant_work {
    const struct kernels *kn;
    const struct quant_spec *spec;
    struct quant_io out;
    const real *x;
    int rows, cols;
    enum quant_axis axis;
    void *work;
};

static void run_quant(void *ctx)
{
    struct quant_work *w = ctx;

    w->kn->quant_apply(w->spec, &w->out, w->x, w->rows, w->cols, w->axis, 1,
                       w->work);
}

double bench_quant(const struct kernels *kn, const struct quant_spec *spec,
                   int rows, int cols, enum quant_axis axis)
{
    const size_t n = (size_t)rows * (size_t)cols;
    real *x = noise(n, 3), *y = mem_array(n, sizeof *y);
    struct quant_work w = {
        .kn = kn,
        .spec = spec,
        .out = { .value = y },
        .x = x,
        .rows = rows,
        .cols = cols,
        .axis = axis,
        .work = mem_alloc(quant_work_size(spec, rows, cols, axis)),
    };
    const double s = best_time(run_quant, &w);

    free(x);
    free(y);
    free(w.work);
    return s / (double)n * 1e9;
}

/* --- integer products -------------------------------------------------- */

struct int_work {
    struct gemm_work f32;
    struct quant_work x, w;
    struct igemm g;
    real *x_copy, *w_copy;
};

static void run_f32(void *ctx)
{
    run_gemm(&((struct int_work *)ctx)->f32);
}

static void run_int(void *ctx)
{
    struct int_work *w = ctx;

    w->x.kn->igemm_nt(&w->g);
}

static void run_all(void *ctx)
{
    struct int_work *w = ctx;

    run_quant(&w->x);
    run_quant(&w->w);
    run_int(w);
}

static void run_copies(void *ctx)
{
    struct int_work w = *(struct int_work *)ctx;

    w.x.out.value = w.x_copy;
    w.w.out.value = w.w_copy;
    run_all(&w);
}

/* x[rows, k] with its codes and scales. */
static struct quant_work codes_of(const struct kernels *kn,
                                  const struct quant_spec *spec, int rows,
                                  int k, uint64_t key)
{
    const size_t n = (size_t)rows * (size_t)k;
    struct quant_work w = {
        .kn = kn,
        .spec = spec,
        .x = noise(n, key),
        .rows = rows,
        .cols = k,
        .axis = QUANT_ALONG_COLS,
        .work = mem_alloc(quant_work_size(spec, rows, k, QUANT_ALONG_COLS)),
        .out = { .scale = mem_array(
                     (size_t)quant_parts(spec, rows, k, QUANT_ALONG_COLS),
                     sizeof(real)),
                 .code = mem_alloc(n) },
    };

    run_quant(&w);
    return w;
}

static void codes_free(struct quant_work *w)
{
    free((real *)w->x);
    free(w->out.scale);
    free(w->out.code);
    free(w->work);
}

struct bench_int bench_int(const struct kernels *kn,
                           const struct quant_spec *spec, int m, int n, int k)
{
    work_function *const works[MAX_WORKS] = { run_f32, run_int, run_all,
                                              run_copies };
    const int seg = quant_part_length(spec, k);
    const double flops = 2.0 * m * n * k;
    void *work = aligned_alloc(64, GEMM_WORK);
    struct int_work w = { .x = codes_of(kn, spec, m, k, 1),
                          .w = codes_of(kn, spec, n, k, 2),
                          .x_copy = noise((size_t)m * (size_t)k, 1),
                          .w_copy = noise((size_t)n * (size_t)k, 2) };
    real *c = mem_array((size_t)m * (size_t)n, sizeof *c);
    double s[MAX_WORKS], faster[MAX_WORKS];

    w.f32 = (struct gemm_work){
        .g = { .c = c,
               .a = w.x.x,
               .b = w.w.x,
               .ldc = n,
               .lda = k,
               .ldb = k,
               .m = m,
               .n = n,
               .k = k,
               .work = work },
        .run = kn->gemm_nt,
    };
    w.g = (struct igemm){
        .c = c,
        .x = w.x.out.code,
        .w = w.w.out.code,
        .sx = w.x.out.scale,
        .sw = w.w.out.scale,
        .x_parts = k / seg,
        .w_parts = k / seg,
        .unit = 1,
        .ldc = n,
        .m = m,
        .n = n,
        .k = k,
        .seg = seg,
        .work = work,
    };
    compare(s, faster, works, &w, MAX_WORKS);
    codes_free(&w.x);
    codes_free(&w.w);
    free(w.x_copy);
    free(w.w_copy);
    free(c);
    free(work);
    return (struct bench_int){ .f32_gflops = flops / s[0] * 1e-9,
                               .gops = flops / s[1] * 1e-9,
                               .all_in = faster[2],
                               .all_copies = faster[3] };
}
