/* speed.c - seconds of a run, from a moment of training its model.
 *
 * Runs are put into classes by how many GEMM operands they quantize; in each
 * class the smallest, the middle and the largest model are trained for a
 * moment on made-up tokens, in as many processes at once as there will be
 * slots, because they share caches and memory.  Between the sizes that were
 * measured, FLOP/s are interpolated over the logarithm of FLOPs per token. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/plan/plan.h"
#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"
#include "trainer/size.h"

#define SAMPLE_S     0.12 /* of training in a sample, warmed up */
#define FORWARDS     3    /* passes timed in it */
#define SAMPLE_FLOPS 1e10 /* a step of more is tried on a smaller model */
#define SAMPLE_BYTES (1ll << 30)
#define MAX_CLASSES  (OPERAND_COUNT + 1)
#define SIZES        3

/* Seconds of one step and of one forward pass. */
struct timing {
    double step_s, forward_s;
    int ok;
};

struct sample {
    double size;          /* log of FLOPs per token */
    double flops_s;       /* training */
    double forward_share; /* of a step's time */
};

struct speed_class {
    struct sample samples[SIZES];
    int n;
};

/* --- one sample ---------------------------------------------------------- */

static void make_tokens(int *tokens, int *targets, int n, int vocab)
{
    for (int i = 0; i < n; i++) {
        tokens[i] = (int)((unsigned)i * 7919u % (unsigned)vocab);
        targets[i] = (int)((unsigned)i * 104729u % (unsigned)vocab);
    }
}

static bool one_step(struct model *m, const struct optimizer *o,
                     const int *tokens, const int *targets, int64_t step)
{
    double loss;

    if (!model_step(m, &loss, tokens, targets, 1, step))
        return false;
    optimizer_update(m, o, 1e-6, optimizer_grad_norm(m), step);
    return true;
}

static void time_model(struct timing *t, struct model *m,
                       const struct config *c)
{
    const struct optimizer o = optimizer_of(c);
    const int n = m->dims.bt;
    int *tokens = mem_array((size_t)n, sizeof *tokens);
    int *targets = mem_array((size_t)n, sizeof *targets);
    int64_t steps = 0;
    double start;

    make_tokens(tokens, targets, n, m->dims.vocab);
    t->ok = one_step(m, &o, tokens, targets, 0); /* touches the memory */
    start = clock_monotonic();
    do {
        t->ok = t->ok && one_step(m, &o, tokens, targets, ++steps);
        t->step_s = (clock_monotonic() - start) / (double)steps;
    } while (t->ok && t->step_s * (double)steps < SAMPLE_S);
    start = clock_monotonic();
    for (int i = 0; i < FORWARDS; i++)
        t->ok = t->ok && model_forward(m, tokens, targets);
    t->forward_s = (clock_monotonic() - start) / FORWARDS;
    free(tokens);
    free(targets);
}

/* The work of a child process: OpenMP does not survive a fork after use, so
 * the parent never trains. */
static void child(int fd, const struct config *c, const char *isa_cap)
{
    const struct kernels *kn;
    struct timing t = { 0 };
    struct model *m = NULL;

    if (kernels_select(&kn, isa_cap, NULL) == OK &&
        model_new(&m, c, kn, 1, (int)config_run_threads(c), NULL) == OK)
        time_model(&t, m, c);
    (void)!write(fd, &t, sizeof t);
    _exit(0);
}

/* The mean of slots children side by side: a grid takes as long as all of them
 * together, and the slowest of a moment is not the slowest of the next. */
static bool take_sample(struct timing *mean, const struct config *c, int slots,
                        const char *isa_cap)
{
    int fds[2], started = 0;
    struct timing t;

    *mean = (struct timing){ .ok = 1 };
    if (pipe(fds) != 0)
        return false;
    for (int i = 0; i < slots; i++) {
        const pid_t pid = fork();

        if (pid == 0) {
            close(fds[0]);
            child(fds[1], c, isa_cap);
        }
        started += pid > 0;
    }
    close(fds[1]);
    for (int i = 0; i < started; i++) {
        if (read(fds[0], &t, sizeof t) != (ssize_t)sizeof t || !t.ok)
            t = (struct timing){ 0 };
        mean->ok = mean->ok && t.ok;
        mean->step_s += t.step_s / started;
        mean->forward_s += t.forward_s / started;
    }
    close(fds[0]);
    while (started > 0 && (wait(NULL) > 0 || errno == EINTR))
        started--;
    return mean->ok && mean->step_s > 0;
}

/* --- classes ------------------------------------------------------------- */

static double size_of(const struct grid *g, int i)
{
    return log(g->points[i].size.flops_per_token);
}

/* The points of a class nearest to its smallest, middle and largest size;
 * returns how many differ. */
static int choose(int chosen[SIZES], const struct grid *g, int which)
{
    double lo = INFINITY, hi = -INFINITY;
    int n = 0;

    for (int i = 0; i < g->n_points; i++)
        if (g->points[i].operands == which) {
            lo = fmin(lo, size_of(g, i));
            hi = fmax(hi, size_of(g, i));
        }
    for (int k = 0; k < SIZES; k++) {
        const double want = lo + (hi - lo) * k / (SIZES - 1);
        int best = -1;

        for (int i = 0; i < g->n_points; i++)
            if (g->points[i].operands == which &&
                (best < 0 ||
                 fabs(size_of(g, i) - want) < fabs(size_of(g, best) - want)))
                best = i;
        if (best >= 0 &&
            (n == 0 || size_of(g, chosen[n - 1]) != size_of(g, best)))
            chosen[n++] = best;
    }
    return n;
}

