/* isoflop_report.c - profiles of budgets as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "fit/isoflop.h"
#include "fit/report.h"

/* "1.08G" in a field; open limits as words. */
static const char *size_text(char buf[32], double log_n)
{
    if (!isfinite(log_n))
        snprintf(buf, 32, log_n < 0 ? "0" : "inf");
    else
        text_si(buf, exp(log_n), 3);
    return buf;
}

static void add_budget(struct str *out, const struct isoflop_budget *b)
{
    char c[32], n[32], lo[32], hi[32], d[32], interval[72];

    text_si(c, b->c, 3);
    if (b->refused) {
        char *lead = mem_printf("  %-8s %5d  ", c, b->sizes);

        report_wrapped(out, lead, b->refused, 17);
        free(lead);
        return;
    }
    text_si(d, b->c / 6 / exp(b->vertex), 3);
    snprintf(interval, sizeof interval, "[%s, %s]", size_text(lo, b->lo),
             size_text(hi, b->hi));
    str_addf(out, "  %-8s %5d  %8s  %-18s %8s  %8.4g", c, b->sizes,
             size_text(n, b->vertex), interval, d, b->loss);
    if (isnan(b->bias))
        str_add(out, "       -\n");
    else
        str_addf(out, "  %+6.1f %%\n", 100 * expm1(b->bias));
}

static void add_line(struct str *out, const struct isoflop *f)
{
    char interval[64] = "";

    if (!isnan(f->lo))
        snprintf(interval, sizeof interval, "  95 %% [%.4f, %.4f]", f->lo,
                 f->hi);
    str_addf(out, "\n  N* = %.4g C^%.4f%s\n", exp(f->log_g), f->a, interval);
    if (!isnan(f->lo))
        snprintf(interval, sizeof interval, "  95 %% [%.4f, %.4f]", 1 - f->hi,
                 1 - f->lo);
    str_addf(out, "  D* = %.4g C^%.4f%s\n", exp(-f->log_g) / 6, 1 - f->a,
             interval);
    if (f->scatter > 1)
        str_addf(
            out,
            "  vertices scatter about the line %.2g times as much as their "
            "errors say\n",
            f->scatter);
}

static void add_bias(struct str *out, const struct isoflop *f)
{
    char *text;

    if (isnan(f->design_a)) {
        text = mem_printf("not known: %s", f->why ? f->why : "no joint law");
    } else {
        text = mem_printf(
            "with these sizes and budgets, noise-free losses of the joint law "
            "give an exponent of %.4f where the law's own is %.4f, %+.4f of "
            "the method; of N* see the last column. Less that, the exponent "
            "here is %.4f",
            f->design_a, f->law_a, f->design_a - f->law_a,
            f->a - (f->design_a - f->law_a));
    }
    report_wrapped(out, "  bias: ", text, 4);
    free(text);
}

void isoflop_text(struct str *out, const struct isoflop *f, const char *column,
                  const char *source)
{
    str_addf(out, "isoFLOP profiles of %zu rows of %s\n", f->rows, source);
    str_addf(out,
             "  budgets: %s; a parabola of loss in log N for each, one noise "
             "for all\n\n",
             column);
    str_add(out, "  budget   sizes        N*  95 %                     D*      "
                 "loss  bias of N*\n");
    for (int i = 0; i < f->n; i++)
        add_budget(out, &f->budgets[i]);
    if (f->used >= 2) {
        if (f->dof > 0)
            str_addf(out, "\n  residual sd %.4g on %d degrees of freedom\n",
                     f->sigma, f->dof);
        add_line(out, f);
        add_bias(out, f);
    }
}

void isoflop_json(struct str *out, const struct isoflop *f)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/isoflop/1");
    json_add_number(out, "n_points", (double)f->rows);
    str_add(out, ",\"budgets\":[");
    for (int i = 0; i < f->n; i++) {
        const struct isoflop_budget *b = &f->budgets[i];

        str_add(out, i ? ",{" : "{");
        json_add_number(out, "C", b->c);
        json_add_number(out, "rows", b->rows);
        json_add_number(out, "sizes", b->sizes);
        if (b->refused) {
            json_add_text(out, "refused", b->refused);
        } else {
            json_add_number(out, "N", exp(b->vertex));
            json_add_number(out, "lo95", exp(b->lo));
            json_add_number(out, "hi95", exp(b->hi));
            json_add_number(out, "D", b->c / 6 / exp(b->vertex));
            json_add_number(out, "loss", b->loss);
            json_add_number(out, "curvature", b->curvature);
            json_add_number(out, "bias", expm1(b->bias));
        }
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
    json_add_number(out, "sigma", f->sigma);
    json_add_number(out, "dof", f->dof);
    json_add_number(out, "a", f->used >= 2 ? f->a : (double)NAN);
    json_add_number(out, "a_lo95", f->used >= 2 ? f->lo : (double)NAN);
    json_add_number(out, "a_hi95", f->used >= 2 ? f->hi : (double)NAN);
    json_add_number(out, "b", f->used >= 2 ? 1 - f->a : (double)NAN);
    json_add_number(out, "coefficient",
                    f->used >= 2 ? exp(f->log_g) : (double)NAN);
    json_add_number(out, "scatter", f->scatter);
    json_add_number(out, "law_exponent", f->law_a);
    json_add_number(out, "design_exponent", f->design_a);
    str_add(out, "}\n");
}
