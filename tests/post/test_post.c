/* test_post.c - a post-training run beside the training it follows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"
#include "post/bits.h"
#include "post/measure.h"
#include "post/post.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/evaluate.h"
#include "trainer/run_state.h"
#include "trainer/weights.h"

static double number(const struct run_result *r, const char *name)
{
    for (int i = 0; i < r->n_numbers; i++)
        if (strcmp(r->numbers[i].name, name) == 0)
            return r->numbers[i].value;
    fail_msg("no number %s", name);
    return NAN;
}

/* A post-training run; *lines may be NULL. */
static enum status follow(struct run_result *out, char **lines,
                          const struct config *c, const char *dir,
                          const char *parent, const char *isa, struct err *err)
{
    const int fd = memfd_create("metrics", 0);
    const struct run_io io = {
        .dir = dir, .metrics_fd = fd, .isa_cap = isa, .parent = parent
    };
    const enum status st = post_run(out, c, 1, 1, &io, err);
    const off_t n = lseek(fd, 0, SEEK_CUR);

    if (lines) {
        *lines = mem_alloc((size_t)n + 1);
        assert_int_equal(pread(fd, *lines, (size_t)n, 0), n);
    }
    close(fd);
    return st;
}

/* The parent of most tests, trained once, with its weights. */
static char *parent_dir;
static struct run_result parent;

static int train_parent(void **state)
{
    const int set_up = small_set_up(state);
    struct config *c = small_config(small_dir, NULL);
    struct run_io io = { .metrics_fd = -1, .keep_weights = true };
    struct err err;

    io.dir = parent_dir = mem_printf("%s/parent", small_dir);
    check_ok(file_make_dirs(parent_dir, &err), err);
    check_ok(run_train(&parent, c, 1, 1, &io, &err), err);
    config_free(c);
    return set_up;
}

static int forget_parent(void **state)
{
    free(parent_dir);
    return small_tear_down(state);
}

static char *new_dir(const char *name)
{
    char *dir = mem_printf("%s/%s", small_dir, name);
    struct err err;

    check_ok(file_make_dirs(dir, &err), err);
    return dir;
}

static void a_child_measures_its_parent_as_the_parent_did(void **state)
{
    struct config *c = small_config(small_dir, "post.fit=rtn", "post.w=int3",
                                    "post.group=16", NULL);
    struct run_result r;
    struct err err;

    (void)state;
    check_ok(follow(&r, NULL, c, NULL, parent_dir, NULL, &err), err);
    assert_true(number(&r, "parent_loss") == parent.loss);
    check_close(number(&r, "delta"), r.loss - parent.loss, 1e-12);
    assert_true(number(&r, "delta") > 0 && number(&r, "kl") > 0);
    assert_true(number(&r, "delta_se") > 0 &&
                number(&r, "delta_se") < r.loss_se);
    assert_int_equal(r.tokens, parent.tokens);
    config_free(c);
}

/* Without the weights the child trains its parent, and nothing else changes. */
static void a_child_without_its_parent_trains_it(void **state)
{
    struct config *c = small_config(small_dir, "post.fit=gptq", "post.w=int3",
                                    "post.calib=8", "post.group=16", NULL);
    char *alone = new_dir("alone"), *broken = new_dir("broken"), *lines[3];
    char *path = mem_printf("%s/weights", broken);
    struct run_result r;
    struct err err;

    (void)state;
    check_ok(file_replace(path, "QLAWCKP1 nonsense", 17, &err), err);
    check_ok(follow(&r, &lines[0], c, NULL, parent_dir, NULL, &err), err);
    check_ok(follow(&r, &lines[1], c, alone, NULL, NULL, &err), err);
    check_ok(follow(&r, &lines[2], c, NULL, broken, NULL, &err), err);
    for (int i = 0; i < 3; i++) {
        char *plain = small_without_clock(lines[i]);

        free(lines[i]);
        lines[i] = plain;
        assert_string_equal(lines[i], lines[0]);
    }
    assert_false(weights_there(alone)); /* nobody needs them any more */
    for (int i = 0; i < 3; i++)
        free(lines[i]);
    free(path);
    free(alone);
    free(broken);
    config_free(c);
}

