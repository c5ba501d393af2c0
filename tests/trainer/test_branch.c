/* Runs that start from the checkpoint of a longer one: the same curves, losses
 * and weights as trained alone. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/branch.h"
#include "trainer/checkpoint.h"

/* Branches of 40, 70 and 100 steps of 64 tokens; the trunk: 160. */
#define N 3

static const char *const arms[][3] = {
    { "quant.w=none", "train.schedule=wsd", "run.log_every=0" },
    { "quant.w=int4/g16/stochastic", "train.schedule=wsd", "run.log_every=7" },
    { "quant.x=e4m3/row", "train.schedule=wsd", "run.val_every=11" },
    { "quant.w=e2m1/g8/e8m0", "train.schedule=constant", "run.log_every=3" },
};
#define N_ARMS (sizeof arms / sizeof arms[0])

static struct config *arm(size_t i, const char *tokens, const char *more)
{
    return small_config(small_dir, arms[i][0], arms[i][1], arms[i][2], tokens,
                        more ? more : "train.beta1=0.9", NULL);
}

static const char *const lengths[N] = { "train.tokens=2560",
                                        "train.tokens=4480",
                                        "train.tokens=6400" };

/* A folder of its own for each of the runs; the caller frees the paths. */
static void make_folders(char *paths[N + 1], const char *name)
{
    for (int i = 0; i <= N; i++) {
        paths[i] = mem_printf("%s/%s-%d", small_dir, name, i);
        assert_int_equal(mkdir(paths[i], 0777), 0);
    }
}

static enum status run_trunk(const struct config *c, const char *ckpt,
                             const struct run_branch *branches, int n,
                             int64_t stop_after)
{
    struct run_io io = { .dir = ckpt,
                         .metrics_fd = -1,
                         .branches = branches,
                         .n_branches = n,
                         .stop_after = stop_after };
    struct run_result r;
    struct err err;

    return run_train(&r, c, 1, 1, &io, &err);
}

/* The finished lines without clocks, and where the run began: its first step
 * when it was alone. */
static char *finished(const struct config *c, const char *ckpt)
{
    struct run_result r;
    char *lines, *plain;

    assert_int_equal(small_run(&r, &lines, c, 1, ckpt, 0, NULL), OK);
    plain = small_without_clock(lines);
    free(lines);
    return plain;
}

/* What a checkpoint in ckpt says; -1: there is none. */
static int64_t step_in(const char *ckpt)
{
    return checkpoint_peek(ckpt);
}

static void serve_and_compare(size_t i, const char *name, int64_t stop_after)
{
    char *paths[N + 1];
    struct config *c[N], *longest = arm(i, "train.tokens=10240", NULL);
    struct run_branch branches[N];

    make_folders(paths, name);
    for (int k = 0; k < N; k++) {
        c[k] = arm(i, lengths[k], NULL);
        branches[k] = (struct run_branch){ c[k], 1, 1, paths[k] };
    }
    if (stop_after)
        assert_int_equal(run_trunk(longest, paths[N], branches, N, stop_after),
                         ERR_STOPPED);
    assert_int_equal(run_trunk(longest, paths[N], branches, N, 0), OK);
    for (int k = 0; k < N; k++) {
        char *alone, *shared;

        assert_int_equal(step_in(paths[k]), branch_step(c[k]));
        alone = finished(c[k], NULL);
        shared = finished(c[k], paths[k]);
        assert_string_equal(shared, alone);
        free(alone);
        free(shared);
        config_free(c[k]);
    }
    for (int k = 0; k <= N; k++)
        free(paths[k]);
    config_free(longest);
}

static void a_branch_equals_the_run_trained_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        char name[16];

        snprintf(name, sizeof name, "whole%zu", i);
        serve_and_compare(i, name, 0);
    }
}

/* 40, 70, 100 steps leave at 32, 56, 80; the trunk stops before, at and after
 * these. */
static void a_trunk_that_was_stopped_serves_them_all_the_same(void **state)
{
    static const int64_t stops[] = { 5, 32, 33, 60, 81, 130 };

    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        char name[16];

        snprintf(name, sizeof name, "stop%d", (int)stops[i]);
        serve_and_compare(1, name, stops[i]);
    }
}

static void serving_does_not_change_the_trunk(void **state)
{
    struct config *longest = arm(0, "train.tokens=10240", NULL);
    struct config *c = arm(0, lengths[0], NULL);
    char *paths[N + 1], *alone, *after;
    struct run_branch branch;

    (void)state;
    make_folders(paths, "trunk");
    branch = (struct run_branch){ c, 1, 1, paths[0] };
    alone = finished(longest, NULL);
    assert_int_equal(run_trunk(longest, paths[N], &branch, 1, 100),
                     ERR_STOPPED);
    after = finished(longest, paths[N]);
    assert_string_equal(after, alone);
    free(alone);
    free(after);
    for (int k = 0; k <= N; k++)
        free(paths[k]);
    config_free(c);
    config_free(longest);
}

/* Every difference that changes the steps before the decay, and seeds. */
static void another_run_is_not_served(void **state)
{
    static const char *const other[] = {
        "train.lr=0.02",
        "train.warmup=5",
        "train.beta2=0.9",
        "model.d_model=16",
        "quant.w=int4/g8",
        "run.val_every=7",
        "train.weight_decay=0",
        "data.val_tokens=256",
        "stop.loss=9",
        "train.decay=0.01" /* leaves after the trunk itself */,
    };
    struct config *longest = arm(0, "train.tokens=10240", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct config *c =
            arm(0, i == 9 ? "train.tokens=9600" : lengths[1], other[i]);
        char *paths[N + 1], name[16];
        struct run_branch b;

        snprintf(name, sizeof name, "other%zu", i);
        make_folders(paths, name);
        b = (struct run_branch){ c, 1, 1, paths[0] };
        assert_int_equal(run_trunk(longest, paths[N], &b, 1, 0), OK);
        assert_int_equal(step_in(paths[0]), -1);
        config_free(c);
        for (int k = 0; k <= N; k++)
            free(paths[k]);
    }
    config_free(longest);
}

static void a_cosine_has_no_branches(void **state)
{
    struct config *c = small_config(small_dir, "train.schedule=cosine", NULL);

    (void)state;
    assert_int_equal(branch_step(c), 0);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_equals_the_run_trained_alone),
        cmocka_unit_test(a_trunk_that_was_stopped_serves_them_all_the_same),
        cmocka_unit_test(serving_does_not_change_the_trunk),
        cmocka_unit_test(another_run_is_not_served),
        cmocka_unit_test(a_cosine_has_no_branches),
    };

    return cmocka_run_group_tests_name("branch", tests, small_set_up,
                                       small_tear_down);
}
