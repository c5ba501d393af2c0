#include "db/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "db/handle.h"
#include "db/statement.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

static char dir[32], path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-db-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/qlaw.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    if (chdir("/") != 0)
        return 1;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct db *open_db(enum db_mode mode)
{
    struct db *db;
    struct err err;

    check_ok(db_open(&db, path, mode, &err), err);
    return db;
}

/* A point with two arms and seeds, as small as the schema allows. */
static const char rows[] =
    "INSERT INTO dataset VALUES(1,'t','s','bytes',256,1000,1000);"
    "INSERT INTO grid VALUES(1,'g','text','sha','argv','2026-01-01');"
    "INSERT INTO point(point_id,config,twin_id,is_base,dataset_id,n_layer,"
    "d_model,n_embed,n_head_params,n_body,n_other,tokens,fmt,exp_bits,"
    "man_bits,group_size,flops_plan,mem_plan,gran) VALUES"
    "('aaaaaaaaaaaaaaaa','{\"train\":{\"lr\":0.02}}','aaaaaaaaaaaaaaaa',1,1,"
    "2,8,10,10,1000,5,5000,'fp32',8,23,NULL,1e6,100,NULL),"
    "('bbbbbbbbbbbbbbbb','{\"train\":{\"lr\":0.02}}','aaaaaaaaaaaaaaaa',0,1,"
    "2,8,10,10,1000,5,5000,'int4',0,3,32,1e6,100,'group');"
    "INSERT INTO grid_point VALUES(1,'aaaaaaaaaaaaaaaa',0,'',0,'[1,2]'),"
    "(1,'bbbbbbbbbbbbbbbb',1,'',0,'[1,2]');"
    "INSERT INTO run(run_id,point_id,seed,data_seed,state) VALUES"
    "(1,'aaaaaaaaaaaaaaaa',1,1,'done'),(2,'aaaaaaaaaaaaaaaa',2,2,'done'),"
    "(3,'bbbbbbbbbbbbbbbb',1,1,'done'),(4,'bbbbbbbbbbbbbbbb',2,2,'done');"
    "INSERT INTO result(run_id,loss,steps,tokens) VALUES(1,2.0,10,5000),"
    "(2,2.2,10,5000),(3,2.1,10,5000),(4,2.5,10,5000);";

static void views_fold_seeds_and_pair_twins(void **state)
{
    struct db *db = open_db(DB_WRITE);

    (void)state;
    scratch_fill(db, rows);
    /* by hand: means 2.1 and 2.3, deltas 0.1 and 0.3 */
    check_close(scratch_number(db, "select loss from points where is_base"),
                2.1, 1e-15);
    check_close(scratch_number(db, "select sd from points where is_base"),
                sqrt(0.02), 1e-15);
    check_close(scratch_number(db, "select delta from deltas where seed=2"),
                0.3, 1e-15);
    check_close(scratch_number(db, "select delta from degradation"), 0.2,
                1e-15);
    check_close(scratch_number(db, "select delta_se from degradation"), 0.1,
                1e-15);
    check_close(scratch_number(db, "select bits from runs where run_id=3"), 4,
                0);
    check_close(scratch_number(db, "select done from progress"), 4, 0);
    check_close(scratch_number(db, "select pct_flops from progress"), 100, 0);
    db_close(db);
}

/* Bits of an element with its share of the scale: MXFP4 4.25 and NVFP4 4.5
 * (arXiv 2510.25602, section 2), int4 in groups of 128 with 16-bit scales 4.125,
 * per row of 64 4.5; a list of 16 values has 4. */
static void stored_bits_are_those_of_the_papers(void **state)
{
    static const struct {
        const char *set;
        double want;
    } cases[] = {
        { "fmt='e2m1', exp_bits=2, man_bits=1, scale_fmt='e8m0'", 4.25 },
        { "fmt='e2m1', exp_bits=2, man_bits=1, group_size=16, "
          "scale_fmt='e4m3'",
          4.5 },
        { "group_size=128, scale_fmt='bf16'", 4.125 },
        { "group_size=NULL, gran='row', g_eff=64, scale_fmt='fp32'", 4.5 },
        { "group_size=NULL, gran='tensor', scale_fmt='fp32'", 4 },
        { "fmt='nf4', exp_bits=NULL, group_size=64, scale_fmt='fp32'", 4.5 },
        { "fmt='bf16', exp_bits=8, man_bits=7, group_size=NULL, gran=NULL, "
          "scale_fmt=NULL",
          16 },
    };
    struct db *db = open_db(DB_WRITE);
    struct err err;

    (void)state;
    scratch_fill(db, rows);
    check_close(scratch_number(db, "select stored_bits from runs where is_base "
                                   "limit 1"),
                32, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sql = mem_printf("update point set fmt='int4', exp_bits=0, "
                               "man_bits=3, group_size=32, gran='group', "
                               "g_eff=32 where not is_base");

        check_ok(db_do(db, sql, NULL, &err), err);
        free(sql);
        sql = mem_printf("update point set %s where not is_base", cases[i].set);
        check_ok(db_do(db, sql, NULL, &err), err);
        free(sql);
        check_close(scratch_number(db, "select stored_bits from degradation"),
                    cases[i].want, 0);
        check_close(scratch_number(db, "select stored_bits from best_split"),
                    cases[i].want, 0);
    }
    check_close(scratch_number(db, "select bits from deltas limit 1"), 16, 0);
    db_close(db);
}

