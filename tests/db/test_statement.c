/* Values in by name, values out by type, and whose a statement is. */
#include "db/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "db/point.h"
#include "tests/check.h"

static char dir[32], path[64];
static struct db *db;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    strcpy(dir, "/tmp/qlaw-st-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/qlaw.db", dir);
    return db_open(&db, path, DB_WRITE, &err) != OK ||
           db_do(db, "CREATE TEMP TABLE t(i INTEGER, r REAL, x TEXT, b BLOB)",
                 NULL, &err) != OK;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    db_close(db);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct db_stmt *open_stmt(const char *sql)
{
    struct db_stmt *s;
    struct err err;

    check_ok(db_stmt_open(&s, db, sql, &err), err);
    return s;
}

static bool step(struct db_stmt *s)
{
    struct err err;
    bool row;

    check_ok(db_stmt_step(&row, s, &err), err);
    return row;
}

static void values_come_back_as_they_went_in(void **state)
{
    struct db_stmt *s = open_stmt("INSERT INTO t(x, b, i, r) VALUES(:x, :b, "
                                  ":i, :r)");
    size_t size;

    (void)state;
    db_bind_int(s, "i", INT64_MIN);
    db_bind_real(s, "r", 0x1.fffffffffffffp-1022);
    db_bind_text(s, "x", "it's");
    db_bind_blob(s, "b", "a\0b", 3);
    assert_false(step(s));
    db_bind_int(s, "i", 7); /* and once more with others */
    db_bind_real(s, "r", (double)NAN);
    db_bind_text(s, "x", NULL);
    db_bind_null(s, "b");
    assert_false(step(s));
    db_stmt_close(s);
    s = open_stmt("SELECT i, r, x, b FROM t ORDER BY rowid");
    assert_true(step(s));
    assert_int_equal(db_columns(s), 4);
    assert_string_equal(db_column(s, 2), "x");
    assert_true(db_int(s, 0) == INT64_MIN);
    assert_true(db_real(s, 1) == 0x1.fffffffffffffp-1022);
    assert_string_equal(db_text(s, 2), "it's");
    assert_memory_equal(db_blob(&size, s, 3), "a\0b", 3);
    assert_int_equal(size, 3);
    assert_int_equal(db_type(s, 3), DB_BLOB);
    assert_true(step(s));
    assert_true(isnan(db_real(s, 1)));
    assert_string_equal(db_text(s, 2), "");
    assert_true(db_is_null(s, 2));
    assert_int_equal(db_type(s, 1), DB_NULL);
    assert_false(step(s));
    db_stmt_close(s);
}

static void what_a_binding_does_wrong_is_a_failure(void **state)
{
    static const char sql[] = "INSERT INTO t(i, x) VALUES(:one, :two)";
    struct db_stmt *s = open_stmt(sql);
    struct err err;
    bool row = true;
    int64_t n;

    (void)state;
    db_bind_int(s, "one", 1);
    assert_int_equal(db_stmt_step(&row, s, &err), ERR_DB);
    check_says(err, "lacks its parameter :two");
    assert_false(row);
    db_bind_int(s, "three", 1);
    db_bind_int(s, "two", 2);
    assert_int_equal(db_stmt_step(&row, s, &err), ERR_DB);
    check_says(err, "has no parameter three");
    db_stmt_close(s);
    assert_int_equal(
        db_do(db, sql,
              DB_VALUES(DB_I("one", 1), DB_R("two", 2), DB_T("none", "x")),
              &err),
        ERR_DB);
    assert_int_equal(db_do(db, sql, NULL, &err), ERR_DB);
    s = open_stmt(sql); /* what was bound before is not */
    db_bind_int(s, "two", 2);
    assert_int_equal(db_stmt_step(&row, s, &err), ERR_DB);
    db_stmt_close(s);
    check_ok(db_ask(&n, db, "SELECT count(*) FROM t", NULL, &err), err);
    assert_int_equal(n, 0);
    s = (struct db_stmt *)&n;
    assert_int_equal(db_stmt_open(&s, db, "SELECT FROM", &err), ERR_DB);
    assert_null(s);
    db_stmt_close(s);
}

