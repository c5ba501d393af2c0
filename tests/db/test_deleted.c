/* What is deleted is nowhere, and comes back as it was.  The right answer is
 * the dump of all tables before, which the code under test does not make. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "db/statement.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

static char dir[40];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-deleted-XXXXXX");
    return mkdtemp(dir) ? 0 : 1;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct db *open_db(const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct db *db;
    struct err err;

    check_ok(db_open(&db, path, DB_WRITE, &err), err);
    free(path);
    return db;
}

/* Two grids that share a twin (runs 1 and 2); run 5 is of "a" alone, in an
 * older version of it.  Texts and numbers that a decimal would round. */
static const char rows[] =
    "INSERT INTO env VALUES(7,'f','1',NULL,0,'gcc','-O3','cpu','avx2',2,"
    "'k','','{}');"
    "INSERT INTO dataset VALUES(1,'t','s','bytes',256,1000,1000);"
    "INSERT INTO grid VALUES(1,'a','old','s1','argv','2026-01-01'),"
    "(2,'b','[x]','s2','argv','2026-01-01'),"
    "(3,'a','new','s3','argv','2026-01-02');"
    "INSERT INTO point(point_id,config,twin_id,is_base,dataset_id,n_layer,"
    "d_model,n_embed,n_head_params,n_body,n_other,tokens,fmt,exp_bits,"
    "man_bits,group_size,flops_plan,mem_plan,gran,gmse) VALUES"
    "('aaa4645570b299ab','{\"lr\":0.02,\"n\":2633}','aaa4645570b299ab',1,1,2,8,"
    "10,10,"
    "1000,5,5000,'fp32',8,23,NULL,1e6,100,NULL,NULL),"
    "('bbbab9442d880de5','{\"w\":8784}','aaa4645570b299ab',0,1,2,8,10,10,1000,"
    "5,5000,"
    "'int4',0,3,32,1e6,100,'group',0.1+0.2),"
    "('ccca51300238e642','{\"w\":9585}','aaa4645570b299ab',0,1,2,8,10,10,1000,"
    "5,5000,"
    "'int8',0,7,32,1e6,100,'group',1e-310);"
    "INSERT INTO grid_point VALUES(3,'aaa4645570b299ab',0,'',0,'[1,2]'),"
    "(3,'bbbab9442d880de5',1,'x''y',0,'[1,2]'),"
    "(1,'ccca51300238e642',1,'',0,'[1]'),"
    "(2,'aaa4645570b299ab',0,'',0,'[1,2]');"
    "INSERT INTO run(run_id,point_id,seed,data_seed,state) VALUES"
    "(1,'aaa4645570b299ab',1,1,'done'),(2,'aaa4645570b299ab',2,2,'done'),"
    "(3,'bbbab9442d880de5',1,1,'done'),(4,'bbbab9442d880de5',2,2,'failed'),"
    "(5,'ccca51300238e642',1,1,'done');"
    "INSERT INTO result(run_id,loss,steps,tokens) VALUES(1,2.0,10,5000),"
    "(2,2.2,10,5000),(3,0.1+0.2,10,5000),(5,2.5,10,5000);"
    "INSERT INTO curve VALUES(3,1,10,NULL,4.0/3,1,1e-310,9e307,'0.5'),"
    "(3,2,20,1.5,NULL,0,NULL,NULL,NULL),(1,1,10,2,2,0,1,1,1);"
    "INSERT INTO metric VALUES(3,'a\"b',1,2.0/3);"
    "INSERT INTO attempt(run_id,number,env_id,backend,started_at,outcome,"
    "message) VALUES(3,1,7,'local','x','ok',''),(4,1,7,'local','x','error',"
    "'a' || char(10) || char(27) || '[31m');"
    "INSERT INTO event(run_id,kind,detail) VALUES(3,'state','x -> y');"
    "INSERT INTO tag VALUES('good','a',NULL),('odd',NULL,3),('keep','b',NULL);"
    "INSERT INTO fit(fit_id,name,law,expr,n_def,selection,loss_fn,n_starts,"
    "rng_seed,n_points,n_params,converged,status,data_sha256,created_at) "
    "VALUES(1,'a law','law','x','body','{\"grid\":\"a\"}','l2',1,1,1,1,1,'ok',"
    "'h1','x'),(2,'b law','law','x','body','{\"grid\":\"b\"}','l2',1,1,1,1,1,"
    "'ok','h2','x');"
    "INSERT INTO fit_param VALUES(1,'k',1.0/3,NULL,NULL,NULL,0);"
    "INSERT INTO fit_point VALUES(1,3,'train',1.0/7,2,1,NULL),"
    "(2,1,'train',1,2,1,NULL);";

