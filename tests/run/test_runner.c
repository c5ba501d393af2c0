/* A grid with trainers made of a few lines of shell: what becomes of each
 * run, and what a session leaves behind. */
#include "harness/run/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/statement.h"
#include "tests/check.h"
#include "tests/grid/grid_help.h"

#define ONE_RUN                                                                \
    "[model]\nn_layer = 1\nd_model = 32\nseq_len = 32\n"                       \
    "[train]\nbatch = 2\ntokens = 6400\n"                                      \
    "[run]\nretries = 2\ntimeout = 2s\n"

#define POINT(step)                                                            \
    "echo '{\"step\":" #step ",\"tokens\":" #step                              \
    "00,\"train_loss\":3.5,\"lr\":0.1}' >&3\n"
#define FINAL                                                                  \
    "echo '{\"final\":true,\"loss\":3.25,\"loss_se\":0.1,"                     \
    "\"tokens\":6400}' >&3\n"

static struct session session;

static void fresh(void)
{
    char *command = mem_printf("rm -rf '%s'/runs '%s'/*.db* '%s'/*.txt '%s'/"
                               "stub",
                               grid_path("."), grid_path("."), grid_path("."),
                               grid_path("."));

    assert_int_equal(system(command), 0);
    free(command);
}

/* The stub's $5 is the run's folder; line 3 gives it its descriptor. */
static void write_stub(const char *body)
{
    char *text = mem_printf("#!/bin/sh\n# %s\nexec 3>>\"$QLAW_METRICS\"\n"
                            "echo x >>%s\n%s",
                            "a trainer", grid_path("starts.txt"), body);

    grid_write("stub", text);
    assert_int_equal(chmod(grid_path("stub"), 0755), 0);
    free(text);
}

static int starts(void)
{
    struct str s = { 0 };
    int n = 0;

    if (file_read(&s, grid_path("starts.txt"), 1 << 20, NULL) == OK)
        n = (int)s.len / 2;
    str_release(&s);
    return n;
}

static enum status run_grid(struct runner_summary *sum, const char *text,
                            struct runner_options o, struct err *err)
{
    static char db[128], program[128];
    struct grid *g = NULL;
    enum status st = grid_from(&g, text, NULL, err);

    snprintf(db, sizeof db, "%s", grid_path("qlaw.db"));
    snprintf(program, sizeof program, "%s", grid_path("stub"));
    session = (struct session){ .db_path = db, .verbosity = -1 };
    o.program = program;
    if (st == OK)
        st = runner_run(sum, &session, g, &o, err);
    grid_free(g);
    return st;
}

static struct runner_summary run_stub(const char *grid, const char *body)
{
    struct runner_summary sum;
    struct err err;

    fresh();
    write_stub(body);
    check_ok(run_grid(&sum, grid, (struct runner_options){ .slots = 2 }, &err),
             err);
    return sum;
}

/* One value of the database, as text; static. */
static const char *ask(const char *sql)
{
    static char text[512];
    struct db *db;
    struct err err;
    struct db_stmt *s;
    bool row;

    check_ok(db_open(&db, grid_path("qlaw.db"), DB_READ, &err), err);
    check_ok(db_stmt_open(&s, db, sql, &err), err);
    check_ok(db_stmt_step(&row, s, &err), err);
    snprintf(text, sizeof text, "%s",
             row && !db_is_null(s, 0) ? db_text(s, 0) : "(null)");
    db_stmt_close(s);
    db_close(db);
    return text;
}

#define check_ask(sql, want) assert_string_equal(ask(sql), want)

/* --- ends ---------------------------------------------------------------------- */

