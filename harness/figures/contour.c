/* contour.c - lines of equal cost, and of equal worth, over N and D. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/plot.h"

#define SIDE       56 /* cells of the grid on which a law is looked at */
#define MAX_PANELS 4
#define MAX_LEVELS 10
#define BEYOND     10 /* how far the panels reach past the largest run */

/* A surface over log D (to the right) and log N. */
struct surface {
    double x0, x1, y0, y1; /* logarithms */
    double v[SIDE + 1][SIDE + 1];
};

typedef double value_at(const struct plot_fit *f, const struct plot_point *p);

static double x_at(const struct surface *s, double i)
{
    return s->x0 + (s->x1 - s->x0) * i / SIDE;
}

static double y_at(const struct surface *s, double i)
{
    return s->y0 + (s->y1 - s->y0) * i / SIDE;
}

static void look(struct surface *s, const struct plot_data *d,
                 const struct plot_point *like, value_at *f)
{
    for (int i = 0; i <= SIDE; i++)
        for (int k = 0; k <= SIDE; k++) {
            struct plot_point p = *like;

            p.D = exp(x_at(s, i));
            p.N = exp(y_at(s, k));
            s->v[i][k] = f(d->fit, &p);
        }
}

/* --- marching squares ----------------------------------------------------- */

/* Where the edge between two corners crosses the level. */
static double crossing(double a, double b, double level)
{
    return (level - a) / (b - a);
}

/* The points at which a cell's edges cross the level, in order round it. */
static int cell_crossings(double x[4], double y[4], const struct surface *s,
                          int i, int k, double level)
{
    static const int at[5][2] = {
        { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 }, { 0, 0 }
    };
    int n = 0;

    for (int e = 0; e < 4; e++) {
        const double a = s->v[i + at[e][0]][k + at[e][1]];
        const double b = s->v[i + at[e + 1][0]][k + at[e + 1][1]];
        double t;

        if (isnan(a) || isnan(b))
            return 0;
        if ((a < level) == (b < level))
            continue;
        t = crossing(a, b, level);
        x[n] = i + at[e][0] + t * (at[e + 1][0] - at[e][0]);
        y[n++] = k + at[e][1] + t * (at[e + 1][1] - at[e][1]);
    }
    return n;
}

struct segment {
    double x[2], y[2];
    bool used;
};

static int find_segments(struct segment **out, const struct surface *s,
                         double level)
{
    struct segment *all = mem_array(2 * SIDE * SIDE, sizeof *all);
    int m = 0;

    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < SIDE; k++) {
            double x[4], y[4];
            const int n = cell_crossings(x, y, s, i, k, level);

            for (int j = 0; j + 1 < n; j += 2)
                all[m++] = (struct segment){ { x[j], x[j + 1] },
                                             { y[j], y[j + 1] },
                                             false };
        }
    *out = all;
    return m;
}

/* The unused segment that begins or ends at a point; *end is its other end. */
static struct segment *neighbour(int *end, struct segment *all, int n, double x,
                                 double y)
{
    for (int i = 0; i < n; i++)
        for (int e = 0; e < 2 && !all[i].used; e++)
            if (fabs(all[i].x[e] - x) < 1e-9 && fabs(all[i].y[e] - y) < 1e-9) {
                *end = !e;
                return &all[i];
            }
    return NULL;
}

static int count_at(const struct segment *all, int n, double x, double y)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        for (int e = 0; e < 2; e++)
            found +=
                fabs(all[i].x[e] - x) < 1e-9 && fabs(all[i].y[e] - y) < 1e-9;
    return found;
}

/* Join segments to lines, from their loose ends, then what is left as rings. */
static void add_level(struct picture *p, int panel, int series,
                      const struct surface *s, double level)
{
    const int c = picture_curve(p, panel, series, LOOK_LINE);
    struct segment *all;
    const int n = find_segments(&all, s, level);

    for (int rings = 0; rings < 2; rings++)
        for (int i = 0; i < n; i++)
            for (int e = 0; e < 2; e++) {
                struct segment *at = &all[i];
                int to = !e;

                if (at->used ||
                    (!rings && count_at(all, n, at->x[e], at->y[e]) > 1))
                    continue;
                picture_to(p, c, exp(x_at(s, at->x[e])),
                           exp(y_at(s, at->y[e])));
                while (at) {
                    const double x = at->x[to], y = at->y[to];

                    at->used = true;
                    picture_to(p, c, exp(x_at(s, x)), exp(y_at(s, y)));
                    at = neighbour(&to, all, n, x, y);
                }
                picture_to(p, c, (double)NAN, (double)NAN);
            }
    free(all);
}

