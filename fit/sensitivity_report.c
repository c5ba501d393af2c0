/* sensitivity_report.c - a sensitivity as text and as JSON. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "fit/report.h"
#include "fit/sensitivity.h"

#define COLUMNS 5 /* of constants beside the name of a case */

/* after: the value before it has a mark, which takes a place. */
static void add_value(struct str *out, double x, bool outside, bool after)
{
    char buf[40];

    if (optimum_is_far(x))
        snprintf(buf, sizeof buf, "%sinf", x < 0 ? "-" : "");
    else
        snprintf(buf, sizeof buf, "%.4g", x);
    str_addf(out, "%s%9s%s", after ? " " : "  ", buf, outside ? "*" : "");
}

/* The free parameters from the given one on that fit beside one another;
 * returns the first of the next block. */
static int choose_block(int *param, int *n, const struct model *m, int from)
{
    for (*n = 0; from < m->n_params && *n < COLUMNS; from++)
        if (m->params[from].free >= 0)
            param[(*n)++] = from;
    return from;
}

static void add_case(struct str *out, const struct sensitivity *s, int k,
                     const int *param, int n)
{
    const struct sensitivity_case *c = &s->cases[k];
    char buf[48];

    str_addf(out, "  %-8s %-12s", fit_space_name(c->space),
             fit_loss_text(buf, &c->loss));
    for (int i = 0; i < n && !c->failure; i++)
        add_value(out, c->best.theta[param[i]],
                  sensitivity_is_outside(s, k, param[i]),
                  i > 0 && sensitivity_is_outside(s, k, param[i - 1]));
    str_add(out, c->failure           ? "   no fit"
                 : !c->best.converged ? " !"
                 : c->is_own          ? " <"
                                      : "");
    str_add(out, "\n");
}

static void add_table(struct str *out, const struct sensitivity *s)
{
    const struct model *m = s->f->m;
    int param[COLUMNS], n, from = 0;

    for (;;) {
        from = choose_block(param, &n, m, from);
        if (n == 0)
            break;
        str_addf(out, "  %-8s %-12s", "space", "loss");
        for (int i = 0; i < n; i++)
            str_addf(out, "  %9.9s", m->params[param[i]].name);
        str_add(out, "\n");
        for (int k = 0; k < s->n; k++)
            add_case(out, s, k, param, n);
        str_add(out, "\n");
    }
}

static void add_legend(struct str *out, const struct sensitivity *s)
{
    bool slow = false;

    str_add(out, "  * outside of the fit's own 95 % interval; < the fit "
                 "itself");
    for (int k = 0; k < s->n; k++)
        slow = slow || (!s->cases[k].failure && !s->cases[k].best.converged);
    str_add(out, slow ? "; ! not converged\n" : "\n");
}

/* "E leaves its interval in 3 of 14 other fits": each constant that does. */
static void add_movers(struct str *out, const struct sensitivity *s)
{
    const struct model *m = s->f->m;
    struct str text = { 0 };
    int movers = 0, untold = 0, others = 0;

    for (int k = 0; k < s->n; k++)
        others += !s->cases[k].failure && !s->cases[k].is_own;
    for (int i = 0; i < m->n_params; i++) {
        int outside = 0;

        if (m->params[i].free < 0)
            continue;
        untold += !(s->f->est[i].lo < s->f->est[i].hi);
        for (int k = 0; k < s->n; k++)
            outside += sensitivity_is_outside(s, k, i);
        if (outside)
            str_addf(&text, "%s%s in %d", movers++ ? ", " : "",
                     m->params[i].name, outside);
    }
    if (movers)
        str_addf(&text, " of %d other fits", others);
    else
        str_addf(&text, "no constant, in any of %d other fits", others);
    if (untold)
        str_addf(&text, "; %d without an interval cannot tell", untold);
    report_wrapped(out, "  leaves its interval: ", str_text(&text), 4);
    str_release(&text);
}

static void add_suggestion(struct str *out, const struct sensitivity *s)
{
    char *text, buf[48];

    if (!(s->noise > 0)) {
        str_add(out, "  no noise is seen: no delta is suggested\n");
        return;
    }
    text = mem_printf(
        "--loss %s: 1.345 standard deviations of %.3g, %s%s; %d of %zu rows "
        "lie "
        "beyond it",
        fit_loss_text(buf, &s->suggested), s->noise,
        s->noise_dof
            ? "by which replicates differ"
            : "the middle of the residuals, which include what the law "
              "misses",
        s->noise_dof ? "" : " (fewer than 5 degrees of freedom of replicates)",
        s->beyond, s->f->m->rows);
    report_wrapped(out, "  a delta for these rows: ", text, 4);
    free(text);
}

