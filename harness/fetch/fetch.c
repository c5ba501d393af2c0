#include "harness/fetch/fetch.h"

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
#include "harness/fetch/http.h"

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

char *fetch_shown(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme ? scheme + 3 : url;
    const char *path = host + strcspn(host, "/?#");
    const char *at = memrchr(host, '@', (size_t)(path - host));
    const size_t rest = strcspn(path, "?#");
    struct str shown = { 0 };

    str_add_n(&shown, url, (size_t)(host - url));
    if (at) {
        str_add(&shown, "***");
        host = at;
    }
    str_add_n(&shown, host, (size_t)(path + rest - host));
    if (path[rest])
        str_addf(&shown, "%c***", path[rest]);
    return str_steal(&shown);
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
        const struct part_end a = fetch_part(url, part, options, err);
        char text[sizeof err->text];

        if (a.outcome == PART_DONE)
            return OK;
        if (a.outcome == PART_REFUSED)
            return ERR_IO;
        if (try >= options->tries) {
            snprintf(text, sizeof text, "%s", err->text);
            return err_set(err, ERR_IO, "%.900s (gave up after %d tries)", text,
                           try);
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
        char *shown = fetch_shown(url);

        unlink(part); /* a resumed wrong file would stay wrong */
        st = err_set(err, ERR_IO,
                     "%s: SHA-256 is %s, expected %s; nothing "
                     "was kept",
                     shown, out->sha256, want);
        free(shown);
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

/* --- one at a time -------------------------------------------------------- */

/* Whether fd is still the file of that name. */
static bool is_named(int fd, const char *path)
{
    struct stat mine, named;

    return fstat(fd, &mine) == 0 && stat(path, &named) == 0 &&
           mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/* Two that write one part file would pin the digest of a mixture, so the second
 * waits for the first.  By then the first has renamed its file, the lock waited
 * for was that of the target, and the name is free again.  A file system
 * without locks cannot be helped. */
static enum status lock_part(int *fd, const char *part, struct err *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    for (;;) {
        *fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd < 0)
            return err_errno(err, ERR_IO, "%s: cannot create", part);
        while (fcntl(*fd, F_OFD_SETLKW, &lock) != 0 && errno == EINTR)
            ;
        if (is_named(*fd, part))
            return OK;
        close(*fd);
    }
}

/* With the lock: the target may have come while it was waited for. */
static enum status fetch_alone(struct fetch_result *out, const char *url,
                               const char *part, const char *target,
                               const struct fetch_options *options,
                               struct err *err)
{
    char want[HASH_HEX] = "";
    enum status st;

    if (options->sha256)
        snprintf(want, sizeof want, "%s", options->sha256);
    else
        read_pin(want, target);
    if (access(target, F_OK) == 0)
        return reuse(out, target, want, err);
    st = download(url, part, options, err);
    return st == OK ? accept(out, url, part, target, want, err) : st;
}

enum status fetch_url(struct fetch_result *out, const char *url,
                      const char *target, const struct fetch_options *options,
                      struct err *err)
{
    char *part = mem_printf("%s.part", target);
    const bool there = access(target, F_OK) == 0; /* may be read-only */
    struct stat sb;
    int fd = -1;
    enum status st = OK;

    *out = (struct fetch_result){ 0 };
    if (options->sha256)
        st = check_digest_text(options->sha256, err);
    if (st == OK && !there)
        st = lock_part(&fd, part, err);
    if (st == OK)
        st = fetch_alone(out, url, part, target, options, err);
    /* Nothing was downloaded: nothing stays. */
    if (fd >= 0 && is_named(fd, part) && fstat(fd, &sb) == 0 && sb.st_size == 0)
        unlink(part);
    if (fd >= 0)
        close(fd);
    free(part);
    return st;
}
