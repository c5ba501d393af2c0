#include "fit/random.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/optimum.h"
#include "fit/random_mixed.h"
#include "fit/units.h"

/* --- intervals ----------------------------------------------------------- */

/* (J' V^-1 J)^-1 of coordinate f. */
static double inverse_at(const struct mixed *x, int f)
{
    const size_t n = (size_t)x->m->n_free;
    gsl_matrix *copy = gsl_matrix_alloc(n, n);
    double v = (double)NAN;

    gsl_matrix_memcpy(copy, x->info);
    if (gsl_linalg_cholesky_decomp1(copy) == 0 &&
        gsl_linalg_cholesky_invert(copy) == 0)
        v = gsl_matrix_get(copy, (size_t)f, (size_t)f);
    gsl_matrix_free(copy);
    return v;
}

/* The logarithm of a coordinate's variance, at log variance and ratios. */
static double log_variance(struct mixed *x, const double *phi, int f)
{
    return mixed_minimize(x, phi + 1) ? phi[0] + log(inverse_at(x, f))
                                      : (double)NAN;
}

static double deviance_at(struct mixed *x, const double *phi)
{
    return mixed_deviance(x, phi + 1, exp(phi[0]));
}

#define MOST_PHI (RANDOM_MOST + 1)
#define STEP     0.05

/* Covariance of the logarithms of noise variance and ratios, from the curvature
 * of the restricted likelihood; false where it has none. */
static bool phi_covariance(double cov[MOST_PHI][MOST_PHI], struct mixed *x,
                           const double *phi, int n)
{
    gsl_matrix *h = gsl_matrix_alloc((size_t)n, (size_t)n);
    const double base = deviance_at(x, phi);
    bool ok;

    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            double at[MOST_PHI], sum = 0;

            for (int side = 0; side < 4; side++) {
                memcpy(at, phi, sizeof at);
                at[i] += side & 1 ? STEP : -STEP;
                at[j] += side & 2 ? STEP : -STEP;
                if (i == j && (side == 1 || side == 2))
                    sum -= base; /* at[i] is where it was */
                else
                    sum +=
                        ((side & 1) == side >> 1 ? 1 : -1) * deviance_at(x, at);
            }
            sum /= 4 * STEP * STEP * 2; /* of -log likelihood */
            gsl_matrix_set(h, (size_t)i, (size_t)j, sum);
            gsl_matrix_set(h, (size_t)j, (size_t)i, sum);
        }
    ok = gsl_linalg_cholesky_decomp1(h) == 0 &&
         gsl_linalg_cholesky_invert(h) == 0;
    for (int i = 0; ok && i < n; i++)
        for (int j = 0; j < n; j++)
            cov[i][j] = gsl_matrix_get(h, (size_t)i, (size_t)j);
    gsl_matrix_free(h);
    return ok;
}

/* Degrees of freedom of a variance estimate: twice over the variance of its
 * logarithm. */
