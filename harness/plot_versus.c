/* plot_versus.c - loss, or loss above the twin, against one of N, D and G.
 *
 * Four variables tell the points of a grid apart: N, D, G and the family (what
 * is quantized and how).  One is the x axis, one the lines of a panel, one the
 * panels; the fourth is held at the value with the most points. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/label.h"
#include "harness/plot.h"

enum var { VAR_N, VAR_D, VAR_G, VAR_FMT, VAR_COUNT };

#define MAX_LINES 7
#define MAX_PANELS 6
#define SAMPLES 64 /* of a law's curve */

static const struct {
    const char *name, *label, *unit;
} vars[VAR_COUNT] = {
    { "N", "model size N (parameters)", "parameters" },
    { "D", "training tokens D", "tokens" },
    { "G", "group size G (elements)", "elements" },
    { "fmt", "format", "" },
};

/* The distinct values of a variable, in order. */
struct level {
    double value; /* NaN for words */
    char *text;
};

struct versus {
    const struct plot_data *d;
    bool delta; /* else the loss */
    enum var x, line, panel;
    struct level *levels[VAR_COUNT];
    int n_levels[VAR_COUNT];
    int *level[VAR_COUNT]; /* of each point, -1: has none */
    int fixed[VAR_COUNT];  /* -1: free */
    struct picture *p;
    int panels[MAX_PANELS], lines[MAX_LINES]; /* levels that are shown */
    int n_panels, n_lines;
};

/* --- levels ---------------------------------------------------------------------- */

static double number_of(enum var v, const struct plot_point *p)
{
    const bool grouped = strcmp(p->gran, "group") == 0;

    return v == VAR_N ? p->N : v == VAR_D ? p->D
           : v == VAR_G && grouped        ? p->G
                                          : (double)NAN;
}

/* The word of a value that has no number: a family, "row", "tensor". */
static const char *word_of(enum var v, const struct plot_point *p)
{
    if (v == VAR_FMT)
        return p->family;
    return v == VAR_G && !p->base ? p->gran : "";
}

static int find_level(const struct versus *q, enum var v, double number,
                      const char *word)
{
    for (int i = 0; i < q->n_levels[v]; i++) {
        const struct level *l = &q->levels[v][i];

        if (isnan(number) ? isnan(l->value) && strcmp(l->text, word) == 0
                          : l->value == number)
            return i;
    }
    return -1;
}

static int by_value(const void *a, const void *b)
{
    const struct level *x = a, *y = b;

    if (isnan(x->value) || isnan(y->value))
        return isnan(x->value) - isnan(y->value);
    return (x->value > y->value) - (x->value < y->value);
}

static bool shown(const struct versus *q, const struct plot_point *p)
{
    const double x = number_of(q->x, p);

    return isfinite(q->delta ? p->delta : p->loss) && isfinite(x) &&
           !(q->delta && p->base);
}

static void find_levels(struct versus *q, enum var v)
{
    const struct plot_data *d = q->d;

    for (int i = 0; i < d->n; i++) {
        const double number = number_of(v, &d->points[i]);
        const char *word = word_of(v, &d->points[i]);
        char buf[32];

        if (!shown(q, &d->points[i]) || (isnan(number) && !*word) ||
            find_level(q, v, number, word) >= 0)
            continue;
        q->levels[v] = mem_grow(q->levels[v], (size_t)q->n_levels[v] + 1,
                                sizeof *q->levels[v]);
        q->levels[v][q->n_levels[v]++] = (struct level){
            number,
            mem_strdup(isnan(number) ? word : text_si(buf, number, 3)),
        };
    }
    if (v != VAR_FMT && q->n_levels[v])
        qsort(q->levels[v], (size_t)q->n_levels[v], sizeof *q->levels[v],
              by_value);
    q->level[v] = mem_array((size_t)d->n + 1, sizeof *q->level[v]);
    for (int i = 0; i < d->n; i++)
        q->level[v][i] = find_level(q, v, number_of(v, &d->points[i]),
                                    word_of(v, &d->points[i]));
}