static void threads_and_instructions_do_not_change_a_bit(void **state)
{
    static const char *const isas[] = { "ref", "ref", NULL };
    char *first = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct config *c = small_config(
            small_dir, "post.fit=gptq", "post.w=int4",
            "post.x=int8/asym/static", "post.group=16", "post.calib=6",
            i == 1 ? "run.threads=2" : "run.threads=1", NULL);
        char *lines, *plain;
        struct run_result r;
        struct err err;

        check_ok(follow(&r, &lines, c, NULL, parent_dir, isas[i], &err), err);
        plain = small_without_clock(lines);
        free(lines);
        if (first)
            assert_string_equal(plain, first);
        if (first)
            free(plain);
        else
            first = plain;
        config_free(c);
    }
    free(first);
}

/* A model whose training quantizes its weights multiplies the same numbers. */
static void rounded_weights_are_those_of_quantized_training(void **state)
{
    struct config *c =
        small_config(small_dir, "post.fit=rtn", "post.w=e2m1/g16/e8m0", NULL);
    struct config *q = small_config(small_dir, "quant.w=e2m1/g16/e8m0", NULL);
    struct config *plain = small_config(small_dir, NULL);
    const struct kernels *kn;
    struct run_result r;
    struct evaluation e;
    struct model *m;
    struct data *d;
    int tokens[64], targets[64];
    unsigned char id[32];
    struct err err;

    (void)state;
    check_ok(follow(&r, NULL, c, NULL, parent_dir, NULL, &err), err);
    check_ok(kernels_select(&kn, NULL, &err), err);
    check_ok(model_new(&m, q, kn, 1, 1, &err), err);
    check_ok(data_open(&d, q, &err), err);
    run_identify(id, plain, 1, 1, data_sha256(d));
    check_ok(weights_read(m, parent_dir, id, &err), err);
    assert_true(evaluate(&e, m, d, DATA_VAL, 1, tokens, targets));
    assert_true(e.loss == r.loss && e.se == r.loss_se);
    model_free(m);
    data_close(d);
    config_free(c);
    config_free(q);
    config_free(plain);
}

/* -log p by the library's functions, in the order of a textbook. */
static double kl_by_hand(const real *p, const real *q, const bool *in, int n)
{
    double zp = 0, zq = 0, sum = 0;

    for (int i = 0; i < n; i++)
        if (in[i]) {
            zp += exp((double)p[i]);
            zq += exp((double)q[i]);
        }
    for (int i = 0; i < n; i++)
        if (in[i]) {
            const double a = exp((double)p[i]) / zp, b = exp((double)q[i]) / zq;

            sum += a * log(a / b);
        }
    return sum;
}

static int best_of(const real *p, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        best = p[i] > p[best] ? i : best;
    return best;
}

static void divergence_is_that_of_the_definition(void **state)
{
    enum { n = 40, top = 25 };
    real p[n], q[n];
    bool all[n], best[n];
    double got, got_top, scratch[3 * n];

    const struct kernels *kn;
    struct err err;

    (void)state;
    check_ok(kernels_select(&kn, NULL, &err), err);
    for (int i = 0; i < n; i++) {
        const uint64_t at = (uint64_t)i;

        p[i] = (real)(3 * rng_normal(rng_key(1, RNG_TEST, 1), at));
        q[i] = p[i] + (real)rng_normal(rng_key(1, RNG_TEST, 2), at);
        all[i] = true;
    }
    for (int i = 0; i < n; i++) {
        int larger = 0;

        for (int j = 0; j < n; j++)
            larger += p[j] > p[i];
        best[i] = larger < top;
    }
    measure_kl(&got, &got_top, kn, p, q, n, top, scratch);
    check_relative(got, kl_by_hand(p, q, all, n), 1e-12);
    check_relative(got_top, kl_by_hand(p, q, best, n), 1e-12);
    measure_kl(&got, &got_top, kn, p, p, n, top, scratch);
    check_close(got, 0, 1e-15);
    q[best_of(p, n)] = -3000; /* nothing overflows, and it counts */
    measure_kl(&got, &got_top, kn, p, q, n, top, scratch);
    assert_true(isfinite(got) && got > 1);
}

