#include "harness/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/fetch_http.h"

struct fetch_options fetch_defaults(void)
{
    return (struct fetch_options){
        .max_bytes = INT64_C(64) << 30,
        .tries = 5,
        .pause_s = 1,
        .low_speed = 1000,
        .low_time_s = 60,
    };
}

char *fetch_file_name(const char *url)
{
    const char *end = url + strcspn(url, "?#");
    const char *host = strstr(url, "://");
    const char *start = end;
    struct str name = { 0 };

    host = host ? host + 3 : url;
    while (start > host && start[-1] != '/')
        start--;
    if (start == host)
        start = end; /* only a host: no path to name a file */
    for (; start < end && name.len < 64; start++)
        if (isalnum((unsigned char)*start) || strchr("_-", *start) ||
            (*start == '.' && name.len > 0))
            str_add_char(&name, *start);
    if (name.len == 0)
        str_add(&name, "download");
    return str_steal(&name);
}

enum status fetch_hash_file(char hex[HASH_HEX], int64_t *bytes,
                            const char *path, struct err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct hash *h;
    char buf[1 << 16];
    ssize_t n;

    if (fd < 0)
        return err_errno(err, ERR_IO, "%s: cannot open", path);
    h = hash_open();
    *bytes = 0;
    while ((n = read(fd, buf, sizeof buf)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        hash_add(h, buf, (size_t)n);
        *bytes += n;
    }
    hash_close(h, hex);
    if (n < 0)
        err_errno(err, ERR_IO, "%s: cannot read", path);
    close(fd);
    return n < 0 ? ERR_IO : OK;
}

/* The digest an earlier download pinned beside target, or "". */
static void read_pin(char hex[HASH_HEX], const char *target)
{
    char *path = mem_printf("%s.sha256", target);
    struct str text = { 0 };

    hex[0] = '\0';
    if (file_read(&text, path, 4096, NULL) == OK && text.len >= HASH_HEX - 1)
        snprintf(hex, HASH_HEX, "%s", str_text(&text));
    str_release(&text);
    free(path);
}

/* In the format of sha256sum, so that anybody can check it. */
static enum status write_pin(const char *hex, const char *target,
                             struct err *err)
{
    const char *slash = strrchr(target, '/');
    char *path = mem_printf("%s.sha256", target);
    char *text = mem_printf("%s  %s\n", hex, slash ? slash + 1 : target);
    const enum status st = file_replace(path, text, strlen(text), err);

    free(path);
    free(text);
    return st;
}

static enum status check_digest_text(const char *sha256, struct err *err)
{
    if (strlen(sha256) != HASH_HEX - 1 ||
        strspn(sha256, "0123456789abcdefABCDEF") != HASH_HEX - 1)
        return err_set(err, ERR_USAGE,
                       "'%.80s' is not a SHA-256: 64 hexadecimal digits",
                       sha256);
    return OK;
}

static void pause_for(double seconds)
{
    struct timespec ts = { .tv_sec = (time_t)seconds };

    ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
    while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
        ;
}

static enum status download(const char *url, const char *part,
                            const struct fetch_options *options,
                            struct err *err)
{
    double pause = options->pause_s;

    for (int try = 1;; try++) {
        const struct attempt a = fetch_attempt(url, part, options, err);
        char text[sizeof err->text];

        if (a.outcome == ATTEMPT_DONE)
            return OK;
        if (a.outcome == ATTEMPT_REFUSED)
            return ERR_IO;
        if (try >= options->tries) {
            snprintf(text, sizeof text, "%s", err->text);
            return err_set(err, ERR_IO, "%.900s (gave up after %d tries)",
                           text, try);
        }
        pause_for(a.wait_s > pause ? a.wait_s : pause);
        pause *= 2;
    }
}

static enum status reuse(struct fetch_result *out, const char *target,
                         const char *want, struct err *err)
{
    enum status st = fetch_hash_file(out->sha256, &out->bytes, target, err);

    if (st != OK)
        return st;
    if (*want && strcasecmp(want, out->sha256) != 0)
        return err_set(err, ERR_IO,
                       "%s exists with SHA-256 %s, not %s; it is left alone: "
                       "remove it or choose another name",
                       target, out->sha256, want);
    out->cached = true;
    return OK;
}

static enum status accept(struct fetch_result *out, const char *url,
                          const char *part, const char *target,
                          const char *want, struct err *err)
{
    char *etag = mem_printf("%s.etag", part);
    enum status st = fetch_hash_file(out->sha256, &out->bytes, part, err);

    if (st == OK && *want && strcasecmp(want, out->sha256) != 0) {
        unlink(part); /* a resumed wrong file would stay wrong */
        st = err_set(err, ERR_IO, "%s: SHA-256 is %s, expected %s; nothing "
                                  "was kept",
                     url, out->sha256, want);
    }
    if (st == OK && rename(part, target) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot rename to %s", part, target);
    if (st == OK)
        st = file_sync_dir(target, err);
    if (st == OK && !*want) {
        st = write_pin(out->sha256, target, err);
        out->pinned = true;
    }
    unlink(etag);
    free(etag);
    return st;
}

enum status fetch_url(struct fetch_result *out, const char *url,
                      const char *target, const struct fetch_options *options,
                      struct err *err)
{
    char want[HASH_HEX] = "";
    char *part = mem_printf("%s.part", target);
    enum status st = OK;

    *out = (struct fetch_result){ 0 };
    if (options->sha256) {
        st = check_digest_text(options->sha256, err);
        snprintf(want, sizeof want, "%s", options->sha256);
    } else {
        read_pin(want, target);
    }
    if (st == OK && access(target, F_OK) == 0) {
        st = reuse(out, target, want, err);
    } else if (st == OK) {
        st = download(url, part, options, err);
        if (st == OK)
            st = accept(out, url, part, target, want, err);
    }
    free(part);
    return st;
}