/* Behind rows: bbbb.. rounded after training in two draws, aaaa.. once, and
 * the activations of aaaa.. alone. */
static const char post_rows[] =
    "UPDATE point SET config='{\"quant\":{\"w\":\"int4/g32\"},\"t\":1}' "
    "WHERE NOT is_base;"
    "INSERT INTO point(point_id,config,twin_id,is_base,dataset_id,n_layer,"
    "d_model,n_embed,n_head_params,n_body,n_other,tokens,fmt,exp_bits,"
    "man_bits,group_size,act_fmt,flops_plan,mem_plan,gran) SELECT column1,"
    "column2,'aaaaaaaaaaaaaaaa',0,1,2,8,10,10,1000,5,5000,column3,0,column4,"
    "16,column5,1e3,100,'group' FROM (VALUES"
    "('c000000000000001','{\"post\":{\"fit\":\"rtn\",\"w\":\"int3/g16\"},"
    "\"quant\":{\"w\":\"int4/g32\"},\"t\":1}','int3',2,NULL),"
    "('c000000000000002','{\"post\":{\"draw\":2,\"fit\":\"gptq\",\"w\":"
    "\"int3/g16\"},\"quant\":{\"w\":\"int4/g32\"},\"t\":1}','int3',2,NULL),"
    "('c000000000000003','{\"post\":{\"fit\":\"rtn\",\"w\":\"int2/g16\"},"
    "\"t\":1}','int2',1,NULL),"
    "('c000000000000004','{\"post\":{\"fit\":\"rtn\",\"x\":\"int8/g16\"},"
    "\"t\":1}','int8',7,'int8'));"
    "INSERT INTO run(run_id,point_id,seed,data_seed,state) VALUES"
    "(11,'c000000000000001',1,1,'done'),(12,'c000000000000002',1,1,'done'),"
    "(13,'c000000000000003',2,2,'done'),(14,'c000000000000004',1,1,'done'),"
    "(15,'c000000000000003',1,1,'failed');"
    "INSERT INTO result(run_id,loss,steps,tokens) VALUES(11,2.4,10,5000),"
    "(12,2.3,10,5000),(13,2.9,10,5000),(14,2.01,10,5000);"
    "INSERT INTO metric(run_id,name,step,value) VALUES(11,'delta',10,0.3),"
    "(11,'delta_se',10,0.01),(11,'parent_loss',10,2.1),(11,'kl',10,0.31),"
    "(11,'kl25',10,0.29),(11,'bits_w',10,5),(11,'bits_all',10,9),"
    "(11,'bits_x',10,16),(12,'delta',10,0.2),(12,'calib_tokens',10,1024),"
    "(13,'delta',10,0.7),(3,'kurtosis.o',10,7);";

/* A child of a training is found beside others of its twin; what was rounded in
 * training has two costs, of which delta is the later. */
