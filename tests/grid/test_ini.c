/* What the line reader must get right whatever keys mean: places, comments,
 * quotes, continuations, encodings, and what libinih would get wrong. */
#include <string.h>

#include "base/str.h"
#include "harness/grid/ini.h"
#include "tests/check.h"

static struct ini *read_ok(const char *text)
{
    struct ini *ini = NULL;
    struct err err = { 0 };

    check_ok(ini_read_text(&ini, "f.ini", text, strlen(text), &err), err);
    return ini;
}

static void refuse(const char *text, const char *sentence)
{
    struct ini *ini = NULL;
    struct err err = { 0 };

    assert_int_equal(ini_read_text(&ini, "f.ini", text, strlen(text), &err),
                     ERR_CONFIG);
    check_says(err, sentence);
}

static const struct ini_entry *entry(const struct ini *ini, int s, int e)
{
    assert_in_range(s, 0, ini->n_sections - 1);
    assert_in_range(e, 0, ini->sections[s].n_entries - 1);
    return &ini->sections[s].entries[e];
}

static void check_value(const struct ini_entry *e, const char *want)
{
    char *value = ini_value(e);

    assert_string_equal(value, want);
    free(value);
}

static void sections_keys_and_values_are_found(void **state)
{
    struct ini *ini = read_ok("[a]\nx = 1\n\n[ b \"c d\" ]\ny.z=2 \n[e]\n");

    (void)state;
    assert_int_equal(ini->n_sections, 3);
    assert_string_equal(ini->sections[0].name, "a");
    assert_null(ini->sections[0].label);
    assert_string_equal(ini->sections[1].name, "b");
    assert_string_equal(ini->sections[1].label, "c d");
    assert_int_equal(ini->sections[1].where.line, 4);
    assert_int_equal(ini->sections[2].n_entries, 0);
    assert_string_equal(entry(ini, 0, 0)->key, "x");
    check_value(entry(ini, 0, 0), "1");
    ini_free(ini);
}

static void comments_start_at_a_line_or_after_white_space(void **state)
{
    struct ini *ini = read_ok("# one\n[a]\n; two\nx = 1#no # yes\n"
                              "  # three\ny = 2;no\t; yes\n");

    (void)state;
    check_value(entry(ini, 0, 0), "1#no");
    check_value(entry(ini, 0, 1), "2;no");
    ini_free(ini);
}

static void quotes_protect_comment_signs_and_stray_quotes_do_not(void **state)
{
    struct ini *ini = read_ok("[a]\nx = \"p # q\", \"r ; s\" # t\n"
                              "y = 12\" wide # u\nz = say \"a # b\"\n");

    (void)state;
    check_value(entry(ini, 0, 0), "\"p # q\", \"r ; s\"");
    check_value(entry(ini, 0, 1), "12\" wide");
    check_value(entry(ini, 0, 2), "say \"a");
    ini_free(ini);
}

static void continuations_keep_their_own_lines_and_columns(void **state)
{
    struct ini *ini = read_ok("[a]\nx = 1, # c\n\n# d\n    22,\n\t333\ny=4\n");
    const struct ini_entry *e = entry(ini, 0, 0);

    (void)state;
    assert_int_equal(e->n_pieces, 3);
    assert_int_equal(e->pieces[0].where.line, 2);
    assert_int_equal(e->pieces[0].where.column, 5);
    assert_int_equal(e->pieces[1].where.line, 5);
    assert_int_equal(e->pieces[1].where.column, 5);
    assert_int_equal(e->pieces[2].where.line, 6);
    assert_int_equal(e->pieces[2].where.column, 2);
    check_value(e, "1, 22, 333");
    /* "1, 22, 333": column 8 is the first 3, column 5 the second 2. */
    assert_int_equal(ini_locate(e, 8).line, 6);
    assert_int_equal(ini_locate(e, 8).column, 2);
    assert_int_equal(ini_locate(e, 2).line, 2);
    assert_int_equal(ini_locate(e, 2).column, 6);
    assert_int_equal(ini_locate(e, 5).line, 5);
    assert_int_equal(ini_locate(e, 5).column, 6);
    ini_free(ini);
}

static void keys_may_hold_colons_and_long_names_are_not_cut(void **state)
{
    struct ini *ini = read_ok(
        "[s]\nquant.last:1.x = int8\n"
        "quant.a_name_that_is_longer_than_the_fifty_bytes_of_libinih.x = 1\n"
        "  2\n");

    (void)state;
    assert_string_equal(entry(ini, 0, 0)->key, "quant.last:1.x");
    check_value(entry(ini, 0, 0), "int8");
    check_value(entry(ini, 0, 1), "1 2");
    ini_free(ini);
}

