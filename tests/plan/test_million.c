/* A grid of a million runs: how work and memory grow, not how long it takes
 * (docs/performance.md has that). */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/plan/plan.h"
#include "tests/check.h"
#include "tests/grid/grid_help.h"

/* 4 x 42 x SETTINGS cells of 30 quantized arms each, and their twins. */
#define TWINS(settings)  (4 * 42 * (settings))
#define POINTS(settings) (31 * TWINS(settings))
#define MILLION          200 /* settings that make more than a million runs */

static const char form[] =
    "[model]\nseq_len = 64\nn_layer = 4\nd_ff = 768\n"
    "[sweep]\nmodel.d_model = 64, 128, 192, 256\n"
    "train.tokens = geom(100k, 1.1, 42)\n"
    "train.lr = log(1e-4, 1e-2, 10)\n"
    "train.weight_decay = lin(0, 0.2, %d)\n"
    "[block \"q\"]\nquant.w = int4, int8, e2m1, e3m0, e4m3\n"
    "quant.x = none, int8\nquant.group = 16, 32, 64\n"
    "[budget]\nmax_runs = 2M\n";

struct use {
    double cpu_s, peak_mb;
    int runs, bases, out_of_order;
};

static struct use used(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (struct use){
        .cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec),
        .peak_mb = (double)u.ru_maxrss / 1024
    };
}

static struct use plan_here(int settings)
{
    struct plan_options o = { .slots = 2, .flops_s = 1e10 };
    const struct use before = used();
    char text[sizeof form + 16];
    struct err err = { 0 };
    struct plan *p = NULL;
    struct grid *g;
    struct use u;

    snprintf(text, sizeof text, form, settings / 10);
    g = grid_of(text, NULL);
    check_ok(plan_make(&p, g, &o, &err), err);
    u = used();
    u.cpu_s -= before.cpu_s;
    u.runs = p->n_runs;
    for (int i = 0; i < g->n_points; i++)
        u.bases += g->points[i].is_base;
    for (int i = 1; i < g->n_points; i++)
        u.out_of_order += p->point_s[i] < p->point_s[i - 1];
    plan_free(p);
    grid_free(g);
    return u;
}

/* In a process of its own, whose peak is that of this plan alone. */
static struct use plan_apart(int settings)
{
    struct use *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct use u;
    pid_t pid;
    int status = -1;

    assert_ptr_not_equal(shared, MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        *shared = plan_here(settings);
        _exit(0);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_int_equal(status, 0);
    u = *shared;
    munmap(shared, sizeof *shared);
    assert_int_equal(u.runs, POINTS(settings));
    assert_int_equal(u.bases, TWINS(settings));
    assert_int_equal(u.out_of_order, 0); /* cheapest first, all the way */
    return u;
}

/* One pair of eight that no neighbour disturbed will do: what grows faster is
 * slower in every one. */
static void twice_the_runs_take_twice_the_work_and_memory(void **state)
{
    bool linear = false;

    (void)state;
    for (int try = 0; try < 8 && !linear; try++) {
        const struct use one = plan_apart(10), two = plan_apart(20);

        print_message("%d runs: %.2f s, %.1f MB; %d runs: %.2f s, %.1f MB\n",
                      one.runs, one.cpu_s, one.peak_mb, two.runs, two.cpu_s,
                      two.peak_mb);
        linear = two.cpu_s <= 2.2 * one.cpu_s;
        assert_true(two.peak_mb <= 2.2 * one.peak_mb);
    }
    assert_true(linear);
}

/* The memory is the same on every machine. */
static void a_million_runs_fit_in_256_mb(void **state)
{
    const struct use u = plan_apart(MILLION);

    (void)state;
    print_message("%d runs, %.1f s, %.0f MB\n", u.runs, u.cpu_s, u.peak_mb);
    assert_true(u.peak_mb < 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_the_runs_take_twice_the_work_and_memory),
        cmocka_unit_test(a_million_runs_fit_in_256_mb),
    };

    return cmocka_run_group_tests(tests, grid_dir_make, grid_dir_remove);
}