static void posts_say_whose_children_they_are(void **state)
{
    static const struct {
        const char *ask;
        double want;
    } cases[] = {
        { "select count(*) from posts", 5 },
        { "select count(*) from posts where parent_id='bbbbbbbbbbbbbbbb' and "
          "run_id in (11,12)",
          2 },
        { "select count(*) from posts where parent_id='aaaaaaaaaaaaaaaa' and "
          "run_id in (13,14,15)",
          3 },
        { "select delta from posts where run_id=11", 0.3 },
        { "select delta from deltas where run_id=11", 0.4 },
        { "select loss-parent_loss from posts where run_id=11", 0.3 },
        { "select kl-kl25 from posts where run_id=11", 0.02 },
        { "select bits_w+bits_all+bits_x from posts where run_id=11", 30 },
        { "select calib_tokens from posts where run_id=12", 1024 },
        { "select sum(draw) from posts", 6 },
        { "select sum(Ppost) from posts where run_id<14", 8 },
        { "select Ppost from posts where w_fmt is null and x_fmt='int8'", 16 },
        { "select count(*) from posts where loss is null", 1 },
        { "select count(*) from deltas where post='rtn'", 3 },
        { "select count(*) from runs where post=''", 4 },
        { "select count(*) from best_split where fmt='int4'", 1 },
        { "select count(*) from best_split", 1 },
    };
    struct db *db = open_db(DB_WRITE);

    (void)state;
    scratch_fill(db, rows);
    scratch_fill(db, post_rows);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_close(scratch_number(db, cases[i].ask), cases[i].want, 1e-14);
    db_close(db);
}

/* The columns that people's queries rely on (product specification 6.3). */
static void views_keep_their_columns(void **state)
{
    static const struct {
        const char *view, *columns;
    } table[] = {
        { "runs", "run_id,point_id,seed,state,N,D,G,E,M,bits,fmt,loss,loss_se,"
                  "wall_s,tok_per_s,n_total,n_layer,d_model,tokens_per_param,"
                  "flops,act_fmt,grad_fmt,gmse,trainer,attempts,state_reason" },
        { "points", "point_id,N,D,G,E,M,bits,fmt,seeds,loss,sd,se,wall_s" },
        { "deltas", "run_id,point_id,seed,N,D,G,E,M,bits,fmt,loss,base_loss,"
                    "delta,post" },
        { "degradation", "point_id,N,D,G,E,M,bits,fmt,seeds,loss,delta,"
                         "delta_se" },
        { "best_split", "N,D,G,bits,E,M,fmt,loss,delta,delta_se" },
        { "failures", "run_id,state,outcome,exit_code,term_signal,attempt,"
                      "host,slurm_job,message,fmt,N,D,G,seed,log_path" },
        { "curves", "run_id,step,tokens,train_loss,val_loss,grad_norm,wall_s,"
                    "N,D,G,fmt,seed" },
        { "progress", "grid,runs,done,running,waiting,diverged,failed,"
                      "pct_flops" },
        { "fits", "fit_id,name,law,n_def,n_points,rmse,r2,bic,holdout_rmse,"
                  "converged,params,created_at" },
        { "grid_run", "grid_id,run_id,point_id,seed,state" },
        { "posts", "run_id,point_id,parent_id,seed,state,N,D,fit,w_fmt,Ppost,G,"
                   "x_fmt,calib_tokens,draw,bits_w,bits_all,bits_x,loss,"
                   "parent_loss,delta,delta_se,kl,kl25,arm,grid" },
    };
    struct db *db = open_db(DB_WRITE);

    (void)state;
    scratch_fill(db, rows);
    db_close(db);
    db = open_db(DB_READ); /* which trusts no function in a schema */
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *sql =
            mem_printf("select %s from %s", table[i].columns, table[i].view);
        struct err err;

        check_ok(db_do(db, sql, NULL, &err), err);
        free(sql);
    }
    db_close(db);
}

/* The questions of the specification, word for word. */
static void the_documented_queries_run(void **state)
{
    static const char *const queries[] = {
        "select N,D,G,fmt,seeds,loss,se from points order by N,D,G",
        "select * from best_split where bits=4",
        "select fmt,G,avg(delta) from degradation group by 1,2",
        "select * from failures",
        "select step,run_id,train_loss from curves where run_id in (12,40)",
        "select * from progress",
        "select r.* from runs r join point p using(point_id) where p.config "
        "->> '$.train.lr' > 0.01",
        "select r.run_id, e.git_commit, e.git_dirty from run r join attempt a "
        "using(run_id) join env e using(env_id) where e.git_dirty",
        "select sum(flops), sum(wall_s) from runs where state='done'",
        "select * from fits",
        "select N, D, avg(sd) from points where seeds>1 group by 1,2",
        "select at,kind,detail from event where run_id=39",
    };
    struct db *db = open_db(DB_WRITE);

    (void)state;
    scratch_fill(db, rows);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct err err;

        check_ok(db_do(db, queries[i], NULL, &err), err);
    }
    check_close(scratch_number(db, "select count(*) from runs r join point p "
                                   "using(point_id) where p.config ->> "
                                   "'$.train.lr' > 0.01"),
                4, 0);
    db_close(db);
}

