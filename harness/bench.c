#include "harness/bench.h"

#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "base/str.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"

#define ROUNDS  7
#define MIN_S   0.02 /* shortest time that is measured */

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_peak(const struct kernels *kn)
{
    real sink = 0;
    long rounds = 1000;
    double best = 0;

    for (int i = 0; i < ROUNDS;) {
        const double start = cpu_s();
        const double flops = kn->burst(&sink, rounds);
        const double took = cpu_s() - start;

        if (took < MIN_S) {
            rounds *= 4;
            continue;
        }
        best = flops / took > best ? flops / took : best;
        i++;
    }
    return best * 1e-9;
}

static real *noise(size_t n, uint64_t key)
{
    real *x = mem_array(n, sizeof *x);

    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_f32(key, i) - (real)0.5;
    return x;
}

/* Best time of one call of work(ctx), over ROUNDS of at least MIN_S each. */
static double best_time(void (*work)(void *ctx), void *ctx)
{
    double best = 1e30;
    int calls = 1;

    for (int i = 0; i < ROUNDS;) {
        const double start = cpu_s();
        double took;

        for (int k = 0; k < calls; k++)
            work(ctx);
        took = cpu_s() - start;
        if (took < MIN_S && calls < 1 << 20) {
            calls *= 2;
            continue;
        }
        best = took / calls < best ? took / calls : best;
        i++;
    }
    return best;
}

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
        .g = { .c = c, .a = a, .b = b, .ldc = n,
               .lda = orientation == 2 ? m : k,
               .ldb = orientation == 0 ? k : n, .m = m, .n = n, .k = k,
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

struct quant_work {
    const struct kernels *kn;
    const struct quant_spec *spec;
    struct quant_out out;
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
        .kn = kn, .spec = spec, .out = { .value = y }, .x = x, .rows = rows,
        .cols = cols, .axis = axis,
        .work = mem_alloc(quant_work_size(spec, rows, cols, axis)),
    };
    const double s = best_time(run_quant, &w);

    free(x);
    free(y);
    free(w.work);
    return s / (double)n * 1e9;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum status bench_step(struct bench_step *out, const struct config *c,
                       const struct kernels *kn, int rounds, struct err *err)
{
    const struct optimizer o = optimizer_of(c);
    struct model *m = NULL;
    enum status st = model_new(&m, c, kn, 1,
                               (int)config_int(c, "run.threads"), err);
    double *took = mem_array((size_t)rounds, sizeof *took), loss;
    int *tokens = NULL;

    if (st == OK)
        tokens = mem_array(2 * (size_t)m->dims.bt, sizeof *tokens);
    for (int i = 0; st == OK && i < 2 * m->dims.bt; i++)
        tokens[i] = (int)rng_below(7, (uint64_t)i, (uint64_t)m->dims.vocab);
    for (int i = -1; st == OK && i < rounds; i++) { /* the first warms up */
        const double start = cpu_s();

        if (!model_step(m, &loss, tokens, tokens + m->dims.bt, 1, i + 1))
            st = err_set(err, ERR_DIVERGED, "%s", m->work.bad);
        else
            optimizer_update(m, &o, 1e-3, optimizer_grad_norm(m), i + 1);
        if (i >= 0)
            took[i] = cpu_s() - start;
    }
    if (st == OK) {
        qsort(took, (size_t)rounds, sizeof *took, by_size);
        out->tok_per_s = m->dims.bt / took[rounds / 2];
        out->gflops =
            config_size(c).flops_per_token * out->tok_per_s * 1e-9;
        out->memory_bytes = (int64_t)m->arena_bytes;
    }
    model_free(m);
    free(tokens);
    free(took);
    return st;
}
