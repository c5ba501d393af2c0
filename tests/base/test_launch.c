/* Programs that are begun: what they get and what they do not. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/launch.h"
#include "base/str.h"
#include "tests/check.h"

/* What a shell's command prints; *status is its wait status. */
static void ask(struct str *out, int *status, const char *command,
                struct launch s)
{
    char *const argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
    struct err err = { 0 };
    int fds[2];
    char buf[4096];
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    s.path = "/bin/sh";
    s.argv = argv;
    s.fds[0] = -1;
    s.fds[1] = s.fds[2] = fds[1];
    if (s.n_fds < 3)
        s.n_fds = 3;
    check_ok(launch_process(&pid, &s, &err), err);
    close(fds[1]);
    while ((n = read(fds[0], buf, sizeof buf)) > 0)
        str_add_n(out, buf, (size_t)n);
    close(fds[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
}

static void expect_output(const char *wanted, const char *command,
                          struct launch s)
{
    struct str out = { 0 };
    int status;

    ask(&out, &status, command, s);
    assert_int_equal(status, 0);
    assert_string_equal(str_text(&out), wanted);
    str_release(&out);
}

static void it_has_the_descriptors_that_are_given(void **state)
{
    /* One that nobody marked: it must not be inherited. */
    const int leak = fcntl(open("/dev/null", O_RDONLY), F_DUPFD, 30);
    const int own = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    expect_output("0\n1\n2\n",
                  "for i in 0 1 2 3 4 5 9 30 31; do "
                  "[ -e /proc/$$/fd/$i ] && echo $i; done; :",
                  (struct launch){ .n_fds = 3 });
    expect_output("0\n1\n2\n3\n",
                  "for i in 0 1 2 3 4 5 9 30 31; do "
                  "[ -e /proc/$$/fd/$i ] && echo $i; done; :",
                  (struct launch){ .fds = { 0, 0, 0, own }, .n_fds = 4 });
    expect_output("", "cat", (struct launch){ .n_fds = 3 }); /* no input */
    close(own);
    close(leak);
}

static void it_has_an_environment_and_a_folder(void **state)
{
    static const char *const drop[] = { "QLAW_TEST_", NULL };
    char *const add[] = { (char *)"QLAW_TEST_B=2", NULL };
    char **env;

    (void)state;
    setenv("QLAW_TEST_A", "1", 1);
    env = launch_environment(drop, add);
    expect_output("-2-/\n", "echo \"$QLAW_TEST_A-$QLAW_TEST_B-$(pwd)\"",
                  (struct launch){ .env = env, .folder = "/" });
    expect_output("1-\n", "echo \"$QLAW_TEST_A-$QLAW_TEST_B\"",
                  (struct launch){ .n_fds = 3 });
    free(env);
}

static void it_leads_a_group_of_its_own(void **state)
{
    struct str out = { 0 };
    int status;

    (void)state;
    ask(&out, &status, "kill -9 0; echo survived",
        (struct launch){ .n_fds = 3 });
    assert_true(WIFSIGNALED(status)); /* and we live */
    assert_string_equal(str_text(&out), "");
    str_release(&out);
}

static void what_cannot_begin_is_said(void **state)
{
    char *const argv[] = { (char *)"x", NULL };
    const struct launch missing = {
        .path = "/no/such/program", .argv = argv, .fds = { -1 }, .n_fds = 1
    };
    const struct launch folder = { .path = "/bin/sh",
                                   .argv = argv,
                                   .folder = "/no/such/folder",
                                   .fds = { -1 },
                                   .n_fds = 1 };
    struct err err = { 0 };
    pid_t pid;

    (void)state;
    assert_int_equal(launch_process(&pid, &missing, &err), ERR_IO);
    assert_non_null(strstr(err.text, "/no/such/program"));
    assert_int_equal(pid, -1);
    assert_int_equal(launch_process(&pid, &folder, &err), ERR_IO);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left */
}

static void programs_are_found_in_absolute_folders(void **state)
{
    char *path, dir[] = "/tmp/qlaw-test-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    setenv("PATH", ".:relative:/nowhere:/bin:/usr/bin", 1);
    path = launch_find("sh", false);
    assert_string_equal(path, "/bin/sh");
    free(path);
    path = launch_find("/bin/sh", false);
    assert_string_equal(path, "/bin/sh");
    free(path);
    assert_null(launch_find("no-such-program", false));
    assert_null(launch_find("/bin", false)); /* a folder */
    setenv("PATH", "/nowhere::relative", 1);
    assert_int_equal(symlink("/bin/sh", "a-shell"), 0);
    assert_null(launch_find("a-shell", false));
    path = launch_find("a-shell", true); /* an empty folder is ours */
    assert_string_equal(path, "a-shell");
    free(path);
    unlink("a-shell");
    unsetenv("PATH");
    assert_null(launch_find("sh", false));
    path = launch_find("sh", true);
    assert_non_null(path);
    free(path);
    assert_int_equal(chdir("/"), 0);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_descriptors_that_are_given),
        cmocka_unit_test(it_has_an_environment_and_a_folder),
        cmocka_unit_test(it_leads_a_group_of_its_own),
        cmocka_unit_test(what_cannot_begin_is_said),
        cmocka_unit_test(programs_are_found_in_absolute_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
