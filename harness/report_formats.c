/* report_formats.c - what each format costs at each group size, and what it is
 * worth in parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report.h"

/* Arms in the order of the points. */
static int find_arms(const struct plot_point ***out, const struct plot_data *d)
{
    const struct plot_point **arms = mem_array((size_t)d->n + 1, sizeof *arms);
    int n = 0;

    for (int i = 0; i < d->n; i++) {
        bool new = !d->points[i].base &&isfinite(d->points[i].delta);

        for (int k = 0; k < n && new; k++)
            new = strcmp(arms[k]->arm, d->points[i].arm) != 0 ||
                  strcmp(arms[k]->fmt, d->points[i].fmt) != 0;
        if (new)
            arms[n++] = &d->points[i];
    }
    *out = arms;
    return n;
}

static struct interval cost_of(const struct plot_data *d,
                               const struct plot_point *arm)
{
    double *x = mem_array((size_t)d->n + 1, sizeof *x);
    struct interval m;
    int n = 0;

    for (int i = 0; i < d->n; i++)
        if (!d->points[i].base && isfinite(d->points[i].delta) &&
            strcmp(d->points[i].arm, arm->arm) == 0 &&
            strcmp(d->points[i].fmt, arm->fmt) == 0)
            x[n++] = d->points[i].delta;
    m = interval_of(x, n);
    free(x);
    return m;
}

/* The point of an arm with the largest N and then D. */
static const struct plot_point *largest(const struct plot_data *d,
                                        const struct plot_point *arm)
{
    const struct plot_point *best = arm;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (!p->base && isfinite(p->delta) && strcmp(p->arm, arm->arm) == 0 &&
            strcmp(p->fmt, arm->fmt) == 0 &&
            (p->N > best->N || (p->N == best->N && p->D > best->D)))
            best = p;
    }
    return best;
}

static void add_costs(struct report *r)
{
    const struct plot_data *d = r->data;
    const struct plot_point **arms;
    const int n = find_arms(&arms, d);

    page_table(r->page, "Loss above the unquantized twin (nats per token)");
    page_column(r->page, "what", false);
    page_column(r->page, "bits", true);
    page_column(r->page, "points", true);
    page_column(r->page, "mean cost, 95 %", true);
    page_column(r->page, "at the largest N, D", true);
    page_column(r->page, "by the law there", true);
    page_column(r->page, "worth, by the law", true);
    for (int i = 0; i < n && i < 60; i++) {
        const struct interval m = cost_of(d, arms[i]);
        const struct plot_point *p = largest(d, arms[i]);
        const double law = plot_fit_delta(d->fit, p);
        const double share = plot_fit_share(d->fit, p);
        char *text = interval_text(m.mean, m.lo, m.hi);

        page_cell(r->page, "%s", *p->arm ? p->arm : p->fmt);
        page_cell(r->page, isnan(p->bits) ? "\u2013" : "%.0f", p->bits);
        page_cell(r->page, "%d", m.n);
        page_cell(r->page, "%s", text);
        page_cell(r->page, "%.3g", p->delta);
        page_cell(r->page, isnan(law) ? "\u2013" : "%.3g", law);
        page_cell(r->page, isnan(share) ? "\u2013" : "%.3g N", share);
        free(text);
    }
    free(arms);
}

static void say_worth(struct report *r)
{
    if (!r->data->fit || strcmp(r->data->fit->response, "loss") != 0)
        return;
    page_paragraph(r->page);
    page_say(r->page,
             "Worth: the size of the unquantized model that reaches the "
             "same loss with the same tokens, as a share of N, by the "
             "law.");
}

static void add_splits(struct report *r)
{
    if (!(report_number(r,
                        "SELECT count(DISTINCT exp_bits) FROM point WHERE "
                        "is_base = 0 AND (?1 = 0 OR point_id IN (SELECT "
                        "point_id FROM grid_point WHERE grid_id = ?1))") > 1))
        return;
    page_heading(r->page, "Best split of the bits");
    page_table(r->page, "The format with the lowest cost for each number of "
                        "bits, at the largest N and D");
    page_column(r->page, "bits", true);
    page_column(r->page, "G", true);
    page_column(r->page, "best", false);
    page_column(r->page, "exponent", true);
    page_column(r->page, "mantissa", true);
    page_column(r->page, "cost", true);
    report_rows(r, "WITH mine AS (SELECT * FROM best_split s WHERE EXISTS "
                   "(SELECT 1 FROM point p WHERE p.fmt = s.fmt AND p.n_body = "
                   "s.N AND p.tokens = s.D AND (?1 = 0 OR p.point_id IN "
                   "(SELECT point_id FROM grid_point WHERE grid_id = ?1)))), "
                   "top AS (SELECT N, D FROM mine ORDER BY N DESC, D DESC "
                   "LIMIT 1) SELECT bits, G, fmt, E, M, delta FROM mine JOIN "
                   "top USING(N, D) ORDER BY bits, G LIMIT 60");
}

void report_formats(struct report *r)
{
    const struct plot_point **arms;
    const int n = find_arms(&arms, r->data);

    free(arms);
    page_section(r->page, "formats", "What each format costs");
    if (n == 0) {
        page_paragraph(r->page);
        page_say(r->page, "No quantized run is finished beside its unquantized "
                          "twin.");
        return;
    }
    add_costs(r);
    say_worth(r);
    add_splits(r);
    report_figures(r, "formats");
}
