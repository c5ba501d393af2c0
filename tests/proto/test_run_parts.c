/* What a session is made of: verdicts, records, locks, processes, estimates. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/os/lock.h"
#include "harness/plan/eta.h"
#include "harness/proto/record.h"
#include "harness/proto/verdict.h"
#include "tests/check.h"

static char dir[32];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-part-XXXXXX");
    return mkdtemp(dir) ? 0 : 1;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* --- verdicts -------------------------------------------------------------------- */

/* The table of the specification (states and retry policy, section 6.2), and
 * what it leaves open decided once. */
static void every_end_has_one_verdict(void **state)
{
#define FINAL .final = true, .finite = true
    static const struct {
        struct attempt_facts facts;
        const char *state, *outcome;
        bool failure, retry;
    } rows[] = {
        { { FINAL }, "done", "ok", false, false },
        { { FINAL, .exit_code = 1 }, "done", "ok", false, false },
        { { FINAL, .exit_code = -1, .term_signal = 9 }, "done", "ok", 0, 0 },
        { { FINAL, .asked_to_stop = true }, "done", "ok", 0, 0 },
        { { .final = true }, "diverged", "diverged", 0, 0 },
        { { FINAL, .diverged = true }, "diverged", "diverged", 0, 0 },
        { { .exit_code = 65 }, "diverged", "diverged", 0, 0 },
        { { FINAL, .exit_code = 65 }, "diverged", "diverged", 0, 0 },
        { { .exit_code = 0 }, "failed", "error", true, true },
        { { .exit_code = 1 }, "failed", "error", true, true },
        { { .exit_code = 7 }, "failed", "error", true, true },
        { { .exit_code = 2 }, "failed", "error", true, false },
        { { .exit_code = 3 }, "failed", "error", true, false },
        { { .exit_code = 64 }, "skipped", "error", false, false },
        { { .exit_code = 75, .progress = true }, "pending", "preempted", 0, 0 },
        { { .exit_code = 75 }, "failed", "error", true, true },
        { { .exit_code = 75, .asked_to_stop = true },
          "paused",
          "preempted",
          0,
          0 },
        { { .exit_code = -1, .term_signal = 9, .asked_to_stop = true },
          "paused",
          "preempted",
          0,
          0 },
        { { .exit_code = 75, .asked_to_stop = true, .wish = WISH_PAUSE },
          "paused",
          "preempted",
          0,
          0 },
        { { .exit_code = 75, .asked_to_stop = true, .wish = WISH_CANCEL },
          "cancelled",
          "cancelled",
          0,
          0 },
        { { FINAL, .wish = WISH_CANCEL }, "done", "ok", 0, 0 },
        { { .exit_code = -1, .term_signal = 11 },
          "failed",
          "signal",
          true,
          true },
        { { .exit_code = -1, .term_signal = 9, .memory_kill = true },
          "failed",
          "oom",
          true,
          true },
        { { .exit_code = -1, .term_signal = 11, .memory_kill = true },
          "failed",
          "signal",
          true,
          true },
        { { .exit_code = 75, .timed_out = true, .progress = true },
          "pending",
          "timeout",
          0,
          0 },
        { { .exit_code = 75, .timed_out = true },
          "timeout",
          "timeout",
          true,
          false },
        { { .exit_code = -1,
            .term_signal = 9,
            .timed_out = true,
            .progress = true },
          "timeout",
          "timeout",
          true,
          false },
        { { .exit_code = -1, .term_signal = 9, .refused = true },
          "failed",
          "error",
          true,
          false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct verdict v = verdict_of(&rows[i].facts);

        if (strcmp(run_states[v.state], rows[i].state) != 0 ||
            strcmp(outcomes[v.outcome], rows[i].outcome) != 0 ||
            v.failure != rows[i].failure || v.retry != rows[i].retry)
            fail_msg("row %zu: %s %s failure %d retry %d", i,
                     run_states[v.state], outcomes[v.outcome], v.failure,
                     v.retry);
    }
}

static void states_have_words(void **state)
{
    (void)state;
    for (int i = 0; i < RUN_STATES; i++)
        assert_int_equal(run_state_find(run_states[i]), i);
    assert_int_equal(run_state_find("resting"), RUN_STATES);
    assert_true(run_state_open(RUN_PAUSED, false));
    assert_false(run_state_open(RUN_FAILED, false));
    assert_true(run_state_open(RUN_FAILED, true));
    assert_false(run_state_open(RUN_DONE, true));
    assert_false(run_state_open(RUN_CANCELLED, true));
}

/* --- records --------------------------------------------------------------------- */

struct heard {
    struct attempt_begin begin[4];
    struct attempt_end end[4];
    int n_begin, n_end, end_number[4];
    struct str lines;
};

static void on_begin(void *ctx, const struct attempt_begin *b)
{
    struct heard *h = ctx;

    h->begin[h->n_begin++] = *b;
}

static void on_line(void *ctx, const struct metrics_line *m)
{
    struct heard *h = ctx;

    str_addf(&h->lines, "%s%g;", m->final ? "final " : "",
             m->final ? m->loss : m->step);
}

static void on_end(void *ctx, int number, const struct attempt_end *e)
{
    struct heard *h = ctx;

    h->end_number[h->n_end] = number;
    h->end[h->n_end++] = *e;
}

/* What is written is read again; foreign and torn lines are passed over. */
static void records_survive_the_file(void **state)
{
    const struct attempt_begin b = {
        .number = 2,
        .token = "00ff",
        .store = "5708e",
        .point = "aabbccddeeff",
        .env = "1234",
        .host = "node 7",
        .at = "2026-11-24T09:15:11.123Z",
        .process = { 4711, 123456789012, "boot-id" },
    };
    const struct attempt_end e = {
        .state = RUN_DIVERGED,
        .outcome = OUTCOME_DIVERGED,
        .exit_code = 65,
        .wall_s = 1.5,
        .cpu_s = 1.25,
        .max_rss = 1 << 30,
        .message = "the \"loss\"\nexplodes",
        .at = "2026-11-24T09:16:00.000Z",
    };
    char *path = mem_printf("%s/metrics.jsonl", dir);
    char *begin = record_begin_line(&b), *end = record_end_line(2, &e);
    char *text = mem_printf("%s\n{\"step\":1}\nnonsense\n{\"attempt\":\n"
                            "{\"final\":true,\"loss\":2.5}\n%s\n{\"step\":7}",
                            begin, end);
    struct heard h = { .n_begin = 0 };
    const struct record_reader reader = {
        .begin = on_begin, .line = on_line, .end = on_end, .ctx = &h
    };
    struct err err;

    (void)state;
    check_ok(file_replace(path, text, strlen(text), &err), err);
    check_ok(record_read(dir, &reader, &err), err);
    assert_int_equal(h.n_begin, 1);
    assert_memory_equal(&h.begin[0], &b, sizeof b);
    assert_int_equal(h.n_end, 1);
    assert_int_equal(h.end_number[0], 2);
    assert_memory_equal(&h.end[0], &e, sizeof e);
    assert_string_equal(str_text(&h.lines), "1;final 2.5;");
    str_release(&h.lines);
    free(begin);
    free(end);
    free(text);
    free(path);
}

static void a_folder_is_named_by_the_hash(void **state)
{
    char *a = record_folder("qlaw.db", "0123456789abcdef", 7);
    char *b = record_folder("/data/x.db", "0123456789abcdef", 12);
    char one[RECORD_TOKEN], two[RECORD_TOKEN];

    (void)state;
    assert_string_equal(a, "./runs/0123456789ab-7");
    assert_string_equal(b, "/data/runs/0123456789ab-12");
    record_draw_token(one);
    record_draw_token(two);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_string_not_equal(one, two);
    free(a);
    free(b);
}

/* --- processes and locks ----------------------------------------------------------- */

static pid_t sleeper(void)
{
    const pid_t pid = fork();

    if (pid == 0) {
        setpgid(0, 0);
        execl("/bin/sleep", "sleep", "30", (char *)NULL);
        _exit(1);
    }
    setpgid(pid, pid);
    usleep(50000);
    return pid;
}

static void a_process_is_told_from_a_later_one(void **state)
{
    const pid_t pid = sleeper();
    struct process p, other;

    (void)state;
    assert_true(process_find(&p, pid));
    assert_true(p.start_ticks > 0 && *p.boot);
    assert_true(process_alive(&p));
    /* the same number, but started at another time, or before a reboot */
    other = p;
    other.start_ticks--;
    assert_false(process_alive(&other));
    assert_true(process_end_group(&other, 1));
    other = p;
    strcpy(other.boot, "another");
    assert_false(process_alive(&other));
    assert_true(process_end_group(&other, 1));
    assert_true(process_alive(&p)); /* neither touched it */
    kill(pid, SIGKILL);
    usleep(50000);
    assert_false(process_alive(&p)); /* a zombie is not alive */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(process_alive(&p));
}

static void a_group_is_ended(void **state)
{
    const pid_t pid = sleeper();
    struct process p;

    (void)state;
    assert_true(process_find(&p, pid));
    assert_true(process_end_group(&p, 5));
    assert_false(process_alive(&p));
    waitpid(pid, NULL, 0);
}

static char *db_name(void)
{
    return mem_printf("%s/qlaw.db", dir);
}

static void a_lock_names_its_holder_and_goes_with_it(void **state)
{
    char *db = db_name(), *spelled = mem_printf("%s/./qlaw.db", dir);
    struct lock lock, second;
    struct lock_holder h;
    struct err err;
    int ready[2];
    pid_t pid;
    char c;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_false(lock_held(&h, db));
    pid = fork();
    if (pid == 0) {
        const bool ok = lock_take(&lock, db, &err) == OK;

        if (write(ready[1], "x", 1) != 1 || !ok)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_true(lock_held(&h, db));
    assert_int_equal(h.process.pid, pid);
    assert_int_equal(lock_take(&second, spelled, &err), ERR_DB);
    check_says(err, "is in use by another qlaw run (pid ");
    assert_true(lock_held(&h, db)); /* asking took nothing */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(lock_held(&h, db));
    check_ok(lock_take(&second, db, &err), err);
    assert_true(second.unclean);
    lock_release(&second);
    check_ok(lock_take(&second, db, &err), err);
    assert_false(second.unclean);
    lock_release(&second);
    close(ready[0]);
    close(ready[1]);
    free(db);
    free(spelled);
}

/* Twenty start at the same instant, many times: always one winner. */
static void exactly_one_wins(void **state)
{
    enum { ROUNDS = 25, N = 20 };
    char *db = db_name();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], done[2], winners = 0;

        assert_int_equal(pipe(go) | pipe(done), 0);
        for (int i = 0; i < N; i++)
            if (fork() == 0) {
                struct lock lock;
                char c;
                bool won;

                close(go[1]);
                close(done[1]);
                if (read(go[0], &c, 1) != 0)
                    _exit(2);
                won = lock_take(&lock, db, NULL) == OK;
                /* hold it until everybody has tried */
                if (won && read(done[0], &c, 1) != 0)
                    _exit(2);
                _exit(won);
            }
        close(go[0]);
        close(done[0]);
        close(go[1]);
        for (int i = 0; i < N - 1; i++) {
            int status;

            assert_true(wait(&status) > 0);
            assert_int_equal(status, 0); /* the losers end first */
        }
        close(done[1]);
        for (int status; wait(&status) > 0;)
            winners += WEXITSTATUS(status) == 1;
        assert_int_equal(winners, 1);
    }
    free(db);
}