static void the_schema_refuses_what_cannot_be(void **state)
{
    static const char *const wrong[] = {
        "update run set state='resting' where run_id=1",
        "insert into run(point_id,seed,data_seed) values('nobody',1,1)",
        "insert into run(point_id,seed,data_seed) values"
        "('aaaaaaaaaaaaaaaa',1,1)",
        "update result set loss='low'",
        "update result set loss=NULL",
        "update point set config='{' where is_base",
        "update point set is_base=1",
    };
    struct db *db = open_db(DB_WRITE);

    (void)state;
    scratch_fill(db, rows);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err err;

        assert_int_equal(db_do(db, wrong[i], NULL, &err), ERR_DB);
    }
    db_close(db);
}

static void state_changes_are_logged(void **state)
{
    struct db *db = open_db(DB_WRITE);
    struct err err;

    (void)state;
    scratch_fill(db, rows);
    check_ok(db_do(db,
                   "update run set state='failed', state_reason=:why "
                   "where run_id=1",
                   DB_VALUES(DB_T("why", "why")), &err),
             err);
    check_close(
        scratch_number(db, "select detail = 'done -> failed: why' from event "
                           "where run_id=1"),
        1, 0);
    db_close(db);
}

/* The counts of a grid follow every change, also one made by hand. */
static void progress_follows_states_and_rows(void **state)
{
    static const struct {
        const char *change, *count;
        double want;
    } changes[] = {
        { "update run set state='running' where run_id=1", "done", 3 },
        { "update run set state='running' where run_id=1", "running", 1 },
        { "update run set state='failed' where run_id in (1,2)", "failed", 2 },
        { "update run set state='timeout' where run_id=1", "failed", 2 },
        { "insert into run(point_id,seed,data_seed) values"
          "('aaaaaaaaaaaaaaaa',7,7)",
          "runs", 4 }, /* a seed that the grid does not ask for */
        { "insert into grid values(2,'h','t','s','a','2026-01-01');"
          "insert into grid_point(grid_id,point_id,ordinal,block,seeds) "
          "values(2,'aaaaaaaaaaaaaaaa',0,'','[7,8]')",
          "runs", 4 },
        { "delete from run where run_id=2", "runs", 3 },
        { "delete from run where run_id=2", "failed", 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct db *db;
        char *ask = mem_printf("select %s from progress where grid='g'",
                               changes[i].count);

        unlink(path);
        db = open_db(DB_WRITE);
        scratch_fill(db, rows);
        for (size_t k = 0; k <= i; k++)
            if (k == 0 || changes[k].change != changes[k - 1].change)
                assert_int_equal(sqlite3_exec(db->handle, changes[k].change,
                                              NULL, NULL, NULL),
                                 SQLITE_OK);
        check_close(scratch_number(db, ask), changes[i].want, 0);
        check_close(
            scratch_number(db, "select count(*) from grid_count c where runs "
                               "!= (select count(*) from grid_run r where "
                               "r.grid_id=c.grid_id and r.state=c.state)"),
            0, 0);
        free(ask);
        db_close(db);
    }
}

static void values_are_bound_not_pasted(void **state)
{
    static const char nasty[] = "'; DROP TABLE run; --\"\n<b>";
    struct db *db = open_db(DB_WRITE);
    struct err err;
    char *text;

    (void)state;
    check_ok(db_do(db, "insert into meta values(:key,:value)",
                   DB_VALUES(DB_T("key", "k"), DB_T("value", nasty)), &err),
             err);
    check_ok(db_ask_text(&text, db, "select value from meta where key=:key",
                         DB_VALUES(DB_T("key", "k")), &err),
             err);
    assert_string_equal(text, nasty);
    free(text);
    check_ok(db_do(db, "insert into event(kind,detail) values('nan',:x)",
                   DB_VALUES(DB_R("x", (double)NAN)), &err),
             err);
    check_close(scratch_number(db, "select detail is null from event"), 1, 0);
    db_close(db);
}

/* --- files that are not ours
 * ---------------------------------------------------- */

static void digest(char hex[HASH_HEX])
{
    struct str text = { 0 };
    struct err err;

    check_ok(file_read(&text, path, 1 << 24, &err), err);
    hash_bytes(hex, str_text(&text), text.len);
    str_release(&text);
}

static void shell(const char *fmt, ...)
{
    char command[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

static const struct foreign {
    const char *make; /* shell, run in the folder */
    const char *says;
    bool regular;
} foreign[] = {
    { "echo hello > qlaw.db", "is not an SQLite database", true },
    { "head -c 5000 /dev/urandom > qlaw.db", "is not an SQLite database",
      true },
    { "printf 'SQLite format 3' > qlaw.db", "is not an SQLite database", true },
    { "mkdir qlaw.db", "is not a regular file", false },
    { "mkfifo qlaw.db", "is not a regular file", false },
    { "ln -s /dev/null qlaw.db", "is not a regular file", false },
    { "sqlite3 qlaw.db 'create table t(x); insert into t values(1)'",
      "is a database of another program", true },
    { "sqlite3 qlaw.db 'create table t(x); pragma application_id=1363951959; "
      "pragma user_version=99'",
      "schema version 99, this qlaw knows 3", true },
    { "sqlite3 ours.db 'create trigger evil after insert on run begin delete "
      "from run; end' && mv ours.db qlaw.db",
      "trigger 'evil' is not as qlaw made it", true },
    { "sqlite3 ours.db 'alter table result rename to kept; create view result "
      "as select * from kept' && mv ours.db qlaw.db",
      "view 'result' is not as qlaw made it", true },
    { "sqlite3 ours.db 'drop table metric' && mv ours.db qlaw.db",
      "table 'metric' is missing", true },
    { "cp ours.db qlaw.db && dd if=/dev/zero of=qlaw.db bs=1 seek=100 "
      "count=4000 conv=notrunc 2>/dev/null",
      "qlaw.db", true },
    { "cp ours.db qlaw.db && chmod a-w qlaw.db && mv qlaw.db q && mv q "
      "qlaw.db && ln -s nowhere x",
      NULL, true },
};

static void foreign_files_are_refused_and_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        for (int mode = 0; mode < 2; mode++) {
            char before[HASH_HEX], after[HASH_HEX], good[80];
            struct db *db;
            struct err err;

            shell("rm -rf '%s'/*", dir);
            snprintf(good, sizeof good, "%s/ours.db", dir);
            check_ok(db_open(&db, good, DB_WRITE, &err), err);
            db_close(db);
            shell("cd '%s' && %s", dir, foreign[i].make);
            if (!foreign[i].says)
                continue;
            if (foreign[i].regular)
                digest(before);
            assert_int_equal(
                db_open(&db, path, mode ? DB_WRITE : DB_READ, &err), ERR_DB);
            check_says(err, foreign[i].says);
            if (foreign[i].regular) {
                digest(after);
                assert_string_equal(before, after);
            }
        }
}

/* Words in comments and white space are not the schema; text in quotes is. */
static void comments_of_the_schema_may_change(void **state)
{
    struct db *db;
    struct err err;

    (void)state;
    db_close(open_db(DB_WRITE));
    shell("cd '%s' && sqlite3 qlaw.db .schema | sed 's/ *--.*//' >s.sql && "
          "{ cat s.sql; echo 'pragma application_id=1363951959; pragma "
          "user_version=3;'; } | sqlite3 plain.db && mv plain.db qlaw.db",
          dir);
    db_close(open_db(DB_READ));
    shell("cd '%s' && rm qlaw.db && { sed \"s/'lost',//\" s.sql; echo 'pragma "
          "application_id=1363951959; pragma user_version=3;'; } | sqlite3 "
          "qlaw.db",
          dir);
    assert_int_equal(db_open(&db, path, DB_READ, &err), ERR_DB);
    check_says(err, "table 'attempt' is not as qlaw made it");
}

static void a_missing_file_is_made_only_for_writing(void **state)
{
    struct db *db;
    struct err err;

    (void)state;
    assert_int_equal(db_open(&db, path, DB_READ, &err), ERR_DB);
    check_says(err, "does not exist; 'qlaw run' makes it");
    assert_int_equal(access(path, F_OK), -1);
    db_close(open_db(DB_WRITE));
    db_close(open_db(DB_READ));
    shell("sqlite3 '%s' 'pragma application_id' | grep -q 1363951959", path);
    shell("file '%s' 2>/dev/null | grep -q . || true", path);
}

static void reading_writes_nothing(void **state)
{
    char before[HASH_HEX], after[HASH_HEX];
    struct db *db = open_db(DB_WRITE);
    struct err err;

    (void)state;
    scratch_fill(db, rows);
    db_close(db);
    digest(before);
    db = open_db(DB_READ);
    check_ok(db_do(db, "select * from points", NULL, &err), err);
    assert_int_equal(db_do(db, "delete from run", NULL, &err), ERR_DB);
    check_says(err, "readonly");
    db_close(db);
    digest(after);
    assert_string_equal(before, after);
    /* the writer's journal stays as an empty file; the reader adds none */
    shell("test \"$(cd '%s' && echo *)\" = 'qlaw.db qlaw.db-journal'", dir);
    shell("test ! -s '%s-journal'", path);
}

/* --- more than one
 * ---------------------------------------------------------------- */

static void a_writer_waits_for_another_and_then_says_so(void **state)
{
    struct db *db = open_db(DB_WRITE), *other = open_db(DB_WRITE);
    struct err err;
    double start;

    (void)state;
    check_ok(db_begin(other, &err), err);
    db_set_patience(db, 0.3);
    start = clock_monotonic();
    assert_int_equal(db_begin(db, &err), ERR_DB);
    check_says(err, "is locked: another program holds it");
    assert_true(clock_monotonic() - start >= 0.3);
    db_rollback(other);
    check_ok(db_begin(db, &err), err);
    check_ok(db_commit(db, &err), err);
    db_close(db);
    db_close(other);
}

/* Six processes insert forty rows each, one transaction a row, while a
 * seventh reads: nothing is lost. */
static void writers_in_many_processes_lose_nothing(void **state)
{
    enum { WRITERS = 6, ROWS = 40 };
    struct db *db = open_db(DB_WRITE);
    struct err err;

    (void)state;
    db_close(db);
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            int failed = 0;

            if (db_open(&db, path, DB_WRITE, &err) != OK)
                _exit(1);
            db_set_patience(db, 60);
            for (int i = 0; i < ROWS; i++)
                failed |= db_begin(db, &err) != OK ||
                          db_do(db, "insert into event(kind) values('x')", NULL,
                                &err) != OK ||
                          db_commit(db, &err) != OK;
            _exit(failed);
        }
    db = open_db(DB_READ);
    for (int i = 0; i < 20; i++)
        check_ok(db_do(db, "select count(*) from event", NULL, &err), err);
    for (int w = 0; w < WRITERS; w++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    check_close(scratch_number(db, "select count(*) from event"),
                WRITERS * ROWS, 0);
    db_close(db);
}

/* The first writer is killed with half the schema in the file and the rest in
 * the journal. */
static void a_schema_that_was_never_finished_is_made_again(void **state)
{
    struct stat sb;
    struct err err;
    struct db *db;
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        sqlite3 *h;
        bool ok = sqlite3_open(path, &h) == SQLITE_OK &&
                  sqlite3_exec(h,
                               "PRAGMA journal_mode=TRUNCATE;"
                               "PRAGMA cache_size=1; BEGIN EXCLUSIVE;",
                               NULL, NULL, NULL) == SQLITE_OK &&
                  sqlite3_exec(h, db_schema, NULL, NULL, NULL) == SQLITE_OK &&
                  sqlite3_exec(h,
                               "INSERT INTO meta VALUES('x', "
                               "hex(zeroblob(200000)))",
                               NULL, NULL, NULL) == SQLITE_OK;

        _exit(!ok);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &sb), 0);
    assert_true(sb.st_size > 0); /* else this shows nothing */
    assert_int_equal(db_open(&db, path, DB_READ, &err), ERR_DB);
    check_says(err, "a half-written change of a program that was killed");
    db_close(open_db(DB_WRITE));
    db_close(open_db(DB_READ));
}

static void many_starts_at_once_make_one_schema(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            struct db *db;
            struct err err;

            _exit(db_open(&db, path, DB_WRITE, &err) != OK);
        }
    for (int i = 0; i < 8; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    db_close(open_db(DB_READ));
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(views_fold_seeds_and_pair_twins),
        in_folder(posts_say_whose_children_they_are),
        in_folder(views_keep_their_columns),
        in_folder(stored_bits_are_those_of_the_papers),
        in_folder(the_documented_queries_run),
        in_folder(the_schema_refuses_what_cannot_be),
        in_folder(state_changes_are_logged),
        in_folder(progress_follows_states_and_rows),
        in_folder(comments_of_the_schema_may_change),
        in_folder(values_are_bound_not_pasted),
        in_folder(foreign_files_are_refused_and_left_alone),
        in_folder(a_missing_file_is_made_only_for_writing),
        in_folder(reading_writes_nothing),
        in_folder(a_writer_waits_for_another_and_then_says_so),
        in_folder(writers_in_many_processes_lose_nothing),
        in_folder(a_schema_that_was_never_finished_is_made_again),
        in_folder(many_starts_at_once_make_one_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
