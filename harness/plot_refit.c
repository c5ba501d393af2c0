/* plot_refit.c - how well the data hold each parameter: profiles of the
 * objective, and refits of resampled rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/bootstrap.h"
#include "fit/profile.h"
#include "harness/plot.h"

#define MAX_PANELS 9
#define STEPS      15 /* to each side */
#define REFITS     300
#define MOST_ROWS  1500 /* beyond this refits would take too long */

static enum status need_fit(const struct plot_again **out, struct plot_data *d,
                            struct err *err)
{
    *out = plot_data_again(d);
    if (!*out)
        return err_set(err, ERR_USAGE, "there is no fit yet");
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

/* How far to go: to where the interval ends, and half as far again. */
static double reach_of(const struct fit_estimate *e)
{
    const double half =
        isfinite(e->hi - e->lo) ? (e->hi - e->lo) / 2 : 2 * e->se;

    return isfinite(half) && half > 0 ? 1.5 * half : 0.3 * fabs(e->value);
}

static void add_profile(struct picture *p, const struct plot_again *a,
                        struct profile *profile, int param)
{
    const struct model_param *q = &a->model->params[param];
    const struct fit_estimate *e = &a->fit.est[param];
    const int panel =
        picture_panel(p, q->name, "", false, "rise of the objective", false);
    const int curve = picture_curve(p, panel, 0, LOOK_LINE);
    const double reach = reach_of(e), scale = scale_of(a);
    const double least = a->fit.best.objective;

    for (int i = -STEPS; i <= STEPS; i++) {
        const double v = e->value + reach * i / STEPS;

        if (v < q->lo || v > q->hi || (e->value > 0 && v <= 0))
            continue;
        picture_to(p, curve, v,
                   scale *
                       (profile_objective(profile, q->free, v, NULL) - least));
    }
    picture_point(p, panel, 0, e->value, 0, 0);
    for (int side = 0; side < 2; side++) {
        const double at = side ? e->hi : e->lo;
        const int c = picture_curve(p, panel, -1, LOOK_THIN);

        if (isfinite(at) && fabs(at - e->value) < 1.2 * reach) {
            picture_to(p, c, at, 0);
            picture_to(p, c, at, 6);
        }
    }
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
    struct profile *profile;
    struct picture *p;
    int params[MAX_PANELS], n;
    double *theta;
    enum status st = need_fit(&a, d, err);

    (void)choice;
    if (st != OK)
        return st;
    n = choose_params(params, a->model);
    theta = mem_array((size_t)a->model->n_params + 1, sizeof *theta);
    for (int i = 0; i < a->model->n_params; i++)
        theta[i] = a->fit.best.theta[i];
    profile = profile_new(a->model, theta, a->fit.best.objective, NULL);
    p = picture_new("How well the data hold each parameter");
    picture_series(p, "profile", 0);
    p->no_key = true;
    for (int i = 0; i < n; i++)
        add_profile(p, a, profile, params[i]);
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
    picture_say(&p->finding,
                "A narrow valley means that the data hold the "
                "parameter; %d parameters of %s.",
                n, d->fit->law);
    picture_say(&p->source, "from fit %lld, made again", (long long)d->fit->id);
    profile_free(profile);
    free(theta);
    *out = p;
    return OK;
}

/* --- bootstrap clouds ----------------------------------------------------- */

struct pair {
    int x, y;
    double r; /* correlation */
};

static double correlation(const struct bootstrap *b, int n, int x, int y)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

    for (int i = 0; i < b->n; i++) {
        mx += b->theta[i * n + x] / b->n;
        my += b->theta[i * n + y] / b->n;
    }
    for (int i = 0; i < b->n; i++) {
        const double u = b->theta[i * n + x] - mx, v = b->theta[i * n + y] - my;

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

static void add_cloud(struct picture *p, const struct plot_again *a,
                      const struct bootstrap *b, const struct pair *pair)
{
    const int n = a->model->n_params;
    const char *x = a->model->params[pair->x].name;
    const char *y = a->model->params[pair->y].name;
    char *title = mem_printf("correlation %+.2f", pair->r);
    const int panel = picture_panel(p, title, x, false, y, false);

    free(title);
    for (int i = 0; i < b->n; i++) {
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
        bootstrap_run(&made, a->model, a->fit.best.theta, NULL, a->fit.unit,
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
    if (n == 0) {
        picture_free(p);
        return err_set(err, ERR_USAGE, "too few refits reached a minimum");
    }
    *out = p;
    return OK;
}