/* The level's name on its line, where it comes closest to a place between the
 * panel's sides. */
static void name_level(struct picture *p, int panel, int series,
                       const struct surface *s, double place)
{
    const struct picture_line *c = &p->curves[p->n_curves - 1];
    const struct picture_vertex *best = NULL;
    double nearest = HUGE_VAL;

    for (int i = 0; i < c->n; i++) {
        const double u = (log(c->at[i].x) - s->x0) / (s->x1 - s->x0);
        const double w = (log(c->at[i].y) - s->y0) / (s->y1 - s->y0);
        const double far = fabs(u - place);
        const bool inside = u > 0.06 && u < 0.94 && w > 0.05 && w < 0.95;

        if (inside && far < nearest) {
            nearest = far;
            best = &c->at[i];
        }
    }
    if (best)
        picture_mark(p, panel, series, best->x, best->y, -1,
                     p->series[series].name);
}

/* --- levels --------------------------------------------------------------- */

static void range_of(double *lo, double *hi, const struct surface *s)
{
    for (int i = 0; i <= SIDE; i++)
        for (int k = 0; k <= SIDE; k++)
            if (!isnan(s->v[i][k])) {
                *lo = fmin(*lo, s->v[i][k]);
                *hi = fmax(*hi, s->v[i][k]);
            }
}

/* Round numbers between lo and hi, from the densest set that does not give too
 * many. */
static int log_levels(double level[MAX_LEVELS], double lo, double hi)
{
    static const struct {
        double at[6];
        int n;
    } sets[] = { { { 1, 1.5, 2, 3, 5, 7 }, 6 },
                 { { 1, 2, 5 }, 3 },
                 { { 1 }, 1 } };
    int n = 0;

    for (int s = 0; s < 3 && (s == 0 || n > MAX_LEVELS); s++) {
        n = 0;
        for (int e = (int)floor(log10(lo)); e <= (int)ceil(log10(hi)); e++)
            for (int i = 0; i < sets[s].n; i++) {
                const double v = sets[s].at[i] * pow(10, e);

                if (v <= lo || v >= hi)
                    continue;
                if (n < MAX_LEVELS)
                    level[n] = v;
                n++;
            }
    }
    return n < MAX_LEVELS ? n : MAX_LEVELS;
}

/* Tenths or twentieths. */
static int share_levels(double level[MAX_LEVELS], double lo, double hi)
{
    const double step = hi - lo > 0.45 ? 0.1 : hi - lo > 0.2 ? 0.05 : 0.02;
    int n = 0;

    for (double k = ceil(lo / step); k * step < hi && n < MAX_LEVELS; k++)
        level[n++] = k * step;
    return n;
}

/* --- the figure ----------------------------------------------------------- */

struct contour {
    const struct plot_data *d;
    value_at *value;
    const struct plot_point *like[MAX_PANELS];
    int n_panels;
    struct surface *surfaces;
    double level[MAX_LEVELS];
    int n_levels;
};

/* One point of each family that the law knows. */
static void choose_panels(struct contour *c)
{
    c->n_panels = plot_families(c->like, MAX_PANELS, c->d, false);
    for (int i = 0; i < c->n_panels; i++)
        if (isnan(c->value(c->d->fit, c->like[i])))
            c->n_panels = i--;
}

static void reach(struct surface *s, const struct plot_data *d)
{
    *s = (struct surface){
        .x0 = HUGE_VAL, .x1 = -HUGE_VAL, .y0 = HUGE_VAL, .y1 = -HUGE_VAL
    };
    for (int i = 0; i < d->n; i++) {
        s->x0 = fmin(s->x0, log(d->points[i].D));
        s->x1 = fmax(s->x1, log(d->points[i].D));
        s->y0 = fmin(s->y0, log(d->points[i].N));
        s->y1 = fmax(s->y1, log(d->points[i].N));
    }
    s->x1 += log(BEYOND);
    s->y1 += log(BEYOND);
}

