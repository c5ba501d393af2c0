#include "fit/table.h"

#include <string.h>

#include "base/str.h"
#include "tests/check.h"
#include "tests/fit/fitted.h"

static struct table *parse(const char *text)
{
    struct table *t;
    struct err err;

    check_ok(table_parse(&t, text, "t.csv", &err), err);
    return t;
}

static void cells_are_read_whatever_the_dialect(void **state)
{
    static const char *const same[] = {
        "a,b\n1,x\n2.5,y z\n",
        "a;b\r\n1;x\r\n2.5;y z\r\n",
        "a\tb\n1\tx\n2.5\ty z",
        "\xef\xbb\xbf"
        "a,b\n\n# a remark\n1 , x\n  2.5,\"y z\"\n\n",
        "\"a\",\"b\"\n\"1\",\"x\"\n\"2.5\",\"y z\"\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct table *t = parse(same[i]);

        assert_int_equal(t->rows, 2);
        assert_int_equal(t->n_cols, 2);
        check_close(t->cols[0].num[0], 1, 0);
        check_close(t->cols[0].num[1], 2.5, 0);
        assert_string_equal(t->cols[1].text[0], "x");
        assert_string_equal(t->cols[1].text[1], "y z");
        assert_true(isnan(t->cols[1].num[0]));
        table_free(t);
    }
}

static void quotes_hold_separators_and_line_breaks(void **state)
{
    struct table *t =
        parse("a,b\n\"1,2\",\"say \"\"so\"\"\"\n\"two\nlines\",3\n"
              "4,5\n");

    (void)state;
    assert_int_equal(t->rows, 3);
    assert_string_equal(t->cols[0].text[0], "1,2");
    assert_string_equal(t->cols[1].text[0], "say \"so\"");
    assert_string_equal(t->cols[0].text[1], "two\nlines");
    assert_int_equal(t->number[1], 3);
    assert_int_equal(t->number[2], 5); /* the break was counted */
    table_free(t);
}

static void files_that_are_no_tables_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "", "t.csv is empty" },
        { "\n# only a remark\n", "t.csv is empty" },
        { "a,b\n", "no rows" },
        { "a,a\n1,2\n", "two columns are named 'a'" },
        { ",a,,b\nname,N,D,loss\nr,1,2,3\n", "t.csv:1: two lines of names" },
        { ",,\n1,2,3\n", "t.csv:1: no column has a name" },
        { "1,2\n3,4\n", "t.csv:1: the first line holds only numbers" },
        { "# three,names,here\n1,2\n", "t.csv:2: the first line holds only" },
        { "a,b\n1,\"2\"x\n",
          "t.csv:2: text behind the closing quote of \"2\"" },
        { "a b\n1 \"2\"M\n",
          "t.csv:2: text behind the closing quote of \"2\"" },
        { "a,b\n1,\"2\n3,4\n", "t.csv:2: a quote that never closes" },
    };
    struct table *t;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(table_parse(&t, bad[i].text, "t.csv", &err),
                         ERR_CONFIG);
        assert_null(t);
        check_says(err, bad[i].says);
    }
    assert_int_equal(table_read(&t, "/nonexistent.csv", &err), ERR_IO);
    assert_int_equal(table_read(&t, "/tmp", &err), ERR_IO);
    check_says(err, "folder");
}

static void json_lines_become_the_same_table(void **state)
{
    struct table *t;
    struct err err;

    (void)state;
    check_ok(table_parse_json(&t,
                              "{\"N\": 1000000, \"loss\": 3.25, \"fmt\": "
                              "\"int4\"}\n\n{\"N\": 2, \"G\": 32, \"loss\": "
                              "null, \"ok\": true}\n",
                              "t.jsonl", &err),
             err);
    assert_int_equal(t->rows, 2);
    assert_int_equal(t->n_cols, 5);
    check_close(t->cols[table_find(t, "N")].num[0], 1e6, 0);
    check_close(t->cols[table_find(t, "loss")].num[0], 3.25, 0);
    assert_true(isnan(t->cols[table_find(t, "loss")].num[1]));
    assert_true(isnan(t->cols[table_find(t, "G")].num[0]));
    assert_string_equal(t->cols[table_find(t, "fmt")].text[0], "int4");
    assert_int_equal(t->number[1], 3);
    table_free(t);
    assert_int_equal(table_parse_json(&t, "{\"a\":1}\n[2]\n", "t.jsonl", &err),
                     ERR_CONFIG);
    check_says(err, "line 2: not an object");
    assert_int_equal(
        table_parse_json(&t, "{\"a\":1}\n{\"a\":}\n", "t.jsonl", &err),
        ERR_CONFIG);
    check_says(err, "line 2");
    /* A cell that says two things. */
    assert_int_equal(
        table_parse_json(&t, "{\"a\":1}\n{\"a\":1,\"a\":2}\n", "t.jsonl", &err),
        ERR_CONFIG);
    check_says(err, "t.jsonl, line 2");
    check_says(err, "duplicate object key");
    assert_int_equal(
        table_parse_json(&t, "{\"a\":{\"b\":1},\"a.b\":2}\n", "t.jsonl", &err),
        ERR_CONFIG);
    check_says(err, "t.jsonl, line 1: the key a.b comes twice");
}

