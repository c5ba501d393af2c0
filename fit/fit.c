#include "fit/fit.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/diagnose.h"
#include "fit/edge_interval.h"
#include "fit/profile.h"
#include "fit/resample.h"
#include "fit/start.h"

static const char *const codes[FIT_CODE_COUNT] = {
#define CODE_ROW(name, text) [FIT_##name] = text,
    FIT_WARNINGS(CODE_ROW)
#undef CODE_ROW
};

const char *fit_code_text(enum fit_code code)
{
    return codes[code];
}

static char *formatted(const char *fmt, va_list ap)
{
    char text[1024];

    vsnprintf(text, sizeof text, fmt, ap);
    return mem_strdup(text);
}

void fit_warn(struct fit *f, enum fit_code code, const char *fmt, ...)
{
    va_list ap;

    f->warnings =
        mem_grow(f->warnings, (size_t)f->n_warnings + 1, sizeof *f->warnings);
    va_start(ap, fmt);
    f->warnings[f->n_warnings++] =
        (struct fit_warning){ code, formatted(fmt, ap), NULL };
    va_end(ap);
}

void fit_note(struct fit *f, const char *fmt, ...)
{
    va_list ap;

    f->notes = mem_grow(f->notes, (size_t)f->n_notes + 1, sizeof *f->notes);
    va_start(ap, fmt);
    f->notes[f->n_notes++] = formatted(fmt, ap);
    va_end(ap);
}

bool fit_has(const struct fit *f, enum fit_code code)
{
    for (int i = 0; i < f->n_warnings; i++)
        if (f->warnings[i].code == code)
            return true;
    return false;
}

bool fit_is_sound(const struct fit *f)
{
    return !fit_has(f, FIT_NOT_IDENTIFIABLE) && !fit_has(f, FIT_NOT_CONVERGED);
}

double fit_aicc(const struct fit *f)
{
    const double k = f->n_params + 1, n = (double)f->m->rows;

    return n - k - 1 > 0 ? 2 * k - 2 * f->loglik + 2 * k * (k + 1) / (n - k - 1)
                         : (double)NAN;
}

double fit_bic(const struct fit *f)
{
    return log((double)f->m->rows) * (f->n_params + 1) - 2 * f->loglik;
}

/* --- the minimum --------------------------------------------------------- */

static void find_residuals(struct fit *f)
{
    const struct model *m = f->m;
    const double n = (double)m->rows;

    f->mu = mem_array(m->rows, sizeof *f->mu);
    f->residual = mem_array(m->rows, sizeof *f->residual);
    model_law(f->work, f->best.theta, f->mu, NULL);
    for (size_t i = 0; i < m->rows; i++) {
        f->residual[i] = model_residual(m, i, f->mu[i]);
        f->rss += f->residual[i] * f->residual[i];
    }
    f->dof = (int)m->rows - f->cov.n;
    f->n_params = m->n_free;
    f->sigma = f->dof > 0 ? sqrt(f->rss / f->dof) : (double)NAN;
    f->loglik = m->loss.kind == FIT_L2
                    ? -0.5 * n * (log(2 * M_PI * f->rss / n) + 1)
                    : (double)NAN;
}

/* --- intervals ----------------------------------------------------------- */

static void no_interval(struct fit_estimate *e, const char *why)
{
    e->se = e->lo = e->hi = (double)NAN;
    e->interval = "none";
    free(e->why);
    e->why = mem_strdup(why);
}

/* Wald's interval in the coordinate, carried over to the value. */
static void wald(struct fit *f, int i)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];
    const int k = covariance_at(&f->cov, p->free);
    const double t = gsl_cdf_tdist_Pinv(0.975, f->dof);
    const double se = f->sigma * sqrt(f->cov.inverse[k * f->cov.n + k]);

    e->interval = "wald";
    if (f->work->is_log[p->free]) {
        const double a = e->value * exp(-t * se), b = e->value * exp(t * se);

        e->se = fabs(e->value) * se;
        e->lo = fmin(a, b);
        e->hi = fmax(a, b);
    } else {
        e->se = se;
        e->lo = fmax(e->value - t * se, p->lo);
        e->hi = fmin(e->value + t * se, p->hi);
    }
}

