#include "harness/fetch/fetch.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "tests/check.h"
#include "tests/fetch/http_stub.h"

/* A server and an empty folder for each test. */
struct world {
    struct http_stub stub;
    char dir[32];
    char target[64], part[80];
    struct fetch_options options;
    struct fetch_result result;
    struct err err;
};

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof *w);

    strcpy(w->dir, "/tmp/qlaw-fetch-XXXXXX");
    if (!mkdtemp(w->dir))
        return 1;
    w->stub = http_stub_start();
    snprintf(w->target, sizeof w->target, "%s/corpus.txt", w->dir);
    snprintf(w->part, sizeof w->part, "%s.part", w->target);
    w->options = fetch_defaults();
    w->options.pause_s = 0.01;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[64];
    int failed;

    http_stub_stop(&w->stub);
    snprintf(command, sizeof command, "rm -r '%s'", w->dir);
    failed = system(command);
    free(w);
    return failed;
}

static enum status fetch(struct world *w, const char *path)
{
    char *url = mem_printf("http://127.0.0.1:%d%s", w->stub.port, path);
    const enum status st =
        fetch_url(&w->result, url, w->target, &w->options, &w->err);

    free(url);
    return st;
}

static void check_body(struct world *w, const char *body)
{
    struct str text = { 0 };

    check_ok(file_read(&text, w->target, 10000, &w->err), w->err);
    assert_string_equal(str_text(&text), body);
    assert_int_equal(access(w->part, F_OK), -1);
    str_release(&text);
}

static void a_first_download_is_pinned_and_later_ones_are_cached(void **state)
{
    struct world *w = *state;

    check_ok(fetch(w, "/ok"), w->err);
    assert_true(w->result.pinned && !w->result.cached);
    check_body(w, http_stub_body);
    check_ok(fetch(w, "/ok"), w->err);
    assert_true(w->result.cached && !w->result.pinned);
    assert_int_equal(w->result.bytes, strlen(http_stub_body));
}

static void a_cut_transfer_is_resumed_where_it_stopped(void **state)
{
    struct world *w = *state;
    char hex[HASH_HEX];

    hash_bytes(hex, http_stub_body, strlen(http_stub_body));
    w->options.sha256 = hex;
    check_ok(fetch(w, "/cut"), w->err);
    check_body(w, http_stub_body);
}

static void a_server_without_ranges_starts_again(void **state)
{
    struct world *w = *state;

    check_ok(fetch(w, "/norange"), w->err);
    check_body(w, http_stub_body);
}

static void a_file_that_changed_between_tries_is_not_mixed(void **state)
{
    struct world *w = *state;

    check_ok(fetch(w, "/changed"), w->err);
    check_body(w, "another text altogether\n");
}

/* A cache answers 206 and the rest of another version: whether it says so or
 * not, the two are not joined. */
static void a_rest_of_another_version_is_not_joined(void **state)
{
    static const char *const how[] = { "etag", "weak", "date", "none" };
    struct world *w = *state;
    const size_t n = strlen(http_stub_body);
    char *want = mem_alloc(n + 1);

    memset(want, 'y', n);
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        char *path = mem_printf("/other/%s", how[i]);
        char *pin = mem_printf("%s.sha256", w->target);

        http_stub_stop(&w->stub);
        w->stub = http_stub_start(); /* it counts anew */
        check_ok(fetch(w, path), w->err);
        check_body(w, want);
        unlink(w->target);
        unlink(pin);
        free(path);
        free(pin);
    }
    free(want);
}

static void pieces_of_a_file_are_no_file(void **state)
{
    struct world *w = *state;

    w->options.tries = 3;
    assert_int_equal(fetch(w, "/pieces"), ERR_IO);
    check_says(w->err, "the server sent");
    assert_int_equal(access(w->target, F_OK), -1);
}

/* The second waits for the first, and has its file. */
static void two_at_once_pin_one_digest(void **state)
{
    struct world *w = *state;
    char hex[HASH_HEX], pinned[HASH_HEX];
    char *pin = mem_printf("%s.sha256", w->target);
    struct str text = { 0 };
    pid_t pid[4];
    int code;

    for (int i = 0; i < 4; i++)
        if ((pid[i] = fork()) == 0)
            _exit(fetch(w, i % 2 ? "/ok" : "/cut") != OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(waitpid(pid[i], &code, 0), pid[i]);
        assert_int_equal(code, 0);
    }
    check_body(w, http_stub_body);
    hash_bytes(hex, http_stub_body, strlen(http_stub_body));
    check_ok(file_read(&text, pin, 4096, &w->err), w->err);
    snprintf(pinned, sizeof pinned, "%s", str_text(&text));
    assert_string_equal(pinned, hex);
    str_release(&text);
    free(pin);
}

static void errors_keep_secrets(void **state)
{
    static const struct {
        const char *url, *shown;
    } rows[] = {
        { "https://me:pw@a.org/b", "https://***@a.org/b" },
        { "https://token@a.org", "https://***@a.org" },
        { "http://u:p@w@a.org/x@y", "http://***@a.org/x@y" },
        { "https://a.org/b?sig=secret&x#f", "https://a.org/b?***" },
        { "ftp://me:pw@a.org/b", "ftp://***@a.org/b" },
        { "me:pw@a.org/b", "***@a.org/b" },
        { "https://a.org/plain@1", "https://a.org/plain@1" },
    };
    struct world *w = *state;
    char *url = mem_printf("http://me:pw@127.0.0.1:%d/status/404?key=secret",
                           w->stub.port);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = fetch_shown(rows[i].url);

        assert_string_equal(shown, rows[i].shown);
        free(shown);
    }
    assert_int_equal(
        fetch_url(&w->result, url, w->target, &w->options, &w->err), ERR_IO);
    check_says(w->err, "the server answers 404");
    assert_null(strstr(w->err.text, "pw"));
    assert_null(strstr(w->err.text, "secret"));
    free(url);
}

