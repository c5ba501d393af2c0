/* The scheduler with shell commands as jobs: ends told apart, lines whole,
 * nothing left behind. */
#include "harness/os/scheduler.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "tests/check.h"

#define MAX_JOBS 64

struct world {
    const char *const *commands;
    int n, next, running, most;
    char log[40];
    const char *argv[4];
    double timeout_s;
    struct sched_exit ends[MAX_JOBS];
    struct str lines[MAX_JOBS]; /* joined with '|' */
    int n_lines[MAX_JOBS];
    double started_s;
    int signal_after_ms; /* send sig to ourselves then; 0: no */
    int sig, heard;
    int ask_after_ms, ask; /* ask that job to stop then */
    bool ask_endless; /* ask 0 and 1 to stop when they said much, 2 ended */
    int n_ended;
    int limit;           /* after the first tick; 0: none */
    const char *refuse;  /* a line that is refused */
    const char *program; /* instead of the shell */
    int unstarted;
    char why[200];
};

static enum sched_next next_job(void *ctx, struct sched_job *job)
{
    struct world *w = ctx;

    if (w->next == w->n)
        return NEXT_NONE;
    w->argv[0] = w->program ? w->program : "/bin/sh";
    w->argv[1] = "-c";
    w->argv[2] = w->commands[w->next];
    *job = (struct sched_job){ .user = (void *)(intptr_t)w->next,
                               .argv = (char *const *)w->argv,
                               .log_path = w->log,
                               .timeout_s = w->timeout_s };
    w->next++;
    return NEXT_JOB;
}

static void job_started(void *ctx, void *user, pid_t pid)
{
    struct world *w = ctx;

    (void)user;
    assert_true(pid > 0);
    w->running++;
    w->most = w->running > w->most ? w->running : w->most;
}

static void job_unstarted(void *ctx, void *user, const struct err *err)
{
    struct world *w = ctx;

    (void)user;
    w->unstarted++;
    snprintf(w->why, sizeof w->why, "%.199s", err->text);
}

static bool job_line(void *ctx, void *user, const char *line, size_t n,
                     bool whole)
{
    struct world *w = ctx;
    const intptr_t i = (intptr_t)user;

    if (!whole) {
        str_addf(&w->lines[i], "(%zu cut)|", n);
        return true;
    }
    w->n_lines[i]++;
    if (w->lines[i].len < 1000) {
        str_add_n(&w->lines[i], line, n < 200 ? n : 200);
        str_add_char(&w->lines[i], '|');
    }
    return !w->refuse || strcmp(line, w->refuse) != 0;
}

static void job_done(void *ctx, void *user, const struct sched_exit *e)
{
    struct world *w = ctx;

    w->ends[(intptr_t)user] = *e;
    w->running--;
    w->n_ended++;
}

static enum sched_stop tick(void *ctx, struct sched *s, enum sched_stop asked)
{
    struct world *w = ctx;
    const double ms = 1e3 * (clock_monotonic() - w->started_s);

    (void)asked;
    assert_int_equal(sched_running(s), w->running);
    if (w->signal_after_ms && ms > w->signal_after_ms) {
        w->signal_after_ms = 0;
        kill(getpid(), w->sig);
    }
    if (w->ask_after_ms && ms > w->ask_after_ms) {
        w->ask_after_ms = 0;
        sched_ask(s, (void *)(intptr_t)w->ask);
    }
    if (w->ask_endless && w->n_ended == 1 && w->ends[2].wall_s > 0 &&
        w->n_lines[0] > 1000 && w->lines[1].len > 0) {
        w->ask_endless = false;
        sched_ask(s, (void *)(intptr_t)0);
        sched_ask(s, (void *)(intptr_t)1);
    }
    if (w->limit)
        sched_limit(s, w->limit);
    return STOP_NONE;
}

