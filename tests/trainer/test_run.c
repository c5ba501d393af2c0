/* Whole runs: what must not change a result, and what must. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "tests/check.h"
#include "tests/trainer/small.h"
#include "trainer/checkpoint.h"

/* The lines of a finished run, without clocks; the caller frees them. */
static char *lines_of(const struct config *c, uint64_t seed, const char *isa)
{
    struct run_result r;
    char *lines, *plain;

    assert_int_equal(small_run(&r, &lines, c, seed, NULL, 0, isa), OK);
    plain = small_without_clock(lines);
    free(lines);
    return plain;
}

static const char *const arms[][6] = {
    { "quant.w=none", NULL, NULL },
    { "quant.w=int4/g16", "quant.x=int4/g16", "train.schedule=wsd", NULL,
      NULL },
    { "quant.w=e2m1/g8/e8m0/stochastic", "quant.x=e4m3/row",
      "quant.dy_g=int8/g16/stochastic", "quant.w_d=int8/g32", NULL, NULL },
    { "quant.x=int4/g32/pct:90", "quant.grad=clip", "model.n_kv_head=1",
      "model.tied=yes", NULL, NULL },
};
#define N_ARMS (sizeof arms / sizeof arms[0])

static struct config *arm(size_t i, const char *more)
{
    const char *const *a = arms[i];

    return small_config(small_dir, a[0], a[1] ? a[1] : "train.beta1=0.9",
                        a[1] && a[2] ? a[2] : "train.beta1=0.9",
                        a[1] && a[2] && a[3] ? a[3] : "train.beta1=0.9",
                        more ? more : "train.beta1=0.9", NULL);
}

static void threads_do_not_show_in_the_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        struct config *one = arm(i, "run.threads=1");
        char *want = lines_of(one, 1, NULL);

        for (int threads = 2; threads <= 4; threads++) {
            char set[24], *got;
            struct config *c;

            snprintf(set, sizeof set, "run.threads=%d", threads);
            c = arm(i, set);
            got = lines_of(c, 1, NULL);
            assert_string_equal(got, want);
            free(got);
            config_free(c);
        }
        free(want);
        config_free(one);
    }
}

static void instruction_sets_do_not_show_in_the_result(void **state)
{
    static const char *const names[] = { "avx2", "avx512" };

    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        struct config *c = arm(i, "train.tokens=1280"); /* 20 steps */
        char *want = lines_of(c, 1, "ref");

        for (int k = 0; k < (int)kernels_cpu(); k++) {
            char *got = lines_of(c, 1, names[k]);

            assert_string_equal(got, want);
            free(got);
        }
        free(want);
        config_free(c);
    }
}

/* Stop at every step of a 40-step run; each stop resumes from a folder of its
 * own, and the second attempt's lines alone are the whole curve. */
static void resuming_at_any_step_is_invisible(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        struct config *c = arm(i, NULL);
        char *want = lines_of(c, 1, NULL);

        for (int64_t step = 1; step < 40; step++) {
            char *ckpt = mem_printf("%s/ckpt-%zu-%d", small_dir, i, (int)step);
            char *command = mem_printf("mkdir '%s'", ckpt);
            char *lines, *plain;
            struct run_result r;

            assert_int_equal(system(command), 0);
            assert_int_equal(small_run(&r, NULL, c, 1, ckpt, step, NULL),
                             ERR_STOPPED);
            assert_int_equal(small_run(&r, &lines, c, 1, ckpt, 0, NULL), OK);
            plain = small_without_clock(lines);
            assert_string_equal(plain, want);
            free(plain);
            free(lines);
            free(command);
            free(ckpt);
        }
        free(want);
        config_free(c);
    }
}

static void a_finished_run_only_repeats_its_result(void **state)
{
    struct config *c = arm(1, NULL);
    char *ckpt = mem_printf("%s/done", small_dir), *first, *second, *a, *b;
    char *command = mem_printf("mkdir '%s'", ckpt);
    struct run_result r;

    (void)state;
    assert_int_equal(system(command), 0);
    assert_int_equal(small_run(&r, &first, c, 1, ckpt, 0, NULL), OK);
    assert_int_equal(small_run(&r, &second, c, 1, ckpt, 0, NULL), OK);
    a = small_without_clock(first);
    b = small_without_clock(second);
    assert_string_equal(a, b);
    free(a);
    free(b);
    free(first);
    free(second);
    free(command);
    free(ckpt);
    config_free(c);
}

