#include "db/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

static char dir[40];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-export-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static char *at(const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

static struct db *open_db(const char *name, enum db_mode mode)
{
    char *path = at(name);
    struct db *db;
    struct err err;

    check_ok(db_open(&db, path, mode, &err), err);
    free(path);
    return db;
}

/* Texts that CSV must quote, numbers that decimals round, NULL beside "". */
static const char rows[] =
    "INSERT INTO env VALUES(7,'f','1',NULL,0,'gcc \"12\"','-O3','cpu, "
    "fast','avx2',2,'k','','{}');"
    "INSERT INTO dataset VALUES(3,'a,b','s','bytes',256,1000,1000);"
    "INSERT INTO grid VALUES(5,'g','[grid]\nname = g\n\"x\"','sha','argv "
    "-s','2026-01-01'),(6,'other','t','sha','argv','2026-01-01');"
    "INSERT INTO point(point_id,config,twin_id,is_base,dataset_id,n_layer,"
    "d_model,n_embed,n_head_params,n_body,n_other,tokens,fmt,exp_bits,"
    "man_bits,group_size,flops_plan,mem_plan,gran) VALUES"
    "('aaa9d0113b229a18','{\"train\":{\"lr\":0.02,\"n\":1165}}','"
    "aaa9d0113b229a18',1,3,"
    "2,8,10,10,1000,5,5000,'fp32',8,23,NULL,1e6,100,NULL),"
    "('bbbab9442d880de5','{\"w\":8784}','aaa9d0113b229a18',0,3,"
    "2,8,10,10,1000,5,5000,'int4',0,3,32,1e6,100,'group'),"
    "('ccca51300238e642','{\"w\":9585}','ccca51300238e642',0,3,"
    "2,8,10,10,1000,5,5000,'int4',0,3,32,1e6,100,'group');"
    "INSERT INTO grid_point VALUES(5,'aaa9d0113b229a18',0,'',0,'[1]'),"
    "(5,'bbbab9442d880de5',1,'b',0,'[1]'),(6,'ccca51300238e642',0,'',0,'[1]');"
    "INSERT INTO run(run_id,point_id,seed,data_seed,state) VALUES"
    "(11,'aaa9d0113b229a18',1,-9223372036854775807,'done'),"
    "(13,'bbbab9442d880de5',1,1,'running'),(15,'ccca51300238e642',1,1,'done');"
    "INSERT INTO attempt(run_id,number,env_id,backend,started_at,message) "
    "VALUES(11,1,7,'local','2026','it said \"no\",\r\nthen  stopped');"
    "INSERT INTO curve VALUES(11,10,20,0.1+0.2,NULL,0,1e-300,1.7e308,0.5);"
    "INSERT INTO metric VALUES(11,'probe_loss',10,2.5);"
    "INSERT INTO result(run_id,loss,steps,tokens) VALUES(11,1.0/3,10,5000),"
    "(15,2,1,2);";

static void write_out(struct db_export *n)
{
    struct db *db = open_db("a.db", DB_WRITE);
    char *out = at("out");
    struct err err;

    scratch_fill(db, rows);
    check_ok(db_export(n, db, "g", out, &err), err);
    free(out);
    db_close(db);
}

static void an_import_holds_what_was_exported(void **state)
{
    struct db_export n;
    struct db_merge m;
    char *out = at("out"), *grid;
    struct db *db;
    struct err err;

    (void)state;
    write_out(&n);
    assert_int_equal(n.points, 2);
    assert_int_equal(n.runs, 2);
    assert_int_equal(n.results, 1);
    assert_int_equal(n.curve_rows, 1);
    db = open_db("b.db", DB_WRITE);
    check_ok(db_import(&m, &grid, db, out, &err), err);
    assert_string_equal(grid, "g");
    assert_int_equal(m.runs, 2);
    assert_int_equal(m.results, 1);
    free(grid);
    /* Equal as bits; a run that was under way is not; the other grid's stays
     * behind. */
    assert_true(scratch_number(db, "SELECT loss FROM result") == 1.0 / 3);
    assert_true(scratch_number(db, "SELECT train_loss FROM curve") ==
                0.1 + 0.2);
    assert_true(
        scratch_number(db, "SELECT count(*) FROM curve WHERE val_loss IS NULL "
                           "AND lr=1e-300 AND grad_norm=1.7e308") == 1);
    assert_true(scratch_number(
                    db, "SELECT count(*) FROM attempt JOIN env USING(env_id) "
                        "WHERE message='it said \"no\",' || char(13,10) || "
                        "'then  stopped' AND libc='' AND git_commit IS NULL "
                        "AND cpu_model='cpu, fast'") == 1);
    assert_true(scratch_number(db, "SELECT count(*) FROM run WHERE "
                                   "data_seed=-9223372036854775807") == 1);
    assert_true(scratch_number(
                    db, "SELECT count(*) FROM run WHERE state='pending'") == 1);
    assert_true(scratch_number(db, "SELECT count(*) FROM point") == 2);
    assert_true(
        scratch_number(db, "SELECT ini_text = '[grid]' || char(10) || 'name = "
                           "g' || char(10) || '\"x\"' FROM grid") == 1);
    assert_true(scratch_number(db, "SELECT value FROM metric") == 2.5);
    check_ok(db_import(&m, &grid, db, out, &err), err);
    assert_int_equal(m.runs + m.points + m.results + m.conflicts, 0);
    free(grid);
    free(out);
    db_close(db);
}

/* Replace a file of the folder; its line of SHA256SUMS too when said. */
static void put(const char *name, const char *text, bool honest)
{
    char *path = mem_printf("%s/out/%s", dir, name),
         *sums = at("out/SHA256SUMS");
    struct str lines = { 0 };
    char hex[HASH_HEX];
    struct err err;

    check_ok(file_replace(path, text, strlen(text), &err), err);
    if (honest) {
        hash_bytes(hex, text, strlen(text));
        check_ok(file_read(&lines, sums, 1 << 16, &err), err);
        memcpy(strstr(lines.data, name) - 66, hex, 64);
        check_ok(file_replace(sums, lines.data, lines.len, &err), err);
    }
    str_release(&lines);
    free(sums);
    free(path);
}

static void a_folder_that_was_changed_is_refused_and_changes_nothing(
    void **state)
{
    static const struct {
        const char *name, *text, *says;
        bool honest;
    } table[] = {
        { "env.csv", "env_id\n1\n", "env.csv: changed since", false },
        { "env.csv", "env_id,x');DROP TABLE run;--\n1,2\n",
          "env.csv:1: unknown column 'x');DROP TABLE run;--'", true },
        { "env.csv", "env_id,cores\n1\n", "env.csv:2: 1 cells under 2 columns",
          true },
        { "env.csv", "env_id,cores\n1,two\n",
          "env.csv:2: 'two' is not a number", true },
        { "env.csv", "env_id,cpu_model\n1,\"half", "env.csv:2: a cell is not",
          true },
        { "env.csv", "", "env.csv: is empty", true },
        { "SHA256SUMS", "", "SHA256SUMS has no line of env.csv", false },
        { "SHA256SUMS", "\n", "SHA256SUMS: not a line", false },
        { "run.csv.gz", "run_id\n", "run.csv.gz: damaged", true },
        { "grid.csv",
          "grid_id,name,ini_text,ini_sha256,argv\n5,g,t,s,a\n5,h,t,s,a\n",
          "grid.csv:3: ", true },
    };
    struct db_export n;
    struct db_merge m;
    struct db *db;
    struct err err;
    char *grid, *out = at("out");

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(tear_down(NULL) || set_up(NULL), 0);
        free(out);
        out = at("out");
        write_out(&n);
        put(table[i].name, table[i].text, table[i].honest);
        db = open_db("b.db", DB_WRITE);
        assert_int_not_equal(db_import(&m, &grid, db, out, &err), OK);
        check_says(err, table[i].says);
        assert_null(grid);
        assert_true(
            scratch_number(db, "SELECT (SELECT count(*) FROM run) + (SELECT "
                               "count(*) FROM env) + (SELECT count(*) FROM "
                               "grid)") == 0);
        db_close(db);
    }
    free(out);
}

