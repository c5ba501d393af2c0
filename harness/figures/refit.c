/* refit.c - how well the data hold each parameter: profiles of the
 * objective, and refits of resampled rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/bootstrap.h"
#include "fit/profile.h"
#include "harness/figures/plot.h"

#define MAX_PANELS 12
#define STEPS      15 /* to each side */
#define REFITS     300
#define MOST_ROWS  1500 /* beyond this refits would take too long */
#define LOG_RATIO  8    /* a range this wide has a logarithmic axis */

static enum status need_fit(const struct plot_again **out, struct plot_data *d,
                            struct err *err)
{
    *out = plot_data_again(d);
    if (!*out) {
        char *why = plot_data_no_fit(d);

        err_set(err, ERR_USAGE, "%s", why);
        free(why);
        return ERR_USAGE;
    }
    if (!(*out)->ok)
        return err_set(err, ERR_USAGE, "the fit could not be made again: %s",
                       (*out)->why);
    if ((*out)->model->rows > MOST_ROWS)
        return err_set(err, ERR_USAGE,
                       "refits of %zu rows take too long for a "
                       "figure",
                       (*out)->model->rows);
    return OK;
}

static double scale_of(const struct plot_again *a)
{
    const double sigma = a->fit.sigma;

    return a->model->loss.kind == FIT_L2 && sigma > 0
               ? 1 / (sigma * sigma)
               : 1 / a->fit.best.objective;
}

/* --- profiles ------------------------------------------------------------- */

struct profile_walk {
    bool log_axis;
    double *theta; /* scratch */
    double v[STEPS], rise[STEPS];
    int n;
};

#define MOST_FACTOR 1e4 /* of a coefficient's axis, to either side */

/* How far to go to a side: to where the interval ends, and half as far again.
 * Coefficients are known to a factor rather than to a difference; where an
 * interval spans many powers of ten its ends are off the picture. */
static double reach_of(const struct fit_estimate *e, double end, bool log_axis)
{
    double reach = log_axis ? fabs(log(end / e->value)) : fabs(end - e->value);

    if (!isfinite(reach) || reach == 0)
        reach = log_axis ? 1 : 2 * e->se;
    if (log_axis)
        reach = fmin(reach, log(MOST_FACTOR) / 1.5);
    return isfinite(reach) && reach > 0 ? 1.5 * reach : 0.3 * fabs(e->value);
}

/* One side of the valley, walked outwards: each step starts from where the
 * other parameters were at the one before, because from the bottom they may
 * not find the way. */
static void walk(struct profile_walk *w, const struct plot_again *a, int param,
                 int side)
{
    const struct model_param *q = &a->model->params[param];
    const struct fit_estimate *e = &a->fit.est[param];
    const double reach =
        side * reach_of(e, side > 0 ? e->hi : e->lo, w->log_axis);
    const double least = a->fit.best.objective;

    memcpy(w->theta, a->fit.best.theta,
           (size_t)a->model->n_params * sizeof *w->theta);
    w->n = 0;
    for (int i = 1; i <= STEPS; i++) {
        const double t = reach * i / STEPS;
        const double v = w->log_axis ? e->value * exp(t) : e->value + t;
        struct profile *p;

        if (v < q->lo || v > q->hi || (e->value > 0 && v <= 0))
            break;
        p = profile_new(a->model, w->theta, least, NULL, NULL);
        w->v[w->n] = v;
        w->rise[w->n] = profile_objective(p, q->free, v, w->theta) - least;
        w->n++;
        profile_free(p);
    }
}

/* An end of the interval, where the walk came by. */
static void add_end(struct picture *p, int panel, double at)
{
    const struct picture_axis *x = &p->panels[panel].x;
    const int c = at >= x->lo && at <= x->hi
                      ? picture_curve(p, panel, -1, LOOK_THIN)
                      : -1;

    if (c < 0)
        return;
    picture_to(p, c, at, 0);
    picture_to(p, c, at, 6);
}

