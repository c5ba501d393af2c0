/* coverage.c - what of a grid was run: arms against N and D; and what it
 * cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "harness/figures/plot.h"

/* --- coverage ------------------------------------------------------------- */

enum state { DONE, PART, DIVERGED, FAILED, LEFT_OUT, WAITING, STATE_COUNT };

/* A colour and a letter for each state, so that either tells. */
static const struct {
    const char *name, *mark;
    int hue;
    double shade; /* of the box, for the letter's colour */
} states[STATE_COUNT] = {
    { "all seeds done", "", 2, 0 }, { "some seeds done", "p", 5, 1 },
    { "diverged", "d", 1, 0 },      { "failed", "f", 3, 1 },
    { "left out", "x", 6, 1 },      { "not run yet", "\u00b7", 7, 0 },
};

#define MAX_ROWS    40
#define MAX_COLUMNS 48

struct cell_key {
    double n, d;
};

struct coverage {
    const struct plot_data *d;
    struct cell_key columns[MAX_COLUMNS];
    const char *rows[MAX_ROWS];
    int n_columns, n_rows, all_rows;
};

static const char *arm_of(const struct plot_point *p)
{
    return p->base ? p->family : *p->arm ? p->arm : p->fmt;
}

static int by_size(const void *a, const void *b)
{
    const struct cell_key *x = a, *y = b;

    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return (x->d > y->d) - (x->d < y->d);
}

static void find_axes(struct coverage *c)
{
    for (int i = 0; i < c->d->n; i++) {
        const struct plot_point *p = &c->d->points[i];
        bool column = c->n_columns < MAX_COLUMNS, row = true;

        for (int k = 0; k < c->n_columns; k++)
            column =
                column && (c->columns[k].n != p->N || c->columns[k].d != p->D);
        for (int k = 0; k < c->n_rows; k++)
            row = row && strcmp(c->rows[k], arm_of(p)) != 0;
        if (column)
            c->columns[c->n_columns++] = (struct cell_key){ p->N, p->D };
        if (row && c->n_rows < MAX_ROWS)
            c->rows[c->n_rows++] = arm_of(p);
        c->all_rows += row;
    }
    qsort(c->columns, (size_t)c->n_columns, sizeof *c->columns, by_size);
}

static enum state state_of(const struct plot_point *p)
{
    return p->runs > 0 && p->done == p->runs ? DONE
           : p->diverged                     ? DIVERGED
           : p->failed                       ? FAILED
           : p->done                         ? PART
           : p->left_out                     ? LEFT_OUT
                                             : WAITING;
}

static void add_cells(struct picture *p, const struct coverage *c,
                      int count[STATE_COUNT])
{
    for (int i = 0; i < c->d->n; i++) {
        const struct plot_point *q = &c->d->points[i];
        const enum state s = state_of(q);
        int col = -1, row = -1;

        if (q->runs == 0) /* another grid's twin */
            continue;
        for (int k = 0; k < c->n_columns; k++)
            if (c->columns[k].n == q->N && c->columns[k].d == q->D)
                col = k;
        for (int k = 0; k < c->n_rows; k++)
            if (strcmp(c->rows[k], arm_of(q)) == 0)
                row = c->n_rows - 1 - k;
        count[s]++;
        if (col < 0 || row < 0)
            continue;
        picture_box(p, &(struct picture_box){ 0, (int)s, col - 0.44, col + 0.44,
                                              row - 0.42, row + 0.42, -1 });
        if (*states[s].mark)
            picture_mark(p, 0, -1, col, row, states[s].shade, states[s].mark);
    }
}

/* One tic for the columns of a size. */
static void size_tics(struct picture_axis *a, const struct coverage *c)
{
    for (int first = 0, k = 0; k < c->n_columns; k++) {
        char buf[32];

        if (k + 1 < c->n_columns && c->columns[k + 1].n == c->columns[first].n)
            continue;
        picture_tic(a, (first + k) / 2.0, text_si(buf, c->columns[first].n, 3));
        first = k + 1;
    }
}

