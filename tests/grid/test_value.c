/* Lists and generators against lists written by hand. */
#include <string.h>

#include "harness/grid/value.h"
#include "tests/check.h"

static enum status read_list(struct value_list *list, const char *value,
                             bool whole, int *merged, struct err *err)
{
    char *text = mem_printf("[s]\nk = %s\n", value);
    struct ini *ini;
    enum status st = ini_read_text(&ini, "f.ini", text, strlen(text), err);

    *list = (struct value_list){ 0 };
    if (st == OK)
        st = value_split(list, &ini->sections[0].entries[0], err);
    if (st == OK)
        st = value_generate(list, whole ? VALUE_WHOLE : VALUE_NUMBER, merged,
                            err);
    /* Places point into the file, which goes away here; only texts are
     * compared. */
    ini_free(ini);
    free(text);
    return st;
}

static char *joined(const struct value_list *list)
{
    struct str out = { 0 };

    for (int i = 0; i < list->n; i++)
        str_addf(&out, "%s%s", i ? " | " : "", list->items[i].text);
    return str_steal(&out);
}

static void check_list(const char *value, bool whole, const char *want)
{
    struct value_list list;
    struct err err = { 0 };
    char *got;

    check_ok(read_list(&list, value, whole, NULL, &err), err);
    got = joined(&list);
    assert_string_equal(got, want);
    free(got);
    value_release(&list);
}

static void refuse(const char *value, const char *sentence)
{
    struct value_list list;
    struct err err = { 0 };

    assert_int_equal(read_list(&list, value, false, NULL, &err), ERR_CONFIG);
    check_says(err, sentence);
    value_release(&list);
}

static void items_are_parted_by_commas_and_line_breaks(void **state)
{
    (void)state;
    check_list("a, b,c", false, "a | b | c");
    check_list("a,\n  b\n  c, d", false, "a | b | c | d");
    check_list("\n  a\n  b", false, "a | b");
    check_list("\"x, y\", z", false, "x, y | z");
    check_list("\"step(1, 2, 1)\"", false, "step(1, 2, 1)");
    check_list("a b, c", false, "a b | c");
}

static void generators_include_both_ends(void **state)
{
    (void)state;
    check_list("step(16, 64, 16)", true, "16 | 32 | 48 | 64");
    check_list("step(0, 0.3, 0.1)", false, "0 | 0.1 | 0.2 | 0.3");
    check_list("step(3, 1, -1)", true, "3 | 2 | 1");
    check_list("step(1, 2, 0.4)", false, "1 | 1.4 | 1.8");
    check_list("step(5, 5, 1)", true, "5");
    check_list("lin(0, 1, 5)", false, "0 | 0.25 | 0.5 | 0.75 | 1");
    check_list("lin(7, 9, 1)", false, "7");
    check_list("log(1e-4, 1e-2, 3)", false, "0.0001 | 0.001 | 0.01");
    check_list("log(1, 1M, 4)", true, "1 | 100 | 10000 | 1000000");
    check_list("log(1e-4, 1e-2, 5)", false,
               "0.0001 | 0.000316227766017 | 0.001 | 0.00316227766017 | 0.01");
    check_list("pow2(32, 256)", true, "32 | 64 | 128 | 256");
    check_list("pow2(0.25, 1)", false, "0.25 | 0.5 | 1");
    check_list("geom(1k, 4, 3)", true, "1000 | 4000 | 16000");
    check_list("1, pow2(2, 4), 9", true, "1 | 2 | 4 | 9");
    check_list("step(1Ki, 2Ki, 512)", true, "1024 | 1536 | 2048");
}

