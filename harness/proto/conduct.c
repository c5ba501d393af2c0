#include "harness/proto/conduct.h"

#include <stdlib.h>

#define AFTER_FINAL_S 60 /* a trainer has said all; then it is ended */

char **conduct_command(const char *program, const struct attempt *a,
                       const struct texts *more)
{
    const char *const first[] = { program,        "train", "--config",
                                  a->config_path, "--dir", a->folder };
    const int n_first = sizeof first / sizeof first[0];
    const int n = n_first + more->n;
    char **words = mem_array((size_t)n + 1, sizeof *words);

    for (int i = 0; i < n_first; i++)
        words[i] = mem_strdup(first[i]);
    for (int i = 0; i < more->n; i++)
        words[n_first + i] = mem_strdup(more->text[i]);
    return words;
}

bool conduct_line(struct sched *s, const void *user, struct attempt *a,
                  const char *line, size_t n, bool whole,
                  void (*told)(void *ctx, const struct metrics_line *m,
                               bool first),
                  void *ctx)
{
    const bool first = a->first;
    struct metrics_line m;

    switch (attempt_line(a, &m, line, n, whole)) {
    case LINE_POINT:
    case LINE_FINAL:
        if (told)
            told(ctx, &m, first);
        metrics_line_release(&m);
        if (a->final.final)
            sched_let_end(s, user, AFTER_FINAL_S);
        return true;
    case LINE_REFUSED:
        return false;
    case LINE_ODD:
        return true;
    }
    return true;
}

struct attempt_end conduct_end(const struct attempt *a,
                               const struct sched_exit *e,
                               const struct verdict *v)
{
    struct attempt_end end = { .outcome = v->outcome,
                               .exit_code = e->exit_code,
                               .term_signal = e->term_signal,
                               .wall_s = e->wall_s,
                               .cpu_s = e->cpu_s,
                               .max_rss = e->max_rss };

    attempt_explain(end.message, sizeof end.message, a, e, v);
    return end;
}