/* By hand: d 32, heads of 16, f 64: qkv 96 x 32, o 32 x 32, fc1 128 x 32 take 32
 * inputs and fc2 32 x 64 takes 64. */
static void bits_are_what_is_stored(void **state)
{
    struct config *c = small_config(small_dir, "post.fit=rtn", "post.w=int4",
                                    "post.x=int8/row/bf16", "post.group=16",
                                    "post.fc2.w=none", NULL);
    const struct post_bits b = post_bits_of(c);
    const double fc2 = 64 * 32, rest = 32 * (96 + 32 + 128);

    (void)state;
    check_close(b.w, (rest * (4 + 32.0 / 16) + fc2 * 16) / (rest + fc2), 1e-12);
    check_close(b.x, (3 * 32 * (8 + 16.0 / 32) + 64 * (8 + 16.0 / 64)) / 160,
                1e-12);
    /* embedding and head 256 x 32, five norms of 32 */
    check_close(b.all,
                (2 * (rest * 6 + fc2 * 16) + 16 * (2 * 8192 + 160)) /
                    (2 * (rest + fc2) + 2 * 8192 + 160),
                1e-12);
    config_free(c);
}

static void the_best_of_two_fitters_is_the_one_that_looks(void **state)
{
    struct config *rtn = small_config(small_dir, "post.fit=rtn", "post.w=int2",
                                      "post.group=16", NULL);
    struct config *gptq =
        small_config(small_dir, "post.fit=gptq", "post.w=int2", "post.calib=32",
                     "post.group=16", NULL);
    struct run_result a, b;
    struct err err;

    (void)state;
    check_ok(follow(&a, NULL, rtn, NULL, parent_dir, NULL, &err), err);
    check_ok(follow(&b, NULL, gptq, NULL, parent_dir, NULL, &err), err);
    assert_true(number(&b, "delta") < number(&a, "delta"));
    assert_true(number(&b, "fallbacks") == 0);
    config_free(rtn);
    config_free(gptq);
}

/* What one sequence shows of a layer's inputs is what its ranges are. */
static void static_ranges_come_from_calibration(void **state)
{
    struct config *moving =
        small_config(small_dir, "post.fit=rtn", "post.x=int4/g16", NULL);
    struct config *fixed =
        small_config(small_dir, "post.fit=rtn", "post.x=int4/g16/static",
                     "post.calib=24", "post.head.x=int8/chan/static", NULL);
    struct config *little =
        small_config(small_dir, "post.fit=rtn", "post.x=int4/g16/static",
                     "post.calib=1", "post.head.x=int8/chan/static", NULL);
    struct run_result a, b, c;
    struct err err;

    (void)state;
    check_ok(follow(&a, NULL, moving, NULL, parent_dir, NULL, &err), err);
    check_ok(follow(&b, NULL, fixed, NULL, parent_dir, NULL, &err), err);
    check_ok(follow(&c, NULL, little, NULL, parent_dir, NULL, &err), err);
    assert_true(number(&b, "kl") > 0 && number(&c, "kl") > 0);
    assert_true(number(&a, "kl") < number(&b, "kl"));
    assert_true(number(&b, "kl") != number(&c, "kl"));
    check_close(number(&b, "calib_tokens"), 24 * 16, 0);
    check_close(number(&a, "bits_x"), 4 + 32 / 16.0, 1e-12);
    check_close(number(&b, "bits_x"), 4, 1e-12);
    config_free(moving);
    config_free(fixed);
    config_free(little);
}

