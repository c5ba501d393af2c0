/* gnuplot missing, old, failing, hanging, drawing nothing or half. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "plots/gnuplot.h"
#include "tests/check.h"

static char folder[] = "/tmp/qlaw-gnuplot-XXXXXX";

/* A program that answers the first question like gnuplot 5.4 and draws as the
 * script says; QLAW_GNUPLOT names it. */
static void pretend(const char *draw)
{
    char *path = mem_printf("%s/gnuplot", folder);
    char *text = mem_printf("#!/bin/sh\n"
                            "if [ \"$2\" = -e ]; then\n"
                            "  echo 5.4; echo ' dumb pngcairo svg '; exit 0\n"
                            "fi\n"
                            "%s\n",
                            draw);

    assert_int_equal(file_replace(path, text, strlen(text), NULL), OK);
    chmod(path, 0755);
    setenv("QLAW_GNUPLOT", path, 1);
    free(text);
    free(path);
}

static struct gnuplot_job draw(double limit_s)
{
    struct gnuplot_job job = {
        .name = "f", .out = "f.svg", .term = "svg", .theme = "light"
    };
    struct gnuplot g;
    struct err err = { 0 };
    char *left = mem_printf("%s/f.svg.part", folder);

    check_ok(gnuplot_find(&g, &err), err);
    g.limit_s = limit_s;
    gnuplot_draw(&g, folder, &job, 1, 1);
    assert_int_not_equal(access(left, F_OK), 0); /* nothing half is left */
    free(left);
    gnuplot_release(&g);
    return job;
}

static bool exists(const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    const bool there = access(path, F_OK) == 0;

    unlink(path);
    free(path);
    return there;
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char *path = mem_printf("%s/gnuplot", folder);

    (void)state;
    unlink(path);
    free(path);
    unsetenv("QLAW_GNUPLOT");
    return rmdir(folder);
}

static void a_whole_picture_takes_its_name(void **state)
{
    struct gnuplot_job job;

    (void)state;
    pretend(
        "[ \"$1 $2 $3 $4 $6 $7\" = '-d -c f.gp f.dat svg light' ] || exit 9\n"
        "echo '<svg></svg>' > \"$5\"");
    job = draw(20);
    check_ok(job.status, job.err);
    assert_true(exists("f.svg"));
}

static void a_failure_is_told_with_its_first_line(void **state)
{
    struct gnuplot_job job;

    (void)state;
    pretend("echo '\"f.gp\" line 3: unknown' >&2; echo more >&2; "
            "echo half > \"$5\"; exit 1");
    job = draw(20);
    assert_int_equal(job.status, ERR_TOOL);
    check_says(job.err, "figure f: gnuplot ended with status 1: \"f.gp\" line "
                        "3: unknown");
    assert_null(strstr(job.err.text, "more"));
    assert_false(exists("f.svg"));
}

static void a_picture_that_is_missing_empty_or_cut_is_none(void **state)
{
    struct gnuplot_job job;

    (void)state;
    pretend("exit 0");
    job = draw(20);
    check_says(job.err, "drew nothing");
    pretend(": > \"$5\"");
    job = draw(20);
    check_says(job.err, "drew nothing");
    pretend("echo '<svg><path' > \"$5\"");
    job = draw(20);
    check_says(job.err, "unfinished");
    pretend("ln -s /etc/passwd \"$5\"");
    job = draw(20);
    check_says(job.err, "drew nothing");
    assert_false(exists("f.svg"));
}

/* There, and not a zombie that init has not collected yet. */
static bool is_running(int pid)
{
    char *stat_path = mem_printf("/proc/%d/stat", pid), state = 'Z';
    FILE *f = fopen(stat_path, "re");

    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (f)
        fclose(f);
    free(stat_path);
    return state != 'Z';
}

/* Its children go with it, even those that hold its output open. */
static void one_that_hangs_is_stopped_with_all_it_started(void **state)
{
    struct gnuplot_job job;
    struct str pid = { 0 };
    char *path = mem_printf("%s/pid", folder);
    const double start = clock_monotonic();

    (void)state;
    pretend("sleep 600 & echo $! > pid; wait");
    job = draw(0.5);
    assert_int_equal(job.status, ERR_TOOL);
    check_says(job.err, "took more than 0.5 s");
    assert_true(clock_monotonic() - start < 10);
    assert_int_equal(file_read(&pid, path, 100, NULL), OK);
    for (int i = 0; i < 100 && is_running(atoi(str_text(&pid))); i++)
        usleep(20000);
    assert_false(is_running(atoi(str_text(&pid))));
    unlink(path);
    free(path);
    str_release(&pid);
}

