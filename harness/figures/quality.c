/* quality.c - how good the fit is: predicted against observed, and what
 * is left over. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/statement.h"
#include "harness/figures/plot.h"

/* A fitted run beside its point. */
struct fitted {
    const struct plot_point *point; /* NULL: of another grid */
    double observed, predicted;
    bool holdout;
};

struct fitted_list {
    struct fitted *items;
    int n;
};

static int by_id(const void *a, const void *b)
{
    return strcmp((*(const struct plot_point *const *)a)->id,
                  (*(const struct plot_point *const *)b)->id);
}

static const struct plot_point **sorted_points(const struct plot_data *d)
{
    const struct plot_point **index =
        mem_array((size_t)d->n + 1, sizeof *index);

    for (int i = 0; i < d->n; i++)
        index[i] = &d->points[i];
    qsort(index, (size_t)d->n, sizeof *index, by_id);
    return index;
}

static const struct plot_point *find_point(const struct plot_point **index,
                                           int n, const char *id)
{
    const struct plot_point key = { .id = (char *)id }, *k = &key;
    const struct plot_point **hit =
        bsearch(&k, index, (size_t)n, sizeof *index, by_id);

    return hit ? *hit : NULL;
}

static enum status read_fitted(struct fitted_list *out,
                               const struct plot_data *d, struct err *err)
{
    const struct plot_point **index = sorted_points(d);
    struct db_stmt *s;
    bool row;
    int cap = 0;
    enum status st = db_stmt_with(
        &s, d->db,
        "SELECT r.point_id, f.observed, f.predicted, f.role "
        "FROM fit_point f JOIN run r USING(run_id) "
        "WHERE f.fit_id = :fit AND f.role <> 'excluded' ORDER BY run_id",
        DB_VALUES(DB_I("fit", d->fit->id)), err);

    *out = (struct fitted_list){ NULL, 0 };
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        if (out->n == cap)
            out->items = mem_grow(out->items, (size_t)(cap = 2 * cap + 64),
                                  sizeof *out->items);
        out->items[out->n++] = (struct fitted){
            find_point(index, d->n, db_text(s, 0)),
            db_real(s, 1),
            db_real(s, 2),
            strcmp(db_text(s, 3), "holdout") == 0,
        };
    }
    db_stmt_close(s);
    free(index);
    return st;
}

static enum status need_fit(const struct plot_data *d, struct err *err)
{
    char *why;

    if (d->fit)
        return OK;
    why = plot_data_no_fit(d);
    err_set(err, ERR_USAGE, "%s", why);
    free(why);
    return ERR_USAGE;
}

/* --- families as series --------------------------------------------------- */

#define MAX_FAMILIES 8

struct families {
    const char *name[MAX_FAMILIES];
    int n;
};

/* The series of a family; the ninth and later share the last. */
static int family_series(struct picture *p, struct families *f,
                         const struct plot_point *point)
{
    const char *name = point ? point->family : "other grids";

    for (int i = 0; i < f->n; i++)
        if (strcmp(f->name[i], name) == 0)
            return i;
    if (f->n == MAX_FAMILIES)
        return MAX_FAMILIES - 1;
    f->name[f->n] = f->n == MAX_FAMILIES - 1 ? "others" : name;
    f->n++;
    return picture_series(p, f->name[f->n - 1],
                          point && point->base ? -1 : f->n - 1);
}

/* --- predicted against observed ------------------------------------------- */

static void diagonal(struct picture *p, int panel)
{
    const struct picture_panel *q = &p->panels[panel];
    const double lo = fmin(q->x.lo, q->y.lo), hi = fmax(q->x.hi, q->y.hi);
    const int c = picture_curve(p, panel, -1, LOOK_THIN);

    if (lo > hi)
        return;
    picture_to(p, c, lo, lo);
    picture_to(p, c, hi, hi);
}

/* Root mean square of predicted - observed in a panel. */
static double rms_of(const struct picture *p, int panel)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < p->n_points; i++)
        if (p->points[i].panel == panel) {
            sum += pow(p->points[i].y - p->points[i].x, 2);
            n++;
        }
    return n ? sqrt(sum / n) : (double)NAN;
}

/* A point that was kept out of the fit, and shows what the law is worth. */
static bool add_star(struct picture *p, int panel, int series, double x,
                     double y)
{
    const int before = p->n_points;

    picture_point(p, panel, series, x, y, 0);
    if (p->n_points > before)
        p->points[before].star = true;
    return p->n_points > before;
}

/* Each point's loss above the twin, as measured and as the law says. */
static void add_deltas(struct picture *p, struct families *f,
                       const struct plot_data *d)
{
    const int panel =
        picture_panel(p, "loss above the twin", "observed (nats/token)", false,
                      "predicted (nats/token)", false);

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        const double law = plot_fit_delta(d->fit, q);

        if (q->base || isnan(law))
            continue;
        if (q->in_fit)
            picture_point(p, panel, family_series(p, f, q), q->delta, law, 0);
        else
            add_star(p, panel, family_series(p, f, q), q->delta, law);
    }
    diagonal(p, panel);
}