static void what_cannot_be_is_said(void **state)
{
    struct config *hot = small_config(small_dir, "stop.loss=0.5",
                                      "post.fit=rtn", "post.w=int4", NULL);
    struct config *early = small_config(small_dir, "stop.early=step > 3",
                                        "post.fit=rtn", "post.w=int4", NULL);
    struct config *little = small_config(
        small_dir, "post.fit=gptq", "post.w=int4", "post.calib=5000", NULL);
    struct run_result r;
    struct err err;
    char *lines;

    (void)state;
    assert_int_equal(follow(&r, &lines, hot, NULL, parent_dir, NULL, &err),
                     ERR_DIVERGED);
    check_says(err, "the parent: the training loss exceeds stop.loss");
    assert_non_null(strstr(lines, "\"diverged\":true"));
    free(lines);
    check_ok(follow(&r, &lines, early, NULL, parent_dir, NULL, &err), err);
    assert_non_null(strstr(lines, "\"stopped\":true"));
    assert_non_null(strstr(lines, "the parent: stop.early is true"));
    free(lines);
    assert_int_equal(follow(&r, NULL, little, NULL, parent_dir, NULL, &err),
                     ERR_CONFIG);
    check_says(err, "post.calib = 5000 sequences: the training text holds");
    config_free(hot);
    config_free(early);
    config_free(little);
}

/* One row a key of [post]: another value, and what makes it count. */
static const char *const changes[][3] = {
    { "post.fit", "rtn", "post.w=int3" },
    { "post.w", "int4", "post.w=int3" },
    { "post.x", "int4", "post.w=int3" },
    { "post.group", "16", "post.w=int3" },
    { "post.scale", "e8m0", "post.w=int3" },
    { "post.range", "pct:90", "post.w=int3" },
    { "post.round", "stochastic", "post.w=int3" },
    { "post.fold", "norm", "post.w=int3" },
    { "post.calib", "3", "post.w=int3" },
    { "post.draw", "2", "post.w=int3" },
    { "post.act_order", "no", "post.w=int3/g16" },
    { "post.damp", "0.5", "post.w=int3" },
};

static char *facts_of(char **identity, const char *context, const char *set)
{
    struct config *c = small_config(small_dir, "post.fit=gptq", "post.calib=8",
                                    context, set, NULL);
    json_t *json = config_identity(c, IDENTITY_RUN);
    struct run_result r;
    struct err err;
    char *lines, *plain;

    check_ok(follow(&r, &lines, c, NULL, parent_dir, NULL, &err), err);
    plain = small_without_clock(lines);
    *identity = json_canonical_text(json);
    free(lines);
    json_decref(json);
    config_free(c);
    return plain;
}

static void every_key_changes_the_records_and_the_identity(void **state)
{
    int keys = 0;

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *set = mem_printf("%s=%s", changes[i][0], changes[i][1]);
        char *identity[2];
        char *was = facts_of(&identity[0], changes[i][2], changes[i][2]);
        char *is = facts_of(&identity[1], changes[i][2], set);

        if (strcmp(was, is) == 0 || strcmp(identity[0], identity[1]) == 0)
            fail_msg("%s changes nothing", set);
        free(was);
        free(is);
        free(identity[0]);
        free(identity[1]);
        free(set);
    }
    for (int i = 0; i < N_SETTINGS; i++)
        keys += quant_section_of(setting_at(i)->key) == SECTION_POST;
    assert_int_equal(keys, sizeof changes / sizeof changes[0]);
}

