/* versus.c - loss, or loss above the twin, against one of N, D and G. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/versus.h"

#define SAMPLES 64 /* of a law's curve */

/* --- drawing -------------------------------------------------------------- */

/* The unquantized twins have no group: where lines are groups they are the
 * grey line. */
static bool in_cell(const struct versus *q, int point, int panel, int line)
{
    const struct plot_point *p = &q->d->points[point];
    bool ok = versus_shown(q, p) && q->level[q->x][point] >= 0;

    for (int v = 0; v < VERSUS_VARS; v++)
        if ((enum versus_var)v != q->line && (enum versus_var)v != q->panel)
            ok = ok &&
                 (q->fixed[v] < 0 ||
                  versus_matches(q, point, (enum versus_var)v, q->fixed[v]));
    ok = ok && versus_matches(q, point, q->panel, panel);
    return ok &&
           (q->line == VERSUS_G && p->base ? line < 0
                                           : q->level[q->line][point] == line);
}

static double x_of(const struct versus *q, const struct plot_point *p)
{
    return versus_number(q->x, p);
}

static void set_x(const struct versus *q, struct plot_point *p, double x)
{
    if (q->x == VERSUS_N)
        p->N = x;
    else if (q->x == VERSUS_D)
        p->D = x;
    else
        p->G = x;
}

struct cell {
    int *points, n;
    double lo, hi; /* of x */
};

static struct cell find_cell(const struct versus *q, int panel, int line)
{
    struct cell c = { NULL, 0, HUGE_VAL, -HUGE_VAL };

    c.points = mem_array((size_t)q->d->n + 1, sizeof *c.points);
    for (int i = 0; i < q->d->n; i++) {
        const double x = x_of(q, &q->d->points[i]);

        if (isnan(x) || !in_cell(q, i, panel, line))
            continue;
        c.points[c.n++] = i;
        c.lo = fmin(c.lo, x);
        c.hi = fmax(c.hi, x);
    }
    return c;
}

/* The law through a cell, drawn from its first to its last x. */
static bool add_law(const struct versus *q, const struct cell *c, int panel,
                    int series)
{
    struct plot_point at = q->d->points[c->points[0]];
    int curve;

    at.flops = (double)NAN; /* would depend on N and D in its own way */
    if (isnan(q->delta ? plot_fit_delta(q->d->fit, &at)
                       : plot_fit_loss(q->d->fit, &at)))
        return false;
    curve = picture_curve(q->p, panel, series, LOOK_LINE);
    for (int i = 0; i < SAMPLES; i++) {
        const double x = c->lo * pow(c->hi / c->lo, i / (SAMPLES - 1.0));

        set_x(q, &at, x);
        picture_to(q->p, curve, x,
                   q->delta ? plot_fit_delta(q->d->fit, &at)
                            : plot_fit_loss(q->d->fit, &at));
    }
    return true;
}

static int compare_x(const void *a, const void *b, void *ctx)
{
    const struct versus *q = ctx;
    const double x = x_of(q, &q->d->points[*(const int *)a]);
    const double y = x_of(q, &q->d->points[*(const int *)b]);

    return (x > y) - (x < y);
}

static double y_of(const struct versus *q, int point)
{
    return q->delta ? q->d->points[point].delta : q->d->points[point].loss;
}

/* Without a law the means at each x are joined by thin lines. */
static void join_points(const struct versus *q, const struct cell *c, int panel,
                        int series)
{
    const int curve = picture_curve(q->p, panel, series, LOOK_THIN);

    for (int i = 0; i < c->n;) {
        const double x = x_of(q, &q->d->points[c->points[i]]);
        double sum = 0;
        int k = i;

        for (; k < c->n && x_of(q, &q->d->points[c->points[k]]) == x; k++)
            sum += y_of(q, c->points[k]);
        picture_to(q->p, curve, x, sum / (k - i));
        i = k;
    }
}

/* The twins' loss beside a line against G. */
static void add_twins(const struct versus *q, const struct cell *c, int panel,
                      int series)
{
    const struct plot_point *like = &q->d->points[c->points[0]];

    for (int i = 0; i < q->d->n; i++) {
        const struct plot_point *p = &q->d->points[i];

        if (p->base && p->N == like->N && p->D == like->D &&
            isfinite(p->loss)) {
            const int curve = picture_curve(q->p, panel, series, LOOK_THIN);

            picture_to(q->p, curve, c->lo, p->loss);
            picture_to(q->p, curve, c->hi, p->loss);
            return;
        }
    }
}