static double number_in(const char *lines, const char *key)
{
    const char *at = strstr(lines, key);

    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

/* The uniform guess costs ln V; small initial weights start within 1 %. */
static void the_first_loss_is_the_uniform_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARMS; i++) {
        struct config *c = arm(i, NULL);
        char *lines = lines_of(c, 1, NULL);

        check_relative(number_in(lines, "\"train_loss\":"), log(256), 0.01);
        free(lines);
        config_free(c);
    }
}

/* The source (small.c): with probability 3/4 the next letter is a function of
 * this one, else uniform over 20; entropy 3/4+1/80 against 19/80: 1.26 nats,
 * plus the line ends.  A model that sees one letter back gets near it; one
 * that only knows letter frequencies stays at ln 20 = 3.0. */
static void the_model_learns_an_order_one_source(void **state)
{
    struct config *c = small_config(small_dir, "train.tokens=64k", NULL);
    struct run_result r;

    (void)state;
    assert_int_equal(small_run(&r, NULL, c, 1, NULL, 0, NULL), OK);
    print_message("validation loss %.3f\n", r.loss);
    assert_true(r.loss < 1.6);
    assert_true(r.loss > 1.2); /* the entropy: nothing leaks */
    config_free(c);
}

static void arms_share_initial_weights_and_data_order(void **state)
{
    struct config *plain = arm(0, "quant.x=none");
    struct config *coarse = small_config(
        small_dir, "quant.w=int8", "quant.x=int8", "quant.group=row", NULL);
    char *a = lines_of(plain, 5, NULL), *b = lines_of(coarse, 5, NULL);
    char *c = lines_of(plain, 6, NULL);
    const double first = number_in(a, "\"train_loss\":");

    (void)state;
    /* int8 changes the first loss by a little, another seed by more */
    check_close(number_in(b, "\"train_loss\":"), first, 2e-3);
    assert_true(fabs(number_in(c, "\"train_loss\":") - first) > 2e-3);
    free(a);
    free(b);
    free(c);
    config_free(plain);
    config_free(coarse);
}

/* Another value for every key; context, one setting or two, is set on both
 * sides.  A NULL value needs no run: the data files are identified by
 * data.sha256 alone, and how often is reported shows in the number of
 * lines. */
static const struct {
    const char *key, *value, *context;
} changes[] = {
    { "model.n_layer", "1", NULL },
    { "model.d_model", "16", NULL },
    { "model.n_head", "1", NULL },
    { "model.n_kv_head", "1", NULL },
    { "model.d_ff", "32", NULL },
    { "model.vocab", "300", NULL },
    { "model.seq_len", "8", NULL },
    { "model.tied", "yes", NULL },
    { "model.rope_theta", "100", NULL },
    { "model.norm_eps", "0.1", NULL },
    { "model.init_std", "0.03", NULL },
    { "data.path", NULL, NULL },
    { "data.kind", NULL, NULL }, /* test_data.c */
    { "data.sha256", NULL, NULL },
    { "data.delimiter", "first line", NULL },
    { "data.val_fraction", "0.4", NULL },
    { "data.val_tokens", "256", NULL },
    { "data.val", NULL, NULL },
    { "data.val_sha256", NULL, NULL },
    { "data.probe", NULL, NULL },
    { "data.order", NULL, NULL }, /* the data seed shows it */
    { "data.max_bytes", NULL, NULL },
    { "train.tokens", "320", NULL },
    { "train.batch", "2", NULL },
    { "train.lr", "0.02", NULL },
    { "train.schedule", "constant", NULL },
    { "train.lr_final", "0.5", NULL },
    { "train.warmup", "2", NULL },
    { "train.decay", "0.9", "train.schedule=wsd" },
    { "train.beta1", "0.8", NULL },
    { "train.beta2", "0.9", NULL },
    { "train.eps", "0.01", NULL },
    { "train.weight_decay", "1", NULL },
    { "train.compute", "bf16", NULL },
    { "train.grad_clip", "0.1", NULL },
    { "quant.w", "int4", NULL },
    { "quant.x", "int4", NULL },
    { "quant.dy_d", "int4", NULL },
    { "quant.w_d", "int4", NULL },
    { "quant.dy_g", "int4", NULL },
    { "quant.x_g", "int4", NULL },
    { "quant.group", "16", "quant.w=int4" },
    { "quant.scale", "e8m0", "quant.w=int4" },
    { "quant.range", "pct:90", "quant.w=int4" },
    { "quant.round", "stochastic", "quant.w=int4" },
    { "quant.grad", "clip", "quant.w=int4/pct:90" },
    { "quant.gemm", "fake", "quant.w=int4 quant.x=int4" },
    { "post.fit", NULL, NULL }, /* tests/post */
    { "post.w", NULL, NULL },
    { "post.x", NULL, NULL },
    { "post.group", NULL, NULL },
    { "post.scale", NULL, NULL },
    { "post.range", NULL, NULL },
    { "post.round", NULL, NULL },
    { "post.fold", NULL, NULL },
    { "post.calib", NULL, NULL },
    { "post.draw", NULL, NULL },
    { "post.act_order", NULL, NULL },
    { "post.damp", NULL, NULL },
    { "stop.loss", "0.5", NULL },
    { "stop.diverge", "step > 2", NULL },
    { "stop.early", "step > 2", NULL },
    { "stop.patience", "2", "stop.diverge=step>1" },
    { "run.threads", "2", NULL },
    { "run.slots", "7", NULL },
    { "run.checkpoint", "0.001s", NULL },
    { "run.log_every", NULL, NULL },
    { "run.val_every", NULL, NULL },
    { "run.share_trunk", "no", NULL },
    { "run.keep_weights", "yes", NULL },
    { "run.retries", "9", NULL },
    { "run.timeout", "1h", NULL },
    { "run.grace", "2s", NULL },
    { "trainer.kind", NULL, NULL },
    { "trainer.name", NULL, NULL },
    { "trainer.revision", NULL, NULL },
    { "trainer.command", NULL, NULL },
    { "trainer.metrics", NULL, NULL },
    { "trainer.speed", NULL, NULL },
    { "slurm.partition", NULL, NULL },
    { "slurm.account", NULL, NULL },
    { "slurm.qos", NULL, NULL },
    { "slurm.constraint", NULL, NULL },
    { "slurm.gres", NULL, NULL },
    { "slurm.mem", NULL, NULL },
    { "slurm.cpus", NULL, NULL },
    { "slurm.slots", NULL, NULL },
    { "slurm.max_running", NULL, NULL },
    { "slurm.target", NULL, NULL },
    { "slurm.max_time", NULL, NULL },
    { "slurm.safety", NULL, NULL },
    { "slurm.args", NULL, NULL },
    { "slurm.setup", NULL, NULL },
};
#define N_CHANGES (sizeof changes / sizeof changes[0])