/* Every row of every table of data, reals bit for bit, in an order that
 * numbers of grids and fits do not enter; the caller frees it. */
static char *dump(struct db *db)
{
    static const char *const asked[] = {
        "SELECT name, ini_text, ini_sha256, argv, created_at FROM grid ORDER "
        "BY "
        "name, grid_id",
        "SELECT name, ini_sha256, p.point_id, ordinal, block, seeds FROM "
        "grid_point p JOIN grid USING(grid_id) ORDER BY 1,2,3",
        "SELECT name, state, runs, flops FROM grid_count JOIN grid "
        "USING(grid_id) WHERE runs>0 ORDER BY 1,2,3,4",
        "SELECT * FROM point ORDER BY 1",
        "SELECT * FROM run ORDER BY 1",
        "SELECT * FROM attempt ORDER BY 1",
        "SELECT * FROM curve",
        "SELECT * FROM metric",
        "SELECT * FROM result",
        "SELECT * FROM event ORDER BY 1",
        "SELECT * FROM tag ORDER BY 1",
        "SELECT name, law, selection, data_sha256 FROM fit ORDER BY 1",
        "SELECT f.name, p.name, value, se FROM fit_param p JOIN fit f "
        "USING(fit_id)",
        "SELECT name, run_id, role, observed, predicted FROM fit_point JOIN "
        "fit USING(fit_id) ORDER BY 1,2",
        "SELECT name FROM current_grid ORDER BY 1",
    };
    struct str s = { 0 };
    struct err err;

    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct db_stmt *row;
        bool is_there;

        check_ok(db_stmt_open(&row, db, asked[i], &err), err);
        while (db_stmt_step(&is_there, row, &err) == OK && is_there) {
            for (int k = 0; k < db_columns(row); k++)
                if (db_type(row, k) == DB_REAL)
                    str_addf(&s, "%a|", db_real(row, k));
                else
                    str_addf(&s, "%d:%s|", (int)db_type(row, k),
                             db_text(row, k));
            str_add(&s, "\n");
        }
        db_stmt_close(row);
    }
    return str_steal(&s);
}

static void check_sound(struct db *db)
{
    struct str lines = { 0 };
    struct err err;
    int problems;

    check_ok(db_check(&problems, &lines, db, &err), err);
    if (problems)
        print_error("%s", str_text(&lines));
    assert_int_equal(problems, 0);
    str_release(&lines);
}

static void a_grid_goes_with_what_is_its_own_and_comes_back(void **state)
{
    struct db *db = open_db("a.db");
    struct deleted_sum gone = { 0 }, back = { 0 };
    struct err err;
    char *before, *after;

    (void)state;
    scratch_fill(db, rows);
    before = dump(db);
    check_ok(db_begin(db, &err), err);
    check_ok(deleted_put_grid(&gone, db, "a", &err), err);
    check_ok(db_commit(db, &err), err);
    /* by hand: runs 3, 4, 5 are in no other grid, and fit 1 was of it */
    assert_int_equal(gone.grids, 1);
    assert_int_equal(gone.runs, 3);
    assert_int_equal(gone.fits, 1);
    check_close(scratch_number(db, "select sum(run_id) from run"), 1 + 2, 0);
    check_close(scratch_number(db, "select count(*) from point"), 1, 0);
    check_close(scratch_number(db, "select count(*) from progress"), 1, 0);
    check_close(scratch_number(db, "select count(*) from deltas"), 0, 0);
    check_close(scratch_number(db, "select sum(fit_id) from fits"), 2, 0);
    check_close(scratch_number(db, "select run_id from next_run"), 6, 0);
    check_sound(db);
    check_ok(db_begin(db, &err), err);
    check_ok(deleted_back_grid(&back, db, "a", &err), err);
    check_ok(deleted_back_fits(&back, db, &err), err);
    check_ok(db_commit(db, &err), err);
    assert_int_equal(back.runs, 3);
    assert_int_equal(back.fits, 1);
    after = dump(db);
    assert_string_equal(before, after);
    check_close(scratch_number(db, "select count(*) from deleted_rows"), 0, 0);
    check_sound(db);
    free(before);
    free(after);
    db_close(db);
}