static void say_counts(struct picture *p, const int count[STATE_COUNT])
{
    struct str s = { 0 };
    int n = 0;

    for (int i = 0; i < STATE_COUNT; i++)
        n += count[i];

    str_addf(&s, "%d of %d points have all seeds done", count[DONE], n);
    for (int i = DONE + 1; i < STATE_COUNT; i++)
        if (count[i])
            str_addf(&s, "; %s: %d", states[i].name, count[i]);
    picture_say(&p->finding, "%s.", str_text(&s));
    str_release(&s);
}

PLOT_BUILDER(plot_coverage)
{
    struct coverage c = { .d = d };
    int count[STATE_COUNT] = { 0 };
    struct picture *p;

    (void)choice;
    find_axes(&c);
    if (c.n_rows == 0)
        return err_set(err, ERR_USAGE, "the grid has no point");
    p = picture_new("Coverage: what was run of the grid");
    picture_panel(p, "",
                  "model size N; within each, more tokens D to the right",
                  false, "", false);
    for (int s = 0; s < STATE_COUNT; s++)
        picture_series(p, states[s].name, states[s].hue);
    add_cells(p, &c, count);
    for (int k = 0; k < c.n_rows; k++)
        picture_tic(&p->panels[0].y, c.n_rows - 1 - k, c.rows[k]);
    size_tics(&p->panels[0].x, &c);
    picture_range(&p->panels[0].x, -0.7, c.n_columns - 0.3);
    picture_range(&p->panels[0].y, -0.7, c.n_rows - 0.3);
    p->height = 150 + 22.0 * c.n_rows;
    if (c.n_rows < c.all_rows)
        picture_say(&p->note, "%d of %d arms are shown.", c.n_rows, c.all_rows);
    picture_say(&p->source, "select arm, N, D, state, count(*) from runs group "
                            "by arm, N, D, state");
    say_counts(p, count);
    *out = p;
    return OK;
}

/* --- cost ----------------------------------------------------------------- */

/* Seconds of one run against the operations that were planned for it; the line
 * is the median speed. */
static double median_speed(const struct plot_data *d)
{
    double *speed = mem_array((size_t)d->n + 1, sizeof *speed), m;
    int n = 0;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (p->done && p->wall_s > 0 && p->flops > 0)
            speed[n++] = p->flops * p->done / p->wall_s;
    }
    qsort(speed, (size_t)n, sizeof *speed, order_doubles);
    m = n ? speed[n / 2] : (double)NAN;
    free(speed);
    return m;
}

static void speed_line(struct picture *p, double speed)
{
    const double lo = p->panels[0].x.lo, hi = p->panels[0].x.hi;
    const int c = picture_curve(p, 0, -1, LOOK_THIN);

    picture_to(p, c, lo, lo / speed);
    picture_to(p, c, hi, hi / speed);
}

PLOT_BUILDER(plot_cost)
{
    const double speed = median_speed(d);
    double planned = 0, spent = 0, seconds = 0;
    char a[32], b[32], s[32], t[32];
    struct picture *p;

    (void)choice;
    if (isnan(speed))
        return err_set(err, ERR_USAGE, "no run has finished");
    p = picture_new("Cost: planned operations and the time they took");
    picture_panel(p, "", "planned operations of a run", true,
                  "seconds of a run", true);
    picture_series(p, "unquantized", -1);
    picture_series(p, "quantized", 0);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        planned += q->flops * q->runs;
        spent += q->flops * q->done;
        seconds += isfinite(q->slot_s) ? q->slot_s : 0;
        if (q->done)
            picture_point(p, 0, !q->base, q->flops, q->wall_s / q->done, 0);
    }
    speed_line(p, speed);
    picture_say(&p->subtitle,
                "line: the median, %s operations a second and slot",
                text_si(s, speed, 3));
    picture_say(&p->source, "select flops, wall_s from runs where state = "
                            "'done'");
    picture_say(&p->finding,
                "%s of %s planned operations are spent, in %s of "
                "all slots together; the median run does %s "
                "operations a second.",
                text_si(a, spent, 3), text_si(b, planned, 3),
                text_duration(t, seconds), s);
    *out = p;
    return OK;
}
