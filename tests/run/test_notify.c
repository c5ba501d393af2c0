/* Word of a grid's end: what arrives, and what is refused. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/run/notify.h"
#include "tests/check.h"
#include "tests/fetch/http_stub.h"

/* A server that takes one request into a pipe and is content. */
static int serve_once(int *port, pid_t *pid)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    int ends[2];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size),
                     0);
    assert_int_equal(pipe(ends), 0);
    *port = ntohs(address.sin_port);
    *pid = fork();
    if (*pid == 0) {
        static const char content[] =
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        const int fd = accept(listener, NULL, NULL);
        char request[4096];
        ssize_t n = 0, got;

        alarm(20);
        while (!memmem(request, (size_t)n, "\"done\":3}", 9) &&
               (got = recv(fd, request + n, sizeof request - (size_t)n, 0)) > 0)
            n += got;
        if (write(ends[1], request, (size_t)n) != n ||
            send(fd, content, sizeof content - 1, 0) < 0)
            _exit(1);
        _exit(0);
    }
    close(listener);
    close(ends[1]);
    return ends[0];
}

static void the_summary_arrives_as_it_is(void **state)
{
    char url[64], request[4097] = "";
    int port;
    pid_t pid;
    const int fd = serve_once(&port, &pid);
    struct err err;

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hook", port);
    check_ok(notify_post(url, "{\"grid\":\"a\",\"done\":3}", &err), err);
    assert_true(read(fd, request, sizeof request - 1) > 0);
    assert_int_equal(strncmp(request, "POST /hook HTTP/1.1\r\n", 21), 0);
    assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
    assert_string_equal(strstr(request, "\r\n\r\n") + 4,
                        "{\"grid\":\"a\",\"done\":3}");
    close(fd);
    waitpid(pid, NULL, 0);
}

static void check_refused(const char *url, const char *word)
{
    struct err err = { 0 };

    assert_int_equal(notify_post(url, "{}", &err), ERR_IO);
    if (!strstr(err.text, word))
        fail_msg("%s: %s", url, err.text);
    /* The address is a secret. */
    assert_null(strstr(err.text, "127.0.0.1"));
    assert_null(strstr(err.text, "secret"));
}

static void trouble_is_told_without_the_address(void **state)
{
    struct http_stub stub = http_stub_start();
    char *error =
        mem_printf("http://127.0.0.1:%d/status/500?secret", stub.port);
    char *redirect = mem_printf("http://127.0.0.1:%d/loop", stub.port);

    (void)state;
    check_refused(error, "answers 500");
    check_refused(redirect, "answers 302");
    http_stub_stop(&stub);
    check_refused(error, "connect");
    check_refused("file:///etc/passwd?secret", "rotocol");
    free(error);
    free(redirect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_arrives_as_it_is),
        cmocka_unit_test(trouble_is_told_without_the_address),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
