#include "harness/proto/claimed.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct search {
    const char *token;
    struct claimed found;
    bool inside;
};

static void find_begin(void *ctx, const struct attempt_begin *b)
{
    struct search *s = ctx;

    s->inside = strcmp(b->token, s->token) == 0;
    s->found.begun = s->found.begun || s->inside;
}

static void find_end(void *ctx, int number, const struct attempt_end *e)
{
    struct search *s = ctx;

    (void)number;
    s->found.over = s->found.over || s->inside;
    s->found.done = s->found.done || (s->inside && e->state == RUN_DONE);
}

struct claimed claimed_look(const char *path, const char *token)
{
    struct search s = { .token = token };
    const struct record_reader reader = { .begin = find_begin,
                                          .end = find_end,
                                          .ctx = &s };

    record_read_file(path, &reader, NULL);
    return s.found;
}

/* The last attempt of a file of a worker. */
struct last {
    char token[RECORD_TOKEN];
    bool result, done, damaged;
};

static void last_begin(void *ctx, const struct attempt_begin *b)
{
    struct last *l = ctx;

    memcpy(l->token, b->token, sizeof l->token);
    l->result = l->done = false;
}

static void last_end(void *ctx, int number, const struct attempt_end *e)
{
    struct last *l = ctx;

    (void)number;
    l->done = e->state == RUN_DONE;
    l->result = l->done || e->state == RUN_DIVERGED;
}

static void last_damaged(void *ctx, const char *path, int64_t line)
{
    (void)path;
    (void)line;
    ((struct last *)ctx)->damaged = true;
}

/* Does a worker's file hold what the records of its run lack? */
static bool is_news(const char *path, const char *records)
{
    struct last l = { .result = false };
    const struct record_reader reader = {
        .begin = last_begin, .end = last_end, .damaged = last_damaged, .ctx = &l
    };
    struct claimed there;

    record_read_file(path, &reader, NULL);
    if (!l.result)
        return l.damaged;
    there = claimed_look(records, l.token);
    return !there.over || (l.done && !there.done);
}

void claimed_tell_results(const char *folder, const struct record_reader *r)
{
    char *records = mem_printf("%s/metrics.jsonl", folder);
    DIR *d = opendir(folder);
    const struct dirent *e;

    while (d && (e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);

        if (text_has_prefix(e->d_name, "claim-") &&
            text_has_suffix(path, ".jsonl") && is_news(path, records))
            record_read_file(path, r, NULL);
        free(path);
    }
    if (d)
        closedir(d);
    free(records);
}
