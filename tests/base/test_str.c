#include "base/str.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/check.h"

static void strings_grow_and_stay_terminated(void **state)
{
    struct str s = { 0 };

    (void)state;
    assert_string_equal(str_text(&s), "");
    for (int i = 0; i < 1000; i++)
        str_addf(&s, "%d,", i % 10);
    assert_int_equal(s.len, 2000);
    assert_int_equal(strlen(str_text(&s)), 2000);
    str_release(&s);
    assert_null(s.data);
}

static void numbers_are_the_shortest_that_read_back(void **state)
{
    static const struct {
        double x;
        const char *text;
    } table[] = {
        { 0.1, "0.1" },
        { 1e-3, "0.001" },
        { 3, "3" },
        { -0.0, "0" },
        { 1.0 / 3, "0.3333333333333333" },
        { 1e300, "1e+300" },
        { 123456789012, "123456789012" },
        { 5e-324, "4.94065645841247e-324" },
        { 0.30000000000000004, "0.30000000000000004" },
        { NAN, "nan" },
        { -INFINITY, "-inf" },
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_string_equal(text_number(buf, table[i].x), table[i].text);
}

static void numbers_take_suffixes(void **state)
{
    static const struct {
        const char *text;
        bool durations;
        double value;
        int left; /* characters not read */
    } table[] = {
        { "16Ki", false, 16384, 0 }, { "1.5M", false, 1.5e6, 0 },
        { "1e-3", false, 0.001, 0 }, { ".001", false, 0.001, 0 },
        { "10m", true, 600, 0 },     { "10m", false, 10, 1 },
        { "2 M", false, 2, 2 },      { "3kx", false, 3, 2 },
        { "1e", false, 1, 1 },       { "2h", true, 7200, 0 },
    };
    const char *end;
    double x;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_true(
            text_read_number(&x, table[i].text, &end, table[i].durations));
        check_close(x, table[i].value, 0);
        assert_int_equal(strlen(end), table[i].left);
    }
    assert_false(text_read_number(&x, "nan", &end, false));
    assert_false(text_read_number(&x, "0x10", &end, false) && !*end);
    assert_false(text_read_number(&x, "", &end, false));
    assert_false(text_read_number(&x, "1e999", &end, false));
}

static void a_misspelling_finds_its_neighbour(void **state)
{
    static const char *const words[] = { "model.d_model", "model.n_layer",
                                         "train.tokens", "quant.group" };

    (void)state;
    assert_string_equal(text_nearest("train.tokesn", words, 4), "train.tokens");
    assert_string_equal(text_nearest("modle.d_model", words, 4),
                        "model.d_model");
    assert_string_equal(text_nearest("quant.gruop", words, 4), "quant.group");
    assert_null(text_nearest("banana", words, 4));
    assert_null(text_nearest("x", words, 4));
}

static void durations_and_sizes_read_like_a_person_says_them(void **state)
{
    char buf[32];

    (void)state;
    assert_string_equal(text_duration(buf, 0.84), "0.8 s");
    assert_string_equal(text_duration(buf, 206), "3 min 26 s");
    assert_string_equal(text_duration(buf, 7500), "2 h 05 min");
    assert_string_equal(text_duration(buf, 3 * 86400 + 3600 * 2), "3 d 2 h");
    assert_string_equal(text_si(buf, 55296, 3), "55.3k");
    assert_string_equal(text_si(buf, 2.47e12, 3), "2.47T");
    assert_string_equal(text_si(buf, 999.7, 3), "1k");
    assert_string_equal(text_si(buf, 12, 3), "12");
    assert_string_equal(text_si(buf, 3e17, 3), "300P");
    assert_string_equal(text_si(buf, 3e19, 3), "3e+19"); /* never 30E */
}

static void trimming_cuts_both_ends_only(void **state)
{
    char text[] = " \t a b \n";

    (void)state;
    assert_string_equal(text_trim(text), "a b");
    assert_true(text_has_prefix("grid.ini", "grid"));
    assert_false(text_has_suffix("ini", ".ini"));
}

static void an_error_keeps_its_sentence_and_gets_a_prefix(void **state)
{
    struct err err = { 0 };

    (void)state;
    assert_int_equal(err_set(&err, ERR_CONFIG, "key '%s' is unknown", "x"),
                     ERR_CONFIG);
    err_prefix(&err, "grid.ini:%d: ", 7);
    assert_string_equal(err.text, "grid.ini:7: key 'x' is unknown");
    assert_int_equal(err_exit_code(err.status), 3);
    assert_int_equal(err_exit_code(ERR_STOPPED), 75);
    assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

/* A code says one thing: 75 among them, at which schedulers start again. */
static void no_two_failures_end_alike(void **state)
{
    static const int codes[] = {
#define CODE(name, code, text) code,
        STATUS_LIST(CODE)
#undef CODE
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(codes[i], codes[k]);
}

static void no_memory_is_not_a_wish_to_go_on(void **state)
{
    int code;

    (void)state;
    if (fork() == 0) {
        close(STDERR_FILENO);
        mem_array(SIZE_MAX / 2, 4);
        _exit(0);
    }
    assert_true(wait(&code) > 0);
    assert_int_equal(WEXITSTATUS(code), err_exit_code(ERR_NOMEM));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_grow_and_stay_terminated),
        cmocka_unit_test(numbers_are_the_shortest_that_read_back),
        cmocka_unit_test(numbers_take_suffixes),
        cmocka_unit_test(a_misspelling_finds_its_neighbour),
        cmocka_unit_test(durations_and_sizes_read_like_a_person_says_them),
        cmocka_unit_test(trimming_cuts_both_ends_only),
        cmocka_unit_test(an_error_keeps_its_sentence_and_gets_a_prefix),
        cmocka_unit_test(no_two_failures_end_alike),
        cmocka_unit_test(no_memory_is_not_a_wish_to_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