/* A folder of an older program has columns that are gone since. */
static void retired_columns_are_passed_over(void **state)
{
    struct db_export n;
    struct db_merge m;
    struct db *db;
    struct err err;
    char *grid, *out = at("out");

    (void)state;
    write_out(&n);
    put("dataset.csv",
        "dataset_id,name,sha256,tokenizer,vocab,n_tokens,source_url,bytes,"
        "fetched_at\n3,\"a,b\",s,bytes,256,1000,,1001,\"then\"\n",
        true);
    db = open_db("b.db", DB_WRITE);
    check_ok(db_import(&m, &grid, db, out, &err), err);
    assert_true(scratch_number(db, "SELECT bytes FROM dataset") == 1001);
    assert_true(scratch_number(db, "SELECT n_tokens FROM dataset") == 1000);
    db_close(db);
    free(grid);
    free(out);
}

static void a_grid_that_is_not_there_is_named(void **state)
{
    struct db *db = open_db("a.db", DB_WRITE);
    char *out = at("out");
    struct db_export n;
    struct err err;

    (void)state;
    assert_int_equal(db_export(&n, db, "no such", out, &err), ERR_USAGE);
    check_says(err, "no grid 'no such'");
    assert_int_not_equal(access(out, F_OK), 0);
    free(out);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_import_holds_what_was_exported,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_folder_that_was_changed_is_refused_and_changes_nothing, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(retired_columns_are_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_grid_that_is_not_there_is_named,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