/* A fold alone changes nothing; planted outliers make rounding a row dear. */
static void folds_leave_the_function_and_planted_ones_cost(void **state)
{
    static const char *const folds[] = { "post.fold=norm",
                                         "post.fold=plant:weight:20",
                                         "post.fold=plant:norm:33",
                                         "post.fold=norm+plant:norm:5" };
    struct config *plain =
        small_config(small_dir, "post.fit=rtn", "post.w=int4/row", NULL);
    struct run_result r;
    struct err err;
    double unplanted;

    (void)state;
    check_ok(follow(&r, NULL, plain, NULL, parent_dir, NULL, &err), err);
    unplanted = number(&r, "delta");
    for (int i = 0; i < 4; i++) {
        struct config *alone =
            small_config(small_dir, "post.fit=rtn", folds[i], NULL);
        struct config *rounded = small_config(
            small_dir, "post.fit=rtn", "post.w=int4/row", folds[i], NULL);

        check_ok(follow(&r, NULL, alone, NULL, parent_dir, NULL, &err), err);
        check_close(number(&r, "delta"), 0, 1e-6);
        assert_true(number(&r, "fold_error") < 1e-5);
        check_ok(follow(&r, NULL, rounded, NULL, parent_dir, NULL, &err), err);
        if (i == 1)
            assert_true(number(&r, "delta") > 5 * unplanted);
        config_free(alone);
        config_free(rounded);
    }
    config_free(plain);
}

static void folds_that_cannot_be_are_named(void **state)
{
    struct config *tied =
        small_config(small_dir, "model.tied=yes", "post.fit=rtn", "post.w=int4",
                     "post.fold=norm", NULL);
    struct config *large =
        small_config(small_dir, "post.fit=rtn", "post.w=int4",
                     "post.fold=plant:norm:1e6", NULL);
    struct config *tiny = small_config(small_dir, "post.fit=rtn", "post.w=int4",
                                       "post.fold=plant:weight:1e-42", NULL);
    struct config *wrong = config_new();
    struct run_result r;
    struct err err;

    (void)state;
    assert_int_equal(follow(&r, NULL, tied, NULL, parent_dir, NULL, &err),
                     ERR_UNSUPPORTED);
    check_says(err, "post.fold = norm: the head is the embedding");
    check_ok(follow(&r, NULL, large, NULL, parent_dir, NULL, &err), err);
    assert_int_equal(follow(&r, NULL, tiny, NULL, parent_dir, NULL, &err),
                     ERR_UNSUPPORTED); /* no float holds that gain */
    check_says(err, "post.fold = plant:weight changes what the model computes");
    check_ok(config_set(wrong, "post.fit", "rtn", &err), err);
    check_ok(config_set(wrong, "post.fold", "norm+plnt:3", &err), err);
    assert_int_equal(config_resolve(wrong, &err), ERR_CONFIG);
    check_says(err, "'plnt:3' is not norm, plant:weight:F or plant:norm:F");
    config_free(tied);
    config_free(large);
    config_free(tiny);
    config_free(wrong);
}

/* What a fitter does not read is no part of the run. */
static void unread_keys_are_left_out(void **state)
{
    struct config *a =
        small_config(small_dir, "post.fit=rtn", "post.w=int4", NULL);
    struct config *b = small_config(
        small_dir, "post.fit=rtn", "post.w=int4/g32/fp32", "post.calib=7",
        "post.draw=5", "post.damp=0.3", "post.group=16", NULL);
    json_t *x = config_identity(a, IDENTITY_RUN);
    json_t *y = config_identity(b, IDENTITY_RUN);

    (void)state;
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
    config_free(a);
    config_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_measures_its_parent_as_the_parent_did),
        cmocka_unit_test(a_child_without_its_parent_trains_it),
        cmocka_unit_test(threads_and_instructions_do_not_change_a_bit),
        cmocka_unit_test(rounded_weights_are_those_of_quantized_training),
        cmocka_unit_test(divergence_is_that_of_the_definition),
        cmocka_unit_test(bits_are_what_is_stored),
        cmocka_unit_test(the_best_of_two_fitters_is_the_one_that_looks),
        cmocka_unit_test(static_ranges_come_from_calibration),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(every_key_changes_the_records_and_the_identity),
        cmocka_unit_test(folds_leave_the_function_and_planted_ones_cost),
        cmocka_unit_test(folds_that_cannot_be_are_named),
        cmocka_unit_test(unread_keys_are_left_out),
    };

    return cmocka_run_group_tests(tests, train_parent, forget_parent);
}