/* Numbers of grids and fits may be given again meanwhile; runs' are not. */
static void numbers_that_are_taken_are_others(void **state)
{
    struct db *db = open_db("n.db");
    struct deleted_sum sum = { 0 };
    struct err err;

    (void)state;
    scratch_fill(db, rows);
    check_ok(deleted_put_grid(&sum, db, "a", &err), err);
    scratch_fill(db, "INSERT INTO grid VALUES(3,'c','','s9','','2026');"
                     "BEGIN; PRAGMA defer_foreign_keys=1; UPDATE fit SET "
                     "fit_id=1; UPDATE fit_point SET fit_id=1; COMMIT");
    check_ok(deleted_back_grid(&sum, db, "a", &err), err);
    check_ok(deleted_back_fits(&sum, db, &err), err);
    check_close(scratch_number(db, "select count(*) from grid where name='a' "
                                   "and grid_id>3"),
                2, 0);
    check_close(scratch_number(db, "select count(*) from grid_run x join "
                                   "current_grid using(grid_id) where "
                                   "name='a'"),
                4, 0);
    check_close(scratch_number(db, "select run_id from fit_point join fit "
                                   "using(fit_id) where name='a law'"),
                3, 0);
    check_sound(db);
    db_close(db);
}

/* The newest attempts and events were those of what is deleted, and others took
 * their numbers meanwhile. */
static void attempts_that_came_meanwhile_keep_their_numbers(void **state)
{
    struct db *db = open_db("a.db");
    struct deleted_sum sum = { 0 };
    struct err err;
    int64_t id;

    (void)state;
    scratch_fill(db, rows);
    check_ok(deleted_put_run(&sum, db, 3, &err), err);
    scratch_fill(db, "DELETE FROM attempt; DELETE FROM event;"
                     "INSERT INTO attempt(attempt_id,run_id,number,env_id,"
                     "backend,started_at,outcome) VALUES"
                     "(1,5,1,7,'local','x','ok');"
                     "INSERT INTO event(event_id,run_id,kind) VALUES"
                     "(1,5,'x'),(2,5,'y')");
    check_ok(deleted_find_run(&id, db, "3", &err), err);
    check_ok(deleted_back_run(&sum, db, id, &err), err);
    check_ok(deleted_back_fits(&sum, db, &err), err);
    check_close(scratch_number(db, "select run_id from attempt where "
                                   "attempt_id=1"),
                5, 0);
    check_close(scratch_number(db, "select count(*) from attempt where "
                                   "run_id=3"),
                1, 0);
    check_close(scratch_number(db, "select count(*) from event where run_id=3 "
                                   "and detail='x -> y'"),
                1, 0);
    check_close(scratch_number(db, "select count(*) from deleted"), 0, 0);
    check_sound(db);
    db_close(db);
}