/* --- estimates --------------------------------------------------------------------- */

static void times_are_learnt(void **state)
{
    struct eta e = { 0 };

    (void)state;
    assert_true(isnan(eta_seconds(&e, 1e9, 100, 1)));
    /* one shape: proportional to its FLOPs */
    eta_add(&e, 1e9, 100, 2);
    check_relative(eta_seconds(&e, 3e9, 300, 3), 6, 1e-12);
    /* wall = 1e-9 f + 0.01 s, exactly */
    eta_add(&e, 4e9, 100, 5);
    eta_add(&e, 1e9, 400, 5);
    check_relative(eta_seconds(&e, 2e9, 1000, 1), 12, 1e-9);
    /* nonsense is left out */
    eta_add(&e, 1e9, 400, 0);
    eta_add(&e, 1e9, 400, -1);
    eta_add(&e, 1e9, 400, NAN);
    eta_add_start(&e, -1);
    eta_add_start(&e, NAN);
    check_relative(eta_seconds(&e, 2e9, 1000, 1), 12, 1e-9);
    /* ten short runs start up ten times */
    eta_add_start(&e, 0.5);
    eta_add_start(&e, 0.7);
    check_relative(eta_seconds(&e, 2e9, 1000, 10), 12 + 10 * 0.6, 1e-9);
}

static void an_estimate_is_never_negative(void **state)
{
    struct eta e = { 0 };

    (void)state;
    eta_add(&e, 1e9, 1000, 10);
    eta_add(&e, 9e9, 1100, 9); /* more of both, yet quicker */
    assert_true(eta_seconds(&e, 1e12, 1, 1) >= 0);
    assert_true(eta_seconds(&e, 1, 1e6, 1) >= 0);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_has_one_verdict),
        cmocka_unit_test(states_have_words),
        in_folder(records_survive_the_file),
        cmocka_unit_test(a_folder_is_named_by_the_hash),
        cmocka_unit_test(a_process_is_told_from_a_later_one),
        cmocka_unit_test(a_group_is_ended),
        in_folder(a_lock_names_its_holder_and_goes_with_it),
        in_folder(exactly_one_wins),
        cmocka_unit_test(times_are_learnt),
        cmocka_unit_test(an_estimate_is_never_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
