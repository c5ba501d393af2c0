#include "base/out.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"

#define ESC "\033[2J"
#define C1                                                                     \
    "\xc2\x9b"                                                                 \
    "2J"
#define BIDI                                                                   \
    "\xe2\x80\xae"                                                             \
    "fdp"

static void people(void)
{
    printf("a\tb " ESC C1 BIDI "\r\a\b\x7f ");
    fflush(stdout);
    printf("gr\xc3\xbc\xc3\x9f"
           "e\xff\xc0\xaf\xed\xa0\x80 \xf0\x9f\x98\x80\n");
}

/* A character that comes in pieces, one that never ends, a zero. */
static void pieces(void)
{
    static const char parts[] = "\xe2\x82\xac\xe2\x80\xae"
                                "x\0y";

    for (size_t i = 0; i < sizeof parts - 1; i++) {
        putchar(parts[i]);
        fflush(stdout);
    }
    printf("\xe2\x82");
}

static void json(void)
{
    out_json();
    printf("{\"a\":\"" C1 BIDI "\xc3\xbc\xff\"}\n");
}

static void own_sequences(void)
{
    printf("x");
    out_control(stdout, ESC);
    printf(ESC "\n");
    out_path("/\xfc/\033x");
}

static void errors_too(void)
{
    dup2(STDOUT_FILENO, STDERR_FILENO);
    fprintf(stderr, "%s: no such file\n", ESC BIDI);
}

/* What a process that prints leaves in a file. */
static void check_printed(void (*print)(void), const char *want, size_t size)
{
    char name[] = "/tmp/qlaw-out-XXXXXX", got[256];
    const int fd = mkstemp(name);
    int code;

    assert_true(fd >= 0);
    unlink(name);
    if (fork() == 0) {
        dup2(fd, STDOUT_FILENO);
        out_open();
        print();
        _exit(out_close(OK, NULL) != OK);
    }
    assert_true(wait(&code) > 0);
    assert_int_equal(code, 0);
    assert_int_equal(pread(fd, got, sizeof got, 0), size);
    assert_memory_equal(got, want, size);
    close(fd);
}

#define CHECK_PRINTED(print, want) check_printed(print, want, sizeof want - 1)

static void nothing_commands_the_terminal(void **state)
{
    (void)state;
    CHECK_PRINTED(people, "a\tb ?[2J?2J?fdp???? gr\xc3\xbc\xc3\x9f"
                          "e?????? \xf0\x9f\x98\x80\n");
    CHECK_PRINTED(pieces, "\xe2\x82\xac?x?y?");
    CHECK_PRINTED(errors_too, "?[2J?fdp: no such file\n");
}

static void json_says_the_same_and_does_nothing(void **state)
{
    (void)state;
    CHECK_PRINTED(json, "{\"a\":\"\\u009b2J\\u202efdp\xc3\xbc\\ufffd\"}\n");
}

static void what_is_our_own_passes(void **state)
{
    (void)state;
    CHECK_PRINTED(own_sequences, "x" ESC "?[2J\n/\xfc/\033x\n");
}

/* --- failures ----------------------------------------------------------------- */

enum sink { FULL, READER_GONE, CLOSED };

static void point_stdout_at(enum sink sink)
{
    int ends[2];

    if (sink == FULL) {
        dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    } else if (sink == READER_GONE) {
        assert_int_equal(pipe(ends), 0);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
    } else {
        close(STDOUT_FILENO);
    }
}

static void check_lost(enum sink sink, enum status before, enum status want,
                       bool told)
{
    int code;

    if (fork() == 0) {
        struct err err = { 0 };
        enum status st;

        signal(SIGPIPE, SIG_IGN);
        point_stdout_at(sink);
        out_open();
        printf("a result\n");
        st = out_close(before, &err);
        _exit(!(st == want && (err.text[0] != '\0') == told));
    }
    assert_true(wait(&code) > 0);
    assert_int_equal(code, 0);
}

static void what_is_lost_is_no_success(void **state)
{
    (void)state;
    check_lost(FULL, OK, ERR_IO, true);
    check_lost(FULL, ERR_RUNS, ERR_IO, true);
    check_lost(FULL, ERR_DB, ERR_DB, false); /* that was told already */
    check_lost(CLOSED, OK, ERR_IO, true);
    check_lost(READER_GONE, OK, ERR_IO, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_commands_the_terminal),
        cmocka_unit_test(json_says_the_same_and_does_nothing),
        cmocka_unit_test(what_is_our_own_passes),
        cmocka_unit_test(what_is_lost_is_no_success),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
