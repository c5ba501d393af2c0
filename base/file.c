#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum status file_write_all(int fd, const void *data, size_t size,
                           const char *path, struct err *err)
{
    const char *p = data;

    while (size > 0) {
        const ssize_t n = write(fd, p, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, ERR_IO, "%s: cannot write", path);
        p += n;
        size -= (size_t)n;
    }
    return OK;
}

enum status file_sync_dir(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    const char *dir = dirname(copy);
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = OK;

    /* Some file systems cannot sync a folder and say EINVAL: nothing to do. */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        st = err_errno(err, ERR_IO, "%s: cannot sync the folder", dir);
    if (fd >= 0)
        close(fd);
    free(copy);
    return st;
}

/* Nobody else's file and no link is opened: O_EXCL. */
static int create(const char *path, struct err *err)
{
    int fd;

    unlink(path); /* the name is ours: who had our number before is gone */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        err_errno(err, ERR_IO, "%s: cannot create", path);
    return fd;
}

static enum status write_synced(const char *path, const void *data, size_t size,
                                struct err *err)
{
    const int fd = create(path, err);
    enum status st;

    if (fd < 0)
        return ERR_IO;
    st = file_write_all(fd, data, size, path, err);
    if (st == OK && fsync(fd) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot sync", path);
    if (close(fd) != 0 && st == OK)
        st = err_errno(err, ERR_IO, "%s: cannot close", path);
    return st;
}

FILE *file_open(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat sb;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        close(fd);
        errno = EINVAL;
        return NULL;
    }
    return fdopen(fd, "r");
}

/* --- files that are being written ------------------------------------------ */

#define DAY_S 86400

/* FNV-1a of what tells hosts and containers apart. */
static uint32_t host_number(void)
{
    char text[256] = "", link[64] = "", boot[64] = "";
    const int fd =
        open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    uint32_t h = 0x811c9dc5u;

    gethostname(text, sizeof text - 1);
    if (fd >= 0) {
        if (read(fd, boot, sizeof boot - 1) < 0)
            boot[0] = '\0';
        close(fd);
    }
    if (readlink("/proc/self/ns/pid", link, sizeof link - 1) < 0)
        link[0] = '\0';
    for (const char *const *p = (const char *const[]){ text, boot, link, NULL };
         *p; p++)
        for (const char *c = *p; *c; c++)
            h = (h ^ (unsigned char)*c) * 0x01000193u;
    return h;
}

char *file_temp_name(const char *path)
{
    static atomic_uint count;

    return mem_printf("%s.%08x.%ld.%u.tmp", path, host_number(), (long)getpid(),
                      atomic_fetch_add(&count, 1));
}

enum status file_temp_make(char **name, const char *path, struct err *err)
{
    int fd;

    *name = file_temp_name(path);
    fd = create(*name, err);
    if (fd < 0)
        return ERR_IO;
    close(fd);
    return OK;
}

/* ^C may come at any time; what ends this program waits until the folder is
 * gone. */
static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

enum status file_folder_make(struct file_folder *f, const char *what,
                             struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    sigset_t ends;

    f->path = mem_printf("%s/qlaw-%s-XXXXXX",
                         tmp && tmp[0] == '/' ? tmp : "/tmp", what);
    sigemptyset(&ends);
    for (size_t i = 0; i < sizeof end_signals / sizeof end_signals[0]; i++)
        sigaddset(&ends, end_signals[i]);
    sigprocmask(SIG_BLOCK, &ends, &f->before);
    if (mkdtemp(f->path))
        return OK;
    err_errno(err, ERR_IO, "%s", f->path);
    sigprocmask(SIG_SETMASK, &f->before, NULL);
    free(f->path);
    f->path = NULL;
    return ERR_IO;
}

static int remove_one(const char *path, const struct stat *sb, int kind,
                      struct FTW *at)
{
    (void)sb;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

void file_folder_remove(struct file_folder *f)
{
    if (!f->path)
        return;
    nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f->path);
    f->path = NULL;
    sigprocmask(SIG_SETMASK, &f->before, NULL);
}

