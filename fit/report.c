#include "fit/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"

void report_wrapped(struct str *out, const char *lead, const char *text,
                    size_t indent)
{
    char *line = mem_printf("%s%s", lead, text);

    str_add_wrapped(out, line, indent - strspn(lead, " "));
    str_add_char(out, '\n');
    free(line);
}

void report_objective_name(struct str *out, const struct model *m)
{
    static const char *const sums[] = {
        [FIT_L2] = "sum of squares",
        [FIT_L1] = "sum of absolute values",
        [FIT_HUBER] = "sum of Huber losses (delta %.6g)",
        [FIT_CAUCHY] = "sum of Cauchy losses (scale %.6g)",
    };

    str_addf(out, sums[m->loss.kind], m->loss.scale);
    str_add(out, " of ");
    str_add(out, m->space == FIT_LOG        ? "log "
                 : m->space == FIT_RELATIVE ? "1 - law/"
                                            : "");
    str_add(out, m->response);
    str_add(out, m->space == FIT_LOG      ? " - log law"
                 : m->space == FIT_LINEAR ? " - law"
                                          : "");
    if (m->has_sigma)
        str_add(out, ", each over its standard deviation");
}

static void add_number(struct str *out, int width, int digits, double x)
{
    char buf[40];

    if (isnan(x))
        snprintf(buf, sizeof buf, "-");
    else
        snprintf(buf, sizeof buf, "%.*g", digits, x);
    str_addf(out, "%*s", width, buf);
}

void report_estimate(struct str *out, const char *name,
                     const struct fit_estimate *e)
{
    char interval[64];

    str_addf(out, "  %-15s", name);
    if (text_columns(name) > 15) /* a line of its own */
        str_addf(out, "\n%*s", 17, "");
    add_number(out, 13, 7, e->value);
    if (isnan(e->lo) && isnan(e->hi)) {
        char *text = mem_printf("%s%s%s", e->interval, e->why ? ": " : "",
                                e->why ? e->why : "");

        str_addf(out, "  %s\n", text);
        free(text);
        return;
    }
    add_number(out, 11, 3, e->se);
    snprintf(interval, sizeof interval, "[%.5g, %.5g]", e->lo, e->hi);
    str_addf(out, "   %-24s %s\n", interval, e->interval);
}

static void add_criteria(struct str *out, double aicc, double bic)
{
    if (isfinite(aicc))
        str_addf(out, "  AICc %.6g, BIC %.6g\n", aicc, bic);
    else
        str_addf(out, "  BIC %.6g (too few rows for AICc)\n", bic);
}

static void add_quality(struct str *out, const struct fit *f)
{
    if (f->dof > 0)
        str_addf(out, "\n  residual sd %.4g on %d degrees of freedom\n",
                 f->sigma, f->dof);
    else
        str_add(out, "\n  no residual sd: there are no degrees of freedom\n");
    if (!isnan(f->noise))
        str_addf(out,
                 "  replicate sd %.4g on %d: rows that agree in every "
                 "variable\n",
                 f->noise, f->noise_dof);
    str_addf(out,
             "  condition number (scaled) %.4g; %d of %d starts reached "
             "this minimum\n",
             f->cov.condition, f->best.reached, f->best.starts);
    if (!isnan(f->loglik) && f->dof > 0)
        add_criteria(out, fit_aicc(f), fit_bic(f));
    if (f->jack.n)
        str_addf(out, "  jackknife: %d refits without one cluster each\n",
                 f->jack.n);
    if (f->boot.n)
        str_addf(out, "  bootstrap: %d refits of resampled %s (%d)\n",
                 f->boot.n, f->unit ? "clusters" : "rows", f->boot.units);
}

/* Names of the formula of one kind, once each: variables are columns (or what
 * the law takes for one that is absent), parameters what is fitted. */
static char *names_of_kind(const struct model *m, bool variables)
{
    struct str s = { 0 };

    for (int i = 0; i < m->n_names; i++)
        if (m->names[i].is_var == variables)
            str_addf(&s, "%s%s%s", s.len ? ", " : "", m->names[i].name,
                     variables && !m->names[i].values ? " (constant)" : "");
    return str_steal(&s);
}

static void add_names(struct str *out, const struct model *m)
{
    char *variables = names_of_kind(m, true);
    char *parameters = names_of_kind(m, false);
    char *text = mem_printf("%s; parameters: %s", variables, parameters);

    report_wrapped(out, "  variables: ", text, 4);
    free(text);
    free(variables);
    free(parameters);
}