/* A twin has no group, and so belongs to each. */
static bool matches(const struct versus *q, int point, enum var v, int level)
{
    return q->level[v][point] == level ||
           (v == VAR_G && q->d->points[point].base);
}

/* --- choosing ----------------------------------------------------------------------- */

static enum status need_var(enum var *out, const char *name, struct err *err)
{
    for (int v = 0; v < VAR_COUNT; v++)
        if (strcmp(vars[v].name, name) == 0) {
            *out = (enum var)v;
            return OK;
        }
    return err_set(err, ERR_USAGE, "--by: '%s' is not N, D, G or fmt", name);
}

static enum status choose_vars(struct versus *q, const struct plot_choice *c,
                               struct err *err)
{
    enum status st = OK;

    q->panel = q->x == VAR_FMT ? VAR_G : VAR_FMT;
    q->line = q->x == VAR_N ? (q->delta ? VAR_G : VAR_D)
              : q->x == VAR_D && q->delta ? VAR_G
                                          : VAR_N;
    if (c && c->by_line)
        st = need_var(&q->line, c->by_line, err);
    if (st == OK && q->line == q->panel)
        q->panel = q->x == VAR_G ? VAR_N : VAR_G;
    if (st == OK && c && c->by_panel)
        st = need_var(&q->panel, c->by_panel, err);
    if (st == OK && (q->line == q->x || q->panel == q->x || q->line == q->panel))
        st = err_set(err, ERR_USAGE, "--by: %s is shown twice",
                     vars[q->line == q->panel ? q->line : q->x].name);
    return st;
}

/* "D=800k" holds D there. */
static enum status hold(struct versus *q, const char *text, struct err *err)
{
    const size_t n = strcspn(text, "=");
    char *name = mem_strndup(text, n);
    const char *value = text[n] ? text + n + 1 : "", *end;
    enum var v = VAR_N;
    double number;
    enum status st = need_var(&v, name, err);

    free(name);
    if (st != OK)
        return err_set(err, ERR_USAGE, "--at: '%s' is not N=, D=, G= or fmt=",
                       text);
    if (!text_read_number(&number, value, &end, false) || *end)
        number = (double)NAN;
    q->fixed[v] = -1;
    for (int i = 0; i < q->n_levels[v]; i++)
        if (strcmp(q->levels[v][i].text, value) == 0 ||
            fabs(q->levels[v][i].value - number) <= 0.005 * number)
            q->fixed[v] = i;
    if (q->fixed[v] < 0) {
        struct str all = { 0 };
        char *shown_text;

        for (int i = 0; i < q->n_levels[v]; i++)
            str_addf(&all, "%s%s", i ? ", " : "", q->levels[v][i].text);
        shown_text = label_visible(str_text(&all));
        st = err_set(err, ERR_USAGE, "--at %s: the values are %s", text,
                     shown_text);
        free(shown_text);
        str_release(&all);
    }
    return st;
}

/* How many points of a level a panel could show. */
static int points_of(const struct versus *q, enum var v, int level)
{
    int n = 0;

    for (int i = 0; i < q->d->n; i++) {
        bool ok = shown(q, &q->d->points[i]) && q->level[v][i] == level;

        for (int w = 0; w < VAR_COUNT; w++)
            ok = ok && (q->fixed[w] < 0 ||
                        matches(q, i, (enum var)w, q->fixed[w]));
        n += ok;
    }
    return n;
}

/* The level of v with the most points; the last of equals, which is the
 * largest. */
static int fullest(const struct versus *q, enum var v)
{
    int best = -1, most = 1;

    for (int l = 0; l < q->n_levels[v]; l++) {
        const int n = points_of(q, v, l);

        if (n >= most) {
            most = n;
            best = l;
        }
    }
    return best;
}

/* The max fullest of n words, in their order; of equals the first. */
static int pick_words(int *out, const struct versus *q, enum var v, int max)
{
    const int n = q->n_levels[v];
    int *points = mem_array((size_t)n + 1, sizeof *points), m = 0;

    for (int l = 0; l < n; l++)
        points[l] = points_of(q, v, l);
    for (int l = 0; l < n; l++) {
        int fuller = 0;

        for (int k = 0; k < n; k++)
            fuller += points[k] > points[l] || (points[k] == points[l] && k < l);
        if (fuller < max && points[l] > 0)
            out[m++] = l;
    }
    free(points);
    return m;
}

