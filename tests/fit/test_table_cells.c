/* What a table may look like and how numbers in it may be written: the right
 * values are those that a person reads. */
#include <string.h>

#include "base/odd.h"
#include "base/str.h"
#include "fit/table.h"
#include "tests/check.h"

static struct table *parse(const char *text)
{
    struct table *t;
    struct err err;

    check_ok(table_parse(&t, text, "t.csv", &err), err);
    return t;
}

static const char *note_with(const struct table *t, const char *words)
{
    for (int i = 0; i < t->n_notes; i++)
        if (strstr(t->notes[i], words))
            return t->notes[i];
    return NULL;
}

/* One column, one value a line; blanks of the file's own parted by ';'. */
static void numbers_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *cells;
        double value[3];
    } columns[] = {
        { "1_000\n2_500_000\n1_0.5", { 1000, 2.5e6, 10.5 } },
        { "7b\n1.5B\n12 k", { 7e9, 1.5e9, 12e3 } },
        { "70 B\n3\xc2\xa0M\n1t", { 70e9, 3e6, 1e12 } },
        { "1,000\n12,500,000\n7", { 1000, 12.5e6, 7 } },
        { "1,000.25\n999\n2,000", { 1000.25, 999, 2000 } },
        { "1.000\n2.500.000\n3", { 1000, 2.5e6, 3 } },
        { "1 000 000\n2\xe2\x80\xaf"
          "500\n4",
          { 1e6, 2500, 4 } },
        { "1'000\n2'500'000\n9", { 1000, 2.5e6, 9 } },
        { "3,14\n2,718\n10", { 3.14, 2.718, 10 } },
        { "0,5\n-1,25e3\n0,125", { 0.5, -1250, 0.125 } },
        { "2.500\n1.250\n0.125", { 2.5, 1.25, 0.125 } },
        { "2.5\n1.250\n7.125", { 2.5, 1.25, 7.125 } },
        { "1.234.567,5\n2.000\n1,5", { 1234567.5, 2000, 1.5 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        char *text = mem_printf("x;y\n%s\n", columns[i].cells);
        struct table *t = parse(text);

        assert_int_equal(t->rows, 3);
        for (int r = 0; r < 3; r++)
            check_close(t->cols[0].num[r], columns[i].value[r], 1e-15);
        table_free(t);
        free(text);
    }
}

/* What a comma means in one column the others may tell. */
static void the_other_columns_decide_what_one_leaves_open(void **state)
{
    static const struct {
        const char *text;
        double x;
    } tables[] = {
        { "x;y\n256,000;9.14\n", 256000 },
        { "x;y\n256,000;9,14\n", 256 },
        { "x;y\n256,000;1,000,000\n", 256000 },
        { "x;y\n256.000;9,14\n", 256000 },
        { "x;y\n256.000;9.14\n", 256 },
        { "x,y\n\"4,000\",3.5\n", 4000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct table *t = parse(tables[i].text);

        check_close(t->cols[0].num[0], tables[i].x, 1e-15);
        table_free(t);
    }
}

static void what_can_be_read_in_two_ways_is_an_error(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "x;y\n256,000;7\n", "t.csv:2: x is '256,000', which can be read in "
                              "two ways: the comma" },
        { "x;y\n1;7\n2,500;8\n", "t.csv:3: x is '2,500'" },
        { "x;y\n1,000,000;1\n0,5;1\n", "two ways" },
        { "x;y\n1.000.000;1\n0.5;1\n", "t.csv:2: x is '1.000.000'" },
    };
    struct table *t;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(table_parse(&t, bad[i].text, "t.csv", &err),
                         ERR_CONFIG);
        check_says(err, bad[i].says);
    }
}

/* Words beside them leave cells alone, and a format is no number of billions. */
static void columns_of_words_stay_words(void **state)
{
    struct table *t = parse("name;fmt\n1,000;4b\nbest of 2,5;8b\nrun;none\n");

    (void)state;
    assert_true(isnan(t->cols[0].num[0]));
    assert_true(isnan(t->cols[1].num[0]));
    assert_int_equal(t->n_notes, 0);
    table_free(t);
}