static void a_wrong_digest_keeps_nothing(void **state)
{
    struct world *w = *state;

    w->options.sha256 = "000000000000000000000000000000000000"
                        "0000000000000000000000000000";
    assert_int_equal(fetch(w, "/ok"), ERR_IO);
    check_says(w->err, "expected 0000");
    assert_int_equal(access(w->target, F_OK), -1);
    assert_int_equal(access(w->part, F_OK), -1);
}

static void an_existing_file_with_another_digest_is_left_alone(void **state)
{
    struct world *w = *state;

    check_ok(file_replace(w->target, "mine", 4, &w->err), w->err);
    w->options.sha256 = "000000000000000000000000000000000000"
                        "0000000000000000000000000000";
    assert_int_equal(fetch(w, "/ok"), ERR_IO);
    check_says(w->err, "it is left alone");
    check_body(w, "mine");
}

static void a_missing_page_fails_at_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(fetch(w, "/status/404"), ERR_IO);
    check_says(w->err, "the server answers 404");
    assert_null(strstr(w->err.text, "tries")); /* not tried again */
}

static void a_broken_server_is_tried_again_and_given_up(void **state)
{
    struct world *w = *state;

    w->options.tries = 3;
    assert_int_equal(fetch(w, "/status/500"), ERR_IO);
    check_says(w->err, "answers 500 (gave up after 3 tries)");
}

static void a_busy_server_is_given_the_time_it_asks_for(void **state)
{
    struct world *w = *state;
    const double start = clock_monotonic();

    check_ok(fetch(w, "/busy"), w->err);
    check_body(w, http_stub_body);
    assert_true(clock_monotonic() - start >= 2);
}

static void redirects_end_and_stay_with_http(void **state)
{
    static const struct {
        const char *path, *says;
    } table[] = {
        { "/loop", "more than 10 redirects" },
        { "/to?file:///etc/passwd", "not http or https" },
        { "/to?ftp://127.0.0.1/x", "not http or https" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(fetch(w, table[i].path), ERR_IO);
        check_says(w->err, table[i].says);
    }
    assert_int_equal(access(w->target, F_OK), -1);
}

static void a_redirect_to_the_file_is_followed(void **state)
{
    struct world *w = *state;
    char path[64];

    snprintf(path, sizeof path, "/to?http://127.0.0.1:%d/ok", w->stub.port);
    check_ok(fetch(w, path), w->err);
    check_body(w, http_stub_body);
}

static void a_body_shorter_than_announced_is_not_accepted(void **state)
{
    struct world *w = *state;

    w->options.tries = 2;
    assert_int_equal(fetch(w, "/short"), ERR_IO);
    assert_int_equal(access(w->target, F_OK), -1);
}

static void too_many_bytes_are_refused(void **state)
{
    struct world *w = *state;

    w->options.max_bytes = 20;
    assert_int_equal(fetch(w, "/ok"), ERR_IO);
    check_says(w->err, "larger than the limit");
    assert_int_equal(access(w->target, F_OK), -1);
}

static void a_stall_is_noticed(void **state)
{
    struct world *w = *state;

    w->options.low_time_s = 1;
    w->options.tries = 1;
    assert_int_equal(fetch(w, "/trickle"), ERR_IO);
    check_says(w->err, "Timeout was reached");
}

static void file_names_stay_in_their_folder(void **state)
{
    static const struct {
        const char *url, *name;
    } table[] = {
        { "https://a.org/x/enwik8.zip?y=1#z", "enwik8.zip" },
        { "https://a.org/../../etc/passwd", "passwd" },
        { "https://a.org/", "download" },
        { "https://a.org", "download" },
        { "https://a.org/..", "download" },
        { "https://a.org/.bashrc", "bashrc" },
        { "https://a.org/a%2fb;rm -rf", "a2fbrm-rf" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *name = fetch_file_name(table[i].url);

        assert_string_equal(name, table[i].name);
        free(name);
    }
}

static void a_digest_must_look_like_one(void **state)
{
    struct world *w = *state;

    w->options.sha256 = "abc";
    assert_int_equal(fetch(w, "/ok"), ERR_USAGE);
    check_says(w->err, "64 hexadecimal digits");
}

#define in_world(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_world(a_first_download_is_pinned_and_later_ones_are_cached),
        in_world(a_cut_transfer_is_resumed_where_it_stopped),
        in_world(a_server_without_ranges_starts_again),
        in_world(a_file_that_changed_between_tries_is_not_mixed),
        in_world(a_rest_of_another_version_is_not_joined),
        in_world(pieces_of_a_file_are_no_file),
        in_world(two_at_once_pin_one_digest),
        in_world(errors_keep_secrets),
        in_world(a_wrong_digest_keeps_nothing),
        in_world(an_existing_file_with_another_digest_is_left_alone),
        in_world(a_missing_page_fails_at_once),
        in_world(a_broken_server_is_tried_again_and_given_up),
        in_world(a_busy_server_is_given_the_time_it_asks_for),
        in_world(redirects_end_and_stay_with_http),
        in_world(a_redirect_to_the_file_is_followed),
        in_world(a_body_shorter_than_announced_is_not_accepted),
        in_world(too_many_bytes_are_refused),
        in_world(a_stall_is_noticed),
        cmocka_unit_test(file_names_stay_in_their_folder),
        in_world(a_digest_must_look_like_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
