#include "fit/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/diagnose.h"
#include "fit/profile.h"

#define DEFAULT_BOOTSTRAP 1000
#define MANY_ROWS         2000 /* of which a refit takes a while: 300 will do */
#define FEW_UNITS         50 /* clusters below which percentiles are too narrow */

/* --- when --------------------------------------------------------------------
 */

static bool is_any_at_bound(const struct fit *f)
{
    for (int i = 0; i < f->m->n_params; i++)
        if (f->m->params[i].free >= 0 &&
            optimum_at_bound(&f->m->params[i], f->best.theta[i]))
            return true;
    return false;
}

static int count_to_obey(const struct fit *f)
{
    return f->m->rows > MANY_ROWS ? 300 : DEFAULT_BOOTSTRAP;
}

/* A rival minimum: one that other data of the same kind might prefer. */
#define RIVALS 4

static bool is_new(const double *from, int n, const double *theta,
                   const struct model *m)
{
    for (int k = 0; k < n; k++) {
        const double *a = from + (size_t)k * (size_t)m->n_params;
        double apart = 0;

        for (int i = 0; i < m->n_params; i++)
            apart =
                fmax(apart, fabs(theta[i] - a[i]) / fmax(fabs(a[i]), 1e-300));
        if (apart < 0.01)
            return false;
    }
    return true;
}

static void add_start(double *from, int *n, const double *theta,
                      const struct model *m)
{
    if (*n <= RIVALS && is_new(from, *n, theta, m))
        memcpy(from + (size_t)(*n)++ * (size_t)m->n_params, theta,
               (size_t)m->n_params * sizeof *from);
}

/* A search from infinity finds no way back: for each parameter there, where it
 * is when the objective has risen by a standard error's worth. */
static void add_nearer(double *from, int *n, const struct fit *f)
{
    const struct model *m = f->m;
    struct profile *pr = NULL;
    double *theta = mem_array((size_t)m->n_params, sizeof *theta);

    for (int i = 0; i < m->n_params; i++) {
        const int c = m->params[i].free;

        if (c < 0 || !optimum_is_far(f->best.theta[i]))
            continue;
        if (!pr)
            pr = profile_new(m, f->best.theta, f->best.objective, NULL, NULL);
        profile_objective(pr, c,
                          profile_limit(pr, c, f->best.theta[i] < 0 ? 1 : -1,
                                        f->best.objective / fmax(f->dof, 1)),
                          theta);
        add_start(from, n, theta, m);
    }
    profile_free(pr);
    free(theta);
}

/* The estimate and the ends of searches whose objective is within what chance
 * moves it; what ends within the noise moves has no interval (f->rival) and
 * needs no refits from there.  The caller frees it. */
static double *refit_starts(const struct fit *f, int *n)
{
    const size_t p = (size_t)f->m->n_params;
    double *from = mem_array((RIVALS + 1) * p, sizeof *from);
    const double limit = f->best.objective * (1 + 16 / fmax(f->dof, 1));

    memcpy(from, f->best.theta, p * sizeof *from);
    *n = 1;
    add_nearer(from, n, f);
    for (int s = 0; s < f->best.starts && !f->rival; s++)
        if (f->best.end_objective[s] < limit)
            add_start(from, n, f->best.ends + (size_t)s * p, f->m);
    return from;
}

static void run_bootstrap(struct fit *f, const struct fit_spec *spec, int count)
{
    int n;
    double *from = refit_starts(f, &n);

    bootstrap_run(&f->boot, f->m, from, n, NULL, f->unit, f->units, count,
                  spec->seed);
    free(from);
    if (f->boot.failed * 100 > count)
        fit_warn(f, FIT_REFITS_FAILED,
                 "%d of %d bootstrap refits found no minimum and are left out: "
                 "intervals may be too narrow",
                 f->boot.failed, count);
}

/* Few clusters: refits without each; when one fails there is no variance. */
static bool run_jackknife(struct fit *f)
{
    if (!f->unit || f->units >= FEW_UNITS || f->m->loss.kind != FIT_L2 ||
        is_any_at_bound(f))
        return false;
    bootstrap_leave_out(&f->jack, f->m, f->best.theta, NULL, f->unit, f->units);
    if (f->jack.failed)
        bootstrap_release(&f->jack);
    else
        f->few = few_clusters_new(&f->cov, f->m->rows, f->unit, f->units);
    return f->jack.n > 0;
}

void resample_run(struct fit *f, const struct fit_spec *spec)
{
    const bool needed = f->m->loss.kind != FIT_L2 || spec->cluster;

    if (f->dof <= 0 || f->m->n_free == 0)
        return;
    if (spec->bootstrap > 0)
        run_bootstrap(f, spec, spec->bootstrap);
    else if (spec->bootstrap < 0 && needed && !run_jackknife(f))
        run_bootstrap(f, spec, DEFAULT_BOOTSTRAP);
}

/* The column that the first such warning names, "--cluster twin"; the caller
 * frees it. */
static char *column_of_warning(const struct fit *f)
{
    for (int i = 0; i < f->n_warnings; i++)
        if (f->warnings[i].code == FIT_CLUSTERED_ROWS && f->warnings[i].column)
            return mem_strdup(f->warnings[i].column);
    return NULL;
}