static enum sched_stop run(struct world *w, const char *const *commands,
                           int slots)
{
    static const struct sched_ops ops = { next_job, job_started, job_unstarted,
                                          job_line, job_done,    tick };
    enum sched_stop stopped;
    struct err err;

    w->commands = commands;
    for (w->n = 0; commands[w->n];)
        w->n++;
    strcpy(w->log, "/tmp/qlaw-sched-XXXXXX");
    close(mkstemp(w->log));
    w->started_s = clock_monotonic();
    check_ok(sched_run(&stopped, &w->heard, slots, &ops, w, &err), err);
    assert_int_equal(w->running, 0);
    return stopped;
}

static void forget(struct world *w)
{
    for (int i = 0; i < MAX_JOBS; i++)
        str_release(&w->lines[i]);
    unlink(w->log);
}

static void ends_are_told_apart(void **state)
{
    static const char *const commands[] = { "exit 0",     "exit 65",
                                            "kill -9 $$", "kill -11 $$",
                                            "exit 75",    NULL };
    struct world w = { 0 };

    (void)state;
    assert_int_equal(run(&w, commands, 2), STOP_NONE);
    assert_int_equal(w.ends[0].exit_code, 0);
    assert_int_equal(w.ends[1].exit_code, 65);
    assert_int_equal(w.ends[2].term_signal, SIGKILL);
    assert_int_equal(w.ends[2].exit_code, -1);
    assert_int_equal(w.ends[3].term_signal, SIGSEGV);
    assert_int_equal(w.ends[4].exit_code, 75);
    forget(&w);
}

static void lines_come_whole_and_in_order(void **state)
{
    static const char *const commands[] = {
        "printf 'a\\nb' >$QLAW_METRICS; sleep 0.1; printf 'c\\n\\nd' "
        ">>$QLAW_METRICS",
        "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done "
        ">>$QLAW_METRICS",
        "head -c 200000 /dev/zero | tr '\\0' x >>$QLAW_METRICS; "
        "printf '\\nshort\\n' >>$QLAW_METRICS",
        "echo to the log; echo and this >&2",
        NULL,
    };
    struct world w = { 0 };
    struct str log = { 0 };
    struct err err;

    (void)state;
    run(&w, commands, 3);
    assert_string_equal(str_text(&w.lines[0]), "a|bc||d|");
    assert_int_equal(w.n_lines[1], 2000);
    assert_memory_equal(w.lines[1].data, "0|1|2|3|", 8);
    /* of a line that is too long the beginning comes; the next one is whole */
    assert_string_equal(str_text(&w.lines[2]), "(65536 cut)|short|");
    assert_int_equal(w.n_lines[3], 0);
    check_ok(file_read(&log, w.log, 1 << 20, &err), err);
    assert_string_equal(str_text(&log), "to the log\nand this\n");
    str_release(&log);
    forget(&w);
}

static void slots_bound_what_runs_at_once(void **state)
{
    static const char *const commands[] = { "sleep 0.1", "sleep 0.1",
                                            "sleep 0.1", "sleep 0.1",
                                            "sleep 0.1", "sleep 0.1",
                                            NULL };
    struct world w = { 0 };

    (void)state;
    run(&w, commands, 3);
    assert_int_equal(w.most, 3);
    forget(&w);
}

static void a_job_past_its_time_is_ended(void **state)
{
    static const char *const commands[] = { "sleep 60", NULL };
    struct world w = { .timeout_s = 0.3 };

    (void)state;
    run(&w, commands, 1);
    assert_true(w.ends[0].timed_out);
    assert_int_equal(w.ends[0].term_signal, SIGTERM); /* not by itself */
    forget(&w);
}

/* A sleep that no other test's is taken for. */
static char *own_sleep(void)
{
    return mem_printf("sleep 98.%ld", (long)getpid());
}

/* Is it alive, or dead, in the end?  A busy machine may need a while. */
static bool becomes(const char *command, bool alive)
{
    char *look = mem_printf("pgrep -f '^%s$' >/dev/null", command);
    bool found = !alive;

    for (int i = 0; i < 300 && found != alive; i++) {
        found = system(look) == 0;
        usleep(found != alive ? 100000 : 0);
    }
    free(look);
    return found == alive;
}

