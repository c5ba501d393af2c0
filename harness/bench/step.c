#include "harness/bench/step.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "harness/bench/bench.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"
#include "trainer/size.h"

struct trained {
    struct model *model;
    struct optimizer optimizer;
    int *tokens;
    int64_t step;
};

static enum status trained_init(struct trained *t, const struct config *c,
                                const struct kernels *kn, int threads,
                                struct err *err)
{
    const enum status st = model_new(&t->model, c, kn, 1, threads, err);

    if (st != OK)
        return st;
    t->optimizer = optimizer_of(c);
    t->tokens = mem_array(2 * (size_t)t->model->dims.bt, sizeof *t->tokens);
    for (int i = 0; i < 2 * t->model->dims.bt; i++)
        t->tokens[i] =
            (int)rng_below(7, (uint64_t)i, (uint64_t)t->model->dims.vocab);
    return OK;
}

static void trained_release(struct trained *t)
{
    model_free(t->model);
    free(t->tokens);
}

static enum status train_step(struct trained *t, struct err *err)
{
    struct model *m = t->model;
    double loss;

    if (!model_step(m, &loss, t->tokens, t->tokens + m->dims.bt, 1, t->step))
        return err_set(err, ERR_DIVERGED, "%s", m->work.bad);
    optimizer_update(m, &t->optimizer, 1e-3, optimizer_grad_norm(m), ++t->step);
    return OK;
}

/* --- what a step must keep --------------------------------------------- */

/* Weights, gradients and two moments; inputs of the products and norms, what
 * attention and SwiGLU need, the gradient stream, and one chunk of logits. */
static int64_t least_bytes(const struct model *m)
{
    const struct model_dims *s = &m->dims;
    const int64_t block = 6 * s->d /* x h1 att mid h2, and q */ + 2 * s->kvd +
                          3 * s->f + 2 * s->n_head + 2;
    const int64_t rest = 2 * s->d                     /* out h_f */
                         + 2 * s->d + 2 * s->f + s->f /* in flight */
                         + s->vocab * (int64_t)m->chunk / s->bt;

    return 16 * (int64_t)m->tensors.values +
           4 * (int64_t)s->bt * (s->n_layer * block + rest);
}

/* --- in turn ----------------------------------------------------------- */

static void measure(struct bench_step *out, double *took, double *ratio,
                    int rounds, const struct config *c, const struct trained *t)
{
    out->tok_per_s = t->model->dims.bt / bench_median(took, rounds);
    out->gflops = config_size(c).flops_per_token * out->tok_per_s * 1e-9;
    out->time_ratio = bench_median(ratio, rounds);
    out->memory_bytes = (int64_t)t->model->arena_bytes;
    out->least_bytes = least_bytes(t->model);
}

enum status bench_steps(struct bench_step *out, struct config *const *c, int n,
                        const struct kernels *kn, int rounds, struct err *err)
{
    struct trained t[BENCH_STEPS] = { 0 };
    double *took = mem_array((size_t)(n * rounds), sizeof *took);
    double *ratio = mem_array((size_t)(n * rounds), sizeof *ratio);
    enum status st = OK;

    for (int k = 0; k < n && st == OK; k++)
        st = trained_init(&t[k], c[k], kn, (int)config_run_threads(c[k]), err);
    for (int i = -1; st == OK && i < rounds; i++) /* the first warms up */
        for (int k = 0; k < n && st == OK; k++) {
            const double start = bench_cpu_s();

            st = train_step(&t[k], err);
            if (i < 0)
                continue;
            took[k * rounds + i] = bench_cpu_s() - start;
            ratio[k * rounds + i] = took[k * rounds + i] / took[i];
        }
    for (int k = 0; k < n && st == OK; k++)
        measure(&out[k], took + k * rounds, ratio + k * rounds, rounds, c[k],
                &t[k]);
    for (int k = 0; k < n; k++)
        trained_release(&t[k]);
    free(took);
    free(ratio);
    return st;
}

/* --- beside each other ------------------------------------------------- */

/* A child that trains for s seconds and writes how fast it was. */
static pid_t start_slot(double *tok_per_s, const struct config *c,
                        const struct kernels *kn, int threads, double s)
{
    const pid_t pid = fork();
    struct trained t = { 0 };
    struct err err;
    double start;
    int64_t tokens = 0;

    if (pid != 0)
        return pid;
    if (trained_init(&t, c, kn, threads, &err) != OK ||
        train_step(&t, &err) != OK)
        _exit(1);
    start = clock_monotonic();
    do {
        if (train_step(&t, &err) != OK)
            _exit(1);
        tokens += t.model->dims.bt;
    } while (clock_monotonic() - start < s);
    *tok_per_s = (double)tokens / (clock_monotonic() - start);
    _exit(0);
}

/* Tokens per second of `slots` runs together; 0 when one of them failed. */
static double run_slots(double *shared, const struct config *c,
                        const struct kernels *kn, int slots, int threads,
                        double s)
{
    pid_t pid[2];
    double sum = 0;
    bool good = true;

    for (int i = 0; i < slots; i++)
        pid[i] = start_slot(&shared[i], c, kn, threads, s);
    for (int i = 0; i < slots; i++) {
        int status = 1;

        if (pid[i] < 0 || waitpid(pid[i], &status, 0) < 0 || status != 0)
            good = false;
        sum += shared[i];
    }
    return good ? sum : 0;
}

enum status bench_slots(struct bench_slots *out, const struct config *c,
                        const struct kernels *kn, int rounds, double s,
                        struct err *err)
{
    double *shared = mmap(NULL, 2 * sizeof *shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double *x = mem_array(5 * (size_t)rounds, sizeof *x);
    bool good = shared != MAP_FAILED;

    for (int i = 0; i < rounds && good; i++) {
        const double one = run_slots(shared, c, kn, 1, 1, s);
        const double slots = run_slots(shared, c, kn, 2, 1, s);
        const double threads = run_slots(shared, c, kn, 1, 2, s);

        good = one > 0 && slots > 0 && threads > 0;
        x[i] = one;
        x[rounds + i] = slots;
        x[2 * rounds + i] = threads;
        x[3 * rounds + i] = slots / one;
        x[4 * rounds + i] = threads / one;
    }
    if (good)
        *out = (struct bench_slots){
            bench_median(x, rounds),
            bench_median(x + rounds, rounds),
            bench_median(x + 2 * rounds, rounds),
            bench_median(x + 3 * rounds, rounds),
            bench_median(x + 4 * rounds, rounds),
        };
    if (shared != MAP_FAILED)
        munmap(shared, 2 * sizeof *shared);
    free(x);
    return good ? OK : err_set(err, ERR_TOOL, "bench: a run beside failed");
}
