#include "harness/fetch/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define MAX_REDIRECTS 10
#define MAX_WAIT_S    120 /* the longest Retry-After that is honoured */

/* One response of one attempt. */
struct response {
    long code;
    char validator[256]; /* strong ETag or Last-Modified */
    int64_t range_at;    /* first byte of a 206, -1 when not said */
    int64_t total;       /* announced size of the whole, 0: unknown */
    long retry_after_s;
};

struct transfer {
    const struct fetch_options *options;
    const char *url, *part;
    char *shown; /* the url without its secrets, for sentences */
    int fd;
    int64_t have; /* bytes in the part file */
    bool placed;  /* has the first body byte found its place? */
    struct response r;
    int hops;
    bool first_private; /* did the first host have a private address? */
    bool refused;       /* a callback wrote the sentence and gave up */
    struct err *err;
};

static void refuse(struct transfer *t, const char *why)
{
    t->refused = true;
    err_set(t->err, ERR_IO, "%s: %s", t->shown, why);
}

/* --- addresses ----------------------------------------------------------- */

static bool is_private4(uint32_t ip)
{
    static const struct {
        uint32_t net;
        int bits;
    } nets[] = {
        { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x7f000000, 8 },
        { 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0a80000, 16 },
        { 0x64400000, 10 },
    };

    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        if ((ip ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static bool is_private(const struct sockaddr *sa)
{
    struct in6_addr a;
    uint32_t v4;

    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        return is_private4(ntohl(in.sin_addr.s_addr));
    }
    if (sa->sa_family != AF_INET6)
        return true;
    memcpy(&a, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
           sizeof a);
    memcpy(&v4, a.s6_addr + 12, sizeof v4);
    if (IN6_IS_ADDR_V4MAPPED(&a))
        return is_private4(ntohl(v4));
    return IN6_IS_ADDR_LOOPBACK(&a) || IN6_IS_ADDR_LINKLOCAL(&a) ||
           (a.s6_addr[0] & 0xfe) == 0xfc;
}

/* A redirect must not reach from outside into the user's own network. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct transfer *t = ctx;
    const bool inside = is_private(&address->addr);

    (void)purpose;
    if (t->hops == 0)
        t->first_private = inside;
    if (inside && !t->first_private) {
        refuse(t, "refused a redirect to a private address");
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* --- headers and body ----------------------------------------------------- */

static bool header_is(char *value, size_t size, const char *line, size_t n,
                      const char *name)
{
    const size_t len = strlen(name);
    char text[512];

    if (n <= len || strncasecmp(line, name, len) != 0 || line[len] != ':')
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(n - len - 1), line + len + 1);
    snprintf(value, size, "%s", text_trim(text));
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    struct response *r = &t->r;
    const size_t n = size * count;
    char value[256];

    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', n);

        *r = (struct response){ .range_at = -1 };
        r->code = space ? strtol(space, NULL, 10) : 0;
    } else if (header_is(value, sizeof value, line, n, "ETag")) {
        if (!text_has_prefix(value, "W/"))
            snprintf(r->validator, sizeof r->validator, "%s", value);
    } else if (header_is(value, sizeof value, line, n, "Last-Modified")) {
        if (!r->validator[0])
            snprintf(r->validator, sizeof r->validator, "%s", value);
    } else if (header_is(value, sizeof value, line, n, "Content-Range")) {
        long long from, to, all = 0;

        if (sscanf(value, "bytes %lld-%lld/%lld", &from, &to, &all) >= 2) {
            r->range_at = from;
            r->total = all;
        }
    } else if (header_is(value, sizeof value, line, n, "Content-Length")) {
        if (r->code == 200)
            r->total = strtoll(value, NULL, 10);
    } else if (header_is(value, sizeof value, line, n, "Retry-After")) {
        r->retry_after_s = strtol(value, NULL, 10);
    }
    return n;
}

/* What the part file is of, as the server named it; "" when it did not. */
static void read_validator(struct str *out, const struct transfer *t)
{
    char *path = mem_printf("%s.etag", t->part);

    if (file_read(out, path, 255, NULL) != OK || strpbrk(str_text(out), "\r\n"))
        str_clear(out);
    free(path);
}

/* Whether a 206 is the rest of what is there.  Caches answer it without looking
 * at If-Range, so it must name the same version itself: what does not say of
 * which version it is, is joined to nothing. */
static bool goes_on(const struct transfer *t)
{
    struct str kept = { 0 };
    bool same;

    read_validator(&kept, t);
    same = kept.len > 0 && strcmp(str_text(&kept), t->r.validator) == 0;
    str_release(&kept);
    return same && t->r.range_at == t->have;
}

/* A 206 at our very position continues the part file; a 200 begins it again
 * and keeps the new validator for the next attempt. */