/* Much output must not block it, nor fill the memory. */
static void one_that_talks_a_lot_is_heard_out(void **state)
{
    struct gnuplot_job job;

    (void)state;
    pretend("i=0; while [ $i -lt 20000 ]; do echo 'warning: a long line of "
            "output that nobody reads'; i=$((i+1)); done; echo '<svg></svg>' > "
            "\"$5\"");
    job = draw(60);
    check_ok(job.status, job.err);
    assert_true(exists("f.svg"));
}

static void its_own_variables_do_not_reach_it(void **state)
{
    struct gnuplot_job job;

    (void)state;
    setenv("GNUPLOT_LIB", "/tmp/evil", 1);
    setenv("GNUTERM", "dumb", 1);
    setenv("QLAW_TEST_KEPT", "yes", 1);
    pretend(
        "[ -z \"$GNUPLOT_LIB$GNUTERM\" ] && [ \"$QLAW_TEST_KEPT\" = yes ] && "
        "echo '<svg></svg>' > \"$5\"");
    job = draw(20);
    unsetenv("GNUPLOT_LIB");
    unsetenv("GNUTERM");
    unsetenv("QLAW_TEST_KEPT");
    check_ok(job.status, job.err);
    assert_true(exists("f.svg"));
}

static void many_pictures_each_have_their_own_end(void **state)
{
    struct gnuplot_job jobs[12];
    struct gnuplot g;
    struct err err = { 0 };
    char names[12][8];

    (void)state;
    pretend("case $5 in *[02468].svg.part) echo '<svg></svg>' > \"$5\";; "
            "*) exit 3;; esac");
    for (int i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "%d.svg", i);
        jobs[i] = (struct gnuplot_job){
            .name = "f", .out = names[i], .term = "svg", .theme = "light"
        };
    }
    check_ok(gnuplot_find(&g, &err), err);
    gnuplot_draw(&g, folder, jobs, 12, 3);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(jobs[i].status, i % 2 ? ERR_TOOL : OK);
        assert_int_equal(exists(names[i]), i % 2 == 0);
    }
    gnuplot_release(&g);
}

static void a_missing_one_names_the_package(void **state)
{
    char *path = getenv("PATH") ? mem_strdup(getenv("PATH")) : NULL;
    struct gnuplot g;
    struct err err = { 0 };

    (void)state;
    unsetenv("QLAW_GNUPLOT");
    setenv("PATH", folder + 1, 1); /* relative folders are not looked at */
    assert_int_equal(gnuplot_find(&g, &err), ERR_TOOL);
    check_says(err, "gnuplot-nox");
    assert_false(gnuplot_has(&g, "svg"));
    gnuplot_release(&g);
    if (path)
        setenv("PATH", path, 1);
    free(path);
}

static void an_old_or_foreign_one_is_refused(void **state)
{
    static const char *const answers[] = { "4.6", "5.0", "hello", "" };
    char *path = mem_printf("%s/gnuplot", folder);

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char *text = mem_printf("#!/bin/sh\necho '%s'\n", answers[i]);
        struct gnuplot g;
        struct err err = { 0 };

        assert_int_equal(file_replace(path, text, strlen(text), NULL), OK);
        chmod(path, 0755);
        setenv("QLAW_GNUPLOT", path, 1);
        assert_int_equal(gnuplot_find(&g, &err), ERR_TOOL);
        check_says(err, "not version 5.2 or newer");
        gnuplot_release(&g);
        free(text);
    }
    free(path);
}

static void terminals_are_those_it_names(void **state)
{
    struct gnuplot g;
    struct err err = { 0 };

    (void)state;
    pretend("exit 1");
    check_ok(gnuplot_find(&g, &err), err);
    assert_true(gnuplot_has(&g, "svg"));
    assert_true(gnuplot_has(&g, "png"));
    assert_true(gnuplot_has(&g, "dumb"));
    assert_false(gnuplot_has(&g, "pdf"));
    assert_false(gnuplot_has(&g, "x11"));
    gnuplot_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_picture_takes_its_name),
        cmocka_unit_test(a_failure_is_told_with_its_first_line),
        cmocka_unit_test(a_picture_that_is_missing_empty_or_cut_is_none),
        cmocka_unit_test(one_that_hangs_is_stopped_with_all_it_started),
        cmocka_unit_test(one_that_talks_a_lot_is_heard_out),
        cmocka_unit_test(its_own_variables_do_not_reach_it),
        cmocka_unit_test(many_pictures_each_have_their_own_end),
        cmocka_unit_test(a_missing_one_names_the_package),
        cmocka_unit_test(an_old_or_foreign_one_is_refused),
        cmocka_unit_test(terminals_are_those_it_names),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
