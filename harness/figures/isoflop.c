/* isoflop.c - the profile of each budget and the sizes that are best. */
#include <math.h>
#include <stdlib.h>

#include "fit/isoflop.h"
#include "harness/figures/rows.h"

/* The parabola over the sizes that were run. */
static void add_parabola(struct picture *p, int panel, int series,
                         const struct isoflop *f, int budget)
{
    const struct isoflop_budget *b = &f->budgets[budget];
    const int curve = picture_curve(p, panel, series, LOOK_LINE);
    double lo = HUGE_VAL, hi = 0;

    for (size_t i = 0; i < f->rows; i++)
        if (f->points[i].budget == budget) {
            lo = fmin(lo, f->points[i].n);
            hi = fmax(hi, f->points[i].n);
        }
    for (int k = 0; k <= 60; k++) {
        const double x = log(lo) + (log(hi) - log(lo)) * k / 60;

        picture_to(p, curve, exp(x),
                   b->loss + b->curvature * (x - b->vertex) * (x - b->vertex));
    }
}

static void add_profile(struct picture *p, int panel, const struct isoflop *f,
                        int budget)
{
    const struct isoflop_budget *b = &f->budgets[budget];
    char c[32];
    const int s = picture_step(p, text_si(c, b->c, 3), budget, f->n);

    for (size_t i = 0; i < f->rows; i++)
        if (f->points[i].budget == budget)
            picture_point(p, panel, s, f->points[i].n, f->points[i].loss, 0);
    if (b->refused)
        return;
    add_parabola(p, panel, s, f, budget);
    picture_point(p, panel, s, exp(b->vertex), b->loss, 0);
    p->points[p->n_points - 1].star = true;
}

/* The line through the best sizes, with their intervals, and the joint law's
 * own. */
static void add_best(struct picture *p, int panel, const struct isoflop *f)
{
    const int line = picture_curve(p, panel, -1, LOOK_THIN);

    for (int i = 0; i < f->n; i++) {
        const struct isoflop_budget *b = &f->budgets[i];
        struct picture_point *point;

        picture_to(p, line, b->c, exp(f->log_g + f->a * log(b->c)));
        if (b->refused)
            continue;
        picture_point(p, panel, i, b->c, exp(b->vertex), 0);
        point = &p->points[p->n_points - 1];
        point->lo = isfinite(b->lo) ? exp(b->lo) : (double)NAN;
        point->hi = isfinite(b->hi) ? exp(b->hi) : (double)NAN;
        point->star = true;
    }
}

static void say(struct picture *p, const struct isoflop *f)
{
    if (!isnan(f->lo))
        picture_say(&p->finding, "N* grows as C^%.3f, 95 %% [%.3f, %.3f].",
                    f->a, f->lo, f->hi);
    else
        picture_say(&p->finding, "N* grows as C^%.3f.", f->a);
    if (!isnan(f->design_a))
        picture_add(
            &p->finding,
            "Of that, %+.4f is the method: what these sizes and budgets "
            "make of noise-free losses of the joint law.",
            f->design_a - f->law_a);
    if (f->used < f->n)
        picture_add(&p->finding, "%d of %d budgets have no minimum inside.",
                    f->n - f->used, f->n);
}

enum status plot_rows_isoflop(struct picture **out, const struct plot_rows *d,
                              const struct plot_choice *choice, struct err *err)
{
    struct isoflop f;
    struct picture *p;
    enum status st = isoflop_run(&f, d->t, choice->x ? choice->x : "C", 1, err);
    int profiles, best;

    *out = NULL;
    if (st != OK) {
        isoflop_release(&f);
        return st;
    }
    *out = p = picture_new("Profiles of budgets");
    picture_say(&p->subtitle, "%s: a parabola of loss in log N for each budget",
                d->source);
    picture_say(&p->key_title, "budget, FLOPs");
    picture_say(&p->note, "Stars: the best size of each budget, with 95 %%.");
    profiles =
        picture_panel(p, "the loss of a budget", "N", true, "loss", false);
    best = picture_panel(p, "the best size", "C", true, "N*", true);
    for (int i = 0; i < f.n; i++)
        add_profile(p, profiles, &f, i);
    add_best(p, best, &f);
    say(p, &f);
    isoflop_release(&f);
    return OK;
}
