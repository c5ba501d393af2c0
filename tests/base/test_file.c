#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

static int make_folder(void **state)
{
    char *dir = mem_strdup("/tmp/qlaw-test-XXXXXX");

    *state = mkdtemp(dir);
    return *state == NULL;
}

static int remove_folder(void **state)
{
    char *command = mem_printf("rm -r '%s'", (char *)*state);
    const int failed = system(command);

    free(command);
    free(*state);
    return failed;
}

static void a_replaced_file_holds_the_new_text_and_nothing_is_left(void **state)
{
    char *path = mem_printf("%s/a/b/c.txt", (char *)*state);
    char *dir = mem_printf("%s/a/b", (char *)*state);
    char *listing = mem_printf("ls -A '%s' | wc -l", dir), line[16];
    struct str text = { 0 };
    struct err err = { 0 };
    FILE *p;

    check_ok(file_make_dirs(dir, &err), err);
    check_ok(file_make_dirs(dir, &err), err);
    check_ok(file_replace(path, "old old", 7, &err), err);
    check_ok(file_replace(path, "new", 3, &err), err);
    check_ok(file_read(&text, path, 100, &err), err);
    assert_string_equal(str_text(&text), "new");
    p = popen(listing, "r");
    assert_non_null(fgets(line, sizeof line, p));
    pclose(p);
    assert_int_equal(atoi(line), 1);
    str_release(&text);
    free(path);
    free(dir);
    free(listing);
}

static void reading_names_what_is_wrong(void **state)
{
    struct str text = { 0 };
    struct err err = { 0 };
    char *path = mem_printf("%s/big", (char *)*state);

    assert_int_equal(file_read(&text, "/nonexistent/x", 10, &err), ERR_IO);
    check_says(err, "/nonexistent/x: cannot open: No such file");
    assert_int_equal(file_read(&text, (char *)*state, 10, &err), ERR_IO);
    check_says(err, "is a folder");
    check_ok(file_replace(path, "12345678901", 11, &err), err);
    assert_int_equal(file_read(&text, path, 10, &err), ERR_IO);
    check_says(err, "larger than 10 bytes");
    assert_int_equal(file_make_dirs(path, &err), ERR_IO);
    check_says(err, "is not a folder");
    str_release(&text);
    free(path);
}

static void a_full_device_is_an_error_with_its_reason(void **state)
{
    const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct err err = { 0 };

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, "1", 1, "/dev/full", &err), ERR_IO);
    check_says(err, "/dev/full: cannot write: No space left");
    close(fd);
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    const double start = clock_monotonic();
    char buf[32];

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(clock_monotonic() >= start);
    assert_int_equal(strlen(clock_iso(buf)), 24);
    assert_int_equal(buf[10], 'T');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_replaced_file_holds_the_new_text_and_nothing_is_left, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(reading_names_what_is_wrong,
                                        make_folder, remove_folder),
        cmocka_unit_test(a_full_device_is_an_error_with_its_reason),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