static void draw_losses(struct picture *p, struct families *f,
                        const struct fitted_list *list,
                        const struct plot_data *d)
{
    const bool delta = strcmp(d->fit->response, "delta") == 0;
    bool stars = false;

    picture_panel(p, d->fit->response, "observed (nats/token)", false,
                  "predicted (nats/token)", false);
    for (int i = 0; i < list->n; i++) {
        const struct fitted *r = &list->items[i];

        picture_point(p, 0, family_series(p, f, r->point), r->observed,
                      r->predicted, 0);
        if (p->n_points && r->holdout)
            p->points[p->n_points - 1].star = stars = true;
    }
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        if (!q->in_fit &&
            add_star(p, 0, family_series(p, f, q), delta ? q->delta : q->loss,
                     plot_fit_value(d->fit, q)))
            stars = true;
    }
    diagonal(p, 0);
    if (stars)
        picture_say(&p->note, "Stars: not in the fit.");
}

PLOT_BUILDER(plot_predicted)
{
    struct fitted_list list = { NULL, 0 };
    struct families families = { .n = 0 };
    struct picture *p;
    enum status st = need_fit(d, err);

    (void)choice;
    if (st == OK)
        st = read_fitted(&list, d, err);
    if (st != OK)
        return st;
    p = picture_new("Predicted against observed");
    picture_say(&p->subtitle, "%s, fit %lld; on the line the law is exact",
                d->fit->law, (long long)d->fit->id);
    picture_say(&p->source,
                "select observed, predicted from fit_point where "
                "fit_id = %lld",
                (long long)d->fit->id);
    draw_losses(p, &families, &list, d);
    picture_say(&p->finding,
                "%s against %d observations: the predicted %s "
                "differs by %.3g nats (root mean square).",
                d->fit->law, list.n, d->fit->response, rms_of(p, 0));
    if (strcmp(d->fit->response, "loss") == 0 && d->fit->expr)
        add_deltas(p, &families, d);
    if (p->n_panels > 1 && !isnan(rms_of(p, 1)))
        picture_add(&p->finding,
                    "The predicted loss above the twin differs by "
                    "%.3g nats.",
                    rms_of(p, 1));
    free(list.items);
    *out = p;
    return OK;
}

/* --- residuals ------------------------------------------------------------ */

static const struct {
    const char *label;
    bool log;
} against[] = {
    { "model size N", true },
    { "training tokens D", true },
    { "group size G", true },
    { "predicted (nats/token)", false },
};

static double x_of(size_t i, const struct fitted *r)
{
    const struct plot_point *p = r->point;

    if (i == 3)
        return r->predicted;
    if (!p)
        return (double)NAN;
    return i == 0 ? p->N : i == 1 ? p->D : p->base ? (double)NAN : p->G;
}

static void zero_line(struct picture *p, int panel)
{
    const struct picture_axis *x = &p->panels[panel].x;
    const double lo = x->lo, hi = x->hi;
    const int c = picture_curve(p, panel, -1, LOOK_THIN);

    if (lo > hi)
        return;
    picture_to(p, c, lo, 0);
    picture_to(p, c, hi, 0);
}

static void residual_finding(struct picture *p, const struct fitted_list *list,
                             const struct plot_data *d)
{
    const struct fitted *worst = NULL;
    double most = -1, sum = 0;

    for (int i = 0; i < list->n; i++) {
        const double r = list->items[i].observed - list->items[i].predicted;

        sum += r * r;
        if (fabs(r) > most) {
            most = fabs(r);
            worst = &list->items[i];
        }
    }
    if (!worst)
        return;
    picture_say(&p->finding,
                "Residuals of %s: root mean square %.3g nats; the largest is "
                "%+.3g%s%s.",
                d->fit->law, sqrt(sum / list->n),
                worst->observed - worst->predicted, worst->point ? ", of " : "",
                worst->point ? worst->point->arm : "");
}

PLOT_BUILDER(plot_residuals)
{
    struct fitted_list list = { NULL, 0 };
    struct families families = { .n = 0 };
    struct picture *p;
    enum status st = need_fit(d, err);

    (void)choice;
    if (st == OK)
        st = read_fitted(&list, d, err);
    if (st != OK)
        return st;
    p = picture_new("Residuals: what the law does not explain");
    picture_say(&p->subtitle, "%s, fit %lld; no trend should be left",
                d->fit->law, (long long)d->fit->id);
    picture_say(&p->source,
                "select observed - predicted from fit_point where "
                "fit_id = %lld",
                (long long)d->fit->id);
    p->share_y = true;
    for (size_t k = 0; k < sizeof against / sizeof against[0]; k++) {
        const int panel =
            picture_panel(p, "", against[k].label, against[k].log,
                          "observed \u2212 predicted (nats)", false);

        for (int i = 0; i < list.n; i++) {
            const struct fitted *r = &list.items[i];
            const int s = family_series(p, &families, r->point);

            picture_point(p, panel, s, x_of(k, r), r->observed - r->predicted,
                          0);
            if (r->holdout && p->n_points)
                p->points[p->n_points - 1].star = true;
        }
        if (k == 2)
            plot_group_tics(&p->panels[panel].x, d);
        zero_line(p, panel);
    }
    residual_finding(p, &list, d);
    free(list.items);
    *out = p;
    return OK;
}
