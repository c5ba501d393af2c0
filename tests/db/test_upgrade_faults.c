/* An upgrade without room, beside others, and killed: the file is old or new. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"
#include "tests/db/old_files.h"
#include "tests/db/scratch.h"

/* --- the copy ------------------------------------------------------------ */

/* That of an earlier try is used if it is one, and never written over. */
static void a_file_beside_is_not_written_over(void **state)
{
    char *first = old_beside(".v2"), *second = old_beside(".v2-2");
    struct str text = { 0 };
    struct db *db;
    struct err err;

    (void)state;
    old_make(&old_files[NEWEST_OLD]);
    check_ok(file_read(&text, old_path, 1 << 24, &err), err);
    check_ok(file_replace(first, text.data, text.len, &err), err);
    db = old_open(old_path, DB_WRITE);
    assert_string_equal(db_copy_kept(db), first);
    assert_int_equal(access(second, F_OK), -1);
    db_close(db);
    old_make(&old_files[NEWEST_OLD]);
    check_ok(file_replace(first, "precious", 8, &err), err);
    db = old_open(old_path, DB_WRITE);
    assert_string_equal(db_copy_kept(db), second);
    db_close(db);
    str_release(&text);
    check_ok(file_read(&text, first, 100, &err), err);
    assert_string_equal(str_text(&text), "precious");
    str_release(&text);
    free(first);
    free(second);
}

/* No file can be longer than size bytes. */
static enum status open_without_room(rlim_t size, struct err *err)
{
    struct rlimit before, small;
    struct db *db = NULL;
    enum status st;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    st = db_open(&db, old_path, DB_WRITE, err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    db_close(db);
    return st;
}

static void without_room_nothing_changes(void **state)
{
    char *kept = old_beside(".v2"), *copy_name = mem_printf("%s/copy", old_dir);
    struct stat sb;
    struct err err;

    (void)state;
    old_make(&old_files[NEWEST_OLD]);
    sqlite3_close(old_copy());
    assert_int_equal(stat(old_path, &sb), 0);
    assert_int_equal(open_without_room((rlim_t)sb.st_size / 2, &err), ERR_IO);
    check_says(err, "is not upgraded without a copy of it as it is: ");
    old_check_same(old_path, copy_name);
    assert_int_equal(access(kept, F_OK), -1);
    free(kept);
    free(copy_name);
}

/* The file may be written, the folder not; root may write everywhere, so it is
 * somebody else who tries. */
static void in_a_folder_that_is_closed_nothing_changes(void **state)
{
    char *copy_name = mem_printf("%s/copy", old_dir);
    int status;

    (void)state;
    old_make(&old_files[NEWEST_OLD]);
    sqlite3_close(old_copy());
    assert_int_equal(chmod(old_path, 0666), 0);
    assert_int_equal(chmod(old_dir, 0555), 0);
    if (fork() == 0) {
        struct db *db;
        struct err err;

        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        _exit(db_open(&db, old_path, DB_WRITE, &err) != ERR_IO ||
              !strstr(err.text, "without a copy of it as it is"));
    }
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(old_dir, 0700), 0);
    old_check_same(old_path, copy_name);
    free(copy_name);
}

/* --- more than one, and none to the end ---------------------------------- */

/* Eight writers find an old file at once. */
static void many_writers_upgrade_one_file_once(void **state)
{
    char *second = old_beside(".v1-2");
    struct db *db;

    (void)state;
    old_make(&old_files[0]);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            struct err err;

            _exit(db_open(&db, old_path, DB_WRITE, &err) != OK);
        }
    for (int i = 0; i < 8; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(access(second, F_OK), -1);
    db = old_open(old_path, DB_READ);
    assert_int_equal(scratch_number(db, "PRAGMA user_version"), DB_VERSION);
    old_check_views(db, "after eight writers");
    db_close(db);
    free(second);
}

/* Who is killed leaves an old file or a new one: the next writer goes on from
 * there.  *done: it was new. */
static void kill_an_upgrade(bool *done, double after_s)
{
    const struct timespec pause = { .tv_nsec = (long)(1e9 * after_s) };
    const pid_t pid = fork();
    sqlite3 *h;
    struct str version = { 0 };

    if (pid == 0) {
        struct db *db;
        struct err err;

        _exit(db_open(&db, old_path, DB_WRITE, &err) != OK);
    }
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(sqlite3_open(old_path, &h),
                     SQLITE_OK); /* undoes the half */
    old_add_rows(&version, h, "PRAGMA user_version", 17);
    sqlite3_close(h);
    *done = strcmp(str_text(&version), "2\n") != 0;
    if (*done)
        assert_string_equal(str_text(&version), "3\n");
    str_release(&version);
}

static double time_of_an_upgrade(void)
{
    double start;

    old_make(&old_files[NEWEST_OLD]);
    start = clock_monotonic();
    db_close(old_open(old_path, DB_WRITE));
    return clock_monotonic() - start;
}

static void killed_at_any_moment_it_is_old_or_new(void **state)
{
    const int rounds = 40;
    double span_s = 1.3 * time_of_an_upgrade();
    int n_done = 0, n = 0;

    (void)state;
    for (int i = 0; i < rounds || (n_done == 0 && i < 2 * rounds); i++) {
        sqlite3 *was;
        struct db *db;
        bool done;

        old_make(&old_files[NEWEST_OLD]);
        was = old_copy();
        kill_an_upgrade(&done, fmin(0.9, span_s * (i % rounds) / rounds));
        n_done += done;
        n++;
        if (i % 10 == 9 && n_done == 0)
            span_s *= 2; /* the machine has become slower meanwhile */
        db = old_open(old_path, DB_READ);
        old_check_views(db, "killed");
        db_close(db);
        db = old_open(old_path, DB_WRITE);
        old_check_upgraded(db, &old_files[NEWEST_OLD], was);
        db_close(db);
        sqlite3_close(was);
    }
    print_message("%d of %d were done when they were killed, over %.3f s\n",
                  n_done, n, span_s);
    assert_in_range(n_done, 1, n - 1); /* else this shows nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(a_file_beside_is_not_written_over),
        in_folder(without_room_nothing_changes),
        in_folder(in_a_folder_that_is_closed_nothing_changes),
        in_folder(many_writers_upgrade_one_file_once),
        in_folder(killed_at_any_moment_it_is_old_or_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
