/* One run in each state: what the views, merges and deletions make of it. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "db/point.h"
#include "db/state.h"
#include "db/statement.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

static char dir[32], path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-states-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/qlaw.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* From the documents (qlaw-db(5)), not from the table under test. */
static const char *const words[] = { "pending", "queued",  "running",
                                     "paused",  "done",    "diverged",
                                     "failed",  "timeout", "cancelled",
                                     "skipped" };
#define N_WORDS (int)(sizeof words / sizeof words[0])

static struct db *open_db(enum db_mode mode)
{
    struct db *db;
    struct err err;

    check_ok(db_open(&db, path, mode, &err), err);
    return db;
}

/* A grid of one point, whose runs 1 to 10 are each in another state. */
static struct db *ten_runs(void)
{
    struct db *db = open_db(DB_WRITE);
    struct db_point p = db_point_default();
    char id[HASH_ID];
    struct err err;

    hash_id(id, "{}", 2);
    p.point_id = id;
    p.config = "{}";
    p.twin_id = "x";
    p.fmt = "fp32";
    p.flops_plan = 1e9;
    check_ok(db_dataset_put(&p.dataset_id, db, "d", "s", "bytes", 256, &err),
             err);
    check_ok(db_point_put(NULL, db, &p, &err), err);
    scratch_fill(db,
                 "INSERT INTO grid VALUES(1,'g','','sha','','2026');"
                 "INSERT INTO grid_point(grid_id, point_id, ordinal, block, "
                 "seeds) SELECT 1,point_id,0,'','[1,2,3,4,5,6,7,8,9,10]' "
                 "FROM point;");
    for (int i = 0; i < N_WORDS; i++)
        check_ok(db_do(db,
                       "INSERT INTO run(run_id, point_id, seed, data_seed, "
                       "state) SELECT :id,point_id,:id,:id,:state FROM point",
                       DB_VALUES(DB_I("id", i + 1), DB_T("state", words[i])),
                       &err),
                 err);
    return db;
}

static void says(struct db *db, const char *sql, const char *want)
{
    char *got;
    struct err err;

    check_ok(db_ask_text(&got, db, sql, NULL, &err), err);
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
}

static void check_views(struct db *db)
{
    says(db,
         "SELECT runs||' '||done||' '||running||' '||waiting||' '||diverged||"
         "' '||failed||' '||left_out||' '||pct_flops FROM progress",
         "10 1 1 3 1 2 2 20.0");
    says(db, "SELECT group_concat(state) FROM failures",
         "diverged,failed,timeout,cancelled");
}

static void each_state_counts_as_one_thing(void **state)
{
    struct db *db = ten_runs();

    (void)state;
    check_views(db);
    db_close(db);
}

static void the_list_and_the_view_and_the_table_say_the_same(void **state)
{
    struct str list = { 0 }, seen = { 0 };
    struct db *db = open_db(DB_WRITE);
    struct db_stmt *s;
    struct err err;
    bool row;

    (void)state;
    assert_int_equal(RUN_STATES, N_WORDS);
    for (int i = 0; i < RUN_STATES; i++) {
        const enum run_state found = run_state_find(words[i]);

        assert_int_equal(found, i);
        assert_string_equal(run_states[i], words[i]);
        str_addf(&list, "%s %s\n", words[i], run_kinds[run_kind_of(found)]);
    }
    check_ok(db_stmt_open(&s, db, "SELECT state, kind FROM run_states", &err),
             err);
    while (db_stmt_step(&row, s, &err) == OK && row)
        str_addf(&seen, "%s %s\n", db_text(s, 0), db_text(s, 1));
    db_stmt_close(s);
    assert_string_equal(str_text(&seen), str_text(&list));
    assert_int_equal(run_state_find("lost"), RUN_STATES);
    assert_int_equal(run_kind_of(RUN_STATES), RUN_KINDS);
    str_release(&list);
    str_release(&seen);
    db_close(db);
}

static void no_other_word_is_taken(void **state)
{
    struct db *db = ten_runs();
    struct err err;

    (void)state;
    assert_int_equal(db_do(db, "UPDATE run SET state='lost'", NULL, &err),
                     ERR_DB);
    check_says(err, "CHECK constraint failed");
    db_close(db);
}

/* What an earlier program of this version made, which had no run_states. */
static void a_file_without_the_view_says_the_same(void **state)
{
    static const char before[] =
        "DROP VIEW run_states; DROP VIEW progress;"
        "CREATE VIEW progress AS SELECT g.name AS grid, sum(c.runs) AS runs,"
        "       sum(c.runs*(c.state IN('failed','timeout'))) AS failed "
        "FROM grid g JOIN grid_count c USING(grid_id) GROUP BY g.grid_id;";
    static const enum db_mode modes[] = { DB_READ, DB_WRITE, DB_READ };
    sqlite3 *h;

    (void)state;
    db_close(ten_runs());
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, before, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(h);
    for (int i = 0; i < 3; i++) {
        struct db *db = open_db(modes[i]);

        check_views(db);
        db_close(db);
    }
}

/* What works there does not work here, and what has a result keeps it. */
static void a_merge_takes_no_run_at_work(void **state)
{
    char *name = mem_printf("%s/from.db", dir);
    struct db *db = ten_runs();
    struct db_merge sum;
    struct err err;

    (void)state;
    scratch_fill(db, "INSERT INTO result(run_id, loss, steps, tokens) "
                     "VALUES(5,2.5,1,1)");
    db_close(db);
    assert_int_equal(rename(path, name), 0);
    db = open_db(DB_WRITE);
    check_ok(db_merge(&sum, db, name, &err), err);
    says(
        db,
        "SELECT group_concat(state) FROM (SELECT state FROM run ORDER BY seed)",
        "pending,pending,pending,paused,done,diverged,failed,timeout,"
        "cancelled,skipped");
    db_close(db);
    free(name);
}

static void what_is_at_work_is_not_deleted(void **state)
{
    struct db *db = ten_runs();
    struct deleted_sum sum = { 0 };
    struct err err;

    (void)state;
    for (int i = 0; i < N_WORDS; i++) {
        const bool at_work = i == 1 || i == 2; /* queued, running */

        check_ok(db_begin(db, &err), err);
        assert_int_equal(deleted_put_run(&sum, db, i + 1, &err),
                         at_work ? ERR_USAGE : OK);
        db_rollback(db);
    }
    db_close(db);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(the_list_and_the_view_and_the_table_say_the_same),
        in_folder(no_other_word_is_taken),
        in_folder(a_file_without_the_view_says_the_same),
        in_folder(a_merge_takes_no_run_at_work),
        in_folder(what_is_at_work_is_not_deleted),
        in_folder(each_state_counts_as_one_thing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