static void add_panel(struct picture *p, const struct contour *c, int i)
{
    const struct surface *s = &c->surfaces[i];
    const struct plot_point *like = c->like[i];
    char group[32];
    char *title = isnan(like->G) ? mem_strdup(like->family)
                                 : mem_printf("%s, %s", like->family,
                                              plot_group_name(group, like));

    picture_panel(p, title, "training tokens D", true,
                  "model size N (parameters)", true);
    free(title);
    picture_range(&p->panels[i].x, exp(s->x0), exp(s->x1));
    picture_range(&p->panels[i].y, exp(s->y0), exp(s->y1));
    for (int k = 0; k < c->n_levels; k++) {
        add_level(p, i, k, s, c->level[k]);
        name_level(p, i, k, s, 0.78 - 0.06 * (k % 4));
    }
    for (int k = 0; k < c->d->n; k++) {
        const struct plot_point *q = &c->d->points[k];

        if (strcmp(q->family, like->family) == 0 && isfinite(q->delta)) {
            picture_point(p, i, -1, q->D, q->N, 0);
            p->points[p->n_points - 1].size = 0.5;
        }
    }
}

static enum status build(struct picture **out, const struct plot_data *d,
                         value_at *value, bool share, const char *title,
                         struct err *err)
{
    struct contour c = { .d = d, .value = value };
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    struct picture *p;

    choose_panels(&c);
    if (c.n_panels == 0)
        return err_set(err, ERR_USAGE,
                       "there is no fitted law that says what a "
                       "format costs");
    c.surfaces = mem_array(MAX_PANELS, sizeof *c.surfaces);
    for (int i = 0; i < c.n_panels; i++) {
        reach(&c.surfaces[i], d);
        look(&c.surfaces[i], d, c.like[i], value);
        range_of(&lo, &hi, &c.surfaces[i]);
    }
    c.n_levels = share               ? share_levels(c.level, lo, hi)
                 : lo > 0 && hi > lo ? log_levels(c.level, lo, hi)
                                     : 0;
    p = picture_new(title);
    for (int k = 0; k < c.n_levels; k++) {
        char buf[48];

        picture_step(p, picture_number(buf, c.level[k]), k, c.n_levels);
    }
    for (int i = 0; i < c.n_panels; i++)
        add_panel(p, &c, i);
    p->share_y = p->no_key = true;
    picture_say(&p->subtitle, "by %s, fit %lld; dots: what was run",
                d->fit->law, (long long)d->fit->id);
    picture_say(&p->source, "from the parameters of fit %lld",
                (long long)d->fit->id);
    free(c.surfaces);
    *out = p;
    return OK;
}

static void say_ends(struct picture *p, const struct plot_data *d,
                     value_at *value, const char *what)
{
    const struct plot_point *like = NULL;

    for (int i = 0; i < d->n; i++)
        if (!d->points[i].base && isfinite(value(d->fit, &d->points[i])) &&
            (!like || d->points[i].N * d->points[i].D > like->N * like->D))
            like = &d->points[i];
    if (like) {
        struct plot_point far = *like;
        char a[32], b[32];

        far.N *= BEYOND;
        far.D *= BEYOND;
        picture_say(&p->finding,
                    "%s of %s: %.3g at the largest run (N = %s, D "
                    "= %s), and %.3g at ten times both.",
                    what, like->arm, value(d->fit, like),
                    text_si(a, like->N, 3), text_si(b, like->D, 3),
                    value(d->fit, &far));
    }
}

PLOT_BUILDER(plot_delta_contour)
{
    enum status st = build(out, d, plot_fit_delta, false,
                           "Lines of equal cost, in nats above the twin", err);

    (void)choice;
    if (st == OK)
        say_ends(*out, d, plot_fit_delta, "By the law, the cost in nats");
    return st;
}

PLOT_BUILDER(plot_effective)
{
    enum status st =
        build(out, d, plot_fit_share, true,
              "What a quantized model is worth, as a share of N", err);

    (void)choice;
    if (st == OK)
        say_ends(*out, d, plot_fit_share,
                 "By the law, the worth as a share of "
                 "N");
    return st;
}