/* Records and identity of a run of four steps; context holds one or two
 * settings. */
static void facts_of(char **records, char **identity, const char *context,
                     const char *set)
{
    const char *rest = context ? strchr(context, ' ') : NULL;
    char *first =
        mem_strndup(context ? context : "train.warmup=1",
                    rest ? (size_t)(rest - context)
                         : strlen(context ? context : "train.warmup=1"));
    struct config *c =
        small_config(small_dir, "train.tokens=256", "train.warmup=1", first,
                     rest ? rest + 1 : first, set, NULL);
    json_t *json = config_identity(c, IDENTITY_RUN);
    struct run_result r;
    char *lines;

    small_run(&r, &lines, c, 1, NULL, 0, NULL);
    *records = small_without_clock(lines);
    *identity = json_canonical_text(json);
    free(lines);
    free(first);
    json_decref(json);
    config_free(c);
}

static char *first_line(void)
{
    struct str text = { 0 };
    char *path = mem_printf("%s/text.txt", small_dir), *line;
    struct err err;

    check_ok(file_read(&text, path, 1 << 20, &err), err);
    line = mem_strndup(text.data, strcspn(text.data, "\n"));
    str_release(&text);
    free(path);
    return line;
}

/* Records and identity change together, and exactly for the keys that are
 * hashed. */
static void hashed_settings_and_only_they_change_the_records(void **state)
{
    char *line = first_line();

    (void)state;
    for (size_t i = 0; i < N_CHANGES; i++) {
        const struct setting *s = setting_find(changes[i].key);
        const char *value = changes[i].value;
        char *was[2], *is[2], *set;

        assert_ptr_equal(s, setting_at((int)i));
        if (!value)
            continue;
        set = mem_printf("%s=%s", s->key,
                         strcmp(value, "first line") == 0 ? line : value);
        facts_of(&was[0], &was[1], changes[i].context, "train.warmup=1");
        facts_of(&is[0], &is[1], changes[i].context, set);
        for (int k = 0; k < 2; k++) {
            if ((strcmp(was[k], is[k]) != 0) != (s->hashed != HASHED_NO))
                print_error("%s: %s\n", set, k ? "identity" : "records");
            assert_int_equal(strcmp(was[k], is[k]) != 0,
                             s->hashed != HASHED_NO);
            free(was[k]);
            free(is[k]);
        }
        free(set);
    }
    assert_null(setting_at(N_CHANGES));
    free(line);
}

