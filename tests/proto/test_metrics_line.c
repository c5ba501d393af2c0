/* Lines as trainers write them, and as they should not. */
#include "harness/proto/metrics_line.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
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
        { "NaN", 1 },       { "nan", 1 },     { "-nan", 1 },  { "Infinity", 2 },
        { "-Infinity", 2 }, { "inf", 2 },     { "-inf", 2 },  { "1e999", 2 },
        { "-1e999", 2 },    { "\"NaN\"", 1 }, { "1e308", 0 }, { "null", 0 },
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

/* Names as trackers and evaluation harnesses give them. */
static void other_numbers_are_extra_metrics(void **state)
{
    static const char *const names[] = {
        "gate.entropy",
        "x-1",
        "_under",
        "a b",
        "eval/ppl",
        "acc@1",
        "throughput (tok/s)",
        "perte \xc3\xa9valu\xc3\xa9"
        "e",
        "../x",
        "loss%",
    };
    struct str text = { 0 };
    struct metrics_line m;

    (void)state;
    str_add(&text, "{\"step\":5,\"flag\":true,\"word\":\"w\",\"none\":null");
    for (int i = 0; i < 10; i++)
        str_addf(&text, ",\"%s\":%d.25", names[i], i);
    str_add(&text, "}");
    m = read_line(str_text(&text));
    assert_int_equal(m.n_extra, 10);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(m.extra[i].name, names[i]);
        check_close(m.extra[i].value, i + 0.25, 0);
    }
    assert_string_equal(m.note, "");
    metrics_line_release(&m);
    assert_int_equal(m.n_extra, 0);
    str_release(&text);
}

/* What cannot be kept is said, and the rest of the line is kept. */
static void what_of_a_line_is_passed_over_is_said(void **state)
{
    static const struct {
        const char *rest, *note;
    } rows[] = {
        { "\"nan_too\":NaN", "nan_too is \"NaN\"" },
        { "\"gnorm\":-inf", "gnorm is \"-inf\"" },
        { "\"eval\":{\"ppl\":3.5}", "eval is {\"ppl\":3.5}" },
        { "\"betas\":[0.9,0.95]", "betas is [0.9,0.95]" },
        { "\"\":3", "name is empty" },
        { "\"a\\tb\":3", "not printable" },
        { "\"0123456789012345678901234567890123456789012345678901234567890123"
          "\":1",
          "longer than 63 bytes" },
        { "\"lr\":\"3e-4\"", "lr is \"3e-4\", which is no number" },
        { "\"train_loss\":[4.0]", "train_loss is [4.0]" },
        { "\"x\":1,\"x\":2", "a key stands twice" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        char text[200];

        snprintf(text, sizeof text, "{\"step\":7,%s,\"kept\":1}", rows[i].rest);
        m = read_line(text);
        if (!strstr(m.note, rows[i].note))
            fail_msg("%s: '%s'", text, m.note);
        assert_string_equal(m.extra[m.n_extra - 1].name, "kept");
        metrics_line_release(&m);
    }
}

static void a_thousand_metrics_fit_on_a_line(void **state)
{
    struct str text = { 0 };
    struct metrics_line m;

    (void)state;
    str_add(&text, "{\"step\":5");
    for (int i = 0; i < 1030; i++)
        str_addf(&text, ",\"m%d\":%d", i, i);
    str_add(&text, "}");
    m = read_line(str_text(&text));
    assert_int_equal(m.n_extra, 1024);
    assert_non_null(strstr(m.note, "more than 1024 metrics"));
    metrics_line_release(&m);
    str_release(&text);
}

/* Python's integers have no end: FLOPs of 6 N D, hashes, states of generators.
 * The doubles are those that Python's float() gives. */
static void whole_numbers_of_any_length_are_numbers(void **state)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        { "9223372036854775808", 0x1p63 },
        { "18446744073709551616", 0x1p64 },
        { "-9223372036854775809", -0x1p63 },
        { "1000000000000000000000000", 1e24 },
        { "340282366920938463463374607431768211456", 0x1p128 },
        { "9007199254740993", 0x1p53 }, /* half way: to even */
        { "1000000000000000000000000000000000000000000000000000000000000000000"
          "000000000000000000000",
          1e87 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        char text[400];

        snprintf(text, sizeof text,
                 "{\"final\":true,\"loss\":3,\"flops\":%s,\"state\":%s}",
                 rows[i].text, rows[i].text);
        m = read_line(text);
        check_close(m.flops, rows[i].value, 0);
        check_close(m.extra[0].value, rows[i].value, 0);
        metrics_line_release(&m);
    }
}