/* At most max of n levels, numbers evenly spread; those held elsewhere
 * alone. */
static int pick(int *out, const struct versus *q, enum var v, int max)
{
    const int n = q->n_levels[v], m = n < max ? n : max;

    if (q->fixed[v] >= 0) {
        out[0] = q->fixed[v];
        return 1;
    }
    if (v == VAR_FMT)
        return pick_words(out, q, v, max);
    for (int i = 0; i < m; i++)
        out[i] = n <= max ? i : i * (n - 1) / (m - 1);
    return m;
}

static enum status choose(struct versus *q, const struct plot_choice *c,
                          struct err *err)
{
    enum status st = choose_vars(q, c, err);

    for (int v = 0; v < VAR_COUNT; v++) {
        find_levels(q, (enum var)v);
        q->fixed[v] = -1;
    }
    for (int i = 0; c && i < c->n_at && st == OK; i++)
        st = hold(q, c->at[i], err);
    if (st != OK)
        return st;
    for (int v = 0; v < VAR_COUNT; v++)
        if ((enum var)v != q->x && (enum var)v != q->line &&
            (enum var)v != q->panel && q->fixed[v] < 0)
            q->fixed[v] = fullest(q, (enum var)v);
    q->n_panels = pick(q->panels, q, q->panel, MAX_PANELS);
    q->n_lines = pick(q->lines, q, q->line, MAX_LINES);
    return OK;
}

/* --- drawing ------------------------------------------------------------------------ */

/* The unquantized twins have no group: where lines are groups they are the
 * grey line. */
static bool in_cell(const struct versus *q, int point, int panel, int line)
{
    const struct plot_point *p = &q->d->points[point];
    bool ok = shown(q, p) && q->level[q->x][point] >= 0;

    for (int v = 0; v < VAR_COUNT; v++)
        if ((enum var)v != q->line && (enum var)v != q->panel)
            ok = ok && (q->fixed[v] < 0 ||
                        matches(q, point, (enum var)v, q->fixed[v]));
    ok = ok && matches(q, point, q->panel, panel);
    return ok && (q->line == VAR_G && p->base ? line < 0
                                              : q->level[q->line][point] == line);
}

static double x_of(const struct versus *q, const struct plot_point *p)
{
    return number_of(q->x, p);
}

static void set_x(const struct versus *q, struct plot_point *p, double x)
{
    if (q->x == VAR_N)
        p->N = x;
    else if (q->x == VAR_D)
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
        picture_to(q->p, curve, x, q->delta ? plot_fit_delta(q->d->fit, &at)
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
static void join_points(const struct versus *q, const struct cell *c,
                        int panel, int series)
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
        if (q->x == VAR_G && !q->delta)
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

        if (q->line == VAR_FMT)
            picture_series(q->p, l->text,
                           strcmp(l->text, "unquantized") == 0 ? -1 : steps++);
        else
            picture_step(q->p, l->text, i, q->n_lines);
    }
    picture_say(&q->p->key_title, "%s",
                q->line == VAR_FMT ? "" : vars[q->line].name);
}