static bool add_cell(struct versus *q, int panel, int line, int series)
{
    struct cell c = find_cell(q, q->panels[panel], line);
    bool law = false;

    qsort_r(c.points, (size_t)c.n, sizeof *c.points, compare_x, q);
    for (int i = 0; i < c.n; i++) {
        const struct plot_point *p = &q->d->points[c.points[i]];

        picture_point(q->p, panel, series, x_of(q, p), y_of(q, c.points[i]),
                      q->delta ? p->delta_se : p->se);
    }
    if (c.n > 0 && c.hi > c.lo) {
        law = add_law(q, &c, panel, series);
        if (!law)
            join_points(q, &c, panel, series);
        if (q->x == VERSUS_G && !q->delta)
            add_twins(q, &c, panel, series);
    }
    free(c.points);
    return law;
}

static void add_series(struct versus *q)
{
    int steps = 0;

    for (int i = 0; i < q->n_lines; i++) {
        const struct level *l = &q->levels[q->line][q->lines[i]];

        if (q->line == VERSUS_FMT)
            picture_series(q->p, l->text,
                           strcmp(l->text, "unquantized") == 0 ? -1 : steps++);
        else
            picture_step(q->p, l->text, i, q->n_lines);
    }
    picture_say(&q->p->key_title, "%s",
                q->line == VERSUS_FMT ? "" : versus_names[q->line].name);
}

static bool draw(struct versus *q)
{
    bool law = false;

    add_series(q);
    for (int i = 0; i < q->n_panels; i++) {
        const struct level *l = &q->levels[q->panel][q->panels[i]];
        char *title =
            q->panel == VERSUS_FMT
                ? mem_strdup(l->text)
                : mem_printf("%s = %s", versus_names[q->panel].name, l->text);

        picture_panel(
            q->p, q->n_panels > 1 ? title : "", versus_names[q->x].label, true,
            q->delta ? "loss above twin (nats/token)" : "loss (nats/token)",
            false);
        free(title);
        if (q->x == VERSUS_G)
            plot_group_tics(&q->p->panels[i].x, q->d);
        for (int k = 0; k < q->n_lines; k++)
            law |= add_cell(q, i, q->lines[k], k);
        if (q->line == VERSUS_G && !q->delta)
            law |= add_cell(q, i, -1, -1);
    }
    return law;
}

/* A cost that is a power law is straight on a logarithmic axis, but only
 * positive numbers have a place there. */
static void choose_scale(struct versus *q)
{
    bool positive = q->delta;

    for (int i = 0; i < q->p->n_points; i++)
        positive = positive && q->p->points[i].y > 0;
    for (int i = 0; positive && i < q->p->n_panels; i++)
        picture_log_y(q->p, i);
    q->p->share_x = q->p->share_y = true;
    if (q->delta && !positive)
        for (int i = 0; i < q->p->n_panels; i++) {
            const int zero = picture_curve(q->p, i, -1, LOOK_THIN);

            picture_to(q->p, zero, q->p->panels[i].x.lo, 0);
            picture_to(q->p, zero, q->p->panels[i].x.hi, 0);
        }
}

/* --- words ---------------------------------------------------------------- */

static void add_subtitle(struct versus *q, bool law)
{
    struct str s = { 0 };

    for (int v = 0; v < VERSUS_VARS; v++) {
        const bool single =
            ((enum versus_var)v == q->panel && q->n_panels == 1) ||
            ((enum versus_var)v == q->line && q->n_lines == 1);
        const int level = (enum versus_var)v == q->panel  ? q->panels[0]
                          : (enum versus_var)v == q->line ? q->lines[0]
                                                          : q->fixed[v];

        if ((enum versus_var)v == q->x || level < 0 ||
            (q->fixed[v] < 0 && !single))
            continue;
        str_add(&s, s.len ? ", " : "");
        if (v != VERSUS_FMT)
            str_addf(&s, "%s = ", versus_names[v].name);
        str_add(&s, q->levels[v][level].text);
    }
    if (q->n_lines > 1 && q->line != VERSUS_FMT)
        str_addf(&s, "%slines by %s", s.len ? "; " : "",
                 versus_names[q->line].name);
    if (law)
        str_addf(&s, "%scurves: %s, fit %lld", s.len ? "; " : "",
                 q->d->fit->law, (long long)q->d->fit->id);
    picture_say(&q->p->subtitle, "%s", str_text(&s));
    str_release(&s);
}