/* At a bound, the data can only say how far from it the value might be.  The
 * profiles of the others also start from where it has left the bound. */
static void one_sided_profile(struct fit *f, struct profile *pr, int i)
{
    const struct fit_estimate *e = &f->est[i];
    double off;

    edge_interval_at(f, pr, i, &off);
    if (isfinite(off) && off != e->value)
        profile_add_start(pr, f->m->params[i].free, off);
}

/* Wald's formula takes the law for linear over its interval, which it no longer
 * is where a coefficient is known to a fifth or less, unless it is linear in
 * everything. */
static bool is_too_wide(const struct fit *f, int i)
{
    const int free = f->m->params[i].free;
    const int k = covariance_at(&f->cov, free);
    const double se = f->sigma * sqrt(f->cov.inverse[k * f->cov.n + k]);

    if (f->work->is_log[free])
        return se > 0.2;
    return !f->is_linear &&
           !expr_in_exponent(f->m->expr, f->m->params[i].slot) &&
           se > 0.2 * fabs(f->est[i].value);
}

static void estimate(struct fit *f, struct profile *pr, int i, bool by_profile)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];

    e->value = f->best.theta[i];
    if (optimum_is_far(e->value) && p->free >= 0)
        e->value = copysign(HUGE_VAL, e->value);
    if (p->free < 0) {
        no_interval(e, p->why ? p->why : "held");
        e->interval = "held";
        return;
    }
    e->at_bound = optimum_at_bound(p, f->best.theta[i]);
    if (f->dof <= 0)
        no_interval(e, "no degrees of freedom");
    else if (!e->at_bound && diagnose_is_flat(f, p->free))
        no_interval(e, "the data do not see it");
    else if (f->rival && f->rival[p->free])
        no_interval(e, "another value fits as well");
    else if (resample_has(f))
        resample_estimate(f, i);
    else if (f->m->loss.kind != FIT_L2)
        no_interval(e, "a robust loss needs the bootstrap");
    else if (e->at_bound)
        one_sided_profile(f, pr, i);
    else {
        wald(f, i);
        if (by_profile || is_too_wide(f, i))
            edge_interval_profile(f, pr, i);
    }
}

/* What sits at a bound comes first (one_sided_profile).  Wald's formula would
 * hold it there, so the others' intervals are profiles when there is some. */
static bool estimate_at_bounds(struct fit *f, struct profile *pr)
{
    bool some = false;

    for (int i = 0; i < f->m->n_params; i++) {
        const struct model_param *p = &f->m->params[i];

        if (p->free < 0 || !optimum_at_bound(p, f->best.theta[i]))
            continue;
        estimate(f, pr, i, true);
        some = true;
    }
    return some;
}

static void estimate_all(struct fit *f, const struct fit_spec *spec)
{
    struct profile *pr =
        profile_new(f->m, f->best.theta, f->best.objective, NULL, f->work);
    bool some;

    f->est = mem_array((size_t)f->m->n_params, sizeof *f->est);
    some = estimate_at_bounds(f, pr);
    for (int i = 0; i < f->m->n_params; i++)
        if (!f->est[i].at_bound)
            estimate(f, pr, i, spec->profile || some);
    if (profile_lowest(pr) < f->best.objective * (1 - 1e-6))
        fit_warn(f, FIT_NOT_CONVERGED,
                 "a profile came upon a lower objective, %.8g: the minimum "
                 "reported is not the best one",
                 profile_lowest(pr));
    profile_free(pr);
}