static void a_question_of_a_person_is_one_that_only_reads(void **state)
{
    struct db_stmt *s;
    struct err err;
    bool row;

    (void)state;
    assert_int_equal(db_stmt_asked(&s, db, "SELEC 1"), DB_NOT_SQL);
    assert_null(s);
    assert_non_null(strstr(db_message(db), "near \"SELEC\""));
    assert_int_equal(db_stmt_asked(&s, db, " -- nothing"), DB_EMPTY);
    assert_int_equal(db_stmt_asked(&s, db, "SELECT 1; SELECT 2"), DB_SEVERAL);
    assert_int_equal(db_stmt_asked(&s, db, "DELETE FROM t"), DB_WRITES);
    assert_null(s);
    assert_int_equal(db_stmt_asked(&s, db, "SELECT ?1, :x, 3 ; \n"), DB_TAKEN);
    assert_true(step(s));
    assert_true(db_is_null(s, 0) && db_is_null(s, 1));
    assert_int_equal(db_int(s, 2), 3);
    db_stmt_close(s);
    assert_int_equal(db_stmt_asked(&s, db, "SELECT abs(:x)"), DB_TAKEN);
    db_bind_int(s, "x", INT64_MIN);
    assert_int_equal(db_stmt_step(&row, s, &err), ERR_DB);
    assert_string_equal(db_message(db), "integer overflow");
    db_stmt_close(s);
}

static void a_message_says_where_in_the_sql(void **state)
{
    struct db_stmt *s;

    (void)state;
    assert_int_equal(db_stmt_asked(&s, db, "SELECT nope FROM run"), DB_NOT_SQL);
    assert_int_equal(db_message_column(db), 8);
    assert_int_equal(db_stmt_asked(&s, db,
                                   "SELECT abs(x) FROM (SELECT "
                                   "-9223372036854775808 AS x)"),
                     DB_TAKEN);
    assert_int_equal(db_stmt_step(&(bool){ false }, s, NULL), ERR_DB);
    assert_string_equal(db_message(db), "integer overflow");
    assert_int_equal(db_message_column(db), 0);
    db_stmt_close(s);
}

static bool enough;

static bool is_enough(void)
{
    return enough;
}

/* Forever, were it not given up; and the handle is good for more. */
static void a_statement_is_given_up(void **state)
{
    struct db_stmt *s =
        open_stmt("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                  "FROM n) SELECT count(*) FROM n");
    bool row;
    struct err err;
    int64_t one;

    (void)state;
    enough = true;
    db_set_given_up(db, is_enough);
    assert_int_equal(db_stmt_step(&row, s, &err), ERR_DB);
    assert_false(row);
    assert_string_equal(db_message(db), "interrupted");
    db_stmt_close(s);
    enough = false;
    check_ok(db_ask(&one, db, "SELECT 1", NULL, &err), err);
    assert_int_equal(one, 1);
}

static void a_text_is_asked_for_in_one_call(void **state)
{
    struct err err;
    char *text;

    (void)state;
    check_ok(
        db_ask_text(&text, db, "SELECT :x", DB_VALUES(DB_T("x", "y")), &err),
        err);
    assert_string_equal(text, "y");
    free(text);
    check_ok(db_ask_text(&text, db, "SELECT NULL", NULL, &err), err);
    assert_string_equal(text, "");
    free(text);
    check_ok(db_ask_text(&text, db, "SELECT 1 WHERE 0", NULL, &err), err);
    assert_null(text);
}

static void each_of_several_takes_the_values_that_it_names(void **state)
{
    static const char *const steps[] = {
        "INSERT INTO t(i, x) VALUES(:i, :x)",
        "UPDATE t SET r=i+1",
        "INSERT INTO t(x) VALUES(:x)",
        "INSERT INTO t(x) VALUES(:left_out)",
        "DELETE FROM t",
    };
    const struct db_value *values = DB_VALUES(DB_I("i", 4), DB_T("x", "y"));
    struct db_stmt *s;
    struct err err;

    (void)state;
    check_ok(db_do_all(db, steps, 3, values, &err), err);
    assert_int_equal(db_do_all(db, steps + 3, 2, values, &err), ERR_DB);
    check_says(err, "lacks its parameter :left_out");
    s = open_stmt("SELECT r, x FROM t ORDER BY rowid");
    assert_true(step(s));
    assert_true(db_real_or(s, 0, 9) == 5);
    assert_true(step(s));
    assert_true(db_real_or(s, 0, 9) == 9);
    assert_string_equal(db_text(s, 1), "y");
    assert_false(step(s));
    db_stmt_close(s);
}

