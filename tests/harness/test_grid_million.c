/* A grid of a million runs: the promise is 60 seconds and 256 MB. */
#include <sys/resource.h>

#include "harness/plan.h"
#include "tests/check.h"
#include "tests/harness/grid_help.h"

/* 4 x 42 x 20 x 10 cells of 30 quantized arms each, and their twins. */
#define TWINS (4 * 42 * 20 * 10)
#define POINTS (31 * TWINS)

static const char text[] =
    "[model]\nseq_len = 64\nn_layer = 4\nd_ff = 768\n"
    "[sweep]\nmodel.d_model = 64, 128, 192, 256\n"
    "train.tokens = geom(100k, 1.1, 42)\n"
    "train.lr = log(1e-4, 1e-2, 20)\n"
    "train.weight_decay = lin(0, 0.2, 10)\n"
    "[block \"q\"]\nquant.w = int4, int8, e2m1, e3m0, e4m3\n"
    "quant.x = none, int8\nquant.group = 16, 32, 64\n"
    "[budget]\nmax_runs = 2M\n";

/* Processor time, because a test may run beside others. */
static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double peak_mb(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

static void a_million_runs_are_planned_in_60_s_and_256_mb(void **state)
{
    struct grid *g = grid_of(text, NULL);
    struct plan *p = NULL;
    struct plan_options o = { .slots = 2, .flops_s = 1e10 };
    struct err err = { 0 };
    int bases = 0;

    (void)state;
    check_ok(plan_make(&p, g, &o, &err), err);
    print_message("%d runs, %.1f s, %.0f MB\n", p->n_runs, cpu_s(),
                  peak_mb());
    assert_int_equal(p->n_runs, POINTS);
    for (int i = 0; i < g->n_points; i++)
        bases += g->points[i].is_base;
    assert_int_equal(bases, TWINS);
    /* Cheapest first, all the way. */
    for (int i = 1; i < g->n_points; i++)
        if (p->point_s[i] < p->point_s[i - 1])
            fail_msg("point %d is cheaper than the one before it", i);
    assert_true(cpu_s() < 60);
    assert_true(peak_mb() < 256);
    plan_free(p);
    grid_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_runs_are_planned_in_60_s_and_256_mb),
    };

    return cmocka_run_group_tests(tests, grid_dir_make, grid_dir_remove);
}
