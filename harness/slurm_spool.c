#include "harness/slurm_spool.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define SPOOL_LIMIT ((size_t)256 << 20)

/* --- what a node has recorded --------------------------------------------------- */

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

void spool_read(struct spool *s)
{
    const struct record_reader reader = { .begin = on_begin, .line = on_line,
                                          .end = on_end, .ctx = s };

    s->inside = s->begun = s->ended = false;
    s->points = 0;
    s->step = 0;
    s->final = (struct metrics_line){ .loss = NAN };
    record_read_file(s->path, &reader, NULL);
}

/* --- into the run's own records --------------------------------------------------- */

static bool contains_token(const char *path, const char *token)
{
    struct str text = { 0 };
    const bool yes = file_read(&text, path, SPOOL_LIMIT, NULL) == OK &&
                     strstr(str_text(&text), token) != NULL;

    str_release(&text);
    return yes;
}

enum status spool_merge(const struct spool *s, const char *folder,
                        const struct attempt_end *e, struct err *err)
{
    char *path = mem_printf("%s/metrics.jsonl", folder), *line;
    struct str text = { 0 };
    enum status st = OK;
    int fd;

    if (contains_token(path, s->claim->token)) {
        free(path);
        return OK;
    }
    st = file_read(&text, s->path, SPOOL_LIMIT, err);
    if (st == OK && text.len > 0 && text.data[text.len - 1] != '\n')
        str_add_char(&text, '\n');
    if (!s->ended) {
        line = record_end_line(s->claim->number, e);
        str_addf(&text, "%s\n", line);
        free(line);
    }
    fd = st == OK ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
                                   O_NOFOLLOW,
                         0666)
                  : -1;
    if (st == OK && fd < 0)
        st = err_errno(err, ERR_IO, "%s", path);
    if (st == OK)
        st = file_write_all(fd, text.data, text.len, path, err);
    if (fd >= 0)
        close(fd);
    str_release(&text);
    free(path);
    return st;
}