/* The part of a name behind its last dot, cut off; NULL: there is none. */
static char *cut_last(char *name)
{
    char *dot = strrchr(name, '.');

    if (!dot)
        return NULL;
    *dot = '\0';
    return dot + 1;
}

static bool is_number(const char *text, int base)
{
    char *end;

    if (!text || !*text)
        return false;
    strtoul(text, &end, base);
    return *end == '\0';
}

/* Nobody has written to it for a day. */
static bool is_old(const char *folder, const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    struct stat sb;
    const bool old = lstat(path, &sb) == 0 && time(NULL) - sb.st_mtime > DAY_S;

    free(path);
    return old;
}

bool file_temp_is_left(const char *folder, const char *name)
{
    char *copy = mem_strdup(name), *last = cut_last(copy);
    char *count = cut_last(copy), *pid = cut_last(copy), *host = cut_last(copy);
    bool left = false;

    if (last && strcmp(last, "tmp") == 0 && is_number(count, 10)) {
        const bool ours = is_number(pid, 10) && host && strlen(host) == 8 &&
                          is_number(host, 16) &&
                          strtoul(host, NULL, 16) == host_number();

        left = ours ? kill((pid_t)atol(pid), 0) != 0 && errno == ESRCH
                    : is_old(folder, name);
    }
    free(copy);
    return left;
}

enum status file_replace(const char *path, const void *data, size_t size,
                         struct err *err)
{
    char *tmp = file_temp_name(path);
    enum status st = write_synced(tmp, data, size, err);

    if (st == OK && rename(tmp, path) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot rename to %s", tmp, path);
    if (st != OK)
        unlink(tmp);
    else
        st = file_sync_dir(path, err);
    free(tmp);
    return st;
}

/* What may be read to its end.  It was opened without waiting, so that a named
 * pipe nobody writes into holds nobody up; that one is refused, because it
 * would read as an empty file.  A pipe of the shell (`|`, `<(...)`) and a
 * terminal are waited for from here on. */
static enum status check_kind(int fd, const char *path, struct err *err)
{
    struct statfs fs;
    struct stat sb;

    if (fstat(fd, &sb) != 0)
        return err_errno(err, ERR_IO, "%s: cannot be examined", path);
    if (S_ISREG(sb.st_mode))
        return OK;
    if (S_ISDIR(sb.st_mode))
        return err_set(err, ERR_IO, "%s: is a folder, not a file", path);
    if (S_ISFIFO(sb.st_mode) &&
        (fstatfs(fd, &fs) != 0 || fs.f_type != PIPEFS_MAGIC))
        return err_set(err, ERR_IO, "%s: is a named pipe, not a file", path);
    fcntl(fd, F_SETFL, 0);
    return OK;
}

enum status file_read(struct str *out, const char *path, size_t limit,
                      struct err *err)
{
    char buf[1 << 16];
    const size_t start = out->len;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum status st;

    if (fd < 0)
        return err_errno(err, ERR_IO, "%s: cannot open", path);
    st = check_kind(fd, path, err);
    while (st == OK) {
        const ssize_t n = read(fd, buf, sizeof buf);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            st = err_errno(err, ERR_IO, "%s: cannot read", path);
        else if (n == 0)
            break;
        else if (out->len - start + (size_t)n > limit)
            st = err_set(err, ERR_IO, "%s: larger than %zu bytes", path, limit);
        else
            str_add_n(out, buf, (size_t)n);
    }
    close(fd);
    return st;
}

enum status file_make_dirs(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    enum status st = OK;
    struct stat sb;

    for (char *p = copy + 1; st == OK; p++) {
        const char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            st = err_errno(err, ERR_IO, "%s: cannot make the folder", copy);
        *p = c;
        if (c == '\0')
            break;
    }
    if (st == OK && (stat(path, &sb) != 0 || !S_ISDIR(sb.st_mode)))
        st = err_set(err, ERR_IO, "%s: exists and is not a folder", path);
    free(copy);
    return st;
}

double clock_monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

const char *clock_iso(char buf[32])
{
    struct timespec ts;
    struct tm tm;
    char date[24];

    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf, 32, "%s.%03dZ", date, (int)(ts.tv_nsec / 1000000) % 1000);
    return buf;
}