/* 1, 10^(1/4) = 1.78, 10^(2/4) = 3.16, 10^(3/4) = 5.62, 10. */
static void whole_numbers_are_rounded_and_joined(void **state)
{
    struct value_list list;
    struct err err = { 0 };
    int merged = 0;

    (void)state;
    check_list("log(1, 10, 5)", true, "1 | 2 | 3 | 6 | 10");
    check_ok(read_list(&list, "log(1, 4, 9)", true, &merged, &err), err);
    assert_int_equal(list.n, 4);
    assert_int_equal(merged, 5);
    value_release(&list);
}

/* Of a key that is a time, in seconds. */
static void times_have_their_units(void **state)
{
    struct value_list list = { 0 };
    struct err err = { 0 };
    char *got;

    (void)state;
    value_add(&list, "step(1m, 2m, 30s)", (struct ini_where){ "f", 1, 1 },
              false);
    value_add(&list, "geom(1h, 24, 2)", (struct ini_where){ "f", 1, 1 }, false);
    check_ok(value_generate(&list, VALUE_TIME, NULL, &err), err);
    got = joined(&list);
    assert_string_equal(got, "60 | 90 | 120 | 3600 | 86400");
    free(got);
    value_release(&list);
}

static void wrong_lists_are_refused(void **state)
{
    (void)state;
    refuse("a,,b", "f.ini:2: a value is missing beside a comma");
    refuse(", a", "a value is missing");
    refuse("a, b,", "a value is missing");
    refuse("\"a", "missing closing quote in \"a");
    refuse("\"a\" b", "text after the closing quote");
    refuse("lni(0, 1, 2)", "unknown generator 'lni', did you mean 'lin'?");
    refuse("frobnicate(1)", "unknown generator 'frobnicate' (step, lin");
    refuse("lin(0, 1)", "lin(first, last, how many) takes 3 arguments, not 2");
    refuse("lin(0, 1, 0)", "must be whole and at least 1");
    refuse("lin(0, 1, 2.5)", "must be whole and at least 1");
    refuse("lin(0, 1, 1e9)", "more than 1000000 values");
    refuse("step(0, 1, 0)", "does not lead");
    refuse("step(0, 1e300, 1)", "more than 1000000 values");
    refuse("log(-1, 1, 3)", "both ends must be positive");
    refuse("pow2(3, 8)", "powers of two");
    refuse("geom(1, 1e300, 3)", "the values overflow");
    refuse("log(10m, 40m, 3)", "'10m' is not a number; did you mean '10M'?");
    refuse("step(1h, 2h, 1)", "'1h' is not a number");
    refuse("pow2(2, 8d)", "'8d' is not a number");
    refuse("geom(2g, 2, 3)", "'2g' is not a number; did you mean '2G'?");
    refuse("load(\"no such file\")", "no such file");
}

static void nearly_right_units_are_suggested(void **state)
{
    static const struct {
        const char *text;
        bool duration;
        const char *want;
    } rows[] = {
        { "16KI", false, "Ki" },  { "16K", false, "k" },
        { "5min", true, "m" },    { "5min", false, NULL },
        { "12 M", false, "M" },   { "7B", false, "G" },
        { "16Ki", false, NULL },  { "3e", false, NULL },
        { "hello", false, NULL }, { "30secs", true, "s" },
        { "2 h", true, "h" },     { "2 h", false, NULL },
        { "3m", false, "M" },     { "3g", false, "G" },
        { "3t", false, "T" },     { "3m", true, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *hint = value_unit_hint(rows[i].text, rows[i].duration);

        if (!rows[i].want != !hint || (hint && strcmp(hint, rows[i].want) != 0))
            fail_msg("%s: hint %s, expected %s", rows[i].text,
                     hint ? hint : "none",
                     rows[i].want ? rows[i].want : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_parted_by_commas_and_line_breaks),
        cmocka_unit_test(generators_include_both_ends),
        cmocka_unit_test(whole_numbers_are_rounded_and_joined),
        cmocka_unit_test(times_have_their_units),
        cmocka_unit_test(wrong_lists_are_refused),
        cmocka_unit_test(nearly_right_units_are_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
