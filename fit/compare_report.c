/* compare_report.c - a comparison of laws as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "fit/compare.h"
#include "fit/report.h"

static void add_cell(struct str *out, int width, double x, const char *fmt)
{
    char buf[40] = "-";

    if (isfinite(x))
        snprintf(buf, sizeof buf, fmt, x);
    str_addf(out, " %*s", width, buf);
}

/* Laws by their names; formulas, which are longer than a column, as F1, F2 with
 * the texts below. */
static void name_of(char buf[24], const struct comparison *c, int i)
{
    int n = 0;

    for (int k = 0; k <= i; k++)
        n += !c->laws[k].law;
    if (c->laws[i].law)
        snprintf(buf, 24, "%.20s", c->laws[i].name);
    else
        snprintf(buf, 24, "F%d", n);
}

static void add_contender(struct str *out, const struct comparison *c, int i)
{
    const struct contender *w = &c->laws[i];
    char name[24];

    name_of(name, c, i);
    if (w->failure) {
        char *lead = mem_printf("  %-17s ", name);

        report_wrapped(out, lead, w->failure, 20);
        free(lead);
        return;
    }
    str_addf(out, "  %-17s %6d", name, w->n_params);
    add_cell(out, 10, w->sigma, "%.4g");
    add_cell(out, 10, w->aicc, "%.1f");
    add_cell(out, 10, w->bic, "%.1f");
    add_cell(out, 10, w->cv, "%.4g");
    if (c->has_held)
        add_cell(out, 10, w->held, "%.4g");
    str_addf(out, "%s\n", w->sound ? "" : " !");
}

static void add_nestings(struct str *out, const struct comparison *c)
{
    for (int i = 0; i < c->n_nested; i++) {
        const struct nesting *n = &c->nested[i];
        char inner[24], outer[24], p[32];

        name_of(inner, c, n->inner);
        name_of(outer, c, n->outer);
        snprintf(p, sizeof p, n->p < 1e-15 ? "< 1e-15" : "= %.3g", n->p);
        str_addf(out, "  %s is a special case of %s: F(%d, %d) = %.4g, p %s\n",
                 inner, outer, n->df1, n->df2, n->f, p);
    }
}

void comparison_text(struct str *out, const struct comparison *c,
                     const struct fit_spec *spec)
{
    bool unsound = false;

    str_addf(out, "%zu rows that every law can use", c->rows);
    if (c->dropped)
        str_addf(out, " (%d more only by some)", c->dropped);
    str_addf(out, "; errors in %s space\n", fit_space_name(spec->space));
    str_addf(out, "  %-17s %6s %10s %10s %10s %10s%s\n", "law", "params", "sd",
             "AICc", "BIC", "cv rmse", c->has_held ? "   held out" : "");
    for (int i = 0; i < c->n; i++) {
        add_contender(out, c, i);
        unsound = unsound || (!c->laws[i].failure && !c->laws[i].sound);
    }
    for (int i = 0; i < c->n; i++) {
        char name[24], *lead;

        if (c->laws[i].law)
            continue;
        name_of(name, c, i);
        lead = mem_printf("  %s: ", name);
        report_wrapped(out, lead, c->laws[i].name, 6);
        free(lead);
    }
    if (unsound)
        str_add(out, "  ! not identifiable or not converged: see its own "
                     "fit\n");
    add_nestings(out, c);
}

static void nestings_json(struct str *out, const struct comparison *c)
{
    str_add(out, ",\"nested\":[");
    for (int i = 0; i < c->n_nested; i++) {
        const struct nesting *n = &c->nested[i];

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "inner", c->laws[n->inner].name);
        json_add_text(out, "outer", c->laws[n->outer].name);
        json_add_number(out, "f", n->f);
        json_add_number(out, "df1", n->df1);
        json_add_number(out, "df2", n->df2);
        json_add_number(out, "p", n->p);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}

void comparison_json(struct str *out, const struct comparison *c)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/compare/1");
    json_add_number(out, "n_points", (double)c->rows);
    str_add(out, ",\"laws\":[");
    for (int i = 0; i < c->n; i++) {
        const struct contender *w = &c->laws[i];

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "law", w->name);
        if (w->failure) {
            json_add_text(out, "failure", w->failure);
        } else {
            json_add_number(out, "n_params", w->n_params);
            json_add_number(out, "rss", w->rss);
            json_add_number(out, "sigma", w->sigma);
            json_add_number(out, "aicc", w->aicc);
            json_add_number(out, "bic", w->bic);
            json_add_number(out, "cv_rmse", w->cv);
            if (c->has_held)
                json_add_number(out, "held_rmse", w->held);
            str_addf(out, ",\"sound\":%s", w->sound ? "true" : "false");
        }
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
    nestings_json(out, c);
    str_add(out, "}\n");
}
