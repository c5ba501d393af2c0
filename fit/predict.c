#include "fit/predict.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/rng.h"
#include "fit/resample.h"

/* --- settings ------------------------------------------------------------ */

/* "N=200k": the text after the equals sign of the setting called name. */
static const char *find_setting(char *const *settings, int n, const char *name)
{
    const size_t len = strlen(name);

    for (int i = 0; i < n; i++)
        if (strncmp(settings[i], name, len) == 0 && settings[i][len] == '=')
            return settings[i] + len + 1;
    return NULL;
}

static bool is_known(const struct model *m, const char *name, size_t len)
{
    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &m->names[k];

        if (nm->is_var && strlen(nm->name) == len &&
            strncmp(nm->name, name, len) == 0)
            return true;
        if (nm->column && strlen(nm->column) == len &&
            strncmp(nm->column, name, len) == 0)
            return true;
    }
    return false;
}

static enum status check_settings(const struct model *m, char *const *settings,
                                  int n, struct err *err)
{
    for (int i = 0; i < n; i++) {
        const char *names[64], *near;
        const size_t len = strcspn(settings[i], "=");
        char word[64];
        size_t count = 0;

        if (!settings[i][len])
            return err_set(err, ERR_USAGE, "'%s' is not NAME=VALUE",
                           settings[i]);
        if (is_known(m, settings[i], len))
            continue;
        for (int k = 0; k < m->n_names && count < 60; k++) {
            if (m->names[k].is_var)
                names[count++] = m->names[k].name;
            else if (m->names[k].column)
                names[count++] = m->names[k].column;
        }
        snprintf(word, sizeof word, "%.*s", (int)len, settings[i]);
        near = text_nearest(word, names, count);
        return err_set(err, ERR_USAGE, "the law has no variable '%s'%s%s%s",
                       word, near ? ", did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
    }
    return OK;
}

static enum status variable_value(double *out, const struct model_name *nm,
                                  const char *text, struct err *err)
{
    *out = nm->constant;
    if (!text && isnan(nm->constant))
        return err_set(err, ERR_USAGE, "give a value for %s, as in %s=1M",
                       nm->name, nm->name);
    if (text && !table_number(out, text))
        return err_set(err, ERR_USAGE, "%s=%s: '%s' is not a number", nm->name,
                       text, text);
    return OK;
}

/* The value that parameter i of a grouped slot stands for, "int4" of
 * "k[int4]". */
static const char *group_text(const struct model *m, int slot, int i, int *len)
{
    const char *text = m->params[i].name + strlen(m->names[slot].name) + 1;

    *len = (int)strlen(text) - 1;
    return text;
}

/* Which of a grouped parameter's values a setting such as fmt=int4 chooses. */
static enum status group_value(int *out, const struct model *m, int slot,
                               const char *text, struct err *err)
{
    const struct model_name *nm = &m->names[slot];
    struct str known = { 0 };
    int len;

    for (*out = nm->first; *out < nm->first + nm->count; ++*out) {
        const char *value = group_text(m, slot, *out, &len);

        if (text && strlen(text) == (size_t)len &&
            strncmp(value, text, (size_t)len) == 0)
            return OK;
    }
    for (int i = nm->first; i < nm->first + nm->count; i++) {
        const char *value = group_text(m, slot, i, &len);

        str_addf(&known, "%s%.*s", i > nm->first ? ", " : "", len, value);
    }
    err_set(err, ERR_USAGE,
            text ? "%s=%s was not fitted; there are: %s"
                 : "give %s%s one of: %s",
            nm->column, text ? text : "=", str_text(&known));
    str_release(&known);
    return ERR_USAGE;
}

enum status predict_slots(double **slots, int **chosen, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err)
{
    enum status st = check_settings(m, settings, n, err);
    int *param = mem_array((size_t)m->n_names, sizeof *param);

    *slots = mem_array((size_t)m->n_names, sizeof **slots);
    for (int k = 0; k < m->n_names && st == OK; k++) {
        const struct model_name *nm = &m->names[k];
        const char *text = find_setting(settings, n,
                                        nm->is_var   ? nm->name
                                        : nm->column ? nm->column
                                                     : "");

        param[k] = nm->is_var ? -1 : nm->first;
        if (nm->is_var)
            st = variable_value(&(*slots)[k], nm, text, err);
        else if (nm->column)
            st = group_value(&param[k], m, k, text, err);
        if (!nm->is_var && st == OK)
            (*slots)[k] = theta[param[k]];
    }
    if (st != OK) {
        free(*slots);
        *slots = NULL;
    }
    if (st == OK && chosen)
        *chosen = param;
    else
        free(param);
    return st;
}

/* --- the value ----------------------------------------------------------- */

static const char *slot_name(void *ctx, int slot)
{
    return ((const struct model *)ctx)->names[slot].name;
}

void predict_term_name(struct str *out, const struct model *m, int i)
{
    const char *p = m->law ? m->law->terms : NULL;
    struct expr *term;
    char *text;

    for (int k = 0; p && k < i; k++) {
        p = strchr(p, ',');
        p = p ? p + 2 : NULL;
    }
    if (p) {
        str_add_n(out, p, strcspn(p, ","));
        return;
    }
    term = expr_term(m->expr, i);
    text = term ? expr_print(term, slot_name, (void *)m) : mem_strdup("?");
    str_add(out, text);
    free(text);
    expr_free(term);
}

static void fill_value(struct prediction *out, const struct model *m,
                       const double *slots)
{
    struct expr *term;

    *out = (struct prediction){ .value = expr_eval(m->expr, slots),
                                .mean_lo = (double)NAN,
                                .mean_hi = (double)NAN,
                                .run_lo = (double)NAN,
                                .run_hi = (double)NAN,
                                .beyond = 1 };
    for (int i = 0; i < PREDICT_TERMS; i++) {
        term = expr_term(m->expr, i);
        if (!term)
            break;
        out->term[out->n_terms++] = expr_eval(term, slots);
        expr_free(term);
    }
}

enum status predict_value(struct prediction *out, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err)
{
    double *slots;
    enum status st = predict_slots(&slots, NULL, m, theta, settings, n, err);

    if (st != OK)
        return st;
    fill_value(out, m, slots);
    free(slots);
    if (!isfinite(out->value))
        return err_set(err, ERR_USAGE, "the law has no finite value there");
    return OK;
}

enum status predict_published(double **theta, const struct model *m,
                              const char *set, struct err *err)
{
    const struct law *law = m->law;
    const struct law_set *s = law_set(law, set);
    struct str names = { 0 };

    *theta = NULL;
    for (int i = 0; i < LAW_SETS && law->sets[i].name; i++)
        str_addf(&names, "%s%s", i ? ", " : "", law->sets[i].name);
    if (!s && names.len)
        err_set(err, ERR_USAGE, "law %s has no published set '%s'; it has %s",
                law->name, set, str_text(&names));
    else if (!s)
        err_set(err, ERR_USAGE,
                "law %s has no complete published constants (%s)", law->name,
                law->source);
    str_release(&names);
    if (!s)
        return ERR_USAGE;
    *theta = mem_array((size_t)m->n_params, sizeof **theta);
    for (int i = 0; i < m->n_params; i++)
        (*theta)[i] = law_set_value(s, m->params[i].name);
    return OK;
}

/* --- intervals ----------------------------------------------------------- */

static void measure_range(struct prediction *out, const struct model *m,
                          const double *slots)
{
    struct str s = { 0 };

    for (int k = 0; k < m->n_names; k++) {
        const double *v = m->names[k].values;
        double lo = HUGE_VAL, hi = -HUGE_VAL, factor = 1;

        if (!v)
            continue;
        for (size_t i = 0; i < m->rows; i++) {
            lo = fmin(lo, v[i]);
            hi = fmax(hi, v[i]);
        }
        if (slots[k] > hi)
            factor = hi > 0 ? slots[k] / hi : HUGE_VAL;
        else if (slots[k] < lo)
            factor = slots[k] > 0 ? lo / slots[k] : HUGE_VAL;
        if (!isfinite(factor)) /* from one side of 0 to the other */
            str_addf(&s, "%spast 0 in %s", s.len ? ", " : "",
                     m->names[k].name);
        else if (factor > 1)
            str_addf(&s, "%s%.2gx in %s", s.len ? ", " : "", factor,
                     m->names[k].name);
        out->beyond = fmax(out->beyond, factor);
    }
    if (s.len)
        out->beyond_what = str_steal(&s);
}

/* log when the fit's errors are relative. */
static double to_space(const struct model *m, double x)
{
    return m->space == FIT_LINEAR ? x : log(x);
}

static double from_space(const struct model *m, double x)
{
    return m->space == FIT_LINEAR ? x : exp(x);
}

/* Standard error of the law at the point, in the space of to_space. */
static double mean_error(const struct fit *f, const double *slots,
                         const int *chosen, double value)
{
    const struct model *m = f->m;
    const struct covariance *c = &f->cov;
    struct expr_input *in = mem_array((size_t)m->n_names, sizeof *in);
    double *d = mem_array((size_t)m->n_names, sizeof *d), mu, var = 0;
    double *g = mem_array((size_t)m->n_free, sizeof *g);
    struct expr_work *w =
        expr_work_new(m->expr, f->work->param_slots, f->work->n_slots);

    for (int k = 0; k < m->n_names; k++)
        in[k] = (struct expr_input){ NULL, slots[k] };
    expr_eval_rows(w, &mu, d, 1, in, 1);
    for (int k = 0; k < f->work->n_slots; k++) {
        const int i = chosen[f->work->param_slots[k]];
        const int j = m->params[i].free;

        if (j >= 0)
            g[j] += d[k] * (f->work->is_log[j] ? f->best.theta[i] : 1) /
                    (m->space == FIT_LINEAR ? 1 : value);
    }
    for (int a = 0; a < c->n; a++)
        for (int b = 0; b < c->n; b++)
            var += g[c->coord[a]] * c->inverse[a * c->n + b] * g[c->coord[b]];
    expr_work_free(w);
    free(in);
    free(d);
    free(g);
    return f->sigma * sqrt(var);
}

static void bootstrap_interval(struct prediction *out, const struct fit *f,
                               double *slots, const int *chosen)
{
    const struct model *m = f->m;
    const int n = f->boot.n;
    const uint64_t key = rng_key(1, RNG_FIT, 3);
    const double inflate = sqrt((double)m->rows / fmax(f->dof, 1));
    const double low = bootstrap_level(f->boot.units, 0.025);
    const double high = bootstrap_level(f->boot.units, 0.975);
    double *mean = mem_array((size_t)n, sizeof *mean);
    double *run = mem_array((size_t)n, sizeof *run);

    for (int b = 0; b < n; b++) {
        const double *theta = f->boot.theta + (size_t)b * (size_t)m->n_params;
        const size_t row = rng_below(key, (uint64_t)b, m->rows);

        for (int k = 0; k < m->n_names; k++)
            if (chosen[k] >= 0)
                slots[k] = theta[chosen[k]];
        mean[b] = to_space(m, expr_eval(m->expr, slots));
        run[b] = mean[b] + inflate * f->residual[row] / m->scale[row];
    }
    qsort(mean, (size_t)n, sizeof *mean, order_doubles);
    qsort(run, (size_t)n, sizeof *run, order_doubles);
    out->mean_lo = from_space(m, sorted_quantile(mean, n, low));
    out->mean_hi = from_space(m, sorted_quantile(mean, n, high));
    out->run_lo = from_space(m, sorted_quantile(run, n, low));
    out->run_hi = from_space(m, sorted_quantile(run, n, high));
    free(mean);
    free(run);
}

struct at { /* where the law is asked, for resample_value */
    const struct model *m;
    double *slots;
    const int *chosen;
};

static double value_at(const double *theta, void *ctx)
{
    struct at *at = ctx;

    for (int k = 0; k < at->m->n_names; k++)
        if (at->chosen[k] >= 0)
            at->slots[k] = theta[at->chosen[k]];
    return to_space(at->m, expr_eval(at->m->expr, at->slots));
}

/* About the value, in the fit's space: half an interval for the law, half one
 * for what a run adds. */
static void symmetric_interval(struct prediction *out, const struct model *m,
                               double half, double run)
{
    const double at = to_space(m, out->value), both = hypot(half, run);

    out->mean_lo = from_space(m, at - half);
    out->mean_hi = from_space(m, at + half);
    out->run_lo = from_space(m, at - both);
    out->run_hi = from_space(m, at + both);
}

/* Value, range and intervals at slots; resampling spoils slots. */
static void predict_at(struct prediction *out, const struct fit *f,
                       double *slots, const int *chosen)
{
    const struct model *m = f->m;

    fill_value(out, m, slots);
    measure_range(out, m, slots);
    if (!isfinite(out->value))
        return;
    if (f->jack.n) {
        struct at at = { m, slots, chosen };

        symmetric_interval(out, m, resample_value(f, value_at, &at).half,
                           gsl_cdf_tdist_Pinv(0.975, f->jack.n - 1) * f->sigma);
    } else if (f->boot.n > 20) {
        bootstrap_interval(out, f, slots, chosen);
    } else if (m->loss.kind == FIT_L2 && f->dof > 0 && f->cov.full_rank &&
               (m->space == FIT_LINEAR || out->value > 0)) {
        const double t = gsl_cdf_tdist_Pinv(0.975, f->dof);

        symmetric_interval(out, m, t * mean_error(f, slots, chosen, out->value),
                           t * f->sigma);
    }
}

bool predict_row(struct prediction *out, const struct fit *f,
                 const struct model *other, size_t row)
{
    const struct model *m = f->m;
    double *slots = mem_array((size_t)m->n_names, sizeof *slots);
    int *chosen = mem_array((size_t)m->n_names, sizeof *chosen);
    bool known = true;

    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &other->names[k];

        chosen[k] = -1;
        if (nm->is_var) {
            slots[k] = nm->values ? nm->values[row] : nm->constant;
            continue;
        }
        chosen[k] = model_find_param(
            m,
            other->params[nm->first + (nm->group ? nm->group[row] : 0)].name);
        known = known && chosen[k] >= 0;
        slots[k] = chosen[k] >= 0 ? f->best.theta[chosen[k]] : (double)NAN;
    }
    if (known)
        predict_at(out, f, slots, chosen);
    free(slots);
    free(chosen);
    return known && isfinite(out->value);
}

enum status predict_point(struct prediction *out, const struct fit *f,
                          char *const *settings, int n, struct err *err)
{
    double *slots;
    int *chosen;
    enum status st =
        predict_slots(&slots, &chosen, f->m, f->best.theta, settings, n, err);

    if (st != OK)
        return st;
    predict_at(out, f, slots, chosen);
    free(slots);
    free(chosen);
    if (isfinite(out->value))
        return OK;
    prediction_release(out);
    return err_set(err, ERR_USAGE, "the law has no finite value there");
}

void prediction_release(struct prediction *p)
{
    free(p->beyond_what);
    p->beyond_what = NULL;
}
