/* random_report.c - a fit with random effects as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "fit/random.h"
#include "fit/report.h"

static void add_constant(struct str *out, const struct random_fit *r, int i)
{
    const struct model_param *p = &r->m->params[i];
    char interval[64];

    str_addf(out, "  %-15s %12.7g", p->name, r->theta[i]);
    if (p->free < 0) {
        str_addf(out, "  held: %s\n", p->why ? p->why : "");
        return;
    }
    snprintf(interval, sizeof interval, "[%.5g, %.5g]", r->lo[i], r->hi[i]);
    str_addf(out, "%11.3g   %-24s %.3g\n", r->se[i], interval, r->dof[i]);
}

void random_text(struct str *out, const struct random_fit *r,
                 const char *source)
{
    const struct model *m = r->m;

    str_addf(out, "%s on %zu rows of %s, %d groups of %s\n",
             m->law ? m->law->name : "formula", m->rows, source, r->groups,
             r->column);
    report_wrapped(out, "  ", m->formula, 4);
    report_wrapped(out, "  ",
                   "restricted maximum likelihood; constants below are those "
                   "of the mean group",
                   4);
    str_add(out, "\n  parameter              value       s.e.   95 % interval"
                 "            dof\n");
    for (int i = 0; i < m->n_params; i++)
        add_constant(out, r, i);
    str_add(out, "\n");
    for (int k = 0; k < r->n_effects; k++) {
        const struct random_effect *e = &r->effects[k];

        str_addf(
            out,
            "  sd of %s between groups %.4g   95 %% [%.4g, %.4g] (profile)\n",
            e->param, e->tau, e->lo, e->hi);
    }
    str_addf(out, "  residual sd %.4g\n", r->sigma);
    if (!r->converged)
        report_wrapped(out, "  warning (not_converged): ",
                       "the search for the spreads did not settle", 4);
    if (r->groups < RANDOM_FEW) {
        char *text = mem_printf("only %d groups of %s: how much they differ is "
                                "hardly known",
                                r->groups, r->column);

        report_wrapped(out, "  warning (few_points): ", text, 4);
        free(text);
    }
}

void random_json(struct str *out, const struct random_fit *r)
{
    const struct model *m = r->m;

    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/random/1");
    json_add_text(out, "formula", m->formula);
    json_add_number(out, "n_points", (double)m->rows);
    json_add_text(out, "column", r->column);
    json_add_number(out, "groups", r->groups);
    json_add_number(out, "sigma", r->sigma);
    str_addf(out, ",\"converged\":%s,\"params\":[",
             r->converged ? "true" : "false");
    for (int i = 0; i < m->n_params; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "name", m->params[i].name);
        json_add_number(out, "value", r->theta[i]);
        json_add_number(out, "se", r->se[i]);
        json_add_number(out, "lo95", r->lo[i]);
        json_add_number(out, "hi95", r->hi[i]);
        json_add_number(out, "dof", r->dof[i]);
        str_add_char(out, '}');
    }
    str_add(out, "],\"spreads\":[");
    for (int k = 0; k < r->n_effects; k++) {
        str_add(out, k ? ",{" : "{");
        json_add_text(out, "name", r->effects[k].param);
        json_add_number(out, "value", r->effects[k].tau);
        json_add_number(out, "lo95", r->effects[k].lo);
        json_add_number(out, "hi95", r->effects[k].hi);
        str_add_char(out, '}');
    }
    str_add(out, "]}\n");
}