static void a_final_that_is_meant_is_taken(void **state)
{
    static const struct {
        const char *text;
        int final; /* -1: refused */
    } rows[] = {
        { "true", 1 },     { "1", 1 },       { "1.0", 1 },  { "\"true\"", 1 },
        { "\"True\"", 1 }, { "\"yes\"", 1 }, { "2", 1 },    { "\"1\"", 1 },
        { "false", 0 },    { "0", 0 },       { "null", 0 }, { "\"False\"", 0 },
        { "\"no\"", 0 },   { "\"\"", 0 },    { "0.0", 0 },  { "\"soon\"", -1 },
        { "[true]", -1 },  { "{}", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        struct err err;
        char text[100];
        enum status st;

        snprintf(text, sizeof text, "{\"final\":%s,\"step\":3,\"loss\":2.5}",
                 rows[i].text);
        st = metrics_line_read(&m, text, strlen(text), &err);
        if ((st == OK ? m.final : -1) != rows[i].final)
            fail_msg("%s gives %d: %s", text, m.final, err.text);
    }
}

/* A final record without a number as its loss: what is there is named.  NaN and
 * infinities are a result. */
static void a_final_record_needs_a_loss(void **state)
{
    static const struct {
        const char *rest, *says; /* NULL: taken */
    } rows[] = {
        { "\"val_loss\":3.5", "no \"loss\" but \"val_loss\"" },
        { "\"eval/LOSS\":3.5", "but \"eval/LOSS\"" },
        { "\"perplexity\":33,\"acc\":0.2", "but \"perplexity\", \"acc\"" },
        { "\"metrics\":{\"loss\":3.5}", "but \"metrics\"" },
        { "\"loss\":\"3,5\"", "\"loss\" is \"3,5\"" },
        { "\"loss\":\"tensor(3.5)\"", "\"loss\" is \"tensor(3.5)\"" },
        { "\"loss\":true", "\"loss\" is true" },
        { "\"loss\":{\"val\":3.5}", "\"loss\" is {\"val\":3.5}" },
        { "\"loss\":[[3.5]]", "\"loss\" is [[3.5]]" },
        { "\"tokens\":1", "there is no \"loss\"" },
        { "\"loss\":NaN", NULL },
        { "\"loss\":null", NULL },
        { "\"loss\":\"nan\"", NULL },
        { "\"loss\":-Infinity", NULL },
        { "\"diverged\":true", NULL },
        { "\"stopped\":1,\"step\":4", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        struct err err = { 0 };
        char text[120];
        enum status st;

        snprintf(text, sizeof text, "{\"final\":true,%s}", rows[i].rest);
        st = metrics_line_read(&m, text, strlen(text), &err);
        if (st != (rows[i].says ? ERR_CONFIG : OK) ||
            (rows[i].says && (!strstr(err.text, rows[i].says) ||
                              !strstr(err.text, "\"loss\":NUMBER"))))
            fail_msg("%s: %s", text, err.text);
    }
}

static void what_is_no_record_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "hello",
        "[1,2]",
        "{\"step\":1",
        "{\"step\":1}}",
        "{}",
        "{\"step\":-1}",
        "{\"step\":null}",
        "{\"step\":NaN}",
        "{\"step\":\"1\"}",
        "{\"step\":1e300}",
        "\xff\xfe{\"step\":1}",
        "step 1 loss 2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct metrics_line m;
        struct err err;

        if (metrics_line_read(&m, rows[i], strlen(rows[i]), &err) != ERR_CONFIG)
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
        cmocka_unit_test(what_of_a_line_is_passed_over_is_said),
        cmocka_unit_test(a_thousand_metrics_fit_on_a_line),
        cmocka_unit_test(whole_numbers_of_any_length_are_numbers),
        cmocka_unit_test(a_final_that_is_meant_is_taken),
        cmocka_unit_test(a_final_record_needs_a_loss),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(a_final_record_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