static double degrees(struct mixed *x, const double *phi, int n,
                      double cov[MOST_PHI][MOST_PHI], int f)
{
    double g[MOST_PHI], var = 0;

    for (int i = 0; i < n; i++) {
        double up[MOST_PHI], down[MOST_PHI];

        memcpy(up, phi, sizeof up);
        memcpy(down, phi, sizeof down);
        up[i] += STEP;
        down[i] -= STEP;
        g[i] = (log_variance(x, up, f) - log_variance(x, down, f)) / (2 * STEP);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            var += g[i] * cov[i][j] * g[j];
    return var > 0 ? fmin(2 / var, mixed_freedom(x)) : mixed_freedom(x);
}

static void constant_interval(struct random_fit *r, struct mixed *x, int f,
                              double dof, double se, double u)
{
    const double t = gsl_cdf_tdist_Pinv(0.975, fmax(dof, 1));

    for (int i = 0; i < x->m->n_params; i++) {
        const struct model_param *p = &x->m->params[i];

        if (p->free != f)
            continue;
        r->dof[i] = dof;
        if (x->w->is_log[f]) {
            const double a = r->theta[i] * exp(-t * se);
            const double b = r->theta[i] * exp(t * se);

            r->se[i] = fabs(r->theta[i]) * se;
            r->lo[i] = fmin(a, b);
            r->hi[i] = fmax(a, b);
        } else {
            r->se[i] = se;
            r->lo[i] = fmax(u - t * se, p->lo);
            r->hi[i] = fmin(u + t * se, p->hi);
        }
    }
}

static void constants(struct random_fit *r, struct mixed *x,
                      const double *log_ratio)
{
    const double noise = log(r->sigma * r->sigma);
    double phi[MOST_PHI] = { noise }, cov[MOST_PHI][MOST_PHI];
    double *u = mem_array((size_t)x->m->n_free, sizeof *u);
    double *se = mem_array((size_t)x->m->n_free, sizeof *se);
    int n = 1;
    bool known;

    memcpy(u, x->u, (size_t)x->m->n_free * sizeof *u);
    for (int f = 0; f < x->m->n_free; f++)
        se[f] = r->sigma * sqrt(inverse_at(x, f));
    for (int k = 0; k < x->n_effects; k++)
        phi[n++] = log_ratio[k];
    for (int k = 0; k < x->n_effects; k++)
        if (log_ratio[k] < RATIO_LEAST + 4)
            n = 1; /* a spread of nothing has no curvature */
    known = n > 1 && phi_covariance(cov, x, phi, n);
    for (int f = 0; f < x->m->n_free; f++)
        constant_interval(r, x, f,
                          known ? degrees(x, phi, n, cov, f) : mixed_freedom(x),
                          se[f], u[f]);
    memcpy(x->u, u, (size_t)x->m->n_free * sizeof *u);
    free(u);
    free(se);
}

/* The deviance with effect k's ratio held, the others at their best. */
static double held_deviance(struct mixed *x, const double *log_ratio, int k,
                            double value)
{
    double at[RANDOM_MOST];

    memcpy(at, log_ratio, sizeof at);
    at[k] = value;
    return mixed_deviance(x, at, 0);
}

/* One side of a tau's interval, where the deviance has risen by that of a
 * normal's 95 %; its end when it never does. */
static double tau_limit(struct mixed *x, const double *log_ratio, int k,
                        double end, double base)
{
    const double rise = gsl_cdf_chisq_Pinv(0.95, 1);
    double in = log_ratio[k], out = end;

    if (held_deviance(x, log_ratio, k, end) - base < rise)
        return end;
    for (int i = 0; i < 40; i++) {
        const double mid = 0.5 * (in + out);

        if (held_deviance(x, log_ratio, k, mid) - base < rise)
            in = mid;
        else
            out = mid;
    }
    return 0.5 * (in + out);
}

static void spreads(struct random_fit *r, struct mixed *x,
                    const double *log_ratio)
{
    const double base = mixed_deviance(x, log_ratio, 0);

    for (int k = 0; k < x->n_effects; k++) {
        struct random_effect *e = &r->effects[k];
        const double lo = tau_limit(x, log_ratio, k, RATIO_LEAST, base);
        const double hi = tau_limit(x, log_ratio, k, RATIO_MOST, base);

        e->tau = log_ratio[k] <= RATIO_LEAST + 1
                     ? 0
                     : r->sigma * exp(log_ratio[k] / 2);
        e->lo = lo <= RATIO_LEAST ? 0 : r->sigma * exp(lo / 2);
        e->hi = hi >= RATIO_MOST ? HUGE_VAL : r->sigma * exp(hi / 2);
    }
}

/* --- what was asked for --------------------------------------------------- */

static enum status read_effect(struct random_fit *r, const struct model *m,
                               const char *text, struct err *err)
{
    const char *colon = strchr(text, ':');
    struct random_effect *e = &r->effects[r->n_effects];
    char *name;

    if (!colon || colon == text || !colon[1])
        return err_set(err, ERR_USAGE, "--random '%s' is not CONSTANT:COLUMN",
                       text);
    if (r->n_effects == RANDOM_MOST)
        return err_set(err, ERR_USAGE, "--random: more than %d constants",
                       RANDOM_MOST);
    if (r->column && strcmp(r->column, colon + 1) != 0)
        return err_set(err, ERR_USAGE,
                       "--random: groups of one column, not of %s and %s",
                       r->column, colon + 1);
    if (!r->column)
        r->column = mem_strdup(colon + 1);
    name = mem_strndup(text, (size_t)(colon - text));
    e->index = model_find_param(m, name);
    e->param = name;
    r->n_effects++;
    if (e->index < 0 || m->params[e->index].free < 0)
        return err_set(err, ERR_USAGE, "--random %s: %s is %s", text, name,
                       e->index < 0 ? "no single constant of the law" : "held");
    return OK;
}

static enum status group_rows(struct mixed *x, struct random_fit *r,
                              const struct table *t, struct err *err)
{
    const struct model *m = x->m;
    int col;
    size_t size = 0;
    enum status st = table_need(&col, t, "--random: ", r->column, err);

    if (st != OK)
        return st;
    x->unit = mem_array(m->rows, sizeof *x->unit);
    r->groups = x->units = units_number(x->unit, m, t->cols[col].text);
    if (x->units < 3)
        return err_set(
            err, ERR_FIT,
            "--random: %d group%s of %s: a spread needs three at the "
            "least",
            x->units, x->units == 1 ? "" : "s", r->column);
    x->order = mem_array(m->rows, sizeof *x->order);
    x->first = mem_array((size_t)x->units + 1, sizeof *x->first);
    x->at = mem_array((size_t)x->units, sizeof *x->at);
    for (int g = 0, n = 0; g < x->units; g++) {
        x->first[g] = (size_t)n;
        for (size_t i = 0; i < m->rows; i++)
            if (x->unit[i] == g)
                x->order[n++] = i;
        x->first[g + 1] = (size_t)n;
        x->at[g] = size;
        size +=
            (x->first[g + 1] - x->first[g]) * (x->first[g + 1] - x->first[g]);
    }
    x->whiten = mem_array(size, sizeof *x->whiten);
    return OK;
}

static void open_mixed(struct mixed *x, const struct model *m,
                       const struct random_fit *r, const double *theta)
{
    const size_t rows = m->rows, n = (size_t)m->n_free;

    x->w = model_work_new(m);
    x->sw = solve_work_new(rows, m->n_free);
    x->n_effects = r->n_effects;
    for (int k = 0; k < r->n_effects; k++)
        x->coord[k] = m->params[r->effects[k].index].free;
    x->z = mem_array((size_t)RANDOM_MOST * rows, sizeof *x->z);
    x->r = mem_array(rows, sizeof *x->r);
    x->jac = mem_array(rows * n, sizeof *x->jac);
    x->u = mem_array(n, sizeof *x->u);
    x->lo = mem_array(n, sizeof *x->lo);
    x->hi = mem_array(n, sizeof *x->hi);
    x->weight = mem_array(rows, sizeof *x->weight);
    x->info = gsl_matrix_alloc(n, n);
    for (size_t i = 0; i < rows; i++)
        x->weight[i] = 1;
    optimum_coordinates(x->w, theta);
    for (int k = 0; k < r->n_effects; k++) /* what varies does so in plain */
        model_use_plain(x->w, x->coord[k]);
    model_box(x->w, x->lo, x->hi);
    model_coordinates(x->w, x->u, theta);
}

static void close_mixed(struct mixed *x)
{
    model_work_free(x->w);
    if (x->sw)
        solve_work_free(x->sw);
    if (x->info)
        gsl_matrix_free(x->info);
    free(x->unit);
    free(x->order);
    free(x->first);
    free(x->at);
    free(x->whiten);
    free(x->z);
    free(x->r);
    free(x->jac);
    free(x->u);
    free(x->lo);
    free(x->hi);
    free(x->weight);
}

/* Ratios to start from: a few, because the likelihood may have two hills. */
static void search(struct random_fit *r, struct mixed *x, double *log_ratio)
{
    static const double starts[] = { -2, 2, 6 };
    double best = HUGE_VAL, *u0 = mem_array((size_t)x->m->n_free, sizeof *u0);

    memcpy(u0, x->u, (size_t)x->m->n_free * sizeof *u0);
    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
        double at[RANDOM_MOST], d;
        bool done;

        memcpy(x->u, u0, (size_t)x->m->n_free * sizeof *u0);
        for (int k = 0; k < RANDOM_MOST; k++)
            at[k] = starts[s];
        done = mixed_find_ratios(x, at);
        d = mixed_deviance(x, at, 0);
        if (d < best - 1e-6) {
            best = d;
            r->converged = done;
            memcpy(log_ratio, at, sizeof at);
        }
    }
    free(u0);
}