/* The same SQL within its own loop: each row of nine meets nine. */
static void an_open_statement_is_nobody_elses(void **state)
{
    static const char sql[] = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL "
                              "SELECT k+1 FROM n WHERE k < 9) SELECT k FROM n";
    struct db_stmt *outer = open_stmt(sql);
    int met = 0;

    (void)state;
    while (step(outer)) {
        struct db_stmt *inner = open_stmt(sql);

        assert_ptr_not_equal(inner, outer);
        while (step(inner))
            met++;
        db_stmt_close(inner);
    }
    db_stmt_close(outer);
    assert_int_equal(met, 81);
}

/* Far more than are kept, all in the middle of their rows. */
static void what_is_open_is_not_forgotten(void **state)
{
    struct db_stmt *open[200];
    char sql[64];

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(sql, sizeof sql, "SELECT %d UNION ALL SELECT -1", i);
        open[i] = open_stmt(sql);
        assert_true(step(open[i]));
    }
    for (int i = 0; i < 200; i++) {
        assert_int_equal(db_int(open[i], 0), i);
        assert_true(step(open[i]));
        assert_false(step(open[i]));
        db_stmt_close(open[i]);
    }
    /* and those that are closed are taken again */
    open[0] = open_stmt(sql);
    assert_ptr_equal(open[0], open[199]);
    db_stmt_close(open[0]);
}

/* The rows of point.def are the columns of the table, in whatever order. */
static void every_column_of_a_point_has_its_row(void **state)
{
    static const char *const rows[] = {
        "point_id",
        "dataset_id",
#define COLUMN(type, name, unset) #name,
#include "db/point.def"
#undef COLUMN
    };
    struct db_stmt *s = open_stmt("SELECT name FROM pragma_table_info('point') "
                                  "ORDER BY name");
    size_t n = 0;

    (void)state;
    for (; step(s); n++) {
        bool found = false;

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            found |= strcmp(rows[i], db_text(s, 0)) == 0;
        if (!found)
            fail_msg("point.%s is not in point.def", db_text(s, 0));
    }
    db_stmt_close(s);
    assert_int_equal(n, sizeof rows / sizeof rows[0]);
}

static void a_point_is_put_once(void **state)
{
    struct db_point p = db_point_default();
    int64_t n, again;
    struct err err;
    bool added;

    (void)state;
    check_ok(db_dataset_put(&p.dataset_id, db, "d", "s", "bytes", 256, &err),
             err);
    check_ok(db_dataset_put(&again, db, "d", "s", "bytes", 256, &err), err);
    assert_int_equal(again, p.dataset_id);
    p.point_id = "0123456789abcdef";
    p.config = "{}";
    p.twin_id = "x";
    p.flops_plan = 6e9;
    assert_int_equal(db_point_put(&added, db, &p, &err), ERR_DB);
    check_says(err, "point.fmt");
    p.fmt = "int4";
    p.exp_bits = 0;
    p.man_bits = 3;
    check_ok(db_point_put(&added, db, &p, &err), err);
    assert_true(added);
    p.fmt = "int8"; /* is not looked at */
    check_ok(db_point_put(&added, db, &p, &err), err);
    assert_false(added);
    check_ok(db_ask(&n, db,
                    "SELECT count(*) FROM point WHERE fmt='int4' AND bits=4 "
                    "AND trainer='builtin' AND group_size IS NULL AND arm=''",
                    NULL, &err),
             err);
    assert_int_equal(n, 1);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(values_come_back_as_they_went_in),
        in_folder(what_a_binding_does_wrong_is_a_failure),
        in_folder(a_question_of_a_person_is_one_that_only_reads),
        in_folder(a_message_says_where_in_the_sql),
        in_folder(a_statement_is_given_up),
        in_folder(a_text_is_asked_for_in_one_call),
        in_folder(each_of_several_takes_the_values_that_it_names),
        in_folder(an_open_statement_is_nobody_elses),
        in_folder(what_is_open_is_not_forgotten),
        in_folder(every_column_of_a_point_has_its_row),
        in_folder(a_point_is_put_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
