#include "base/wrap.h"

#include <string.h>

#include "tests/check.h"

#define TEN     "0123456789"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN
#define LONG    SEVENTY TEN TEN

static void check_wrapped(const char *text, size_t hang, const char *want)
{
    struct str s = { 0 };

    str_add_wrapped(&s, text, hang);
    assert_string_equal(str_text(&s), want);
    str_release(&s);
}

static void a_line_that_fits_stays_as_it_is(void **state)
{
    (void)state;
    check_wrapped("", 2, "");
    check_wrapped("a  b   c \n\n  d\n", 2, "a  b   c \n\n  d\n");
    check_wrapped(SEVENTY " 23456789\n", 2, SEVENTY " 23456789\n");
}

static void lines_break_at_blanks_and_hang(void **state)
{
    (void)state;
    check_wrapped(SEVENTY " 234567890 b c\nd\n", 2,
                  SEVENTY " 234567890\n  b c\nd\n");
    check_wrapped("  " SEVENTY "  12345678 b", 4,
                  "  " SEVENTY "\n      12345678 b");
    check_wrapped("a   " SEVENTY "   b", 0, "a   " SEVENTY "   b");
}

static void a_word_that_is_too_long_stands_alone(void **state)
{
    (void)state;
    check_wrapped(LONG, 2, LONG);
    check_wrapped("a " LONG " b c\n", 2, "a\n  " LONG "\n  b c\n");
    check_wrapped("  " LONG " b", 2, "  " LONG "\n    b");
}

static void columns_are_characters(void **state)
{
    char line[200] = "";

    (void)state;
    for (int i = 0; i < 80; i++)
        strcat(line, "\xc3\xa4"); /* two bytes each */
    assert_int_equal(text_columns(line), 80);
    check_wrapped(line, 2, line);
}

static void check_label(const char *text, size_t columns, const char *want)
{
    struct str s = { 0 };

    str_add_label(&s, text, columns);
    assert_string_equal(str_text(&s), want);
    str_release(&s);
}

static void names_are_cut_in_their_middle(void **state)
{
    struct str s = { 0 };

    (void)state;
    check_label("int4 W+A g32", 12, "int4 W+A g32");
    check_label("int4 W+A g32", 11, "int4... g32");
    check_label("a\tb", 8, "a?b");
    check_label("abcdefgh", 3, "...");
    check_label("\x80\x80\x80\x80", 4, "????"); /* no UTF-8 */
    check_label("\x80\x80\x80\x80\x80\x80\x80\x80", 6, "?...??");
    check_label("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 5,
                "\xc3\xa4...\xc3\xa4");
    str_add_cell(&s, "ab", 4);
    str_add_char(&s, '|');
    assert_string_equal(str_text(&s), "ab  |");
    str_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_fits_stays_as_it_is),
        cmocka_unit_test(lines_break_at_blanks_and_hang),
        cmocka_unit_test(a_word_that_is_too_long_stands_alone),
        cmocka_unit_test(columns_are_characters),
        cmocka_unit_test(names_are_cut_in_their_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