static const struct stub {
    const char *what, *body;
    const char *state, *outcome; /* of the run; of its last attempt */
    int attempts;
    const char *message; /* a part of it, NULL: none */
} stubs[] = {
    { "succeeds", POINT(10) POINT(20) FINAL, "done", "ok", 1, NULL },
    { "says nothing", "exit 0\n", "failed", "error", 3,
      "ended without a final record: nothing in its log" },
    { "diverges",
      "echo '{\"final\":true,\"diverged\":true,\"step\":9,\"reason\":\"the "
      "loss explodes\"}' >&3; exit 65\n",
      "diverged", "diverged", 1, "the loss explodes" },
    { "diverges without a word", "exit 65\n", "diverged", "diverged", 1,
      "it says so (exit 65)" },
    { "ends in NaN", "echo '{\"final\":true,\"loss\":NaN}' >&3\n", "diverged",
      "diverged", 1, "the final loss is not finite" },
    { "ends in null", "echo '{\"final\":true,\"loss\":null}' >&3\n", "diverged",
      "diverged", 1, "the final loss is not finite" },
    { "crashes", "echo 'cannot read the corpus' >&2; exit 9\n", "failed",
      "error", 3, "exit 9: cannot read the corpus" },
    { "has a wrong configuration", "echo 'no such key' >&2; exit 3\n", "failed",
      "error", 1, "exit 3: no such key" },
    { "is not able to", "echo 'no e9m9 here'; exit 64\n", "skipped", "error", 1,
      "the trainer does not support it: no e9m9 here" },
    { "is killed", "kill -9 $$\n", "failed", "signal", 3,
      "killed by signal 9" },
    { "crashes in memory", "kill -11 $$\n", "failed", "signal", 3,
      "killed by signal 11 (Segmentation fault)" },
    { "dies once",
      "test -f $5/was && { " FINAL " exit 0; }\n"
      "touch $5/was; kill -9 $$\n",
      "done", "ok", 2, NULL },
    { "stops in vain", "exit 75\n", "failed", "error", 3,
      "stopped by itself without getting further" },
    { "stops and goes on",
      "n=$(cat $5/n 2>/dev/null || echo 0); n=$((n+1)); echo $n >$5/n\n"
      "echo \"{\\\"step\\\":$n,\\\"train_loss\\\":1}\" >&3\n"
      "test $n -lt 6 && exit 75\n" FINAL,
      "done", "ok", 6, NULL },
    { "ends badly after its result", POINT(10) FINAL "exit 1\n", "done", "ok",
      1, NULL },
    { "is killed after its result", POINT(10) FINAL "kill -9 $$\n", "done",
      "ok", 1, NULL },
    { "chatters",
      "echo hello >&3; echo '[1]' >&3; echo '{\"a\":1}' >&3\n"
      "echo >&3\n" FINAL,
      "done", "ok", 1, NULL },
    { "chatters without end", "while :; do echo blah blah; done >&3\n",
      "failed", "error", 1, "1000 lines are no records, as 'blah blah'" },
    { "reports without end",
      "i=0; while :; do i=$((i+1)); echo \"{\\\"step\\\":$i}\"; done >&3\n",
      "failed", "error", 1, "it reports without end" },
    { "writes a line without end", "tr '\\0' x </dev/zero >&3\n", "failed",
      "error", 1, "a line is longer than 65536 bytes" },
    { "takes too long", POINT(10) "exec sleep 60\n", "timeout", "timeout", 1,
      "longer than run.timeout" },
    { "pretends to be us",
      "echo "
      "'{\"attempt\":1,\"step\":1,\"end\":\"x\",\"outcome\":\"ok\",\"state\":"
      "\"done\",\"wall_s\":1,\"cpu_s\":1,\"max_rss\":1}' >&3; exit 1\n",
      "failed", "error", 3, "exit 1" },
};

/* Lines of ours in the records of the only run. */
static int own_lines(void)
{
    char *command = mem_printf("exit $(cat '%s'/runs/*-1/metrics.jsonl | grep "
                               "-c '^{\"attempt\":')",
                               grid_path("."));
    const int status = system(command);

    free(command);
    return WEXITSTATUS(status);
}