static void add_rows(struct str *out, const struct sensitivity *s)
{
    const struct fit *f = s->f;

    if (s->n_rows == 0)
        return;
    str_addf(out,
             "  what moves most, in half-widths of its interval, when a row "
             "is left out\n");
    if (s->tried < (int)f->m->rows)
        str_addf(out, "  (of %zu rows the %d of the largest Cook's distance)\n",
                 f->m->rows, s->tried);
    str_addf(out, "  %8s %9s %9s  %-9s %10s %10s %12s\n", f->m->noun,
             "residual", "leverage", "constant", "with", "without",
             "half-widths");
    for (int k = 0; k < s->n_rows; k++) {
        const struct sensitivity_row *r = &s->rows[k];

        str_addf(out, "  %8lld %9.3g %9.2f  %-9.9s %10.4g %10.4g %12.2f\n",
                 (long long)f->m->number[r->row], f->residual[r->row],
                 f->cov.leverage[r->row], f->m->params[r->param].name,
                 r->before, r->after, r->share);
    }
}

void sensitivity_text(struct str *out, const struct sensitivity *s)
{
    str_add(out, "\nchoice of the loss: the same rows in every space, by every "
                 "loss\n");
    add_table(out, s);
    add_legend(out, s);
    if (s->no_space)
        str_addf(out, "  %s\n", s->no_space);
    add_movers(out, s);
    add_suggestion(out, s);
    add_rows(out, s);
}

/* --- JSON ---------------------------------------------------------------- */

static void case_json(struct str *out, const struct sensitivity *s, int k)
{
    const struct sensitivity_case *c = &s->cases[k];
    const struct model *m = s->f->m;
    char buf[48];
    int n = 0;

    str_add(out, k ? ",{" : "{");
    json_add_text(out, "space", fit_space_name(c->space));
    json_add_text(out, "loss", fit_loss_text(buf, &c->loss));
    str_addf(out, ",\"own\":%s", c->is_own ? "true" : "false");
    if (c->failure) {
        json_add_text(out, "failure", c->failure);
        str_add_char(out, '}');
        return;
    }
    str_addf(out, ",\"converged\":%s", c->best.converged ? "true" : "false");
    json_add_number(out, "objective", c->best.objective);
    str_add(out, ",\"params\":[");
    for (int i = 0; i < m->n_params; i++) {
        if (m->params[i].free < 0)
            continue;
        str_add(out, n++ ? ",{" : "{");
        json_add_text(out, "name", m->params[i].name);
        json_add_number(out, "value",
                        optimum_is_far(c->best.theta[i]) ? (double)NAN
                                                         : c->best.theta[i]);
        str_addf(out, ",\"outside\":%s}",
                 sensitivity_is_outside(s, k, i) ? "true" : "false");
    }
    str_add(out, "]}");
}

static void rows_json(struct str *out, const struct sensitivity *s)
{
    const struct fit *f = s->f;

    str_add(out, ",\"rows\":[");
    for (int k = 0; k < s->n_rows; k++) {
        const struct sensitivity_row *r = &s->rows[k];

        str_add(out, k ? ",{" : "{");
        json_add_number(out, "row", (double)f->m->number[r->row]);
        json_add_number(out, "residual", f->residual[r->row]);
        json_add_number(out, "leverage", f->cov.leverage[r->row]);
        json_add_text(out, "param", f->m->params[r->param].name);
        json_add_number(out, "with", r->before);
        json_add_number(out, "without", r->after);
        json_add_number(out, "half_widths", r->share);
        str_add_char(out, '}');
    }
    str_add(out, "]");
}

void sensitivity_json(struct str *out, const struct sensitivity *s)
{
    char buf[48];

    str_add(out, ",\"sensitivity\":{");
    json_add_number(out, "noise", s->noise);
    json_add_number(out, "noise_dof", s->noise_dof);
    json_add_text(out, "suggested",
                  s->noise > 0 ? fit_loss_text(buf, &s->suggested) : "l2");
    json_add_number(out, "beyond", s->beyond);
    str_add(out, ",\"fits\":[");
    for (int k = 0; k < s->n; k++)
        case_json(out, s, k);
    str_add(out, "]");
    rows_json(out, s);
    str_add(out, "}");
}