static void what_was_read_otherwise_is_noted(void **state)
{
    struct table *t = parse(",N,loss\n0,1.000,\"3,25\"\n1,4.000,\"3,5\"\n"
                            "# the end\n");

    (void)state;
    assert_non_null(note_with(t, "column 1 has no name and is not read"));
    assert_non_null(note_with(t, "N '1.000' is read as 1000"));
    assert_non_null(note_with(t, "loss '3,25' is read as 3.25"));
    assert_non_null(note_with(t, "1 line below the header begins with # and is "
                                 "passed over, the first is line 4"));
    table_free(t);
    t = parse("N;loss\n1.000;3.25\n4.000;3.5\n");
    assert_non_null(note_with(t, "N '1.000' is read as 1: no cell"));
    table_free(t);
}

/* The same two rows in the dialects of other programs. */
static void tables_of_other_programs_are_read(void **state)
{
    static const char *const same[] = {
        "# made by hand\n# N D loss\n1e6 2e7 3.5\n4e6 2e7 3.25\n",
        "#N,D,loss\n1.0e+06,2.0e+07,3.5\n4.0e+06,2.0e+07,3.25\n",
        "N D loss\n1000000 20000000 3.5\n4000000 20000000 3.25\n",
        "        N         D   loss\n  1000000  20000000    3.5  \n"
        "  4000000  20000000   3.25\n",
        "N|D|loss\n1M|20M|3.5\n4M|20M|3.25\n",
        "| N | D | loss |\n|---|:--:|---:|\n| 1M | 20M | 3.5 |\n"
        "| 4M | 20M | 3.25 |\n",
        "sep=;\nN;D;loss\n1M;20M;3.5\n4M;20M;3.25\n",
        "sep=\t\r\nN\tD\tloss\r\n1M\t20M\t3.5\r\n4M\t20M\t3.25\r\n",
        ",N,D,loss\n0,1M,20M,3.5\n1,4M,20M,3.25\n",
        "N,D,loss,,\n1M,20M,3.5,,\n4M,20M,3.25,,\n",
        "N,D,loss\n1M,20M,3.5,\n4M,20M,3.25,,\n",
        "\"N\" \"D\" \"loss\"\n1M 20M 3.5\n4M 20M 3.25\n",
        "\xc2\xa0N,D\xe2\x80\x8b,loss\n1M,\xc2\xa0"
        "20M,3.5\n4M,20M,3.25\xc2\xa0\n",
        "run,N,D,loss\n1,1M,20M,3.5\n#2,4M,20M,3.25\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct table *t = parse(same[i]);

        assert_int_equal(t->rows, 2);
        check_close(t->cols[table_find(t, "N")].num[1], 4e6, 0);
        check_close(t->cols[table_find(t, "D")].num[0], 2e7, 0);
        check_close(t->cols[table_find(t, "loss")].num[0], 3.5, 0);
        check_close(t->cols[table_find(t, "loss")].num[1], 3.25, 0);
        assert_null(t->trouble[0]);
        assert_null(t->trouble[1]);
        table_free(t);
    }
}

static struct table *from(const char *bytes, size_t n)
{
    struct table *t;
    struct str text = { 0 };
    struct err err;

    str_add_n(&text, bytes, n);
    check_ok(table_from(&t, &text, "t.csv", TABLE_ANY, &err), err);
    str_release(&text);
    return t;
}

