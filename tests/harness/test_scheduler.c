/* The scheduler with shell commands as jobs: ends told apart, lines whole,
 * nothing left behind. */
#include "harness/scheduler.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    int sig;
    enum sched_stop want_at_end;
};

static enum sched_next next_job(void *ctx, struct sched_job *job)
{
    struct world *w = ctx;

    if (w->next == w->n)
        return NEXT_NONE;
    w->argv[0] = "/bin/sh";
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

static void job_line(void *ctx, void *user, const char *line, size_t n)
{
    struct world *w = ctx;
    const intptr_t i = (intptr_t)user;

    w->n_lines[i]++;
    if (w->lines[i].len < 1000) {
        str_add_n(&w->lines[i], line, n < 200 ? n : 200);
        str_add_char(&w->lines[i], '|');
    }
}

static void job_done(void *ctx, void *user, const struct sched_exit *e)
{
    struct world *w = ctx;

    w->ends[(intptr_t)user] = *e;
    w->running--;
}

static enum sched_stop tick(void *ctx, enum sched_stop asked, int running)
{
    struct world *w = ctx;

    (void)asked;
    assert_int_equal(running, w->running);
    if (w->signal_after_ms &&
        clock_monotonic() - w->started_s > w->signal_after_ms * 1e-3) {
        w->signal_after_ms = 0;
        kill(getpid(), w->sig);
    }
    return STOP_NONE;
}

static enum sched_stop run(struct world *w, const char *const *commands,
                           int slots)
{
    static const struct sched_ops ops = { next_job, job_started, job_line,
                                          job_done, tick };
    enum sched_stop stopped;
    struct err err;

    w->commands = commands;
    for (w->n = 0; commands[w->n];)
        w->n++;
    strcpy(w->log, "/tmp/qlaw-sched-XXXXXX");
    close(mkstemp(w->log));
    w->started_s = clock_monotonic();
    check_ok(sched_run(&stopped, slots, &ops, w, &err), err);
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
    static const char *const commands[] = { "exit 0", "exit 65", "kill -9 $$",
                                            "kill -11 $$", "exit 75", NULL };
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
    /* a line that is too long is dropped, the next one is not */
    assert_string_equal(str_text(&w.lines[2]), "short|");
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
                                            "sleep 0.1", "sleep 0.1", NULL };
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
    const double start = clock_monotonic();

    (void)state;
    run(&w, commands, 1);
    assert_true(w.ends[0].timed_out);
    assert_true(clock_monotonic() - start < 5);
    forget(&w);
}

static bool alive(const char *mark)
{
    char *command = mem_printf("pgrep -f '^sleep %s$' >/dev/null", mark);
    const bool found = system(command) == 0;

    free(command);
    return found;
}

/* A job forks a child that outlives it; the child must not survive. */
static void what_a_job_leaves_behind_is_killed(void **state)
{
    static const char *const commands[] = { "sleep 98.7651 & exit 0", NULL };
    struct world w = { 0 };

    (void)state;
    run(&w, commands, 1);
    usleep(100000);
    assert_false(alive("98.7651"));
    forget(&w);
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
    const double start = clock_monotonic();

    (void)state;
    assert_int_equal(run(&w, commands, 1), STOP_ASK);
    assert_int_equal(w.ends[0].exit_code, 75);
    assert_true(w.ends[0].asked_to_stop);
    assert_true(clock_monotonic() - start < 5);
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

static void a_program_that_is_not_there_is_an_end_like_others(void **state)
{
    static const char *const commands[] = { "exec /no/such/program", NULL };
    struct world w = { 0 };

    (void)state;
    run(&w, commands, 1);
    assert_int_equal(w.ends[0].exit_code, 127);
    forget(&w);
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
        cmocka_unit_test(a_program_that_is_not_there_is_an_end_like_others),
        cmocka_unit_test(descriptors_do_not_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