static void add_profile(struct picture *p, const struct plot_again *a,
                        double *theta, int param)
{
    const struct model_param *q = &a->model->params[param];
    const struct fit_estimate *e = &a->fit.est[param];
    struct profile_walk w = { .log_axis =
                                  e->lo > 0 && e->hi / e->lo > LOG_RATIO,
                              .theta = theta };
    const int panel = picture_panel(p, q->name, "", w.log_axis,
                                    "rise of the objective", false);
    const int curve = picture_curve(p, panel, 0, LOOK_LINE);
    const double scale = scale_of(a);

    walk(&w, a, param, -1);
    for (int i = w.n - 1; i >= 0; i--)
        picture_to(p, curve, w.v[i], scale * w.rise[i]);
    picture_to(p, curve, e->value, 0);
    walk(&w, a, param, 1);
    for (int i = 0; i < w.n; i++)
        picture_to(p, curve, w.v[i], scale * w.rise[i]);
    picture_point(p, panel, 0, e->value, 0, 0);
    if (isfinite(e->lo))
        add_end(p, panel, e->lo);
    if (isfinite(e->hi))
        add_end(p, panel, e->hi);
}

/* Parameters of the law first, then the formats'. */
static int choose_params(int out[MAX_PANELS], const struct model *m)
{
    int n = 0;

    for (int grouped = 0; grouped < 2; grouped++)
        for (int i = 0; i < m->n_params && n < MAX_PANELS; i++)
            if (m->params[i].free >= 0 &&
                (strchr(m->params[i].name, '[') != NULL) == grouped)
                out[n++] = i;
    return n;
}

PLOT_BUILDER(plot_profiles)
{
    const struct plot_again *a;
    struct picture *p;
    int params[MAX_PANELS], n, free_params = 0;
    double *theta;
    enum status st = need_fit(&a, d, err);

    (void)choice;
    if (st != OK)
        return st;
    n = choose_params(params, a->model);
    for (int i = 0; i < a->model->n_params; i++)
        free_params += a->model->params[i].free >= 0;
    theta = mem_array((size_t)a->model->n_params + 1, sizeof *theta);
    p = picture_new("How well the data hold each parameter");
    picture_series(p, "profile", 0);
    p->no_key = true;
    for (int i = 0; i < n; i++)
        add_profile(p, a, theta, params[i]);
    free(theta);
    for (int i = 0; i < p->n_panels; i++)
        picture_range(&p->panels[i].y, -0.3, 9);
    p->share_y = true;
    picture_say(&p->subtitle,
                "the objective's rise when a parameter is moved and "
                "all others follow");
    picture_say(&p->note,
                a->model->loss.kind == FIT_L2
                    ? "In units of the residual variance. Dashed: the "
                      "95 %% interval."
                    : "As a share of the objective. Dashed: the 95 %% "
                      "interval.");
    if (n < free_params)
        picture_add(&p->note, "%d of %d parameters are shown.", n, free_params);
    picture_say(&p->finding,
                "A narrow valley means that the data hold the "
                "parameter; %d parameters of %s.",
                n, d->fit->law);
    picture_say(&p->source, "from fit %lld, made again", (long long)d->fit->id);
    *out = p;
    return OK;
}

/* --- bootstrap clouds ----------------------------------------------------- */

struct pair {
    int x, y;
    double r; /* correlation */
};

static double shown(double v, bool log_axis)
{
    return log_axis ? log(v) : v;
}

/* Does a parameter vary by factors rather than by differences? */
static bool by_factors(const struct bootstrap *b, int n, int param)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;

    for (int i = 0; i < b->n; i++) {
        lo = fmin(lo, b->theta[i * n + param]);
        hi = fmax(hi, b->theta[i * n + param]);
    }
    return lo > 0 && hi / lo > LOG_RATIO;
}