static bool draw(struct versus *q)
{
    bool law = false;

    add_series(q);
    for (int i = 0; i < q->n_panels; i++) {
        const struct level *l = &q->levels[q->panel][q->panels[i]];
        char *title = q->panel == VAR_FMT
                          ? mem_strdup(l->text)
                          : mem_printf("%s = %s", vars[q->panel].name, l->text);

        picture_panel(q->p, q->n_panels > 1 ? title : "", vars[q->x].label,
                      true, q->delta ? "loss above twin (nats/token)"
                                     : "loss (nats/token)",
                      false);
        free(title);
        if (q->x == VAR_G)
            plot_group_tics(&q->p->panels[i].x, q->d);
        for (int k = 0; k < q->n_lines; k++)
            law |= add_cell(q, i, q->lines[k], k);
        if (q->line == VAR_G && !q->delta)
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
    for (int i = 0; i < q->p->n_panels; i++)
        q->p->panels[i].y.log = positive;
    q->p->share_x = q->p->share_y = true;
    if (q->delta && !positive)
        for (int i = 0; i < q->p->n_panels; i++) {
            const int zero = picture_curve(q->p, i, -1, LOOK_THIN);

            picture_to(q->p, zero, q->p->panels[i].x.lo, 0);
            picture_to(q->p, zero, q->p->panels[i].x.hi, 0);
        }
}

/* --- words --------------------------------------------------------------------------- */

static void add_subtitle(struct versus *q, bool law)
{
    struct str s = { 0 };

    for (int v = 0; v < VAR_COUNT; v++) {
        const bool single = ((enum var)v == q->panel && q->n_panels == 1) ||
                            ((enum var)v == q->line && q->n_lines == 1);
        const int level = (enum var)v == q->panel ? q->panels[0]
                          : (enum var)v == q->line ? q->lines[0]
                                                   : q->fixed[v];

        if ((enum var)v == q->x || level < 0 || (q->fixed[v] < 0 && !single))
            continue;
        str_add(&s, s.len ? ", " : "");
        if (v != VAR_FMT)
            str_addf(&s, "%s = ", vars[v].name);
        str_add(&s, q->levels[v][level].text);
    }
    if (q->n_lines > 1 && q->line != VAR_FMT)
        str_addf(&s, "%slines by %s", s.len ? "; " : "", vars[q->line].name);
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
    if (q->x == VAR_G && !q->delta)
        picture_add(&q->p->note, "Thin lines: the unquantized twins.");
    if (q->n_lines < q->n_levels[q->line] && q->fixed[q->line] < 0)
        picture_add(&q->p->note, "%d of %d values of %s are shown.",
                    q->n_lines, q->n_levels[q->line], vars[q->line].name);
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
        line = mem_printf(" with %s%s%s",
                          q->line == VAR_FMT ? "" : vars[q->line].name,
                          q->line == VAR_FMT ? "" : " = ",
                          q->p->series[last->series].name);
    picture_add(&q->p->finding, "%s%s: %.3g at %s = %s, %.3g at %s = %s.",
                q->levels[q->panel][q->panels[panel]].text, line ? line : "",
                first->y, vars[q->x].name, text_si(from, first->x, 3), last->y,
                vars[q->x].name, text_si(to, last->x, 3));
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

static void release(struct versus *q)
{
    for (int v = 0; v < VAR_COUNT; v++) {
        for (int i = 0; i < q->n_levels[v]; i++)
            free(q->levels[v][i].text);
        free(q->levels[v]);
        free(q->level[v]);
    }
}

static enum status build(struct picture **out, const struct plot_data *d,
                         const struct plot_choice *choice, enum var x,
                         bool delta, struct err *err)
{
    struct versus q = { .d = d, .delta = delta, .x = x };
    char *title = mem_printf("%s against %s",
                             delta ? "Loss above the unquantized twin"
                                   : "Validation loss",
                             x == VAR_N   ? "model size"
                             : x == VAR_D ? "training tokens"
                                          : "group size");
    enum status st = choose(&q, choice, err);

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
                         vars[x].name);
        if (picture_is_empty(q.p))
            st = err_set(err, ERR_USAGE, "no finished run with %s to show%s",
                         x == VAR_G ? "a group size" : "a loss",
                         delta ? " beside its unquantized twin" : "");
    }
    if (st == OK) {
        *out = q.p;
        q.p = NULL;
    }
    picture_free(q.p);
    release(&q);
    return st;
}

#define VERSUS(function, x, delta)                                            \
    PLOT_BUILDER(function)                                                    \
    {                                                                         \
        return build(out, d, choice, x, delta, err);                          \
    }

VERSUS(plot_loss_n, VAR_N, false)
VERSUS(plot_loss_d, VAR_D, false)
VERSUS(plot_loss_g, VAR_G, false)
VERSUS(plot_delta_n, VAR_N, true)
VERSUS(plot_delta_d, VAR_D, true)
VERSUS(plot_delta_g, VAR_G, true)