static void estimate(struct random_fit *r, struct mixed *x)
{
    const size_t n = (size_t)x->m->n_params;
    double log_ratio[RANDOM_MOST] = { 0 };

    search(r, x, log_ratio);
    r->theta = mem_array(n, sizeof *r->theta);
    r->se = mem_array(n, sizeof *r->se);
    r->lo = mem_array(n, sizeof *r->lo);
    r->hi = mem_array(n, sizeof *r->hi);
    r->dof = mem_array(n, sizeof *r->dof);
    for (size_t i = 0; i < n; i++)
        r->se[i] = r->lo[i] = r->hi[i] = r->dof[i] = (double)NAN;
    r->likelihood = -0.5 * mixed_deviance(x, log_ratio, 0);
    r->sigma = sqrt(x->q / mixed_freedom(x));
    model_theta(x->w, r->theta, x->u);
    spreads(r, x, log_ratio);
    mixed_minimize(x, log_ratio);
    constants(r, x, log_ratio);
}

enum status random_run(struct random_fit *r, const struct model *m,
                       const struct table *t, const char *const *texts, int n,
                       uint64_t seed, struct err *err)
{
    struct mixed x = { .m = m };
    struct optimum o;
    enum status st = OK;

    *r = (struct random_fit){ .m = m };
    for (int k = 0; k < n && st == OK; k++)
        st = read_effect(r, m, texts[k], err);
    if (st == OK && m->loss.kind != FIT_L2)
        st = err_set(err, ERR_USAGE, "--random needs least squares");
    if (st == OK)
        st = group_rows(&x, r, t, err);
    if (st == OK && mixed_freedom(&x) < r->groups)
        st =
            err_set(err, ERR_FIT, "--random: %zu rows of %d groups are too few",
                    m->rows, r->groups);
    if (st == OK) {
        optimum_find(&o, m, NULL, seed);
        open_mixed(&x, m, r, o.theta);
        estimate(r, &x);
        optimum_release(&o);
    }
    close_mixed(&x);
    return st;
}

void random_release(struct random_fit *r)
{
    for (int k = 0; k < r->n_effects; k++)
        free(r->effects[k].param);
    free(r->column);
    free(r->theta);
    free(r->se);
    free(r->lo);
    free(r->hi);
    free(r->dof);
    *r = (struct random_fit){ .m = NULL };
}
