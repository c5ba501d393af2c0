#include "harness/os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/os/netfs.h"

/* Two spellings of one database are one lock. */
static char *lock_path(const char *db_path)
{
    char *real = realpath(db_path, NULL);
    char *folder = real ? mem_strdup(real) : mem_strdup(db_path);
    char *name = mem_strdup(real ? real : db_path);
    char *dir = real ? NULL : realpath(dirname(folder), NULL);
    char *path = dir ? mem_printf("%s/%s.lock", dir, basename(name))
                     : mem_printf("%s.lock", name);

    free(real);
    free(folder);
    free(name);
    free(dir);
    return path;
}

static bool read_holder(struct lock_holder *out, int fd)
{
    char text[256] = "";
    long long pid, start;

    *out = (struct lock_holder){ .process.pid = 0 };
    if (pread(fd, text, sizeof text - 1, 0) <= 0 ||
        sscanf(text, "pid %lld start %lld boot %39s host %63s since %31s", &pid,
               &start, out->process.boot, out->host, out->since) != 5)
        return false;
    out->process.pid = pid;
    out->process.start_ticks = start;
    return true;
}

static enum status write_holder(int fd, const char *path, struct err *err)
{
    struct process me;
    char text[256], now[32], host[PROCESS_HOST];
    int n;

    process_find(&me, getpid());
    process_host(host);
    n = snprintf(text, sizeof text,
                 "pid %lld start %lld boot %s host %s since %s\n",
                 (long long)me.pid, (long long)me.start_ticks,
                 *me.boot ? me.boot : "?", host, clock_iso(now));
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return err_errno(err, ERR_DB, "%s: cannot write", path);
    return OK;
}

static enum status held(int fd, const char *db_path, struct err *err)
{
    struct lock_holder h;

    if (!read_holder(&h, fd))
        return err_set(err, ERR_DB,
                       "%s is in use by another qlaw run, which "
                       "is just starting",
                       db_path);
    return err_set(err, ERR_DB,
                   "%s is in use by another qlaw run (pid %lld on %s since "
                   "%s)",
                   db_path, (long long)h.process.pid, h.host, h.since);
}

/* On a network file system a lock need not reach another host: a line that
 * one has left there may mean that it still writes. */
static enum status check_host(const struct lock_holder *before,
                              const char *path, const char *db_path,
                              struct err *err)
{
    char *copy = mem_strdup(path);
    const char *fs = netfs_name(dirname(copy));
    char host[PROCESS_HOST];
    enum status st = OK;

    process_host(host);
    if (fs && strcmp(host, before->host) != 0)
        st = err_set(err, ERR_DB,
                     "%s is written by host %s (pid %lld since %s), and its "
                     "folder is on %s, where locks may not reach another "
                     "host; work there, or when that has ended remove %s",
                     db_path, before->host, (long long)before->process.pid,
                     before->since, fs, path);
    free(copy);
    return st;
}

enum status lock_take(struct lock *lock, const char *db_path, struct err *err)
{
    char *path = lock_path(db_path);
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct lock_holder before;
    enum status st = OK;

    *lock = (struct lock){
        .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                   0666)
    };
    if (lock->fd < 0) {
        st = err_errno(err, ERR_DB, "%s: cannot open", path);
    } else if (fcntl(lock->fd, F_OFD_SETLK, &whole) != 0) {
        st = errno == EAGAIN || errno == EACCES
                 ? held(lock->fd, db_path, err)
                 : err_errno(err, ERR_DB, "%s: cannot lock", path);
    } else {
        lock->unclean = read_holder(&before, lock->fd);
        if (lock->unclean)
            st = check_host(&before, path, db_path, err);
        if (st == OK)
            st = write_holder(lock->fd, path, err);
    }
    if (st != OK && lock->fd >= 0) {
        close(lock->fd);
        lock->fd = -1;
    }
    free(path);
    return st;
}

void lock_release(struct lock *lock)
{
    if (lock->fd < 0)
        return;
    if (ftruncate(lock->fd, 0) != 0)
        errno = 0; /* the next one checks the database, no more */
    close(lock->fd);
    lock->fd = -1;
}

static void say_waiting(const char *sentence)
{
    char *line = mem_printf("qlaw: %s; ^C ends this\n", sentence);

    say_text(stderr, line);
    free(line);
}

void lock_say_upgraded(const struct db *db)
{
    char *line;

    if (!db_copy_kept(db))
        return;
    line = mem_printf("qlaw: %s was of an older version and is upgraded; the "
                      "file as it was is %s\n",
                      db_path(db), db_copy_kept(db));
    say_text(stderr, line);
    free(line);
}

enum status lock_db(struct db **db, const char *db_path, struct err *err)
{
    const enum status st = db_open(db, db_path, DB_WRITE, err);

    if (st == OK) {
        db_set_waiting(*db, say_waiting);
        lock_say_upgraded(*db);
    }
    return st;
}

enum status lock_open(struct lock *lock, struct db **db, const char *db_path,
                      struct err *err)
{
    const enum status st = lock_take(lock, db_path, err);

    *db = NULL;
    return st == OK ? lock_db(db, db_path, err) : st;
}

bool lock_held(struct lock_holder *out, const char *db_path)
{
    char *path = lock_path(db_path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    bool is_held = false;

    free(path);
    *out = (struct lock_holder){ .process.pid = 0 };
    if (fd < 0)
        return false;
    if (fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
        is_held = true;
        read_holder(out, fd);
    }
    close(fd);
    return is_held;
}