static void each_end_is_judged_and_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stubs / sizeof stubs[0]; i++) {
        const struct stub *s = &stubs[i];
        const struct runner_summary sum = run_stub(ONE_RUN, s->body);
        const char *message;
        char got[64];

        print_message("  %s\n", s->what);
        snprintf(got, sizeof got, "%d %s", s->attempts, s->state);
        check_ask("select attempts||' '||state from run", got);
        assert_int_equal(starts(), s->attempts);
        check_ask("select outcome from attempt order by number desc",
                  s->outcome);
        message = ask("select message from attempt order by number desc");
        if (s->message ? !strstr(message, s->message)
                       : strcmp(message, "(null)") != 0)
            fail_msg("'%s'", message);
        assert_int_equal(sum.done, strcmp(s->state, "done") == 0);
        assert_int_equal(sum.diverged, strcmp(s->state, "diverged") == 0);
        assert_int_equal(sum.failed, strcmp(s->state, "failed") == 0 ||
                                         strcmp(s->state, "timeout") == 0);
        assert_int_equal(sum.waiting, 0);
        check_ask("select count(*) from result",
                  strcmp(s->state, "done") == 0 ? "1" : "0");
        check_ask("select count(*) from attempt where outcome is null", "0");
        assert_int_equal(own_lines(), 2 * s->attempts);
    }
}

/* --- curves -------------------------------------------------------------------------- */

static void curves_are_kept_as_they_came(void **state)
{
    (void)state;
    run_stub(ONE_RUN,
             "echo '{\"step\":1,\"tokens\":10,\"train_loss\":NaN,"
             "\"val_loss\":2.5,\"gate\":0.5}' >&3\n"
             "echo '{\"step\":2,\"tokens\":20,\"train_loss\":Infinity}' >&3\n"
             "echo '{\"step\":2,\"train_loss\":9}' >&3\n" /* again */
             "echo '{\"step\":1,\"train_loss\":9}' >&3\n" /* backwards */
             "echo '{\"step\":3,\"tokens\":30,\"train_loss\":0.1}' >&3\n" FINAL
             "echo '{\"step\":4,\"train_loss\":9}' >&3\n"); /* too late */
    check_ask("select group_concat(step||':'||coalesce(train_loss,'-')||':'||"
              "nonfinite, ' ') from curve",
              "1:-:1 2:-:2 3:0.1:0");
    check_ask("select val_loss from curve where step=1", "2.5");
    check_ask("select name||step||'='||value from metric", "gate1=0.5");
    check_ask("select loss||' '||steps||' '||tokens from result",
              "3.25 3 6400");
}

static void other_numbers_of_a_final_line_are_metrics(void **state)
{
    (void)state;
    run_stub(ONE_RUN, "echo '{\"final\":true,\"loss\":2.5,\"steps\":7,"
                      "\"probe_loss\":2.75}' >&3\n");
    check_ask("select name||' '||step||' '||value from metric",
              "probe_loss 7 2.75");
}

/* A second attempt that starts anew leaves nothing of the first one's tail; one
 * that resumes keeps what came before its first line. */
static void a_later_attempt_takes_the_place_of_an_earlier_one(void **state)
{
    (void)state;
    run_stub(ONE_RUN, "test -f $5/was && {\n" POINT(20) POINT(40) FINAL
             "exit 0; }\n" POINT(10) POINT(30)
                 POINT(50) "touch $5/was; exit 1\n");
    check_ask("select group_concat(step) from curve", "10,20,40");
}

/* --- sessions ------------------------------------------------------------------------ */

#define EIGHT_RUNS ONE_RUN "[seeds]\ncount = 8\n"

static void a_common_failure_breaks_the_circuit(void **state)
{
    const struct runner_summary sum =
        run_stub(EIGHT_RUNS, "echo \"out of luck at $(date +%N)\" >&2; exit "
                             "3\n");

    (void)state;
    assert_true(sum.breaker);
    assert_true(strstr(sum.first_failure, "out of luck") != NULL);
    /* five failures and what ran beside the fifth */
    assert_in_range(starts(), 5, 6);
    check_ask("select count(*)>=2 from run where state='pending'", "1");
}