/* A fit waits until all its runs are back. */
static void a_run_takes_its_fits_along(void **state)
{
    struct db *db = open_db("r.db");
    struct deleted_sum sum = { 0 };
    struct err err;
    int64_t id;
    char *before, *after;

    (void)state;
    scratch_fill(db, rows);
    scratch_fill(db, "INSERT INTO fit_point VALUES(2,3,'train',1,2,1,NULL)");
    before = dump(db);
    check_ok(deleted_put_run(&sum, db, 3, &err), err);
    check_ok(deleted_put_run(&sum, db, 1, &err), err);
    assert_int_equal(sum.runs, 2);
    assert_int_equal(sum.fits, 2);
    check_close(scratch_number(db, "select runs from progress where grid='a'"),
                2, 0);
    check_sound(db);
    check_ok(deleted_find_run(&id, db, "aaa46455-1", &err), err);
    check_ok(deleted_back_run(&sum, db, id, &err), err);
    check_ok(deleted_back_fits(&sum, db, &err), err);
    check_close(scratch_number(db, "select count(*) from fit"), 0, 0);
    check_ok(deleted_find_run(&id, db, "3", &err), err);
    check_ok(deleted_back_run(&sum, db, id, &err), err);
    check_ok(deleted_back_fits(&sum, db, &err), err);
    after = dump(db);
    assert_string_equal(before, after);
    free(before);
    free(after);
    db_close(db);
}

static void what_cannot_be_is_said(void **state)
{
    struct db *db = open_db("w.db");
    struct deleted_sum sum = { 0 };
    struct err err;

    (void)state;
    scratch_fill(db, rows);
    assert_int_equal(deleted_put_grid(&sum, db, "aa", &err), ERR_USAGE);
    scratch_fill(db, "UPDATE run SET state='queued' WHERE run_id=4");
    assert_int_equal(deleted_put_grid(&sum, db, "a", &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "qlaw cancel 4"));
    assert_int_equal(deleted_back_grid(&sum, db, "a", &err), ERR_USAGE);
    scratch_fill(db, "UPDATE run SET state='failed' WHERE run_id=4");
    check_ok(deleted_put_grid(&sum, db, "a", &err), err);
    scratch_fill(db, "INSERT INTO grid VALUES(9,'a','','s9','','2026')");
    assert_int_equal(deleted_back_grid(&sum, db, "a", &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "there again"));
    /* rows that somebody has changed name columns that are none */
    scratch_fill(db, "DELETE FROM grid; UPDATE deleted_rows SET "
                     "columns='run_id) VALUES(1); DROP TABLE run; --'");
    assert_int_equal(deleted_back_grid(&sum, db, "a", &err), ERR_DB);
    scratch_fill(db, "UPDATE deleted_rows SET columns=(SELECT "
                     "group_concat(name) FROM pragma_table_info(tbl)), "
                     "body=substr(body, 1, length(body)-1)");
    assert_int_equal(deleted_back_grid(&sum, db, "a", &err), ERR_DB);
    db_close(db);
}

/* What is deleted here stays deleted, whoever still has it. */
static void a_merge_does_not_bring_it_back(void **state)
{
    struct db *db = open_db("m.db"), *other = open_db("other.db");
    struct deleted_sum sum = { 0 };
    struct db_merge m;
    struct err err;
    char *path = mem_printf("%s/other.db", dir), *before, *after;

    (void)state;
    scratch_fill(db, rows);
    scratch_fill(other, rows);
    scratch_fill(other, "INSERT INTO run VALUES(9,'bbbab9442d880de5',3,3,"
                        "'pending',NULL,0)");
    db_close(other);
    check_ok(deleted_put_grid(&sum, db, "a", &err), err);
    before = dump(db);
    check_ok(db_merge(&m, db, path, &err), err);
    assert_int_equal(m.deleted, 3);
    assert_int_equal(m.runs, 1);
    check_close(scratch_number(db, "select run_id from run where seed=3"), 6,
                0);
    scratch_fill(db, "DELETE FROM run WHERE seed=3; DELETE FROM point WHERE "
                     "point_id LIKE 'b%'");
    after = dump(db);
    assert_string_equal(before, after);
    check_sound(db);
    check_ok(deleted_purge(db, &err), err);
    check_close(scratch_number(db, "select count(*) from deleted_rows"), 0, 0);
    free(before);
    free(after);
    free(path);
    db_close(db);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(a_grid_goes_with_what_is_its_own_and_comes_back),
        in_folder(numbers_that_are_taken_are_others),
        in_folder(attempts_that_came_meanwhile_keep_their_numbers),
        in_folder(a_run_takes_its_fits_along),
        in_folder(what_cannot_be_is_said),
        in_folder(a_merge_does_not_bring_it_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
