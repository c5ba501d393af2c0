#include "harness/slurm/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/proto/bundle.h"
#include "harness/proto/claimed.h"

#define SPOOL_LIMIT ((size_t)256 << 20)

/* --- what a node has recorded
 * --------------------------------------------------- */

static void on_begin(void *ctx, const struct attempt_begin *b)
{
    struct spool *s = ctx;

    s->inside = strcmp(b->token, s->claim->token) == 0;
    if (!s->inside)
        return;
    s->begun = true;
    s->ended = false;
    s->first = true;
    s->final = (struct metrics_line){ .loss = NAN };
    if (s->journal)
        journal_begin(s->journal, s->claim->run_id, b, s->log_path);
}

static void on_line(void *ctx, const struct metrics_line *m)
{
    struct spool *s = ctx;

    if (!s->inside)
        return;
    if (m->final) {
        s->final = *m;
        s->final.extra = NULL; /* the reader's, who frees it */
        s->final.n_extra = 0;
    } else {
        s->step = m->step;
    }
    s->points += !m->final;
    if (s->journal)
        journal_line(s->journal, s->claim->run_id, m, s->first);
    if (!m->final)
        s->first = false;
}

static void on_end(void *ctx, int number, const struct attempt_end *e)
{
    struct spool *s = ctx;

    (void)number;
    if (!s->inside)
        return;
    s->ended = true;
    s->end = *e;
}

static void on_damaged(void *ctx, const char *path, int64_t line)
{
    struct spool *s = ctx;

    (void)path;
    s->inside = false;
    if (s->damaged == 0)
        s->damaged = line;
}

void spool_read(struct spool *s)
{
    const struct record_reader reader = { .begin = on_begin,
                                          .line = on_line,
                                          .end = on_end,
                                          .damaged = on_damaged,
                                          .ctx = s };

    s->inside = s->begun = s->ended = false;
    s->damaged = 0;
    s->points = 0;
    s->step = 0;
    s->final = (struct metrics_line){ .loss = NAN };
    record_read_file(s->path, &reader, NULL);
    /* What says that it is done has a loss. */
    if (s->ended && s->end.state == RUN_DONE && !isfinite(s->final.loss) &&
        s->damaged == 0)
        s->damaged = 1;
}

/* --- holding it
 * -------------------------------------------------------------------- */

void spool_init(struct spool *s, const char *root, const struct claim *claim)
{
    *s = (struct spool){ .claim = claim, .fd = -1 };
    s->folder = record_folder_in(root, claim->point, claim->seed);
    s->path = bundle_claim(s->folder, claim->token);
    s->log_path = mem_printf("%s/log.txt", s->folder);
}

void spool_release(struct spool *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->folder);
    free(s->path);
    free(s->log_path);
}

static int open_file(struct spool *s)
{
    const int fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat sb;

    if (fd < 0)
        s->lock = errno == ENOENT ? LOCK_FREE : LOCK_NONE;
    s->quiet_s = fd >= 0 && fstat(fd, &sb) == 0
                     ? difftime(time(NULL), sb.st_mtim.tv_sec)
                     : 0;
    return fd;
}

void spool_look(struct spool *s)
{
    const int fd = open_file(s);

    if (fd < 0)
        return;
    s->lock = record_lock_look(fd);
    close(fd);
}

void spool_hold(struct spool *s)
{
    s->fd = open_file(s);
    if (s->fd >= 0)
        s->lock = record_lock(s->fd);
}

/* --- into the run's own records
 * --------------------------------------------------- */

/* A line that somebody who was killed did not finish. */
static bool ends_torn(int fd)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    char last = '\n';

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* What the file says, and how it ended. */
static enum status records_of(struct str *out, const struct spool *s,
                              const struct attempt_end *e, struct err *err)
{
    enum status st = file_read(out, s->path, SPOOL_LIMIT, err);
    char *line;

    if (st == OK && out->len > 0 && out->data[out->len - 1] != '\n')
        str_add_char(out, '\n');
    if (st == OK && !s->ended) {
        line = record_end_line(s->claim->number, e);
        str_addf(out, "%s\n", line);
        free(line);
    }
    return st;
}

enum status spool_merge(bool *busy, const struct spool *s,
                        const struct attempt_end *e, struct err *err)
{
    char *path = mem_printf("%s/metrics.jsonl", s->folder);
    const int fd = record_claim(busy, s->folder, true);
    struct claimed there = { .over = false };
    struct str text = { 0 };
    enum status st = OK;

    if (fd < 0 && !*busy)
        st = err_errno(err, ERR_IO, "%s", path);
    if (fd >= 0)
        there = claimed_look(path, s->claim->token);
    /* An attempt that was taken for lost may have come to its end since. */
    if (fd >= 0 && (!there.over || (e->state == RUN_DONE && !there.done))) {
        if (ends_torn(fd))
            str_add_char(&text, '\n');
        st = records_of(&text, s, e, err);
        if (st == OK)
            st = file_write_all(fd, text.data, text.len, path, err);
    }
    if (fd >= 0)
        close(fd);
    str_release(&text);
    free(path);
    return st;
}

/* --- never to be begun
 * --------------------------------------------------------------- */

static enum status set_mark(const char *folder, const char *token,
                            struct err *err)
{
    char *path = bundle_cancel(folder, token);
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    enum status st = OK;

    if (fd < 0)
        st = err_errno(err, ERR_IO, "%s", path);
    else
        close(fd);
    free(path);
    return st;
}

enum status spool_fence(bool *done, const char *folder, const char *token,
                        struct err *err)
{
    char *path = bundle_claim(folder, token);
    struct stat sb;
    enum status st = OK;
    int fd = -1;

    *done = false;
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                  0666);
    if (fd < 0)
        st = err_errno(err, ERR_IO, "%s", path);
    else if (record_lock(fd) != LOCK_HELD && !claimed_look(path, token).begun) {
        st = set_mark(folder, token, err);
        *done = st == OK;
    }
    if (*done && fstat(fd, &sb) == 0 && sb.st_size == 0)
        unlink(path);
    if (fd >= 0)
        close(fd);
    free(path);
    return st;
}