static void different_failures_do_not(void **state)
{
    const struct runner_summary sum =
        run_stub(EIGHT_RUNS, "echo \"bad $(basename $5 | tr 0-9 a-j)\" >&2; "
                             "exit 3\n");

    (void)state;
    assert_false(sum.breaker);
    assert_int_equal(sum.failed, 8);
}

static void failed_runs_wait_to_be_asked_for(void **state)
{
    struct runner_summary sum =
        run_stub(ONE_RUN, "test -f $5/good || exit 3\n" FINAL);
    struct err err;
    char *command;

    (void)state;
    assert_int_equal(sum.failed, 1);
    check_ok(
        run_grid(&sum, ONE_RUN, (struct runner_options){ .slots = 1 }, &err),
        err);
    assert_int_equal(starts(), 1);
    assert_int_equal(sum.already, 1);
    command = mem_printf("for d in '%s'/runs/*-1; do touch $d/good; done",
                         grid_path("."));
    assert_int_equal(system(command), 0);
    free(command);
    check_ok(
        run_grid(&sum, ONE_RUN,
                 (struct runner_options){ .slots = 1, .retry_failed = true },
                 &err),
        err);
    assert_int_equal(sum.done, 1);
    check_ask("select attempts||' '||state from run", "2 done");
}

static void a_limit_is_kept_and_the_rest_waits(void **state)
{
    struct runner_summary sum;
    struct err err;

    (void)state;
    fresh();
    write_stub(FINAL);
    check_ok(run_grid(&sum, EIGHT_RUNS,
                      (struct runner_options){ .slots = 2, .limit = 3 }, &err),
             err);
    assert_int_equal(starts(), 3);
    assert_int_equal(sum.done, 3);
    assert_int_equal(sum.waiting, 5);
    assert_true(sum.stopped);
    check_ok(
        run_grid(&sum, EIGHT_RUNS, (struct runner_options){ .slots = 2 }, &err),
        err);
    assert_int_equal(starts(), 8);
    assert_int_equal(sum.already, 3);
    check_ask("select done||'/'||runs from progress", "8/8");
}

static void the_first_failure_can_end_it(void **state)
{
    struct runner_summary sum;
    struct err err;

    (void)state;
    fresh();
    write_stub("exit 9\n");
    check_ok(run_grid(&sum, EIGHT_RUNS,
                      (struct runner_options){ .slots = 1, .fail_fast = true },
                      &err),
             err);
    assert_int_equal(starts(), 1);
    assert_int_equal(sum.failed, 1);
    assert_int_equal(sum.waiting, 7);
}

/* The scheduler is killed while the database is locked: the results are only
 * in the folders.  The next one finds them there and runs nothing again. */