static void files_tell_what_they_are(void **state)
{
    static const char utf16[] = "\xff\xfeN\0,\0x\0\n\0"
                                "1\0,\0\xb1\x03\n\0";
    static const char *const json[] = {
        "[{\"N\": 1, \"x\": 2.5},\n {\"N\": 2, \"x\": NaN}]\n",
        "{\"N\": 1, \"x\": 2.5}\n{\"N\": 2, \"x\": -Infinity}\n",
        "\n  [ { \"N\":1, \"x\":2.5 }, { \"N\":2, \"x\":null } ]",
    };
    struct table *t = from(utf16, sizeof utf16 - 1);

    (void)state;
    check_close(t->cols[0].num[0], 1, 0);
    assert_string_equal(t->cols[1].text[0], "\xce\xb1");
    table_free(t);
    t = from("N,x\n1,caf\xe9\n1,caf\xe8\n2,\x93q\x94\n", 24);
    assert_string_equal(t->cols[1].text[0], "caf\xc3\xa9");
    assert_string_equal(t->cols[1].text[1], "caf\xc3\xa8");
    assert_string_equal(t->cols[1].text[2], "\xe2\x80\x9cq\xe2\x80\x9d");
    assert_non_null(note_with(t, "line 2 is not UTF-8; the file is read as"));
    table_free(t);
    t = from("N,x\r1,2.5\r2,\r", 13);
    assert_int_equal(t->rows, 2);
    check_close(t->cols[1].num[0], 2.5, 0);
    table_free(t);
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++) {
        t = from(json[i], strlen(json[i]));
        assert_int_equal(t->rows, 2);
        check_close(t->cols[table_find(t, "x")].num[0], 2.5, 0);
        assert_false(isfinite(t->cols[table_find(t, "x")].num[1]));
        table_free(t);
    }
}

static void json_of_other_programs_is_read(void **state)
{
    static const char nested[] =
        "{\"name\":\"NaN, "
        "\\\"Infinity\\\"\",\"config\":{\"N\":1,\"opt\":{\"lr\":"
        "0.5}},\"id\":18446744073709551615,\"tags\":[1,2]}\n";
    struct table *t = from(nested, sizeof nested - 1);
    struct str text = { 0 };
    struct err err;

    (void)state;
    check_close(t->cols[table_find(t, "config.N")].num[0], 1, 0);
    check_close(t->cols[table_find(t, "config.opt.lr")].num[0], 0.5, 0);
    check_close(t->cols[table_find(t, "id")].num[0], 0x1p64, 0);
    assert_string_equal(t->cols[table_find(t, "name")].text[0],
                        "NaN, \"Infinity\"");
    assert_string_equal(table_nearest(t, "lr"), "config.opt.lr");
    table_free(t);
    str_add(&text, "{\"N\": [1, 2],\n \"loss\": [3, 4]}\n");
    assert_int_equal(table_from(&t, &text, "t.json", TABLE_ANY, &err),
                     ERR_CONFIG);
    check_says(err, "t.json is one JSON object; a table is a list of objects");
    str_release(&text);
}

static void characters_that_look_like_others_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "plain 1e-3", "" },
        { "1e\xe2\x88\x92"
          "3",
          " (character 3 is U+2212, a minus sign" },
        { "\xc2\xa0"
          "1",
          " (character 1 is U+00A0, a no-break space)" },
        { "\xd0\x9d", " (character 1 is U+041D, a Cyrillic letter)" },
        { "a\xef\xbb\xbf", " (character 2 is U+FEFF, a byte order mark" },
        { "caf\xc3\xa9", " (character 4 is U+00E9, not ASCII)" },
        { "caf\xe9", " (character 4 is byte 0xe9, which is not UTF-8)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *odd = text_odd(cases[i].text);

        assert_true(text_has_prefix(odd, cases[i].says));
        assert_int_equal(*odd == '\0', *cases[i].says == '\0');
        free(odd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_people_write_them),
        cmocka_unit_test(the_other_columns_decide_what_one_leaves_open),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_an_error),
        cmocka_unit_test(columns_of_words_stay_words),
        cmocka_unit_test(what_was_read_otherwise_is_noted),
        cmocka_unit_test(tables_of_other_programs_are_read),
        cmocka_unit_test(files_tell_what_they_are),
        cmocka_unit_test(json_of_other_programs_is_read),
        cmocka_unit_test(characters_that_look_like_others_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