bool resample_obey(struct fit *f, const struct table *t,
                   const struct fit_spec *spec)
{
    const bool rows = fit_has(f, FIT_OUTLIERS) || fit_has(f, FIT_LACK_OF_FIT);
    char *column = column_of_warning(f);
    bool obeyed = false;

    if (spec->obey && spec->bootstrap < 0 && !spec->cluster && !spec->profile &&
        f->m->loss.kind == FIT_L2 && f->dof > 0 && f->m->n_free > 0 &&
        (column || rows)) {
        if (column && diagnose_clusters(f, t, column, NULL) != OK) {
            free(column);
            column = NULL;
        }
        if (!run_jackknife(f))
            run_bootstrap(f, spec, count_to_obey(f));
        obeyed = resample_has(f);
    }
    if (obeyed)
        fit_note(f,
                 "the intervals are those that the warnings demand: %s, not "
                 "the formula's (--profile gives that)",
                 column ? "by whole clusters" : "by resampled rows");
    f->obeyed = obeyed;
    free(column);
    return obeyed;
}

bool resample_has(const struct fit *f)
{
    return f->jack.n > 0 || f->boot.n > 20;
}

/* --- estimates ---------------------------------------------------------------
 */

static double percentile(const struct fit *f, int i, double p)
{
    return bootstrap_quantile(&f->boot, f->m->n_params, i,
                              bootstrap_level(f->boot.units, p));
}

/* Percentiles of the bootstrap; of a parameter at its bound, one-sided. */
static void percentiles(struct fit *f, int i)
{
    const int n = f->m->n_params;
    struct fit_estimate *e = &f->est[i];

    e->interval = e->at_bound ? "one-sided" : "bootstrap";
    e->se = e->at_bound ? (double)NAN : bootstrap_sd(&f->boot, n, i);
    if (!isfinite(e->se)) /* too many ran away */
        e->se = (double)NAN;
    e->lo = percentile(f, i, 0.025);
    e->hi = percentile(f, i, 0.975);
    if (e->at_bound && optimum_at_low_end(&f->m->params[i], f->best.theta[i])) {
        e->lo = e->value;
        e->hi = percentile(f, i, 0.95);
    } else if (e->at_bound) {
        e->hi = e->value;
        e->lo = percentile(f, i, 0.05);
    }
}

static double coordinate(const struct fit *f, int i, double value)
{
    return f->work->is_log[f->m->params[i].free] ? log(fabs(value)) : value;
}

/* Standard errors in half an interval of parameter i, in its coordinate. */
static double times_of(const struct fit *f, int i)
{
    const int k = covariance_at(&f->cov, f->m->params[i].free);
    double *gradient = mem_array((size_t)f->cov.n, sizeof *gradient), times;

    gradient[k] = 1;
    times = few_clusters_times(f->few, gradient);
    free(gradient);
    return times;
}

/* In the coordinate: log for coefficients, the value for exponents. */
static void jackknife(struct fit *f, int i)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];
    const int n = f->jack.n;
    double mean = 0, sum = 0, half;

    for (int k = 0; k < n; k++)
        mean += coordinate(f, i, f->jack.theta[k * f->m->n_params + i]) / n;
    for (int k = 0; k < n; k++) {
        const double v =
            coordinate(f, i, f->jack.theta[k * f->m->n_params + i]);

        sum += (v - mean) * (v - mean);
    }
    e->se = sqrt(sum * (n - 1) / n);
    half = times_of(f, i) * e->se;
    e->interval = "jackknife";
    if (isnan(half)) {
        e->se = e->lo = e->hi = (double)NAN;
        e->interval = "none";
        free(e->why);
        e->why = mem_strdup("a single cluster says all that is known of it");
        return;
    }
    if (f->work->is_log[p->free]) {
        const double a = e->value * exp(-half), b = e->value * exp(half);

        e->se *= fabs(e->value);
        e->lo = fmin(a, b);
        e->hi = fmax(a, b);
    } else {
        e->lo = fmax(e->value - half, p->lo);
        e->hi = fmin(e->value + half, p->hi);
    }
}

void resample_estimate(struct fit *f, int i)
{
    if (f->jack.n)
        jackknife(f, i);
    else
        percentiles(f, i);
}

static double error_of(const struct fit *f,
                       double (*value)(const double *theta, void *ctx),
                       void *ctx)
{
    const int n = f->jack.n;
    double mean = 0, square = 0;

    for (int k = 0; k < n; k++) {
        const double v = value(f->jack.theta + (size_t)k * f->m->n_params, ctx);
        const double off = v - mean;

        mean += off / (k + 1);
        square += off * (v - mean);
    }
    return n > 1 ? sqrt(square * (n - 1) / n) : (double)NAN;
}

/* By differences over a twentieth of each coordinate's standard error. */
static void gradient_of(double *gradient, const struct fit *f,
                        double (*value)(const double *theta, void *ctx),
                        void *ctx)
{
    const struct covariance *c = &f->cov;
    double *u = mem_array((size_t)f->m->n_free, sizeof *u);
    double *theta = mem_array((size_t)f->m->n_params, sizeof *theta);

    model_coordinates(f->work, u, f->best.theta);
    for (int i = 0; i < c->n; i++) {
        const double at = u[c->coord[i]];
        const double h = 0.05 * f->sigma * sqrt(c->inverse[i * c->n + i]);

        gradient[i] = 0;
        for (int side = -1; side <= 1; side += 2) {
            u[c->coord[i]] = at + side * h;
            model_theta(f->work, theta, u);
            gradient[i] += side * value(theta, ctx) / (2 * h);
        }
        u[c->coord[i]] = at;
    }
    free(u);
    free(theta);
}

struct resampled resample_value(const struct fit *f,
                                double (*value)(const double *theta, void *ctx),
                                void *ctx)
{
    struct resampled r = { error_of(f, value, ctx), 0 };
    double *gradient = mem_array((size_t)f->cov.n, sizeof *gradient);

    gradient_of(gradient, f, value, ctx);
    r.half = few_clusters_times(f->few, gradient) * r.se;
    free(gradient);
    return r;
}
