/* rows.c - a fit beside its rows: observed against predicted, residuals
 * along any column; the table of such figures. */
#include "harness/figures/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANELS 6

const char *plot_rows_law_name(const struct plot_rows *d)
{
    return d->m->law ? d->m->law->name : "formula";
}

void plot_rows_say_source(struct picture *p, const struct plot_rows *d)
{
    picture_say(&p->source, "%s: %s", d->source, d->m->formula);
    if (d->m->n_left_out)
        picture_add(&p->note,
                    "%d row%s left out of the fit and of this figure.",
                    d->m->n_left_out, d->m->n_left_out == 1 ? " is" : "s are");
}

int row_series_of(const struct row_series *s, size_t row)
{
    return s->n ? s->of[row] : 0;
}

/* Points of many rows are small, so that the law is seen below them. */
void plot_rows_point(struct picture *p, const struct plot_rows *d, int panel,
                     int series, double x, double y)
{
    const int before = p->n_points;
    const double rows = (double)d->m->rows;

    picture_point(p, panel, series, x, y, 0);
    if (p->n_points > before)
        p->points[before].size = rows < 60 ? 1 : fmax(0.5, sqrt(60 / rows));
}

/* The row that the law misses most, in standard deviations of the fit. */
static size_t worst_row(const struct plot_rows *d)
{
    size_t worst = 0;

    for (size_t i = 0; i < d->m->rows; i++)
        if (fabs(d->f->residual[i]) > fabs(d->f->residual[worst]))
            worst = i;
    return worst;
}

/* --- predicted against observed ------------------------------------------ */

PLOT_ROWS_BUILDER(plot_rows_predicted)
{
    const struct model *m = d->m;
    struct row_series s;
    struct picture *p;
    double square = 0, lo = HUGE_VAL, hi = -HUGE_VAL;
    int line;
    enum status st = row_series_find(&s, d, choice->by_line, err);

    if (st != OK) {
        row_series_release(&s);
        return st;
    }
    p = picture_new("Predicted against observed");
    picture_panel(p, "", "observed", false, "predicted", false);
    row_series_add(&s, p, d);
    for (size_t i = 0; i < m->rows; i++) {
        plot_rows_point(p, d, 0, row_series_of(&s, i), m->y[i], d->f->mu[i]);
        square += pow(m->y[i] - d->f->mu[i], 2) / (double)m->rows;
        lo = fmin(lo, fmin(m->y[i], d->f->mu[i]));
        hi = fmax(hi, fmax(m->y[i], d->f->mu[i]));
    }
    line = picture_curve(p, 0, -1, LOOK_THIN);
    picture_to(p, line, lo, lo);
    picture_to(p, line, hi, hi);
    picture_say(&p->subtitle, "%s of %s, %s; on the line the law is exact",
                m->response, d->source, plot_rows_law_name(d));
    picture_say(&p->finding,
                "%s against %zu rows of %s: root mean square %.3g; it misses "
                "%s %lld most (%.4g observed, %.4g predicted).",
                plot_rows_law_name(d), m->rows, d->source, sqrt(square),
                m->noun, (long long)m->number[worst_row(d)], m->y[worst_row(d)],
                d->f->mu[worst_row(d)]);
    plot_rows_say_source(p, d);
    row_series_release(&s);
    *out = p;
    return OK;
}

/* --- residuals ----------------------------------------------------------- */

static void add_residuals(struct picture *p, const struct plot_rows *d,
                          const struct row_axis *a, const struct row_series *s)
{
    const int panel =
        picture_panel(p, "", a->name, a->log,
                      d->m->space == FIT_LOG ? "log observed \u2212 log law"
                      : d->m->space == FIT_LINEAR ? "observed \u2212 law"
                                                  : "1 \u2212 law / observed",
                      false);
    const double room = a->n_words ? 0.5 : 0;
    const double ends[] = { a->lo - room, a->hi + room };
    const double half = 1.96 * d->f->sigma;
    int zero;

    row_axis_tics(a, &p->panels[panel].x);
    if (d->m->loss.kind == FIT_L2 && !d->m->has_sigma && isfinite(half)) {
        const int band = picture_band(p, panel, -1);

        for (int k = 0; k < 2; k++)
            picture_band_to(p, band, ends[k], -half, half);
    }
    zero = picture_curve(p, panel, -1, LOOK_THIN);
    for (int k = 0; k < 2; k++)
        picture_to(p, zero, ends[k], 0);
    for (size_t i = 0; i < d->m->rows; i++)
        plot_rows_point(p, d, panel, row_series_of(s, i), a->value[i],
                        d->f->residual[i]);
}

static enum status residual_panels(struct picture *p, const struct plot_rows *d,
                                   const struct plot_choice *c,
                                   const struct row_series *s, struct err *err)
{
    int n, *slots = row_axis_variables(&n, d);
    struct row_axis a;
    enum status st = OK;

    if (c->x) {
        st = row_axis_find(&a, d, c->x, err);
        if (st == OK)
            add_residuals(p, d, &a, s);
        row_axis_release(&a);
    }
    for (int k = 0; !c->x && k < n && k < PANELS - 1; k++) {
        if (row_axis_find(&a, d, d->m->names[slots[k]].name, NULL) == OK)
            add_residuals(p, d, &a, s);
        row_axis_release(&a);
    }
    if (!c->x) {
        row_axis_of_law(&a, d);
        add_residuals(p, d, &a, s);
        row_axis_release(&a);
    }
    free(slots);
    return st;
}

PLOT_ROWS_BUILDER(plot_rows_residuals)
{
    struct picture *p = picture_new("Residuals: what the law does not explain");
    struct row_series s;
    enum status st = row_series_find(&s, d, choice->by_line, err);

    if (st == OK) {
        row_series_add(&s, p, d);
        st = residual_panels(p, d, choice, &s, err);
    }
    row_series_release(&s);
    if (st != OK) {
        picture_free(p);
        return st;
    }
    p->share_y = true;
    picture_say(&p->subtitle, "%s of %s, %s; no trend should be left",
                d->m->response, d->source, plot_rows_law_name(d));
    if (p->n_bands)
        picture_say(&p->note, "Grey: 95 %% of runs, by their scatter.");
    picture_say(&p->finding,
                "Residuals of %s on %zu rows of %s: standard deviation %.3g; "
                "the largest is %+.3g, of %s %lld.",
                plot_rows_law_name(d), d->m->rows, d->source, d->f->sigma,
                d->f->residual[worst_row(d)], d->m->noun,
                (long long)d->m->number[worst_row(d)]);
    plot_rows_say_source(p, d);
    *out = p;
    return OK;
}

const struct plot_rows_figure *plot_rows_figure_at(int i)
{
    static const struct plot_rows_figure figures[] = {
        { "predicted-observed", plot_rows_predicted },
        { "law-vs-variables", plot_rows_law },
        { "residuals", plot_rows_residuals },
        { "isoflop", plot_rows_isoflop },
    };

    return i >= 0 && i < (int)(sizeof figures / sizeof figures[0]) ? &figures[i]
                                                                   : NULL;
}
