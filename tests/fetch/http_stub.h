/* http_stub.h - a loopback HTTP server with scripted faults, for tests.
 *
 * The path chooses the behaviour; N counts the requests to that server so far
 * (from 1):
 *
 *   /ok            the body, with an ETag and ranges
 *   /cut           closes half way on the first request, then ranges only
 *   /norange       closes half way on the first request, then answers 200
 *   /changed       closes half way, then another ETag and another body
 *   /other/HOW     closes half way, then 206 with the rest of another body and
 *                  HOW: etag (another one), weak, date or none; that body when
 *                  it is asked for from its start
 *   /pieces        206 with ten bytes at most
 *   /status/CODE   that status
 *   /busy          503 with Retry-After: 1 twice, then the body
 *   /loop          redirects to itself
 *   /to?URL        redirects to URL
 *   /short         announces twice the length of the body
 *   /trickle       one byte every 300 ms */
#ifndef TESTS_HARNESS_HTTP_STUB_H
#define TESTS_HARNESS_HTTP_STUB_H

#include <sys/types.h>

struct http_stub {
    pid_t pid;
    int port;
};

extern const char http_stub_body[]; /* what a whole download holds */

/* Start serving on a free port of 127.0.0.1; ends after 60 s by itself. */
struct http_stub http_stub_start(void);
void http_stub_stop(struct http_stub *stub);

#endif
