/* contrast_arms_print.c - a contrast of formats as text and as JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/label.h"
#include "harness/study/contrast_arms.h"
#include "harness/study/interval.h"

static void add_cost(struct str *out, char side, const char *name,
                     const struct cells_mean *m)
{
    char *shown = label_visible(name);
    char *text = interval_text(m->value, m->lo, m->hi);

    str_addf(out, "%c: %s costs %s\n", side, shown, text);
    free(shown);
    free(text);
}

static void add_where(struct str *out, const struct contrast_arms *c)
{
    const struct cells_mean *d = &c->all.diff;
    char *grid = label_visible(c->grid);

    str_addf(out,
             "nats per token above the unquantized twin, 95 %%; %d cell%s of "
             "%d twin%s,\n%d pair%s of seeds, grid '%s'\n\n",
             d->cells, d->cells == 1 ? "" : "s", d->strata,
             d->strata == 1 ? "" : "s", d->clusters,
             d->clusters == 1 ? "" : "s", grid);
    free(grid);
}

static void add_ratio(struct str *out, const struct cells_ratio *r)
{
    char *text;

    if (isnan(r->lo)) {
        str_add(out, "b / a: no ratio, because a's own cost cannot be told "
                     "from nothing\n");
        return;
    }
    if (!cells_is_factor(r->lo, r->hi)) {
        str_add(out, "b / a: these runs cannot tell the ratio of the costs\n");
        return;
    }
    text = interval_text(r->value, r->lo, r->hi);
    str_addf(out, "b / a = %s times the cost\n", text);
    free(text);
}

/* What the interval says, and what would say more. */
static void add_verdict(struct str *out, const struct contrast_arms *c)
{
    const struct cells_mean *d = &c->all.diff;
    const double seeds = cells_seeds(d);

    if (d->error == CELLS_NONE)
        str_add(out, "  chance cannot be judged: one seed, and too few twins "
                     "for a pattern; more\n  seeds would tell "
                     "(seeds.count = 3)\n");
    else if (d->lo > 0 || d->hi < 0)
        str_addf(out, "  b is %s%s\n", d->value > 0 ? "worse" : "better",
                 c->within <= c->margin ? ", by less than the margin" : "");
    else
        str_addf(out,
                 "  not told apart: they lie within %.2g nats of each "
                 "other\n",
                 c->within);
    if (!isnan(c->margin) && d->error != CELLS_NONE)
        str_addf(out, "  the same to within %.3g nats: %s\n", c->margin,
                 c->within <= c->margin ? "yes" : "not shown");
    if (seeds > 0 && seeds < 1e4)
        str_addf(out,
                 "  were it as large as it looks, %.0f seeds a cell would tell "
                 "it in 4 of 5 tries\n",
                 seeds);
}

static void add_error(struct str *out, const struct cells_mean *d)
{
    if (d->error == CELLS_SEEDS)
        str_addf(out, "  error: seeds within twins, %.3g degrees of freedom\n",
                 d->dof);
    if (d->error == CELLS_PATTERN)
        str_addf(out,
                 "  error: scatter of the twins about a pattern in N and D, "
                 "%.0f degrees of\n  freedom\n",
                 d->dof);
}

static void add_parts(struct str *out, const struct contrast_arms *c)
{
    if (c->n_parts == 0)
        return;
    str_add(out, "\nb - a by     cells            95 % for all of one variable "
                 "together\n");
    for (int i = 0; i < c->n_parts; i++) {
        const struct arms_part *p = &c->parts[i];
        char *text = interval_text(p->diff.value, p->lo, p->hi);

        str_addf(out, "%-11s  %5d  %s%s\n", p->label, p->diff.cells, text,
                 isnan(p->lo) ? "  (no interval)" : "");
        free(text);
    }
}

void contrast_arms_text(struct str *out, const struct contrast_arms *c)
{
    const struct cells_mean *d = &c->all.diff;
    char *text = interval_text(d->value, d->lo, d->hi);

    add_cost(out, 'a', c->name_a, &c->all.a);
    add_cost(out, 'b', c->name_b, &c->all.b);
    add_where(out, c);
    str_addf(out, "b - a = %s nats per token%s\n", text,
             d->error == CELLS_NONE ? "" : ", 95 %");
    add_ratio(out, &c->all.ratio);
    add_verdict(out, c);
    add_error(out, d);
    add_parts(out, c);
    free(text);
}

static void add_mean(struct str *out, const char *name,
                     const struct cells_mean *m)
{
    char lo[32], hi[32];

    snprintf(lo, sizeof lo, "%s_lo95", name);
    snprintf(hi, sizeof hi, "%s_hi95", name);
    json_add_number(out, name, m->value);
    json_add_number(out, lo, m->lo);
    json_add_number(out, hi, m->hi);
}

void contrast_arms_json(struct str *out, const struct contrast_arms *c)
{
    const struct cells_mean *d = &c->all.diff;

    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/arms/1");
    json_add_text(out, "grid", c->grid);
    json_add_text(out, "a", c->name_a);
    json_add_text(out, "b", c->name_b);
    json_add_number(out, "cells", d->cells);
    json_add_number(out, "twins", d->strata);
    json_add_text(out, "error", cells_error_name(d->error));
    json_add_number(out, "difference", d->value);
    json_add_number(out, "lo95", d->lo);
    json_add_number(out, "hi95", d->hi);
    json_add_number(out, "dof", d->error ? d->dof : (double)NAN);
    json_add_number(out, "p", c->all.p);
    add_mean(out, "cost_a", &c->all.a);
    add_mean(out, "cost_b", &c->all.b);
    json_add_number(out, "ratio", c->all.ratio.value);
    json_add_number(out, "ratio_lo95", c->all.ratio.lo);
    json_add_number(out, "ratio_hi95", c->all.ratio.hi);
    json_add_number(out, "within", c->within);
    json_add_text(out, "verdict", contrast_arms_verdict(c));
    json_add_number(out, "seeds_needed", cells_seeds(d));
    str_add(out, ",\"parts\":[");
    for (int i = 0; i < c->n_parts; i++) {
        const struct arms_part *p = &c->parts[i];

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "what", p->label);
        json_add_number(out, "cells", p->diff.cells);
        json_add_number(out, "difference", p->diff.value);
        json_add_number(out, "lo95", p->lo);
        json_add_number(out, "hi95", p->hi);
        str_add(out, "}");
    }
    str_add(out, "]}\n");
}
