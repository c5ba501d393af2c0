#include "tests/fetch/http_stub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char http_stub_body[] =
    "It is a truth universally acknowledged, that a single man in possession "
    "of a good fortune, must be in want of a wife.\n";

static void send_text(int fd, const char *text, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        text += sent;
        n -= (size_t)sent;
    }
}

static void send_head(int fd, int code, size_t length, const char *more)
{
    char head[512];
    const int n = snprintf(head, sizeof head,
                           "HTTP/1.1 %d stub\r\nContent-Length: %zu\r\n"
                           "Connection: close\r\n%s\r\n",
                           code, length, more);

    send_text(fd, head, (size_t)n);
}

/* The body from the asked-for byte on; If-Range must carry our ETag. */
static void send_body(int fd, const char *request, const char *etag,
                      const char *body, bool ranges)
{
    const size_t n = strlen(body);
    const char *range = strstr(request, "Range: bytes=");
    char more[160], condition[80];
    size_t from = 0;

    snprintf(condition, sizeof condition, "If-Range: %s\r\n", etag);
    if (range && ranges && strstr(request, condition))
        from = strtoul(range + 13, NULL, 10);
    if (from >= n)
        from = 0;
    snprintf(more, sizeof more, "ETag: %s\r\n", etag);
    if (from > 0)
        snprintf(more, sizeof more,
                 "ETag: %s\r\nContent-Range: bytes %zu-%zu/%zu\r\n", etag, from,
                 n - 1, n);
    send_head(fd, from ? 206 : 200, n - from, more);
    send_text(fd, body + from, n - from);
}

static void send_half(int fd)
{
    const size_t n = strlen(http_stub_body);

    send_head(fd, 200, n, "ETag: \"one\"\r\n");
    send_text(fd, http_stub_body, n / 2);
}

/* A cache that does not look at If-Range. */
static void send_other(int fd, const char *request)
{
    static const struct {
        const char *how, *head;
    } rows[] = {
        { "etag", "ETag: \"two\"\r\n" },
        { "weak", "ETag: W/\"one\"\r\n" },
        { "date", "Last-Modified: Tue, 24 Nov 2026 00:00:00 GMT\r\n" },
        { "none", "" },
    };
    const char *range = strstr(request, "Range: bytes="), *head = "";
    const size_t n = strlen(http_stub_body);
    const size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
    char more[160], body[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(request + 11, rows[i].how, strlen(rows[i].how)) == 0)
            head = rows[i].head;
    for (size_t i = 0; i < n; i++)
        body[i] = 'y';
    snprintf(more, sizeof more, "%sContent-Range: bytes %zu-%zu/%zu\r\n", head,
             from, n - 1, n);
    send_head(fd, from ? 206 : 200, n - from, from ? more : head);
    send_text(fd, body + from, n - from);
}

static void send_piece(int fd, const char *request)
{
    const char *range = strstr(request, "Range: bytes=");
    const size_t n = strlen(http_stub_body);
    const size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
    const size_t size = n - from < 10 ? n - from : 10;
    char more[160];

    snprintf(more, sizeof more,
             "ETag: \"one\"\r\nContent-Range: bytes %zu-%zu/%zu\r\n", from,
             from + size - 1, n);
    send_head(fd, 206, size, more);
    send_text(fd, http_stub_body + from, size);
}

static void send_slowly(int fd)
{
    const struct timespec pause = { .tv_nsec = 300000000 };

    send_head(fd, 200, strlen(http_stub_body), "");
    for (const char *p = http_stub_body; *p; p++) {
        if (send(fd, p, 1, MSG_NOSIGNAL) != 1)
            return;
        nanosleep(&pause, NULL);
    }
}

static bool asks(const char *request, const char *path)
{
    return strncmp(request + 4, path, strlen(path)) == 0;
}

static void answer(int fd, const char *request, int count, int port)
{
    char more[256];

    if (asks(request, "/cut") && count == 1)
        send_half(fd);
    else if (asks(request, "/norange") && count == 1)
        send_half(fd);
    else if (asks(request, "/changed") && count == 1)
        send_half(fd);
    else if (asks(request, "/cut") && !strstr(request, "Range: bytes="))
        send_head(fd, 400, 0, "");
    else if (asks(request, "/norange"))
        send_body(fd, request, "\"one\"", http_stub_body, false);
    else if (asks(request, "/changed"))
        send_body(fd, request, "\"two\"", "another text altogether\n", true);
    else if (asks(request, "/other/") && count == 1)
        send_half(fd);
    else if (asks(request, "/other/"))
        send_other(fd, request);
    else if (asks(request, "/pieces"))
        send_piece(fd, request);
    else if (asks(request, "/status/"))
        send_head(fd, atoi(request + 12), 0, "");
    else if (asks(request, "/busy") && count <= 2)
        send_head(fd, 503, 0, "Retry-After: 1\r\n");
    else if (asks(request, "/loop")) {
        snprintf(more, sizeof more, "Location: http://127.0.0.1:%d/loop\r\n",
                 port);
        send_head(fd, 302, 0, more);
    } else if (asks(request, "/to?")) {
        const char *to = request + 8;

        snprintf(more, sizeof more, "Location: %.*s\r\n",
                 (int)strcspn(to, " \r\n"), to);
        send_head(fd, 302, 0, more);
    } else if (asks(request, "/short")) {
        send_head(fd, 200, 2 * strlen(http_stub_body), "");
        send_text(fd, http_stub_body, strlen(http_stub_body));
    } else if (asks(request, "/trickle"))
        send_slowly(fd);
    else
        send_body(fd, request, "\"one\"", http_stub_body, true);
}

static void serve(int listener, int port)
{
    for (int count = 1;; count++) {
        char request[4096] = "";
        const int fd = accept(listener, NULL, NULL);
        ssize_t n = 0, got;

        if (fd < 0)
            continue;
        while (n < (ssize_t)sizeof request - 1 &&
               (got = recv(fd, request + n, sizeof request - 1 - (size_t)n,
                           0)) > 0) {
            n += got;
            request[n] = '\0';
            if (strstr(request, "\r\n\r\n"))
                break;
        }
        /* A POST's path begins one character later than a GET's. */
        answer(fd, request + (strncmp(request, "POST ", 5) == 0), count, port);
        close(fd);
    }
}

struct http_stub http_stub_start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    struct http_stub stub = { 0 };
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    stub.port = ntohs(address.sin_port);
    stub.pid = fork();
    if (stub.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        serve(listener, stub.port);
        _exit(0);
    }
    close(listener);
    return stub;
}

void http_stub_stop(struct http_stub *stub)
{
    kill(stub->pid, SIGKILL);
    waitpid(stub->pid, NULL, 0);
}
