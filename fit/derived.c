#include "fit/derived.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/str.h"
#include "fit/derived_law.h"
#include "fit/predict.h"
#include "fit/resample.h"

/* --- the table ----------------------------------------------------------- */

static const struct derived_question questions[] = {
    { "N-opt", "C", "ND", "parameters that make the best of C operations",
      derived_n_opt },
    { "D-opt", "C", "ND", "tokens that make the best of C operations",
      derived_d_opt },
    { "loss-opt", "C", "ND", "loss at that size", derived_loss_opt },
    { "N-eff", "", "", "unquantized size with the same loss, as a share of N",
      derived_n_eff },
    { "D-crit", "", "D", "tokens beyond which more of them raise the loss",
      derived_d_crit },
    { "G-max", "cost", "GB", "largest group that costs no more than cost nats",
      derived_g_max },
    { "split", "P", "EM", "exponent bits of the best format of P bits",
      derived_split },
    { "P-opt", "C", "NDEMPG",
      "bits that make the best of C operations; give "
      "N, D or neither",
      derived_p_opt },
};

const struct derived_question *derived_at(int i)
{
    return i >= 0 && i < (int)(sizeof questions / sizeof questions[0])
               ? &questions[i]
               : NULL;
}

static enum status find_question(const struct derived_question **out,
                                 const char *name, struct err *err)
{
    const char *names[16], *near;
    size_t n = 0;

    for (int i = 0; derived_at(i); i++) {
        *out = derived_at(i);
        if (strcmp((*out)->name, name) == 0)
            return OK;
        names[n++] = (*out)->name;
    }
    near = text_nearest(name, names, n);
    return err_set(err, ERR_USAGE,
                   "--solve '%s': there is N-opt, D-opt, loss-opt, N-eff, "
                   "D-crit, G-max, split and P-opt%s%s%s",
                   name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

/* --- settings ------------------------------------------------------------ */

static bool take_setting(double *out, const char *name, const char *text)
{
    const size_t len = strlen(name);
    const char *end;

    return strncmp(text, name, len) == 0 && text[len] == '=' &&
           text_read_number(out, text + len + 1, &end, false) && !*end;
}

/* Separate the question's own settings from the law's, and add a value for
 * each variable that is to be found. */
static enum status read_settings(struct derived_ask *a, char ***rest,
                                 int *n_rest, const struct derived_question *q,
                                 const struct model *m, char *const *settings,
                                 int n, struct err *err)
{
    *rest = mem_array((size_t)(n + m->n_names), sizeof **rest);
    *n_rest = 0;
    a->c = a->p = a->cost = (double)NAN;
    for (int i = 0; i < n; i++) {
        if ((strcmp(q->needs, "C") == 0 &&
             take_setting(&a->c, "C", settings[i])) ||
            (strcmp(q->needs, "P") == 0 &&
             take_setting(&a->p, "P", settings[i])) ||
            (strcmp(q->needs, "cost") == 0 &&
             take_setting(&a->cost, "cost", settings[i])))
            continue;
        a->has_n = a->has_n || text_has_prefix(settings[i], "N=");
        a->has_d = a->has_d || text_has_prefix(settings[i], "D=");
        (*rest)[(*n_rest)++] = mem_strdup(settings[i]);
    }
    if ((*q->needs == 'C' && !(a->c > 0)) ||
        (*q->needs == 'P' && !(a->p > 1)) ||
        (*q->needs == 'c' && !(a->cost > 0)))
        return err_set(err, ERR_USAGE, "%s needs %s=NUMBER", q->name, q->needs);
    for (int k = 0; k < m->n_names; k++) {
        const char *name = m->names[k].name;
        bool given = false;

        for (int i = 0; i < n; i++)
            given = given || (text_has_prefix(settings[i], name) &&
                              settings[i][strlen(name)] == '=');
        if (m->names[k].is_var && !given && strchr(q->finds, name[0]))
            (*rest)[(*n_rest)++] = mem_printf("%s=2", name);
    }
    return OK;
}

/* --- intervals ----------------------------------------------------------- */

struct asked { /* for resample_value */
    const struct derived_question *question;
    const struct derived_ask *ask;
};

static double log_answer(const double *theta, void *ctx)
{
    const struct asked *q = ctx;

    return log(q->question->answer(q->ask, theta));
}

/* About the logarithm of a positive answer; a refit without one leaves no
 * interval. */
static void from_jackknife(struct derived *out, const struct derived_ask *a,
                           const struct fit *f)
{
    struct asked q = { out->question, a };
    const double half = resample_value(f, log_answer, &q).half;

    if (!isfinite(half) || !(out->value > 0) || !isfinite(out->value))
        return;
    out->lo = out->value * exp(-half);
    out->hi = out->value * exp(half);
}

static void from_bootstrap(struct derived *out, const struct derived_ask *a,
                           const struct fit *f)
{
    double *x = mem_array((size_t)f->boot.n, sizeof *x);
    int n = 0;

    for (int b = 0; b < f->boot.n; b++) {
        const double v = out->question->answer(
            a, f->boot.theta + (size_t)b * (size_t)f->m->n_params);

        if (isnan(v))
            out->none++;
        else
            x[n++] = v;
    }
    qsort(x, (size_t)n, sizeof *x, order_doubles);
    if (out->none * 40 < f->boot.n) { /* else even 95 % have no answer */
        out->lo = sorted_quantile(x, n, bootstrap_level(f->boot.units, 0.025));
        out->hi = sorted_quantile(x, n, bootstrap_level(f->boot.units, 0.975));
    }
    free(x);
}

/* log of the answer with coordinate c moved by h. */
static double moved(const struct derived *d, const struct derived_ask *a,
                    const struct fit *f, double *u, int c, double h)
{
    double *theta = mem_array((size_t)f->m->n_params, sizeof *theta), v;

    u[c] += h;
    model_theta(f->work, theta, u);
    v = log(d->question->answer(a, theta));
    u[c] -= h;
    free(theta);
    return v;
}

static void from_gradient(struct derived *out, const struct derived_ask *a,
                          const struct fit *f)
{
    const struct covariance *c = &f->cov;
    const double t = gsl_cdf_tdist_Pinv(0.975, f->dof);
    double *u = mem_array((size_t)f->m->n_free, sizeof *u), var = 0;
    double *g = mem_array((size_t)f->m->n_free, sizeof *g);

    model_coordinates(f->work, u, f->best.theta);
    for (int i = 0; i < c->n; i++) {
        const double h = 0.05 * f->sigma * sqrt(c->inverse[i * c->n + i]);

        g[i] = (moved(out, a, f, u, c->coord[i], h) -
                moved(out, a, f, u, c->coord[i], -h)) /
               (2 * h);
    }
    for (int i = 0; i < c->n; i++)
        for (int j = 0; j < c->n; j++)
            var += g[i] * c->inverse[i * c->n + j] * g[j];
    out->lo = out->value * exp(-t * f->sigma * sqrt(var));
    out->hi = out->value * exp(t * f->sigma * sqrt(var));
    free(u);
    free(g);
}

enum status derived_find(struct derived *out, const char *name,
                         const struct model *m, const double *theta,
                         const struct fit *f, char *const *settings, int n,
                         struct err *err)
{
    struct derived_ask a = { .m = m };
    double *slots = NULL;
    char **rest = NULL;
    int *chosen = NULL, n_rest = 0;
    enum status st;

    *out = (struct derived){ .lo = (double)NAN, .hi = (double)NAN };
    st = find_question(&out->question, name, err);
    if (st == OK && m->n_names > DERIVED_NAMES)
        st = err_set(err, ERR_USAGE, "the formula has too many names");
    if (st == OK)
        st = read_settings(&a, &rest, &n_rest, out->question, m, settings, n,
                           err);
    if (st == OK)
        st = predict_slots(&slots, &chosen, m, theta, rest, n_rest, err);
    if (st == OK) {
        a.slots = slots;
        a.chosen = chosen;
        out->value = out->question->answer(&a, theta);
        if (f && f->jack.n)
            from_jackknife(out, &a, f);
        else if (f && f->boot.n > 20)
            from_bootstrap(out, &a, f);
        else if (f && f->m->loss.kind == FIT_L2 && f->dof > 0 &&
                 f->cov.full_rank && out->value > 0 && isfinite(out->value))
            from_gradient(out, &a, f);
    }
    for (int i = 0; i < n_rest; i++)
        free(rest[i]);
    free(rest);
    free(slots);
    free(chosen);
    return st;
}
