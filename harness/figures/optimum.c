/* optimum.c - two consequences of a law: from how many tokens on more of
 * them raise a quantized model's loss, and how many bits make the best of a
 * budget of operations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/derived.h"
#include "harness/figures/plot.h"

#define STEPS     25
#define REFITS    40 /* of a bootstrap that a band takes: each is a search */
#define MAX_LINES 6

static enum status need_again(const struct plot_again **out,
                              struct plot_data *d, struct err *err)
{
    *out = plot_data_again(d);
    if (!*out)
        return err_set(err, ERR_USAGE, "there is no fit yet");
    if (!(*out)->ok)
        return err_set(err, ERR_USAGE, "the fit could not be made again: %s",
                       (*out)->why);
    return OK;
}

/* The same fit by fewer refits. */
static struct fit thinned(const struct plot_again *a)
{
    struct fit fit = a->fit;

    fit.boot.n = fit.boot.n < REFITS ? fit.boot.n : REFITS;
    return fit;
}

/* band: the fit that gives an interval, or NULL. */
static bool ask(struct derived *out, const struct plot_again *a,
                const struct plot_data *d, const struct fit *band,
                const char *question, const struct plot_point *p,
                const char *without, char *extra)
{
    struct plot_settings s = plot_settings_of(a, d->fit, p, without);
    double *theta = mem_array((size_t)a->model->n_params + 1, sizeof *theta);
    bool ok;

    if (extra)
        plot_settings_add(&s, extra);
    for (int i = 0; i < a->model->n_params; i++)
        theta[i] = a->fit.est[i].value;
    ok = derived_find(out, question, a->model, theta, band, s.text, s.n,
                      NULL) == OK &&
         isfinite(out->value) && out->value > 0;
    plot_settings_release(&s);
    free(theta);
    return ok;
}

static void sizes(double *lo, double *hi, const struct plot_data *d)
{
    *lo = HUGE_VAL;
    *hi = 0;
    for (int i = 0; i < d->n; i++) {
        *lo = fmin(*lo, d->points[i].N);
        *hi = fmax(*hi, d->points[i].N);
    }
}

/* --- critical data size --------------------------------------------------- */

static bool add_critical(struct picture *p, const struct plot_again *a,
                         const struct plot_data *d,
                         const struct plot_point *like, double lo, double hi)
{
    const int series = picture_series(p, like->arm, p->n_series);
    const int curve = picture_curve(p, 0, series, LOOK_LINE);
    const int band = picture_band(p, 0, series);
    const struct fit fit = thinned(a);
    bool any = false;

    for (int i = 0; i < STEPS; i++) {
        struct plot_point at = *like;
        struct derived v;

        at.N = lo * pow(hi / lo, i / (STEPS - 1.0));
        if (!ask(&v, a, d, &fit, "D-crit", &at, "D", NULL))
            continue;
        any = true;
        picture_to(p, curve, at.N, v.value);
        if (v.lo > v.value / 30 && v.hi < v.value * 30)
            picture_band_to(p, band, at.N, v.lo, v.hi);
    }
    return any;
}

PLOT_BUILDER(plot_critical)
{
    const struct plot_again *a;
    const struct plot_point *arms[MAX_LINES];
    struct picture *p;
    struct derived v;
    double lo, hi;
    bool any = false;
    int n;
    enum status st = need_again(&a, d, err);

    (void)choice;
    if (st != OK)
        return st;
    n = plot_families(arms, MAX_LINES, d, true);
    sizes(&lo, &hi, d);
    p = picture_new("Tokens beyond which more of them raise the loss");
    picture_panel(p, "", "model size N (parameters)", true, "critical tokens D",
                  true);
    for (int i = 0; i < n; i++)
        any |= add_critical(p, a, d, arms[i], lo, 10 * hi);
    for (int i = 0; i < d->n; i++)
        if (isfinite(d->points[i].delta)) {
            picture_point(p, 0, -1, d->points[i].N, d->points[i].D, 0);
            if (p->n_points)
                p->points[p->n_points - 1].size = 0.5;
        }
    if (!any) {
        picture_free(p);
        return err_set(err, ERR_USAGE,
                       "by this law more tokens never raise the "
                       "loss");
    }
    picture_say(&p->subtitle, "by %s, fit %lld; grey: what was run",
                d->fit->law, (long long)d->fit->id);
    picture_say(&p->note, "Bands: 95 %% intervals.");
    if (ask(&v, a, d, NULL, "D-crit", arms[0], "D", NULL)) {
        char x[32], y[32];

        picture_say(&p->finding,
                    "By the law, %s with N = %s is past its best "
                    "beyond %s tokens.",
                    arms[0]->arm, text_si(x, arms[0]->N, 3),
                    text_si(y, v.value, 3));
    }
    picture_say(&p->source, "from fit %lld, made again", (long long)d->fit->id);
    *out = p;
    return OK;
}