/* A job forks a child that outlives it; the child must not survive. */
static void what_a_job_leaves_behind_is_killed(void **state)
{
    char *left = own_sleep(), *command = mem_printf("%s & exit 0", left);
    const char *const commands[] = { command, NULL };
    struct world w = { 0 };

    (void)state;
    run(&w, commands, 1);
    assert_true(becomes(left, false));
    forget(&w);
    free(command);
    free(left);
}

static void one_interrupt_drains(void **state)
{
    static const char *const commands[] = { "sleep 0.6; exit 3", "exit 0",
                                            NULL };
    struct world w = { .signal_after_ms = 100, .sig = SIGINT };

    (void)state;
    assert_int_equal(run(&w, commands, 1), STOP_DRAIN);
    assert_int_equal(w.ends[0].exit_code, 3); /* it was let to end */
    assert_int_equal(w.next, 1);              /* nothing more was started */
    forget(&w);
}

static void a_termination_asks_the_jobs_to_stop(void **state)
{
    static const char *const commands[] = {
        "trap 'exit 75' TERM; sleep 30 & wait", "exit 0", NULL
    };
    struct world w = { .signal_after_ms = 200, .sig = SIGTERM };

    (void)state;
    assert_int_equal(run(&w, commands, 1), STOP_ASK);
    assert_int_equal(w.ends[0].exit_code, 75); /* by its trap, not by KILL */
    assert_true(w.ends[0].asked_to_stop);
    forget(&w);
}

static void a_hangup_changes_nothing(void **state)
{
    static const char *const commands[] = { "sleep 0.4", "exit 0", NULL };
    struct world w = { .signal_after_ms = 100, .sig = SIGHUP };

    (void)state;
    assert_int_equal(run(&w, commands, 1), STOP_NONE);
    assert_int_equal(w.next, 2);
    forget(&w);
}

static void a_program_that_is_not_there_is_no_job(void **state)
{
    static const char *const commands[] = { "exit 0", "exit 0", NULL };
    struct world w = { .program = "/no/such/program" };

    (void)state;
    run(&w, commands, 2);
    assert_int_equal(w.unstarted, 2);
    assert_string_equal(w.why, "cannot start /no/such/program: No such file "
                               "or directory");
    forget(&w);
}

static void one_job_can_be_asked_to_stop(void **state)
{
    static const char *const commands[] = {
        "trap 'exit 75' TERM; sleep 30 & wait",
        "trap 'exit 75' TERM; sleep 0.5; exit 4", NULL
    };
    struct world w = { .ask_after_ms = 200, .ask = 0 };

    (void)state;
    assert_int_equal(run(&w, commands, 2), STOP_NONE);
    assert_int_equal(w.ends[0].exit_code, 75);
    assert_true(w.ends[0].asked_to_stop);
    assert_int_equal(w.ends[1].exit_code, 4);
    assert_false(w.ends[1].asked_to_stop);
    forget(&w);
}

static void a_job_that_ignores_us_is_killed_after_the_grace(void **state)
{
    static const char *const commands[] = {
        "trap '' TERM; while :; do sleep 1; done", NULL
    };
    struct world w = { .signal_after_ms = 100, .sig = SIGTERM };
    const double start = clock_monotonic();

    (void)state;
    assert_int_equal(run(&w, commands, 1), STOP_ASK);
    assert_int_equal(w.heard, SIGTERM);
    assert_int_equal(w.ends[0].term_signal, SIGKILL);
    /* No sooner; a machine that has other things to do may take longer. */
    assert_true(clock_monotonic() - start >= SCHED_GRACE_S);
    forget(&w);
}

