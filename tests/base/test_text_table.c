#include "base/text_table.h"

#include "tests/check.h"

/* For whom: a person with a spreadsheet, or a program. */
static void csv_is_what_a_spreadsheet_shows_and_a_program_reads(void **state)
{
    static const struct {
        const char *text, *person, *program;
    } cells[] = {
        { "", "", "\"\"" },
        { "plain", "plain", "plain" },
        { "a,\"b\"", "\"a,\"\"b\"\"\"", "\"a,\"\"b\"\"\"" },
        { "two\nlines", "\"two\nlines\"", "\"two\nlines\"" },
        { "=HYPERLINK(1)", "\"'=HYPERLINK(1)\"", "=HYPERLINK(1)" },
        { "+1", "\"'+1\"", "+1" },
        { "-2+3", "\"'-2+3\"", "-2+3" },
        { "@SUM(A1)", "\"'@SUM(A1)\"", "@SUM(A1)" },
        { "\t=1", "\"'\t=1\"", "\t=1" },
        { "=\"a\"", "\"'=\"\"a\"\"\"", "\"=\"\"a\"\"\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct str person = { 0 }, program = { 0 };

        text_csv(&person, cells[i].text, false);
        text_csv_exact(&program, cells[i].text);
        assert_string_equal(str_text(&person), cells[i].person);
        assert_string_equal(str_text(&program), cells[i].program);
        str_release(&person);
        str_release(&program);
    }
}

static void a_number_begins_with_its_sign(void **state)
{
    struct str s = { 0 };

    (void)state;
    text_csv(&s, "-0.5", true);
    assert_string_equal(str_text(&s), "-0.5");
    str_release(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_what_a_spreadsheet_shows_and_a_program_reads),
        cmocka_unit_test(a_number_begins_with_its_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