static void divergence_is_a_result_with_step_and_reason(void **state)
{
    struct config *hot =
        small_config(small_dir, "train.lr=10", "train.warmup=0",
                     "train.grad_clip=0", "train.schedule=constant", NULL);
    struct config *tight = small_config(small_dir, "stop.loss=0.5", NULL);
    struct run_result r;
    char *lines;

    (void)state;
    assert_int_equal(small_run(&r, &lines, hot, 1, NULL, 0, NULL),
                     ERR_DIVERGED);
    assert_true(r.diverged && r.steps > 0 && r.steps < 40);
    assert_non_null(strstr(lines, "{\"final\":true,\"diverged\":true"));
    assert_non_null(strstr(r.reason, "at step"));
    free(lines);
    assert_int_equal(small_run(&r, NULL, tight, 1, NULL, 0, NULL),
                     ERR_DIVERGED);
    assert_string_equal(r.reason,
                        "the training loss exceeds stop.loss at step 0");
    config_free(hot);
    config_free(tight);
}

/* The same text as validation set and as probe has the same loss. */
static void a_probe_is_measured_with_the_final_weights(void **state)
{
    char *val = mem_printf("data.val=%s/text.txt", small_dir);
    char *probe = mem_printf("data.probe=%s/text.txt", small_dir), *lines;
    struct config *plain = small_config(small_dir, NULL);
    struct config *c = small_config(small_dir, val, probe, NULL);
    struct run_result r;

    (void)state;
    small_run(&r, &lines, plain, 1, NULL, 0, NULL);
    assert_true(isnan(r.probe_loss));
    assert_null(strstr(lines, "probe_loss"));
    free(lines);
    small_run(&r, &lines, c, 1, NULL, 0, NULL);
    assert_true(r.probe_loss > 0 && r.probe_loss == r.loss);
    assert_non_null(strstr(lines, "\"probe_loss\":"));
    free(lines);
    config_free(plain);
    config_free(c);
    free(val);
    free(probe);
}

/* Before it learns, the input of the first layers is a normal vector over its
 * length: points of a sphere in 32 dimensions, whose coordinates have the
 * kurtosis 3 d / (d + 2).  The text has some twenty bytes, so that about 640
 * numbers are independent and the standard error is sqrt(24 / 640). */
static void inputs_of_a_fresh_model_have_the_kurtosis_of_a_sphere(void **state)
{
    struct config *c = small_config(small_dir, "train.lr=0", NULL);
    struct run_result r;

    (void)state;
    small_run(&r, NULL, c, 1, NULL, 0, NULL);
    check_close(r.kurtosis[LAYER_QKV], 3.0 * 32 / 34, 0.6);
    for (int kind = 0; kind < LAYER_HEAD; kind++)
        assert_true(r.kurtosis[kind] > 1); /* by Jensen, of anything */
    config_free(c);
}

static void every_line_is_json_and_the_last_one_is_final(void **state)
{
    struct config *c = arm(1, NULL);
    struct run_result r;
    char *lines, *save = NULL, *line;
    bool final = false;
    int points = 0;

    (void)state;
    assert_int_equal(small_run(&r, &lines, c, 1, NULL, 0, NULL), OK);
    for (line = strtok_r(lines, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *json;
        struct err err;

        assert_false(final);
        check_ok(json_parse(&json, line, "line", &err), err);
        final = json_object_get(json, "final") != NULL;
        if (!final)
            assert_int_equal(json_integer_value(json_object_get(json, "step")),
                             points == 0 ? 1 : 5 * points);
        else
            check_close(json_number_value(json_object_get(json, "loss")),
                        r.loss, 0);
        check_close(json_number_value(json_object_get(json, "tokens")),
                    64 * (final         ? 40
                          : points == 0 ? 1
                                        : 5 * points),
                    0);
        points += !final;
        json_decref(json);
    }
    assert_true(final);
    assert_int_equal(points, 9); /* 1, 5, 10, ... 40 */
    free(lines);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_show_in_the_result),
        cmocka_unit_test(instruction_sets_do_not_show_in_the_result),
        cmocka_unit_test(resuming_at_any_step_is_invisible),
        cmocka_unit_test(a_finished_run_only_repeats_its_result),
        cmocka_unit_test(the_first_loss_is_the_uniform_one),
        cmocka_unit_test(the_model_learns_an_order_one_source),
        cmocka_unit_test(arms_share_initial_weights_and_data_order),
        cmocka_unit_test(hashed_settings_and_only_they_change_the_records),
        cmocka_unit_test(divergence_is_a_result_with_step_and_reason),
        cmocka_unit_test(a_probe_is_measured_with_the_final_weights),
        cmocka_unit_test(inputs_of_a_fresh_model_have_the_kurtosis_of_a_sphere),
        cmocka_unit_test(every_line_is_json_and_the_last_one_is_final),
    };

    return cmocka_run_group_tests(tests, small_set_up, small_tear_down);
}