static bool place(struct transfer *t)
{
    char *path;
    enum status st;

    t->placed = true;
    if (t->r.code == 206 && goes_on(t))
        return lseek(t->fd, 0, SEEK_END) == t->have;
    if ((t->r.code == 206 && (t->r.range_at != 0 || t->have != 0)) ||
        ftruncate(t->fd, 0) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
        return false;
    t->have = 0;
    path = mem_printf("%s.etag", t->part);
    st = file_replace(path, t->r.validator, strlen(t->r.validator), t->err);
    free(path);
    return st == OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    const size_t n = size * count;

    if (t->r.code != 200 && t->r.code != 206)
        return n; /* the text of an error or of a redirect */
    if (!t->placed && !place(t)) {
        if (ftruncate(t->fd, 0) != 0)
            refuse(t, "cannot begin the file again");
        return 0;
    }
    if (t->have + (int64_t)n > t->options->max_bytes) {
        refuse(t, "larger than the limit on downloads");
        return 0;
    }
    if (file_write_all(t->fd, data, n, t->part, t->err) != OK) {
        t->refused = true;
        return 0;
    }
    t->have += (int64_t)n;
    if (t->options->progress)
        t->options->progress(t->options->ctx, t->have, t->r.total);
    return n;
}

/* --- one request ---------------------------------------------------------- */

static struct curl_slist *range_headers(const struct transfer *t)
{
    struct curl_slist *list = NULL;
    struct str validator = { 0 };
    char *line;

    read_validator(&validator, t);
    if (t->have > 0 && validator.len > 0) {
        line = mem_printf("If-Range: %s", str_text(&validator));
        list = curl_slist_append(list, line);
        free(line);
        line = mem_printf("Range: bytes=%lld-", (long long)t->have);
        list = curl_slist_append(list, line);
        free(line);
    }
    str_release(&validator);
    return list;
}

static CURLcode request(struct transfer *t, CURL *curl, const char *url)
{
    struct curl_slist *headers = range_headers(t);
    CURLcode code;

    t->placed = false;
    t->r = (struct response){ .range_at = -1 };
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "qlaw");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, t->options->low_speed);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, t->options->low_time_s);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    return code;
}

/* The next address of a redirect, or NULL with the sentence written. */
static char *follow(struct transfer *t, CURL *curl, const char *from)
{
    char *to = NULL;

    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to);
    if (!to)
        refuse(t, "a redirect without an address");
    else if (++t->hops > MAX_REDIRECTS)
        refuse(t, "more than 10 redirects");
    else if (!text_has_prefix(to, "http://") &&
             !text_has_prefix(to, "https://"))
        refuse(t, "refused a redirect to something that is not http or "
                  "https");
    else if (text_has_prefix(from, "https:") && text_has_prefix(to, "http:"))
        refuse(t, "refused a redirect from https to http");
    return t->refused ? NULL : mem_strdup(to);
}

static struct part_end judge(struct transfer *t, CURLcode code)
{
    const struct response *r = &t->r;
    struct part_end a = { PART_AGAIN, 0 };

    if (t->refused) {
        a.outcome = PART_REFUSED;
    } else if (code == CURLE_OK && (r->code == 200 || r->code == 206)) {
        /* A 206 may hold less than was asked for. */
        if (r->total > 0 && t->have < r->total)
            err_set(t->err, ERR_IO, "%s: the server sent %lld of %lld bytes",
                    t->shown, (long long)t->have, (long long)r->total);
        else
            a.outcome = PART_DONE;
    } else if (code == CURLE_OK && r->code == 416) {
        /* The part file is longer than the file of today: begin again. */
        if (ftruncate(t->fd, 0) != 0)
            a.outcome = PART_REFUSED;
        err_set(t->err, ERR_IO, "%s: the file changed on the server", t->shown);
    } else if (code == CURLE_OK) {
        err_set(t->err, ERR_IO, "%s: the server answers %ld", t->shown,
                r->code);
        if (r->code < 500 && r->code != 429 && r->code != 408)
            a.outcome = PART_REFUSED;
        a.wait_s = r->retry_after_s > MAX_WAIT_S ? MAX_WAIT_S
                   : r->retry_after_s > 0        ? (double)r->retry_after_s
                                                 : 0;
    } else {
        err_set(t->err, ERR_IO, "%s: %s", t->shown, curl_easy_strerror(code));
        if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
            code == CURLE_PEER_FAILED_VERIFICATION)
            a.outcome = PART_REFUSED;
    }
    return a;
}

static struct part_end run(struct transfer *t, CURL *curl)
{
    char *url = mem_strdup(t->url);
    CURLcode code = CURLE_OK;

    while (!t->refused) {
        char *next;

        code = request(t, curl, url);
        if (code != CURLE_OK || t->r.code < 300 || t->r.code > 399 ||
            t->r.code == 304)
            break;
        next = follow(t, curl, url);
        free(url);
        url = next;
    }
    free(url);
    return judge(t, code);
}

struct part_end fetch_part(const char *url, const char *part,
                           const struct fetch_options *options, struct err *err)
{
    struct transfer t = { .options = options,
                          .url = url,
                          .part = part,
                          .shown = fetch_shown(url),
                          .err = err };
    struct part_end a = { PART_REFUSED, 0 };
    CURL *curl = curl_easy_init();

    t.fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (t.fd < 0) {
        err_errno(err, ERR_IO, "%s: cannot create", part);
    } else if (!curl) {
        err_set(err, ERR_NOMEM, "libcurl does not start");
    } else {
        t.have = lseek(t.fd, 0, SEEK_END);
        a = run(&t, curl);
        if (a.outcome == PART_DONE && fsync(t.fd) != 0) {
            err_errno(err, ERR_IO, "%s: cannot sync", part);
            a.outcome = PART_REFUSED;
        }
    }
    if (t.fd >= 0)
        close(t.fd);
    if (curl)
        curl_easy_cleanup(curl);
    free(t.shown);
    return a;
}