/* The names on the right are the file's, so that two columns can be exchanged;
 * a column whose name was taken stays under another. */
static void a_taken_name_is_given_to_another_column(void **state)
{
    struct table *t = parse("N,D,loss\n1,20,3\n2,40,2\n");
    struct err err;

    (void)state;
    check_ok(table_rename(t, "D", "N", &err), err);
    check_close(t->cols[table_find(t, "N")].num[0], 20, 0);
    check_close(t->cols[table_find(t, "N.was")].num[0], 1, 0);
    check_ok(table_rename(t, "N", "D", &err), err);
    check_close(t->cols[table_find(t, "D")].num[1], 2, 0);
    assert_int_equal(table_find(t, "N.was"), -1);
    table_note_renamed(t);
    assert_int_equal(t->n_notes, 0);
    check_ok(table_rename(t, "loss", "N", &err), err);
    table_note_renamed(t);
    assert_int_equal(t->n_notes, 1);
    assert_non_null(strstr(t->notes[0], "column D, which is called N.was"));
    table_free(t);
}

static void labels_that_are_no_words_go_in_quotes(void **state)
{
    static const char *const bare[] = { "router = S-Base", "router = 6E6D",
                                        "router = Hash 1" };
    static const char *const hint[] = { "'S-Base'", "'6E6D'", "'Hash 1'" };
    struct table *t = parse("router,N\nS-Base,1\n6E6D,2\nHash 1,3\n"
                            "\"6 Enc, 6 Dec\",4\n");
    struct err err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(table_filter(t, bare[i], &err), ERR_USAGE);
        check_says(err, "a label that is no plain word goes in quotes");
        check_says(err, hint[i]);
    }
    check_ok(table_filter(t, "router in ('S-Base', '6 Enc, 6 Dec')", &err),
             err);
    assert_int_equal(t->rows, 2);
    table_free(t);
}

static void columns_are_derived_and_rows_are_chosen(void **state)
{
    struct table *t = parse("N,C,fmt\n1k,12M,int4\n2k,24M,e2m1\n4k,,int4\n");
    struct err err;

    (void)state;
    check_ok(table_derive(t, "D = C/(6*N)", &err), err);
    check_close(t->cols[table_find(t, "D")].num[1], 2000, 0);
    check_ok(table_derive(t, "N = N/1000", &err), err);
    check_close(t->cols[table_find(t, "N")].num[1], 2, 0);
    check_ok(table_filter(t, "fmt == int4", &err), err);
    assert_int_equal(t->rows, 2);
    check_close(t->cols[table_find(t, "D")].num[0], 2000, 0);
    /* A condition that is not a number keeps the row, to be named later. */
    check_ok(table_filter(t, "C > 20M", &err), err);
    assert_int_equal(t->rows, 1);
    assert_int_equal(t->number[0], 4);
    assert_int_equal(table_derive(t, "x", &err), ERR_USAGE);
    check_says(err, "NAME = EXPRESSION");
    assert_int_equal(table_derive(t, "x = Nn + 1", &err), ERR_USAGE);
    check_says(err, "column x: column 2: unknown name 'Nn', did you mean 'N'");
    assert_int_equal(table_filter(t, "fmt > int4", &err), ERR_USAGE);
    check_says(err, "a word can only be compared");
    assert_int_equal(table_rename(t, "tokens", "D", &err), ERR_USAGE);
    check_says(err, "no column 'tokens'");
    table_free(t);
}

/* --- rows that a fit cannot use ------------------------------------------ */

#define CLEAN                                                                  \
    "1e8,1e9,3.70\n1e8,1e10,3.2\n1e9,1e9,3.3\n1e9,1e10,2.8\n1e8,1e11,2.96\n"   \
    "1e9,1e11,2.55\n1e10,1e10,2.6\n1e10,1e11,2.34\n"