/* --- precision against compute -------------------------------------------- */

/* Operations of the largest run with 16-bit operands: 6 N D. */
static double compute_of(const struct plot_data *d, double sign)
{
    double best = sign > 0 ? 0 : HUGE_VAL;

    for (int i = 0; i < d->n; i++) {
        const double c = 6 * d->points[i].N * d->points[i].D;

        best = sign > 0 ? fmax(best, c) : fmin(best, c);
    }
    return best;
}

/* The best bits are a search in a search, of which refits take minutes: a fit
 * that has some gives no band. */
static bool add_precision(struct picture *p, const struct plot_again *a,
                          const struct plot_data *d,
                          const struct plot_point *like, const char *name,
                          double lo, double hi)
{
    const int series = picture_series(p, name, p->n_series);
    const int curve = picture_curve(p, 0, series, LOOK_LINE);
    const int band = picture_band(p, 0, series);
    bool any = false;
    char buf[32];

    for (int i = 0; i < STEPS; i++) {
        const double c = lo * pow(hi / lo, i / (STEPS - 1.0));
        struct derived v;

        if (!ask(&v, a, d, a->fit.boot.n ? NULL : &a->fit, "P-opt", like,
                 "NDEMP", mem_printf("C=%s", text_number(buf, c))))
            continue;
        any = true;
        picture_to(p, curve, c, v.value);
        if (v.lo > v.value - 3 && v.hi < v.value + 3)
            picture_band_to(p, band, c, v.lo, v.hi);
    }
    return any;
}

static void say_precision(struct picture *p, const struct plot_data *d)
{
    const struct picture_line *c = &p->curves[0];
    char a[32], b[32];

    if (c->n == 0)
        return;
    picture_say(&p->finding,
                "By %s, with %s the best of %s operations is made "
                "with %.1f bits, the best of %s with %.1f.",
                d->fit->law, p->series[c->series].name,
                text_si(a, c->at[0].x, 3), c->at[0].y,
                text_si(b, c->at[c->n - 1].x, 3), c->at[c->n - 1].y);
}

PLOT_BUILDER(plot_precision)
{
    const struct plot_again *a;
    struct picture *p;
    double seen[MAX_LINES];
    int n = 0;
    bool any = false;
    enum status st = need_again(&a, d, err);

    (void)choice;
    if (st != OK)
        return st;
    if (!(plot_fit_uses(d->fit, "M") && plot_fit_uses(d->fit, "E")) &&
        !plot_fit_uses(d->fit, "P"))
        return err_set(err, ERR_USAGE,
                       "the law %s does not know how many bits a "
                       "format has",
                       d->fit->law);
    p = picture_new("How many bits make the best of a budget");
    picture_panel(p, "", "operations C", true, "bits of the best format",
                  false);
    for (int i = 0; i < d->n && n < MAX_LINES; i++) {
        const struct plot_point *q = &d->points[i];
        bool fresh = !q->base && q->known && isfinite(q->G) &&
                     strcmp(q->gran, "row") != 0;
        char name[32];

        for (int k = 0; k < n; k++)
            fresh = fresh && seen[k] != q->G;
        if (!fresh)
            continue;
        seen[n++] = q->G;
        any |= add_precision(p, a, d, q, plot_group_name(name, q),
                             compute_of(d, -1), 1e6 * compute_of(d, 1));
    }
    if (!any) {
        picture_free(p);
        return err_set(err, ERR_USAGE, "by this law no number of bits is best");
    }
    picture_say(&p->subtitle, "N and D chosen best too; by %s, fit %lld",
                d->fit->law, (long long)d->fit->id);
    picture_say(&p->note, "A run of P bits costs P/16 of 6 N D.%s",
                p->n_bands && p->bands[0].n ? " Bands: 95 % intervals." : "");
    say_precision(p, d);
    picture_say(&p->source, "from fit %lld, made again", (long long)d->fit->id);
    *out = p;
    return OK;
}