void report_text(struct str *out, const struct fit *f, const char *source)
{
    const struct model *m = f->m;
    struct str line = { 0 };

    str_addf(out, "%s on %zu rows of %s\n", m->law ? m->law->name : "formula",
             m->rows, source);
    report_wrapped(out, "  ", m->formula, 4);
    add_names(out, m);
    report_objective_name(&line, m);
    report_wrapped(out, "  minimized: ", str_text(&line), 4);
    str_addf(out, "  objective %.14g\n\n", f->best.objective);
    str_release(&line);
    str_add(out, "  parameter              value       s.e.   95 % interval"
                 "            kind\n");
    for (int i = 0; i < m->n_params; i++)
        report_estimate(out, m->params[i].name, &f->est[i]);
    add_quality(out, f);
    for (int i = 0; i < f->n_warnings; i++) {
        char *lead =
            mem_printf("  warning (%s): ", fit_code_text(f->warnings[i].code));

        report_wrapped(out, lead, f->warnings[i].text, 4);
        free(lead);
    }
    for (int i = 0; i < f->n_notes; i++)
        report_wrapped(out, "  note: ", f->notes[i], 4);
}

/* --- JSON ---------------------------------------------------------------- */

static void add_bool(struct str *out, const char *key, bool value)
{
    str_addf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void add_params(struct str *out, const struct fit *f)
{
    str_add(out, ",\"params\":[");
    for (int i = 0; i < f->m->n_params; i++) {
        const struct fit_estimate *e = &f->est[i];

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "name", f->m->params[i].name);
        json_add_number(out, "value", e->value);
        json_add_number(out, "se", e->se);
        json_add_number(out, "lo95", e->lo);
        json_add_number(out, "hi95", e->hi);
        json_add_text(out, "interval", e->interval);
        add_bool(out, "at_bound", e->at_bound);
        if (e->why)
            json_add_text(out, "why", e->why);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}

static void add_messages(struct str *out, const struct fit *f)
{
    const struct model *m = f->m;

    str_add(out, ",\"warnings\":[");
    for (int i = 0; i < f->n_warnings; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "code", fit_code_text(f->warnings[i].code));
        json_add_text(out, "text", f->warnings[i].text);
        str_add_char(out, '}');
    }
    str_add(out, "],\"notes\":[");
    for (int i = 0; i < f->n_notes; i++) {
        str_add(out, i ? "," : "");
        json_quote(out, f->notes[i]);
    }
    str_add(out, "],\"left_out\":[");
    for (int i = 0; i < m->n_left_out; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_number(out, "row", (double)m->left_out[i].number);
        json_add_text(out, "why", m->left_out[i].why);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}

static void add_json_names(struct str *out, const struct model *m)
{
    for (int variables = 1; variables >= 0; variables--) {
        bool first = true;

        str_addf(out, ",\"%s\":[", variables ? "variables" : "parameters");
        for (int i = 0; i < m->n_names; i++) {
            if (m->names[i].is_var != (variables == 1))
                continue;
            str_add(out, first ? "" : ",");
            json_quote(out, m->names[i].name);
            first = false;
        }
        str_add_char(out, ']');
    }
}

static void add_range(struct str *out, const struct model *m)
{
    bool first = true;

    str_add(out, ",\"range\":[");
    for (int k = 0; k < m->n_names; k++) {
        const double *v = m->names[k].values;
        double lo = HUGE_VAL, hi = -HUGE_VAL;

        if (!v)
            continue;
        for (size_t i = 0; i < m->rows; i++) {
            lo = fmin(lo, v[i]);
            hi = fmax(hi, v[i]);
        }
        str_add(out, first ? "{" : ",{");
        first = false;
        json_add_text(out, "name", m->names[k].name);
        json_add_number(out, "min", lo);
        json_add_number(out, "max", hi);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}

void report_json(struct str *out, const struct fit *f)
{
    const struct model *m = f->m;
    char loss[48];

    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/fit/1");
    json_add_text(out, "law", m->law ? m->law->name : "formula");
    json_add_text(out, "formula", m->formula);
    add_json_names(out, m);
    json_add_text(out, "space", fit_space_name(m->space));
    json_add_text(out, "loss", fit_loss_text(loss, &m->loss));
    json_add_number(out, "objective", f->best.objective);
    json_add_number(out, "rss", f->rss);
    json_add_number(out, "n_points", (double)m->rows);
    json_add_number(out, "n_params", f->n_params);
    json_add_number(out, "dof", f->dof);
    add_bool(out, "converged", f->best.converged);
    json_add_number(out, "sigma", f->sigma);
    json_add_number(out, "noise", f->noise);
    add_params(out, f);
    json_add_number(out, "condition", f->cov.condition);
    json_add_number(out, "aicc", fit_aicc(f));
    json_add_number(out, "bic", fit_bic(f));
    add_messages(out, f);
    str_addf(out, ",\"starts\":{\"n\":%d,\"reached_best\":%d}", f->best.starts,
             f->best.reached);
    str_addf(out, ",\"bootstrap\":{\"n\":%d,\"units\":%d}", f->boot.n,
             f->boot.units);
    add_range(out, m);
}