static void unusable_rows_are_named_with_line_and_reason(void **state)
{
    static const struct {
        const char *row, *why;
    } table[] = {
        { "1e8,1e9,nan", "loss is 'nan', not a finite number" },
        { "1e8,1e9,inf", "loss is 'inf', not a finite number" },
        { "1e8,1e9,", "loss is empty" },
        { "1e8,1e9,0", "loss is 0, and log space needs a positive one" },
        { "1e8,1e9,-3", "loss is -3, and log space needs a positive one" },
        { "0,1e9,3", "N is 0, where the law has no finite value" },
        { "-5,1e9,3", "N is -5, and the law needs a positive one" },
        { "1e999,1e9,3", "N is '1e999', not a finite number" },
        { "many,1e9,3", "N is 'many', not a finite number" },
        { "1e8,1e9", "2 cells where the header has 3" },
        { "1e8,1e9,3,4", "4 cells where the header has 3" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *csv = mem_printf("N,D,loss\n%s%s\n", CLEAN, table[i].row);
        struct fitted x;

        fitted_text(&x, csv, "chinchilla", NO_OPTIONS);
        check_ok(x.status, x.err);
        assert_int_equal(x.model->rows, 8);
        assert_int_equal(x.model->n_left_out, 1);
        assert_int_equal(x.model->left_out[0].number, 10);
        assert_string_equal(x.model->left_out[0].why, table[i].why);
        assert_true(fit_has(&x.fit, FIT_ROWS_LEFT_OUT));
        fitted_release(&x);

        fitted_text(&x, csv, "chinchilla", OPTIONS("strict"));
        assert_int_equal(x.status, ERR_FIT);
        check_says(x.err, "line 10: ");
        fitted_release(&x);
        free(csv);
    }
    {
        struct fitted x;

        fitted_text(&x, "N,D,loss\n" CLEAN, "chinchilla", OPTIONS("strict"));
        check_ok(x.status, x.err);
        assert_false(fit_has(&x.fit, FIT_ROWS_LEFT_OUT));
        fitted_release(&x);
        fitted_text(&x, "N,D,loss\n1,2,nan\n", "chinchilla", NO_OPTIONS);
        assert_int_equal(x.status, ERR_FIT);
        check_says(x.err, "no row can be used; line 2");
        fitted_release(&x);
    }
}

static void mistakes_in_a_request_are_told(void **state)
{
    static const struct {
        const char *law, *option, *says;
    } table[] = {
        { "los = E + A/N^alpha", "seed=1", "no column 'los'" },
        { "loss = E + A/N^^alpha", "seed=1", "column 16: unexpected '^'" },
        { "loss = E + A/(N^alpha", "seed=1", "column 22: expected ')'" },
        { "loss = E + lgo(N)", "seed=1", "did you mean 'log'" },
        { "loss", "seed=1", "write RESPONSE = EXPRESSION" },
        { "loss = N/D", "seed=1", "has no parameter" },
        { "log(los) = E + A/N^alpha", "seed=1", "unknown name 'los'" },
        { "qat-delta", "seed=1", "no column 'G'" },
        { "chinchilla", "fix=alhpa=1", "did you mean 'alpha'" },
        { "chinchilla", "bound=beta~3", "not NAME>=VALUE" },
        { "chinchilla", "bound=bbeta>=3", "did you mean 'beta'" },
        { "chinchilla", "bound=E>=3,E<=2", "nothing is left" },
        { "chinchilla", "start=E", "not NAME=VALUE" },
        { "chinchilla", "start=E=x", "'x' is not a number" },
        { "chinchilla", "start=E=-1", "outside its bounds" },
        { "chinchilla", "group=A", "not PARAMETER:COLUMN" },
        { "chinchilla", "group=A:fmt", "no column 'fmt'" },
        { "chinchilla", "sigma=s", "no column 's'" },
        { "chinchilla", "cluster=rn", "no column 'rn'" },
        { "chinchilla", "loss=huber", "needs a scale" },
        { "chinchilla", "loss=l2:3", "takes no scale" },
        { "chinchilla", "loss=l3", "is not l2, l1" },
        { "chinchilla", "space=lin", "is not log, linear" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fitted x;

        fitted_text(&x, "N,D,loss\n" CLEAN, table[i].law,
                    OPTIONS(table[i].option));
        if (x.status != ERR_USAGE || !strstr(x.err.text, table[i].says))
            fail_msg("%s %s: %d '%s'", table[i].law, table[i].option, x.status,
                     x.err.text);
        fitted_release(&x);
    }
}

/* Two runs a and b whose rows alternate; all sums by hand. */
static void sums_and_lags_look_back_along_a_run(void **state)
{
    static const struct {
        const char *text;
        double want[6];
    } table[] = {
        { "s = cumsum(x by run)", { 1, 10, 3, 30, 7, 60 } },
        { "s = cumsum(x)", { 1, 11, 13, 33, 37, 67 } },
        { "s = cumsum(x, 1/2 by run)", { 1, 10, 2.5, 25, 5.25, 42.5 } },
        { "s = lag(x, -1 by run)", { -1, -1, 1, 10, 2, 20 } },
        { "s = lag(x by run)", { NAN, NAN, 1, 10, 2, 20 } },
        { "s = lag(x, 0 by run, step)", { 2, 20, 4, 30, 0, 0 } },
        { "s = cumsum(x by run , step)", { 7, 60, 6, 50, 4, 30 } },
        { "s = 2*cumsum(x - lag(x, 0 by run) by run) + x",
          { 3, 30, 6, 60, 12, 90 } },
        { "s = cumsum(x > 2 by run)*lag(step, 9 by run)",
          { 0, 9, 0, 6, 2, 6 } },
        { "s = cumsum(run == 'a' by run)", { 1, 0, 2, 0, 3, 0 } },
        { "s = cumsum(gap by run)", { 1, 1, NAN, 2, NAN, 3 } },
    };

    (void)state;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        struct table *t = parse("run,step,x,gap\na,3,1,1\nb,3,10,1\n"
                                "a,2,2,\nb,2,20,1\na,1,4,1\nb,1,30,1\n");
        struct err err;
        int c;

        check_ok(table_derive(t, table[k].text, &err), err);
        c = table_find(t, "s");
        for (int r = 0; r < 6; r++)
            if (isnan(table[k].want[r]))
                assert_true(isnan(t->cols[c].num[r]));
            else
                check_close(t->cols[c].num[r], table[k].want[r], 1e-15);
        table_free(t);
    }
}

/* Numbers are one run by their value, not by how they are written. */
static void runs_that_are_numbers_go_by_value(void **state)
{
    struct table *t = parse("run,x\n1e3,1\n1000,2\n2k,5\n2000,5\n");
    struct err err;

    (void)state;
    check_ok(table_derive(t, "s = cumsum(x by run)", &err), err);
    check_close(t->cols[2].num[1], 3, 0);
    check_close(t->cols[2].num[3], 10, 0);
    table_free(t);
}

static void a_sum_over_everything_is_said(void **state)
{
    struct table *t = parse("run,x\na,1\nb,2\n");
    struct err err;

    (void)state;
    check_ok(table_derive(t, "s = cumsum(x by run)", &err), err);
    assert_int_equal(t->n_notes, 0);
    check_ok(table_derive(t, "u = 1 + cumsum(x)", &err), err);
    assert_int_equal(t->n_notes, 1);
    assert_non_null(strstr(t->notes[0], "all rows were taken for one"));
    table_free(t);
}

static void wrong_sums_are_explained(void **state)
{
    static const char *const table[][2] = {
        { "s = cumsum(x by rum)", "did you mean 'run'" },
        { "s = cumsum(x by run, stp)", "did you mean 'step'" },
        { "s = cumsum(xx by run)", "xx" },
        { "s = cumsum(x by run", "not written cumsum(X by RUN)" },
        { "s = lag(by run)", "not written lag(X by RUN)" },
        { "s = lag(x by run, step, x)", "not written lag(X by RUN)" },
        { "s = lag(x, 1, 2 by run)", "not written lag(X by RUN)" },
    };

    (void)state;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        struct table *t = parse("run,step,x\na,1,2\n");
        struct err err;

        assert_int_equal(table_derive(t, table[k][0], &err), ERR_USAGE);
        check_says(err, table[k][1]);
        table_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_whatever_the_dialect),
        cmocka_unit_test(quotes_hold_separators_and_line_breaks),
        cmocka_unit_test(files_that_are_no_tables_are_refused),
        cmocka_unit_test(json_lines_become_the_same_table),
        cmocka_unit_test(a_taken_name_is_given_to_another_column),
        cmocka_unit_test(labels_that_are_no_words_go_in_quotes),
        cmocka_unit_test(columns_are_derived_and_rows_are_chosen),
        cmocka_unit_test(unusable_rows_are_named_with_line_and_reason),
        cmocka_unit_test(mistakes_in_a_request_are_told),
        cmocka_unit_test(sums_and_lags_look_back_along_a_run),
        cmocka_unit_test(runs_that_are_numbers_go_by_value),
        cmocka_unit_test(a_sum_over_everything_is_said),
        cmocka_unit_test(wrong_sums_are_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