static void results_are_found_in_the_records(void **state)
{
    struct runner_summary sum;
    struct err err;
    struct db *db;
    pid_t pid;

    (void)state;
    fresh();
    write_stub(POINT(10) FINAL);
    check_ok(
        run_grid(&sum, ONE_RUN, (struct runner_options){ .limit = 1 }, &err),
        err); /* makes the database */
    check_ok(db_open(&db, grid_path("qlaw.db"), DB_WRITE, &err), err);
    pid = fork();
    if (pid == 0) {
        run_grid(&sum, EIGHT_RUNS, (struct runner_options){ .slots = 2 }, &err);
        _exit(0);
    }
    while (starts() < 2) /* it has registered its grid */
        usleep(1000);
    check_ok(db_begin(db, &err), err);
    while (starts() < 8)
        usleep(1000);
    usleep(300000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    db_rollback(db);
    db_close(db);
    check_ask("select count(*)<8 from result", "1");
    check_ok(
        run_grid(&sum, EIGHT_RUNS, (struct runner_options){ .slots = 2 }, &err),
        err);
    assert_int_equal(starts(), 8);
    assert_true(sum.adopted > 0);
    check_ask("select count(*) from result", "8");
    check_ask("select count(*) from curve", "8");
    check_ask("select count(*) from attempt where outcome='ok'", "8");
    check_ask("select done||'/'||runs from progress", "8/8");
}

/* A result is one even if its trainer died with the scheduler before it had
 * said good-bye; without a result the run is tried again. */
static void a_killed_session_is_taken_over(void **state)
{
    struct runner_summary sum;
    struct err err;
    pid_t pid;

    (void)state;
    fresh();
    write_stub("case $5 in *-1) " POINT(10) FINAL
               "sleep 60;; esac\n"
               "test -f $5/was && { " FINAL "exit 0; }\n"
               "touch $5/was; " POINT(20) "sleep 60\n");
    pid = fork();
    if (pid == 0) {
        run_grid(&sum, ONE_RUN "[seeds]\ncount = 2\n",
                 (struct runner_options){ .slots = 2 }, &err);
        _exit(0);
    }
    while (starts() < 2)
        usleep(1000);
    usleep(400000);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    check_ok(run_grid(&sum, ONE_RUN "[seeds]\ncount = 2\n",
                      (struct runner_options){ .slots = 2 }, &err),
             err);
    assert_int_equal(sum.done, 2);
    assert_int_equal(starts(), 3);
    check_ask("select group_concat(seed||':'||number||':'||outcome, ' ') from "
              "(select * from attempt join run using(run_id) order by "
              "seed,number)",
              "1:1:ok 2:1:lost 2:2:ok");
}

/* Something of an earlier session still holds the folder: the run waits. */
static void a_busy_folder_is_waited_for(void **state)
{
    struct runner_summary sum;
    struct err err;
    char *command;

    (void)state;
    fresh();
    write_stub(FINAL);
    check_ok(run_grid(&sum, ONE_RUN "[seeds]\ncount = 2\n",
                      (struct runner_options){ .limit = 1, .slots = 1 }, &err),
             err);
    command = mem_printf("d=$(ls -d '%s'/runs/*-1); n=${d%%1}2; mkdir -p $n; "
                         "flock $n sleep 1 & sleep 0.1",
                         grid_path("."));
    assert_int_equal(system(command), 0);
    free(command);
    check_ok(run_grid(&sum, ONE_RUN "[seeds]\ncount = 2\n",
                      (struct runner_options){ .slots = 1 }, &err),
             err);
    assert_int_equal(sum.done, 2);
    assert_true(sum.wall_s > 0.5);
}

static void checkpoints_go_when_a_run_is_done(void **state)
{
    struct runner_summary sum;
    struct err err;
    char *command = mem_printf("ls '%s'/runs/*/checkpoint.0 2>/dev/null | wc "
                               "-l | grep -q '^%%d$'",
                               grid_path("."));

    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        char *count = mem_printf(command, keep);

        fresh();
        write_stub("touch $5/checkpoint.0\n" FINAL);
        check_ok(
            run_grid(&sum, ONE_RUN,
                     (struct runner_options){ .keep_checkpoints = keep > 0 },
                     &err),
            err);
        assert_int_equal(system(count), 0);
        free(count);
    }
    free(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_is_judged_and_explained),
        cmocka_unit_test(curves_are_kept_as_they_came),
        cmocka_unit_test(other_numbers_of_a_final_line_are_metrics),
        cmocka_unit_test(a_later_attempt_takes_the_place_of_an_earlier_one),
        cmocka_unit_test(a_common_failure_breaks_the_circuit),
        cmocka_unit_test(different_failures_do_not),
        cmocka_unit_test(failed_runs_wait_to_be_asked_for),
        cmocka_unit_test(a_limit_is_kept_and_the_rest_waits),
        cmocka_unit_test(the_first_failure_can_end_it),
        cmocka_unit_test(results_are_found_in_the_records),
        cmocka_unit_test(a_killed_session_is_taken_over),
        cmocka_unit_test(a_busy_folder_is_waited_for),
        cmocka_unit_test(checkpoints_go_when_a_run_is_done),
    };

    return cmocka_run_group_tests(tests, grid_dir_make, grid_dir_remove);
}