static void a_line_of_60000_bytes_is_read_whole(void **state)
{
    struct str text = { 0 };
    struct ini *ini;
    char *value;

    (void)state;
    str_add(&text, "[a]\nx = ");
    for (int i = 0; i < 10000; i++)
        str_addf(&text, "%05d,", i);
    str_add(&text, "\ny = 1\n");
    ini = read_ok(str_text(&text));
    value = ini_value(entry(ini, 0, 0));
    assert_int_equal(strlen(value), 60000);
    assert_string_equal(value + 59994, "09999,");
    assert_int_equal(entry(ini, 0, 1)->where.line, 3);
    free(value);
    ini_free(ini);
    str_clear(&text);
    str_add(&text, "[a]\nx = ");
    for (int i = 0; i < 11000; i++)
        str_addf(&text, "%05d,", i);
    refuse(str_text(&text), "f.ini:2: the line is longer than 65536 bytes");
    str_release(&text);
}

static void byte_order_marks_and_carriage_returns_are_skipped(void **state)
{
    struct ini *ini = read_ok("\xef\xbb\xbf[a]\r\nx = caf\xc3\xa9\r\n");

    (void)state;
    check_value(entry(ini, 0, 0), "caf\xc3\xa9");
    ini_free(ini);
}

/* RFC 3629: overlong forms, surrogates and cut characters are not UTF-8. */
/* Lines of a shell are kept as they stand, in whatever section they are set. */
static void lines_of_a_shell_are_lines(void **state)
{
    static const char *const want[] = {
        "export A=0,1; echo b ; echo \"c, d\" # all of it",
        "[ -f ~/.env ] && . ~/.env",
        "PATH = /opt/bin:$PATH",
        "x=(1 2); y=${x[0]}",
        "trailing,",
    };
    static const char *const heads[] = { "[slurm]\nsetup = ", "[slurm]\nsetup=",
                                         "[profile \"c\"]\nslurm.setup = " };

    (void)state;
    for (int h = 0; h < 3; h++) {
        struct str text = { 0 };
        struct ini *ini;
        const struct ini_entry *e;

        str_add(&text, heads[h]);
        for (int i = 0; i < 5; i++)
            str_addf(&text, "%s%s\n%s", i ? "  \t " : "", want[i],
                     i == 2 ? "    # a comment\n\n    ; another\n" : "");
        str_add(&text, "[ run ]\nslots = 2 ; a comment\n  3\n");
        ini = read_ok(str_text(&text));
        e = entry(ini, 0, 0);
        assert_int_equal(e->n_pieces, 5);
        for (int i = 0; i < 5; i++)
            assert_string_equal(e->pieces[i].text, want[i]);
        assert_int_equal(e->pieces[3].where.line, 8);
        assert_int_equal(e->pieces[3].where.column, 5);
        check_value(entry(ini, 1, 0), "2 3");
        ini_free(ini);
        str_release(&text);
    }
    refuse("[x]\nsetup = a\n  b = 1\n", "remove the indentation");
}

static void what_is_not_utf8_is_refused_with_its_column(void **state)
{
    (void)state;
    refuse("[a]\nx = \xc0\xaf\n", "f.ini:2: not UTF-8 at column 5");
    refuse("[a]\nx = a\xed\xa0\x80\n", "f.ini:2: not UTF-8 at column 6");
    refuse("[a]\nx = \xe2\x82\n", "f.ini:2: not UTF-8 at column 5");
    refuse("[a]\nx = \xf4\x90\x80\x80\n", "not UTF-8");
    refuse("[a]\nx = \x01\n", "f.ini:2: control character at column 5");
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    refuse("[a]\nx = 1\njust words\n[b\n", "f.ini:3: expected 'key = value'");
    refuse("[a]\nx: 1\n", "f.ini:2: expected 'key = value'");
    refuse("x = 1\n", "f.ini:1: a key before the first [section]");
    refuse("[a \"]\nx = 1\n", "f.ini:1: expected [section]");
    refuse("[a \"\"]\n", "f.ini:1: the section's label is empty");
    refuse("[]\n", "f.ini:1: expected [section]");
    refuse("[a]\n  x = 1\n", "f.ini:2: an indented line");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_keys_and_values_are_found),
        cmocka_unit_test(comments_start_at_a_line_or_after_white_space),
        cmocka_unit_test(quotes_protect_comment_signs_and_stray_quotes_do_not),
        cmocka_unit_test(continuations_keep_their_own_lines_and_columns),
        cmocka_unit_test(keys_may_hold_colons_and_long_names_are_not_cut),
        cmocka_unit_test(a_line_of_60000_bytes_is_read_whole),
        cmocka_unit_test(byte_order_marks_and_carriage_returns_are_skipped),
        cmocka_unit_test(lines_of_a_shell_are_lines),
        cmocka_unit_test(what_is_not_utf8_is_refused_with_its_column),
        cmocka_unit_test(wrong_lines_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
