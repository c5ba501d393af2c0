/* Lines as trainers write them, and as they should not. */
#include "harness/metrics_line.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "tests/check.h"

static struct metrics_line read_line(const char *text)
{
    struct metrics_line m;
    struct err err;

    check_ok(metrics_line_read(&m, text, strlen(text), &err), err);
    return m;
}

static void a_point_has_its_numbers(void **state)
{
    const struct metrics_line m = read_line(
        "{\"step\":20,\"tokens\":20480,\"train_loss\":5.1,\"val_loss\":null,"
        "\"lr\":0.003,\"grad_norm\":1.2,\"wall_s\":0.4}");

    (void)state;
    assert_false(m.final);
    check_close(m.step, 20, 0);
    check_close(m.tokens, 20480, 0);
    check_close(m.train_loss, 5.1, 0);
    assert_true(isnan(m.val_loss));
    check_close(m.grad_norm, 1.2, 0);
    assert_int_equal(m.nonfinite, 0);
    assert_int_equal(m.n_extra, 0);
}

/* What Python's json, printf and a shell write for numbers that are none. */
static void numbers_that_are_none_become_a_flag(void **state)
{
    static const struct {
        const char *text;
        int flag;
    } rows[] = {
        { "NaN", 1 },       { "nan", 1 },      { "-nan", 1 },
        { "Infinity", 2 },  { "-Infinity", 2 }, { "inf", 2 },
        { "-inf", 2 },      { "1e999", 2 },    { "-1e999", 2 },
        { "\"NaN\"", 1 },   { "1e308", 0 },    { "null", 0 },
        { "\"many\"", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[120];
        struct metrics_line m;

        snprintf(text, sizeof text, "{\"step\":1,\"train_loss\":%s,\"lr\":1}",
                 rows[i].text);
        m = read_line(text);
        if (m.nonfinite != rows[i].flag)
            fail_msg("%s gives %d", text, m.nonfinite);
        assert_true(isnan(m.train_loss) || m.train_loss == 1e308);
        check_close(m.lr, 1, 0);
    }
}

/* Inside strings and names they are text. */
static void words_in_strings_stay(void **state)
{
    struct metrics_line m = read_line(
        "{\"final\":true,\"diverged\":true,\"reason\":\"loss is NaN, or \\\"inf"
        "\\\"\",\"infinite\":3,\"step\":1}");

    (void)state;
    assert_true(m.final && m.diverged);
    assert_string_equal(m.reason, "loss is NaN, or \"inf\"");
    assert_int_equal(m.nonfinite, 0);
    metrics_line_release(&m);
}

static void other_numbers_are_extra_metrics(void **state)
{
    struct metrics_line m = read_line(
        "{\"step\":5,\"gate.entropy\":0.25,\"x-1\":-2,\"_no\":1,\"a b\":1,"
        "\"../x\":1,\"flag\":true,\"word\":\"w\",\"nan_too\":NaN,\"\":3}");

    (void)state;
    assert_int_equal(m.n_extra, 2);
    assert_string_equal(m.extra[0].name, "gate.entropy");
    check_close(m.extra[0].value, 0.25, 0);
    assert_string_equal(m.extra[1].name, "x-1");
    check_close(m.extra[1].value, -2, 0);
    metrics_line_release(&m);
    assert_int_equal(m.n_extra, 0);
}

static void what_is_no_record_is_refused(void **state)
{
    static const char *const rows[] = {
        "", "hello", "[1,2]", "{\"step\":1", "{\"step\":1}}", "{}",
        "{\"step\":-1}", "{\"step\":null}", "{\"step\":NaN}",
        "{\"step\":1,\"step\":2}", "{\"step\":\"1\"}", "{\"step\":1e300}",
        "\xff\xfe{\"step\":1}", "step 1 loss 2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        struct err err;

        if (metrics_line_read(&m, rows[i], strlen(rows[i]), &err) !=
            ERR_CONFIG)
            fail_msg("accepted: %s", rows[i]);
    }
}

static void a_final_record_is_whole(void **state)
{
    const struct metrics_line m = read_line(
        "{\"final\":true,\"loss\":4.25,\"loss_se\":0.01,\"steps\":400,"
        "\"tokens\":409600,\"flops\":1.2e12,\"weights_sha256\":\"abcd\","
        "\"n_body\":6144}");

    (void)state;
    assert_true(m.final);
    assert_false(m.diverged);
    check_close(m.loss, 4.25, 0);
    check_close(m.steps, 400, 0);
    check_close(m.n_body, 6144, 0);
    assert_string_equal(m.weights_sha256, "abcd");
    assert_true(isnan(m.best_loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_has_its_numbers),
        cmocka_unit_test(numbers_that_are_none_become_a_flag),
        cmocka_unit_test(words_in_strings_stay),
        cmocka_unit_test(other_numbers_are_extra_metrics),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(a_final_record_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