static void a_line_can_be_refused(void **state)
{
    static const char *const commands[] = {
        "echo fine >>$QLAW_METRICS; echo bad >>$QLAW_METRICS; echo more "
        ">>$QLAW_METRICS; sleep 60",
        NULL
    };
    struct world w = { .refuse = "bad" };

    (void)state;
    run(&w, commands, 1);
    assert_true(w.ends[0].refused);
    assert_int_equal(w.ends[0].term_signal, SIGKILL);
    assert_string_equal(str_text(&w.lines[0]), "fine|bad|");
    forget(&w);
}

/* An endless line and an endless stream each reach their reader, and the job
 * beside them is served too: they are only stopped once it has ended. */
static void endless_output_holds_nobody_up(void **state)
{
    static const char *const commands[] = {
        "while :; do echo yes; done >>$QLAW_METRICS",
        "tr '\\0' x </dev/zero >>$QLAW_METRICS",
        "sleep 0.3; echo hello >>$QLAW_METRICS", NULL
    };
    struct world w = { .ask_endless = true };

    (void)state;
    run(&w, commands, 3);
    assert_false(w.ask_endless);
    assert_true(w.ends[0].asked_to_stop && w.ends[1].asked_to_stop);
    assert_string_equal(str_text(&w.lines[1]), "(65536 cut)|");
    assert_string_equal(str_text(&w.lines[2]), "hello|");
    assert_int_equal(w.ends[2].exit_code, 0);
    forget(&w);
}

static void fewer_slots_are_kept_to(void **state)
{
    static const char *const commands[] = { "sleep 0.1", "sleep 0.1",
                                            "sleep 0.1", "sleep 0.1",
                                            "sleep 0.1", "sleep 0.1",
                                            NULL };
    struct world w = { .limit = 1 };
    const double start = clock_monotonic();

    (void)state;
    run(&w, commands, 3);
    assert_int_equal(w.next, 6);
    /* three side by side, then one after the other */
    assert_true(clock_monotonic() - start >= 0.4);
    forget(&w);
}

/* The scheduler dies without a word; so do its jobs, whatever they ignore. */
static void jobs_die_with_their_scheduler(void **state)
{
    char *left = own_sleep();
    char *command = mem_printf("trap '' TERM INT HUP; exec %s", left);
    const char *const commands[] = { command, NULL };
    const pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct world w = { 0 };

        run(&w, commands, 1);
        _exit(0);
    }
    assert_true(becomes(left, true));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(becomes(left, false));
    free(command);
    free(left);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void descriptors_do_not_leak(void **state)
{
    static const char *commands[MAX_JOBS + 1];
    const int before = open_descriptors();
    struct world w = { 0 };

    (void)state;
    for (int i = 0; i < MAX_JOBS; i++)
        commands[i] = "echo x >>$QLAW_METRICS";
    run(&w, commands, 4);
    assert_int_equal(open_descriptors(), before);
    for (int i = 0; i < MAX_JOBS; i++)
        assert_string_equal(str_text(&w.lines[i]), "x|");
    forget(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(lines_come_whole_and_in_order),
        cmocka_unit_test(slots_bound_what_runs_at_once),
        cmocka_unit_test(a_job_past_its_time_is_ended),
        cmocka_unit_test(what_a_job_leaves_behind_is_killed),
        cmocka_unit_test(one_interrupt_drains),
        cmocka_unit_test(a_termination_asks_the_jobs_to_stop),
        cmocka_unit_test(a_hangup_changes_nothing),
        cmocka_unit_test(a_program_that_is_not_there_is_no_job),
        cmocka_unit_test(one_job_can_be_asked_to_stop),
        cmocka_unit_test(a_job_that_ignores_us_is_killed_after_the_grace),
        cmocka_unit_test(a_line_can_be_refused),
        cmocka_unit_test(endless_output_holds_nobody_up),
        cmocka_unit_test(fewer_slots_are_kept_to),
        cmocka_unit_test(jobs_die_with_their_scheduler),
        cmocka_unit_test(descriptors_do_not_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