static void add_note(struct versus *q)
{
    bool bars = false;

    for (int i = 0; i < q->p->n_points; i++)
        bars = bars || !isnan(q->p->points[i].lo);
    if (bars)
        picture_add(&q->p->note, "Bars: one standard error over seeds.");
    if (q->x == VERSUS_G && !q->delta)
        picture_add(&q->p->note, "Thin lines: the unquantized twins.");
    if (q->n_lines < q->n_levels[q->line] && q->fixed[q->line] < 0)
        picture_add(&q->p->note, "%d of %d values of %s are shown.", q->n_lines,
                    q->n_levels[q->line], versus_names[q->line].name);
    if (q->n_panels < q->n_levels[q->panel] && q->fixed[q->panel] < 0)
        picture_add(&q->p->note, "%d of %d panels are shown.", q->n_panels,
                    q->n_levels[q->panel]);
}

/* What the last line of a panel does from its first to its last x. */
static void add_finding(struct versus *q, int panel)
{
    const struct picture_point *first = NULL, *last = NULL;
    char from[32], to[32], *line = NULL;

    for (int i = 0; i < q->p->n_points; i++) {
        const struct picture_point *p = &q->p->points[i];

        if (p->panel != panel || (last && p->series < last->series))
            continue;
        if (!last || p->series > last->series)
            first = last = p;
        first = p->x < first->x ? p : first;
        last = p->x > last->x ? p : last;
    }
    if (!first || first->x == last->x)
        return;
    if (q->n_lines > 1 && last->series >= 0)
        line =
            mem_printf(" with %s%s%s",
                       q->line == VERSUS_FMT ? "" : versus_names[q->line].name,
                       q->line == VERSUS_FMT ? "" : " = ",
                       q->p->series[last->series].name);
    picture_add(&q->p->finding, "%s%s: %.3g at %s = %s, %.3g at %s = %s.",
                q->levels[q->panel][q->panels[panel]].text, line ? line : "",
                first->y, versus_names[q->x].name, text_si(from, first->x, 3),
                last->y, versus_names[q->x].name, text_si(to, last->x, 3));
    free(line);
}

/* A figure against a variable needs two values of it. */
static bool spreads(const struct picture *p)
{
    for (int i = 1; i < p->n_points; i++)
        if (p->points[i].x != p->points[0].x)
            return true;
    return false;
}

static enum status build(struct picture **out, const struct plot_data *d,
                         const struct plot_choice *choice, enum versus_var x,
                         bool delta, struct err *err)
{
    struct versus q = { .d = d, .delta = delta, .x = x };
    char *title = mem_printf("%s against %s",
                             delta ? "Loss above the unquantized twin"
                                   : "Validation loss",
                             x == VERSUS_N   ? "model size"
                             : x == VERSUS_D ? "training tokens"
                                             : "group size");
    enum status st = versus_choose(&q, choice, err);

    q.p = picture_new(title);
    free(title);
    if (st == OK) {
        const bool law = draw(&q);

        choose_scale(&q);
        add_subtitle(&q, law);
        add_note(&q);
        picture_add(&q.p->finding, "%s.", q.p->title);
        for (int i = 0; i < q.n_panels && i < 3; i++)
            add_finding(&q, i);
        picture_say(&q.p->source, "select N, D, G, fmt, arm, seeds, %s from %s",
                    delta ? "delta, delta_se" : "loss, se",
                    delta ? "degradation" : "points");
        if (st == OK && !picture_is_empty(q.p) && !spreads(q.p))
            st = err_set(err, ERR_USAGE, "all runs have the same %s",
                         versus_names[x].name);
        if (picture_is_empty(q.p))
            st = err_set(err, ERR_USAGE, "no finished run with %s to show%s",
                         x == VERSUS_G ? "a group size" : "a loss",
                         delta ? " beside its unquantized twin" : "");
    }
    if (st == OK) {
        *out = q.p;
        q.p = NULL;
    }
    picture_free(q.p);
    versus_release(&q);
    return st;
}

#define FIGURE(function, x, delta)                                             \
    PLOT_BUILDER(function)                                                     \
    {                                                                          \
        return build(out, d, choice, x, delta, err);                           \
    }

FIGURE(plot_loss_n, VERSUS_N, false)
FIGURE(plot_loss_d, VERSUS_D, false)
FIGURE(plot_loss_g, VERSUS_G, false)
FIGURE(plot_delta_n, VERSUS_N, true)
FIGURE(plot_delta_d, VERSUS_D, true)
FIGURE(plot_delta_g, VERSUS_G, true)
