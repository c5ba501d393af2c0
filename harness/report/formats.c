/* formats.c - what each format costs at each group size, and what it is
 * worth in parameters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/report.h"
#include "harness/study/splits.h"

/* The point of an arm with the largest N and then D. */
static const struct plot_point *largest(const struct plot_data *d,
                                        const struct measured_arm *arm)
{
    const struct plot_point *best = NULL;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (!p->base && isfinite(p->delta) &&
            strcmp(*p->arm ? p->arm : p->fmt, arm->name) == 0 &&
            strcmp(p->fmt, arm->fmt) == 0 &&
            (!best || p->N > best->N || (p->N == best->N && p->D > best->D)))
            best = p;
    }
    return best;
}

static void add_cost(struct report *r, const struct finding_cost *c)
{
    const struct measured_arm *a = &r->data->measured.arms[c->arm];
    const struct plot_point *p = largest(r->data, a);
    const double law = p ? plot_fit_delta(r->data->fit, p) : (double)NAN;
    const double share = p ? plot_fit_share(r->data->fit, p) : (double)NAN;
    char *text = interval_text(c->cost.value, c->cost.lo, c->cost.hi);

    page_cell(r->page, "%s", a->name);
    page_cell(r->page, isnan(a->bits) ? "\u2013" : "%.0f", a->bits);
    page_cell(r->page, "%d", c->cost.cells);
    page_cell(r->page,
              c->cost.least_seeds == c->cost.most_seeds ? "%d" : "%d\u2013%d",
              c->cost.least_seeds, c->cost.most_seeds);
    page_cell(r->page, "%s", text);
    page_cell(r->page, p ? "%.3g" : "\u2013", p ? p->delta : 0);
    page_cell(r->page, isnan(law) ? "\u2013" : "%.3g", law);
    page_cell(r->page, isnan(share) ? "\u2013" : "%.3g N", share);
    free(text);
}

static void add_costs(struct report *r)
{
    page_table(r->page, "Loss above the unquantized twin (nats per token)");
    page_column(r->page, "what", false);
    page_column(r->page, "bits", true);
    page_column(r->page, "cells", true);
    page_column(r->page, "seeds", true);
    page_column(r->page, "mean cost, 95\u00a0%", true);
    page_column(r->page, "at the largest N, D", true);
    page_column(r->page, "by the law there", true);
    page_column(r->page, "worth, by the law", true);
    for (int i = 0; i < r->findings->n_costs && i < 60; i++)
        add_cost(r, &r->findings->costs[i]);
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

/* The best split of each number of bits, with all that these runs cannot tell
 * from it: a winner inside the noise is none. */
static void add_splits(struct report *r)
{
    const struct measured *m = &r->data->measured;
    struct split_set *sets;
    const int n = splits_find(&sets, m);

    if (n)
        page_table(r->page, "Splits of a number of bits, over the cells that "
                            "both have (Holm at 5\u00a0% within a row)");
    if (n) {
        page_column(r->page, "bits", true);
        page_column(r->page, "G", true);
        page_column(r->page, "smallest mean", false);
        page_column(r->page, "cost, 95\u00a0%", true);
        page_column(r->page, "not told from it", false);
        page_column(r->page, "worse", false);
    }
    for (int i = 0; i < n && i < 60; i++) {
        const struct split_set *s = &sets[i];
        const struct cells_mean *best = &s->splits[0].cost;
        char *text = interval_text(best->value, best->lo, best->hi);
        struct str untold = { 0 }, told = { 0 };

        for (int k = 1; k < s->n; k++) {
            struct str *t = s->splits[k].told ? &told : &untold;

            str_addf(t, "%s%s", t->len ? ", " : "",
                     m->arms[s->splits[k].arm].fmt);
        }
        page_cell(r->page, "%.0f", s->bits);
        page_cell(r->page, "%s", *s->group ? s->group : "\u2013");
        page_cell(r->page, "%s", m->arms[s->splits[0].arm].name);
        page_cell(r->page, "%s", text);
        page_cell(r->page, "%s", untold.len ? str_text(&untold) : "\u2013");
        page_cell(r->page, "%s", told.len ? str_text(&told) : "\u2013");
        str_release(&untold);
        str_release(&told);
        free(text);
    }
    splits_free(sets, n);
}

void report_formats(struct report *r)
{
    page_section(r->page, "formats", "What each format costs");
    if (r->findings->n_costs == 0) {
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
