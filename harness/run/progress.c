#include "harness/run/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/out.h"
#include "base/str.h"
#include "base/wrap.h"

#define BAR      30 /* at most */
#define REDRAW_S 0.2
#define PLAIN_S  60 /* between plain lines, */
#define STEP_S   2  /* when a tenth of the work is done */
#define MAX_ROWS 16 /* slots shown */

struct progress {
    const struct session *session;
    bool terminal;
    int rows; /* lines on the screen */
    double last_s, last_share;
};

struct progress *progress_open(const struct session *session)
{
    struct progress *p = mem_alloc(sizeof *p);

    p->session = session;
    p->terminal = session_is_terminal(STDERR_FILENO);
    p->last_s = -1e9;
    return p;
}

static void up_and_clear(int rows)
{
    char sequence[32];

    snprintf(sequence, sizeof sequence, "\033[%dA\r\033[J", rows);
    out_control(stderr, sequence);
}

void progress_clear(struct progress *p)
{
    if (p && p->rows > 0)
        up_and_clear(p->rows);
    if (p)
        p->rows = 0;
}

void progress_close(struct progress *p)
{
    if (!p)
        return;
    progress_clear(p);
    free(p);
}

static double share(const struct progress_state *s)
{
    return s->flops_total > 0
               ? fmin(1, (s->flops_done + s->flops_running) / s->flops_total)
               : 1;
}

/* Seconds to go: from what finished runs took, or before there are any at
 * this session's speed; NaN before there is one. */
static double left(const struct progress_state *s)
{
    const double spent = clock_monotonic() - s->started_s;
    const double have = s->flops_done + s->flops_running;
    const double did = have - s->flops_at_start;

    if (!isnan(s->left_s))
        return s->left_s;
    if (did <= 0 || spent < 1)
        return NAN;
    return (s->flops_total - have) * spent / did;
}

static void counts(struct str *out, const struct progress_state *s)
{
    char a[32];
    const double to_go = left(s);

    str_addf(out, "%d/%d  %.0f%% of FLOPs  elapsed %s",
             s->done + s->diverged + s->failed, s->total, 100 * share(s),
             text_duration(a, clock_monotonic() - s->started_s));
    if (!isnan(to_go))
        str_addf(out, "  left %s", text_duration(a, to_go));
    if (s->diverged)
        str_addf(out, "  diverged %d", s->diverged);
    if (s->failed)
        str_addf(out, "  failed %d", s->failed);
    if (s->stopping)
        str_add(out, "  stopping");
}

static int columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col
                                                                      : 80;
}

static void put_row(struct progress *p, struct str *row)
{
    struct str shown = { 0 };

    str_add_shown(&shown, str_text(row), (size_t)columns() - 1);
    fprintf(stderr, "%s\n", str_text(&shown));
    str_release(&shown);
    str_clear(row);
    p->rows++;
}

/* The name and the bar have what the counts leave of a row. */
static void add_bar(struct str *row, const struct progress_state *s)
{
    struct str end = { 0 };
    int bar, full;

    counts(&end, s);
    str_add_label(row, s->grid, 16);
    bar = columns() - 1 - (int)(row->len + end.len + strlen("  []  "));
    bar = bar < 5 ? 5 : bar > BAR ? BAR : bar;
    full = (int)(share(s) * bar);
    str_add(row, "  [");
    for (int i = 0; i < bar; i++)
        str_add_char(row, i < full ? '#' : '.');
    str_addf(row, "]  %s", str_text(&end));
    str_release(&end);
}

static void redraw(struct progress *p, const struct progress_state *s)
{
    struct str row = { 0 };

    progress_clear(p);
    add_bar(&row, s);
    put_row(p, &row);
    for (int i = 0; i < s->n_runs && i < MAX_ROWS; i++) {
        const struct progress_run *r = &s->runs[i];

        if (!r->busy)
            continue;
        str_addf(&row, "  %s  step %.0f/%.0f", r->label, r->step, r->steps);
        if (!isnan(r->loss))
            str_addf(&row, "  loss %.3f", r->loss);
        put_row(p, &row);
    }
    str_release(&row);
}

static void plain(const struct progress_state *s)
{
    struct str row = { 0 };
    char *line;

    counts(&row, s);
    line = mem_printf("%s: %s\n", s->grid, str_text(&row));
    say_text(stderr, line);
    free(line);
    str_release(&row);
}

void progress_show(struct progress *p, const struct progress_state *s,
                   bool force)
{
    const double now = clock_monotonic();

    if (p->session->verbosity < 0)
        return;
    if (p->terminal) {
        if (!force && now - p->last_s < REDRAW_S)
            return;
        redraw(p, s);
    } else {
        const bool step = share(s) - p->last_share >= 0.1;

        if (p->last_s < 0) { /* the first line comes after some work */
            p->last_s = now;
            p->last_share = share(s);
            return;
        }
        if (!force && now - p->last_s < (step ? STEP_S : PLAIN_S))
            return;
        plain(s);
        p->last_share = share(s);
    }
    p->last_s = now;
    fflush(stderr);
}