/* Once more, by the resamples that a warning asked for. */
static void estimate_again(struct fit *f, const struct fit_spec *spec)
{
    for (int i = 0; i < f->m->n_params; i++)
        free(f->est[i].why);
    free(f->est);
    estimate_all(f, spec);
}

/* --- all together -------------------------------------------------------- */

static enum status find_minimum(struct fit *f, const struct table *t,
                                const struct fit_spec *spec, struct err *err)
{
    const struct model *m = f->m;
    enum status st = OK;

    if ((int)m->rows < m->n_free)
        return err_set(err, ERR_FIT,
                       "%zu usable row%s cannot determine %d parameters",
                       m->rows, m->rows == 1 ? "" : "s", m->n_free);
    if (spec->cluster)
        st = diagnose_clusters(f, t, spec->cluster, err);
    if (st != OK)
        return st;
    optimum_find(&f->best, m, NULL, spec->seed);
    if (!isfinite(f->best.objective))
        return err_set(err, ERR_FIT,
                       "no start gives the law finite values on all rows");
    return OK;
}

/* The rise in squared standard errors at which the rows know a sign. */
#define SIGN_KNOWN 25

/* A coefficient without bounds moves by its logarithm when the rows reject 0
 * beyond doubt, as they do of a factor of the whole law; in a law that is
 * linear in everything, Student's interval in plain values is exact. */
static void settle_signs(struct fit *f)
{
    const struct model *m = f->m;
    struct profile *pr;
    const double unit =
        f->best.objective / fmax((double)m->rows - m->n_free, 1);

    if (f->is_linear || m->loss.kind != FIT_L2)
        return;
    pr = profile_new(m, f->best.theta, f->best.objective, NULL, NULL);
    for (int c = 0; c < m->n_free; c++) {
        const int i = model_param_of(m, c);
        const double value = f->best.theta[i];

        if (!f->work->is_log[c] && optimum_is_coefficient(m, i) && value != 0 &&
            !optimum_at_bound(&m->params[i], value) &&
            profile_objective(pr, c, 0, NULL) >
                f->best.objective + SIGN_KNOWN * unit)
            model_use_log(f->work, c, value);
    }
    profile_free(pr);
}

enum status fit_run(struct fit *f, const struct model *m, const struct table *t,
                    const struct fit_spec *spec, struct err *err)
{
    enum status st;

    *f = (struct fit){ .m = m, .noise = (double)NAN };
    st = find_minimum(f, t, spec, err);
    if (st != OK) {
        fit_release(f);
        return st;
    }
    f->is_linear = m->space != FIT_LOG && start_linear_count(m) == m->n_free;
    f->work = model_work_new(m);
    optimum_coordinates(f->work, f->best.theta);
    settle_signs(f);
    covariance_find(&f->cov, f->work, f->best.theta, NULL);
    find_residuals(f);
    if (spec->bare)
        return OK;
    diagnose_minimum(f);
    resample_run(f, spec);
    estimate_all(f, spec);
    diagnose_rows(f, t, spec);
    if (resample_obey(f, t, spec))
        estimate_again(f, spec);
    for (int i = 0; i < t->n_notes; i++)
        fit_note(f, "%s", t->notes[i]);
    return OK;
}

void fit_release(struct fit *f)
{
    for (int i = 0; f->est && i < f->m->n_params; i++)
        free(f->est[i].why);
    for (int i = 0; i < f->n_warnings; i++) {
        free(f->warnings[i].text);
        free(f->warnings[i].column);
    }
    for (int i = 0; i < f->n_notes; i++)
        free(f->notes[i]);
    free(f->warnings);
    free(f->notes);
    free(f->est);
    free(f->mu);
    free(f->residual);
    free(f->unit);
    free(f->rival);
    free(f->alike);
    optimum_release(&f->best);
    bootstrap_release(&f->boot);
    bootstrap_release(&f->jack);
    few_clusters_free(f->few);
    covariance_release(&f->cov);
    model_work_free(f->work);
    *f = (struct fit){ 0 };
}
