/* copy.c - the bytes of a database that is in use, as of one moment.
 *
 * A writer waits while somebody reads, so most of the work is done before: the
 * file is copied as it lies there, half-written pages and all, and then, while
 * no writer may commit, compared with the copy, and what differs is copied
 * again.  SQLite's own backup either keeps writers out for the whole copy or
 * begins anew whenever one was there, beside a scheduler for ever. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/place.h"
#include "db/statement.h"

#define BLOCK (1 << 16) /* stays in the processor's cache */

struct db_copy {
    int from, to;
    char *source, *target;
    char *have, *want; /* BLOCK bytes each */
};

static ssize_t read_block(int fd, char *block, off_t at)
{
    ssize_t n = 0, got = 1;

    while (n < BLOCK && got > 0) {
        got = pread(fd, block + n, (size_t)(BLOCK - n), at + n);
        n += got > 0 ? got : 0;
    }
    return got < 0 ? -1 : n;
}

static enum status write_block(const struct db_copy *c, ssize_t n, off_t at,
                               struct err *err)
{
    return lseek(c->to, at, SEEK_SET) == at
               ? file_write_all(c->to, c->want, (size_t)n, c->target, err)
               : err_errno(err, ERR_IO, "%s", c->target);
}

enum status db_copy_follow(const struct db_copy *c, struct err *err)
{
    off_t at = 0;
    ssize_t n;
    enum status st = OK;

    while (st == OK && (n = read_block(c->from, c->want, at)) > 0) {
        if (read_block(c->to, c->have, at) < n ||
            memcmp(c->have, c->want, (size_t)n) != 0)
            st = write_block(c, n, at, err);
        at += n;
    }
    if (st == OK && n < 0)
        st = err_errno(err, ERR_IO, "%s: cannot read", c->source);
    if (st == OK && ftruncate(c->to, at) != 0)
        st = err_errno(err, ERR_IO, "%s", c->target);
    return st;
}

/* A file that somebody turned to WAL holds not all there is. */
static enum status check_mode(struct db *db, struct err *err)
{
    int64_t wal;
    const enum status st = db_ask(
        &wal, db, "SELECT 1 FROM pragma_journal_mode WHERE journal_mode='wal'",
        NULL, err);

    return st == OK && wal
               ? err_set(err, ERR_DB,
                         "%s was set to journal_mode=WAL; 'qlaw db check' sets "
                         "it back",
                         db_path(db))
               : st;
}

/* While this transaction reads, nobody commits. */
static enum status follow_locked(const struct db_copy *c, struct db *db,
                                 struct err *err)
{
    enum status st = db_read_begin(db, err);

    if (st == OK)
        st = check_mode(db, err);
    if (st == OK)
        st = db_copy_follow(c, err);
    db_read_end(db);
    return st;
}

enum status db_copy_open(struct db_copy **out, const char *source,
                         const char *target, struct err *err)
{
    struct db_copy *c = mem_alloc(sizeof *c);

    *c = (struct db_copy){ .from = open(source, O_RDONLY | O_CLOEXEC),
                           .to = open(target, O_RDWR | O_CLOEXEC | O_NOFOLLOW),
                           .source = mem_strdup(source),
                           .target = mem_strdup(target),
                           .have = mem_alloc(BLOCK),
                           .want = mem_alloc(BLOCK) };
    *out = c;
    return c->from >= 0 && c->to >= 0
               ? OK
               : err_errno(err, ERR_IO, "%s", c->from < 0 ? source : target);
}

void db_copy_close(struct db_copy *c)
{
    if (!c)
        return;
    if (c->from >= 0)
        close(c->from);
    if (c->to >= 0)
        close(c->to);
    free(c->source);
    free(c->target);
    free(c->have);
    free(c->want);
    free(c);
}

bool db_copy_is(const struct db_copy *c, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    off_t at = 0;
    ssize_t n = -1, m = -1;

    while (fd >= 0 && (n = read_block(c->to, c->have, at)) > 0 &&
           (m = read_block(fd, c->want, at)) == n &&
           memcmp(c->have, c->want, (size_t)n) == 0)
        at += n;
    if (n == 0)
        m = read_block(fd, c->want, at);
    if (fd >= 0)
        close(fd);
    return n == 0 && m == 0;
}

enum status db_copy_bytes(struct db *db, const char *target, struct err *err)
{
    struct db_copy *c;
    enum status st = db_copy_open(&c, db_path(db), target, err);

    if (st == OK)
        st = db_copy_follow(c, err);
    if (st == OK)
        st = follow_locked(c, db, err);
    db_copy_close(c);
    return st;
}