/* Along the axes on which they are shown. */
static double correlation(const struct bootstrap *b, int n, int x, int y)
{
    const bool log_x = by_factors(b, n, x), log_y = by_factors(b, n, y);
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

    for (int i = 0; i < b->n; i++) {
        mx += shown(b->theta[i * n + x], log_x) / b->n;
        my += shown(b->theta[i * n + y], log_y) / b->n;
    }
    for (int i = 0; i < b->n; i++) {
        const double u = shown(b->theta[i * n + x], log_x) - mx;
        const double v = shown(b->theta[i * n + y], log_y) - my;

        xx += u * u;
        yy += v * v;
        xy += u * v;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static int by_strength(const void *a, const void *b)
{
    const double x = fabs(((const struct pair *)a)->r);
    const double y = fabs(((const struct pair *)b)->r);

    return (x < y) - (x > y);
}

/* The pairs that hang together most, each parameter at most once. */
static int choose_pairs(struct pair out[4], const struct plot_again *a,
                        const struct bootstrap *b)
{
    int params[MAX_PANELS], n = choose_params(params, a->model), m = 0,
                            kept = 0;
    struct pair all[MAX_PANELS * MAX_PANELS];

    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++)
            all[m++] = (struct pair){ params[i], params[k],
                                      correlation(b, a->model->n_params,
                                                  params[i], params[k]) };
    qsort(all, (size_t)m, sizeof *all, by_strength);
    for (int i = 0; i < m && kept < 4; i++) {
        bool used = false;

        for (int k = 0; k < kept; k++)
            used = used || out[k].x == all[i].x || out[k].y == all[i].x ||
                   out[k].x == all[i].y || out[k].y == all[i].y;
        if (!used)
            out[kept++] = all[i];
    }
    return kept;
}

#define CLOUD 500 /* refits that are drawn; more are a blot of many bytes */

static bool is_inside(const struct picture_axis *a, double v)
{
    return !a->fixed || (v >= a->lo && v <= a->hi);
}

/* The middle 99 % of the refits: a few that ran away would press all others
 * together. */
static void central_range(struct picture_axis *a, const struct bootstrap *b,
                          int n, int param, double value)
{
    const double lo = bootstrap_quantile(b, n, param, 0.005);
    const double hi = bootstrap_quantile(b, n, param, 0.995);

    if (isfinite(lo) && isfinite(hi) && hi > lo)
        picture_range(a, fmin(lo, value), fmax(hi, value));
}

static void add_cloud(struct picture *p, const struct plot_again *a,
                      const struct bootstrap *b, const struct pair *pair)
{
    const int n = a->model->n_params;
    const char *x = a->model->params[pair->x].name;
    const char *y = a->model->params[pair->y].name;
    char *title = mem_printf("correlation %+.2f", pair->r);
    const int panel = picture_panel(p, title, x, by_factors(b, n, pair->x), y,
                                    by_factors(b, n, pair->y));

    free(title);
    central_range(&p->panels[panel].x, b, n, pair->x,
                  a->fit.est[pair->x].value);
    central_range(&p->panels[panel].y, b, n, pair->y,
                  a->fit.est[pair->y].value);
    for (int i = 0; i < b->n && i < CLOUD; i++) {
        if (!is_inside(&p->panels[panel].x, b->theta[i * n + pair->x]) ||
            !is_inside(&p->panels[panel].y, b->theta[i * n + pair->y]))
            continue;
        picture_point(p, panel, 0, b->theta[i * n + pair->x],
                      b->theta[i * n + pair->y], 0);
        p->points[p->n_points - 1].size = 0.45;
    }
    picture_point(p, panel, 1, a->fit.est[pair->x].value,
                  a->fit.est[pair->y].value, 0);
    p->points[p->n_points - 1].size = 1.5;
}

PLOT_BUILDER(plot_bootstrap)
{
    const struct plot_again *a;
    struct bootstrap made = { .n = 0 };
    const struct bootstrap *b;
    struct pair pairs[4];
    struct picture *p;
    int n;
    enum status st = need_fit(&a, d, err);

    (void)choice;
    if (st != OK)
        return st;
    b = &a->fit.boot;
    if (b->n < 20) {
        bootstrap_run(&made, a->model, a->fit.best.theta, 1, NULL, a->fit.unit,
                      a->fit.units, REFITS, a->request.spec.seed);
        b = &made;
    }
    n = b->n >= 20 ? choose_pairs(pairs, a, b) : 0;
    p = picture_new("Refits of resampled rows");
    picture_series(p, "a refit", 5);
    picture_series(p, "the fit", 1);
    for (int i = 0; i < n; i++)
        add_cloud(p, a, b, &pairs[i]);
    picture_say(&p->subtitle, "%d refits of %s, resampled by %s", b->n,
                d->fit->law, a->fit.unit ? "cluster" : "row");
    picture_say(&p->finding,
                "Refits of resampled rows scatter along lines where "
                "the data cannot tell parameters apart; the "
                "closest pair has a correlation of %+.2f.",
                n ? pairs[0].r : 0);
    picture_say(&p->source, "from fit %lld, made again", (long long)d->fit->id);
    bootstrap_release(&made);
    picture_say(&p->note, "The middle 99 %% of %d refits along each axis.",
                b->n < CLOUD ? b->n : CLOUD);
    if (n == 0) {
        picture_free(p);
        return err_set(err, ERR_USAGE, "too few refits reached a minimum");
    }
    *out = p;
    return OK;
}