static double step_flops(const struct model_size *s)
{
    return s->flops_per_token * (double)s->tokens / (double)s->steps;
}

static bool too_big(const struct model_size *s, int slots)
{
    return step_flops(s) > SAMPLE_FLOPS ||
           s->memory_bytes > SAMPLE_BYTES / slots;
}

/* The point's model, made smaller step by step while a step of it would take
 * seconds or the memory of the machine.  Takes over c and returns what the
 * caller frees. */
static struct config *stand_in(struct config *small, int slots)
{
    static const char *const smaller[][2] = {
        { "train.batch", "1" },     { "model.n_layer", "1" },
        { "model.seq_len", "128" }, { "model.vocab", "256" },
        { "model.n_kv_head", "0" }, { "model.d_ff", "0" },
        { "model.n_head", "8" },    { "model.d_model", "512" },
    };

    for (size_t i = 0; i < sizeof smaller / sizeof smaller[0]; i++) {
        const struct model_size size = config_size(small);
        struct config *next = config_copy(small);

        if (!too_big(&size, slots)) {
            config_free(next);
            break;
        }
        if (config_number(next, smaller[i][0]) > strtod(smaller[i][1], NULL))
            config_set(next, smaller[i][0], smaller[i][1], NULL);
        if (config_resolve(next, NULL) == OK) {
            config_free(small);
            small = next;
        } else {
            config_free(next);
        }
    }
    return small;
}

static void measure_class(struct speed_class *out, const struct plan *p,
                          const int *chosen, int n, const char *isa_cap)
{
    for (int i = 0; i < n; i++) {
        struct config *c = stand_in(grid_config(p->grid, chosen[i]), p->slots);
        const struct model_size size = config_size(c);
        struct timing t;

        if (!too_big(&size, p->slots) && take_sample(&t, c, p->slots, isa_cap))
            out->samples[out->n++] =
                (struct sample){ size_of(p->grid, chosen[i]),
                                 step_flops(&size) / t.step_s,
                                 t.forward_s / t.step_s };
        config_free(c);
    }
}

static struct sample between(const struct speed_class *c, double size)
{
    int i = 0;
    double t;

    if (size <= c->samples[0].size)
        return c->samples[0];
    while (i < c->n - 1 && c->samples[i + 1].size < size)
        i++;
    if (i == c->n - 1)
        return c->samples[i];
    t = (size - c->samples[i].size) /
        (c->samples[i + 1].size - c->samples[i].size);
    return (struct sample){
        size,
        c->samples[i].flops_s +
            t * (c->samples[i + 1].flops_s - c->samples[i].flops_s),
        c->samples[i].forward_share +
            t * (c->samples[i + 1].forward_share - c->samples[i].forward_share)
    };
}

/* A process of this program that only says its version.  Tests that plan are
 * other programs, which would begin anew. */
static void start_and_end(void)
{
    char self[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    pid_t pid;

    if (n <= 0)
        return;
    self[n] = '\0';
    if (!text_has_suffix(self, "/qlaw"))
        return;
    pid = fork();
    if (pid == 0) {
        const int null = open("/dev/null", O_RDWR);

        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execl(self, self, "version", (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* A process and its text are part of every run; twice, because the second
 * time the text is in the cache that all runs but the first find. */
static double time_start(const struct config *c, int64_t *val_tokens)
{
    double start = 0;
    struct data *d;

    *val_tokens = 0;
    for (int i = 0; i < 2; i++) {
        start = clock_monotonic();
        start_and_end();
        if (data_open(&d, c, NULL) != OK)
            return 0;
        *val_tokens =
            (int64_t)data_set_count(d, DATA_VAL) * config_model_seq_len(c);
        data_close(d);
    }
    return clock_monotonic() - start;
}

static int validations(const struct grid *g, const struct model_size *s)
{
    const int64_t every = config_run_val_every(g->base);

    return every > 0 ? (int)((s->steps - 1) / every) + 1 : 1;
}

static void estimate(struct plan *p, const struct speed_class *classes)
{
    const struct grid *g = p->grid;
    int64_t val_tokens;
    struct config *c = grid_config(g, 0);
    const double start_s = time_start(c, &val_tokens);

    config_free(c);
    for (int i = 0; i < g->n_points; i++) {
        const struct model_size *s = &g->points[i].size;
        const struct sample at =
            between(&classes[g->points[i].operands], size_of(g, i));
        /* What follows a training takes none of its steps. */
        const double steps =
            (double)s->steps + at.forward_share * validations(g, s) *
                                   (double)val_tokens * (double)s->steps /
                                   (double)s->tokens;

        p->point_s[i] =
            start_s +
            (g->points[i].is_post ? s->flops : steps * step_flops(s)) /
                at.flops_s;
    }
}

enum status plan_measure(struct plan *p, const char *isa_cap, struct err *err)
{
    const struct grid *g = p->grid;
    const double start = clock_monotonic();
    struct speed_class classes[MAX_CLASSES] = { 0 };
    int chosen[SIZES], last = -1;

    for (int c = 0; c < MAX_CLASSES; c++) {
        const int n = choose(chosen, g, c);

        measure_class(&classes[c], p, chosen, n, isa_cap);
        /* Too large to try: as fast as the class before it. */
        if (n > 0 && classes[c].n == 0 && last >= 0)
            classes[c] = classes[last];
        if (n > 0 && classes[c].n == 0)
            return err_set(err, ERR_TOOL,
                           "cannot measure the speed: a step of the model "
                           "did not run; give it with --speed");
        last = classes[c].n > 0 ? c : last;
    }
    estimate(p, classes);
    p->speed.measured = true;
    p->speed.took_s = clock_monotonic() - start;
    return OK;
}
