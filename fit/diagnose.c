/* diagnose.c - the minimum: bounds, convergence, flat directions. */
#include "fit/diagnose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A direction is flat when moving along it changes the law, relative to the
 * best-seen direction, by less than one part in this. */
#define FLAT 1e5

/* Moving a coefficient by this factor either way within its error means that
 * nothing is known about it: exp(3) = 20. */
#define LOG_SE_UNKNOWN 3.0

static const char *coordinate_name(const struct fit *f, int k)
{
    return f->m->params[model_param_of(f->m, f->cov.coord[k])].name;
}

/* Is singular direction d flat?  Exactly, by rank; or for all purposes. */
static bool is_flat_direction(const struct fit *f, int d)
{
    const struct covariance *c = &f->cov;

    return !(c->singular[d] * FLAT > c->singular[0]);
}

bool diagnose_is_flat(const struct fit *f, int coord)
{
    const struct covariance *c = &f->cov;
    const int k = covariance_at(c, coord);

    if (k < 0)
        return false;
    if (c->length[k] == 0)
        return true;
    for (int d = 0; d < c->n; d++)
        if (is_flat_direction(f, d) && fabs(c->vectors[k * c->n + d]) > 1e-3)
            return true;
    return false;
}

/* How much coordinate k takes part in the flat directions together. */
static double part_in_flat(const struct fit *f, int k)
{
    const struct covariance *c = &f->cov;
    double sum = 0;

    for (int d = 0; d < c->n; d++)
        if (is_flat_direction(f, d))
            sum += c->vectors[k * c->n + d] * c->vectors[k * c->n + d];
    return sqrt(sum);
}

/* "E, B and beta": those that take part by more than a tenth. */
static int add_members(struct str *s, const struct fit *f)
{
    int members = 0, n = 0;

    for (int k = 0; k < f->cov.n; k++)
        members += f->cov.length[k] > 0 && part_in_flat(f, k) > 0.1;
    for (int k = 0; k < f->cov.n; k++) {
        if (!(f->cov.length[k] > 0 && part_in_flat(f, k) > 0.1))
            continue;
        str_addf(s, "%s%s", n == 0 ? "" : n + 1 == members ? " and " : ", ",
                 coordinate_name(f, k));
        n++;
    }
    return members;
}

static void warn_flat(struct fit *f)
{
    const struct covariance *c = &f->cov;
    struct str s = { 0 };
    int flat = 0;

    for (int k = 0; k < c->n; k++)
        if (c->length[k] == 0)
            fit_warn(f, FIT_NOT_IDENTIFIABLE,
                     "%s has no influence on any row at the minimum",
                     coordinate_name(f, k));
    for (int d = 0; d < c->n; d++)
        flat += is_flat_direction(f, d);
    if (flat && add_members(&s, f))
        fit_warn(f, FIT_NOT_IDENTIFIABLE,
                 "%s can be changed together without the fit noticing (%d "
                 "direction%s, scaled condition number %.2g)",
                 str_text(&s), flat, flat == 1 ? "" : "s", c->condition);
    str_release(&s);
}

/* A coefficient whose logarithm is uncertain by several units is not known
 * even as to its order of magnitude. */
static void warn_unknown(struct fit *f)
{
    const struct covariance *c = &f->cov;
    struct str s = { 0 };
    int n = 0;

    if (!(f->dof > 0) || !c->full_rank)
        return;
    for (int k = 0; k < c->n; k++) {
        const double se = f->sigma * sqrt(c->inverse[k * c->n + k]);

        if (f->work->is_log[c->coord[k]] && se > LOG_SE_UNKNOWN)
            str_addf(&s, "%s%s (a factor of %.2g either way)", n++ ? ", " : "",
                     coordinate_name(f, k), exp(se));
    }
    if (n)
        fit_warn(f, FIT_NOT_IDENTIFIABLE,
                 "the noise hides the order of magnitude of %s", str_text(&s));
    str_release(&s);
}

static void note_correlations(struct fit *f)
{
    const struct covariance *c = &f->cov;
    struct str s = { 0 };
    int n = 0;

    if (!c->full_rank)
        return;
    for (int i = 0; i < c->n; i++)
        for (int j = i + 1; j < c->n; j++) {
            const double r = c->inverse[i * c->n + j] /
                             sqrt(c->inverse[i * c->n + i] *
                                  c->inverse[j * c->n + j]);

            if (fabs(r) > 0.99 && ++n <= 6)
                str_addf(&s, "%s%s~%s %+.4f", n > 1 ? ", " : "",
                         coordinate_name(f, i), coordinate_name(f, j), r);
        }
    if (n)
        fit_note(f, "correlations above 0.99: %s%s", str_text(&s),
                 n > 6 ? ", and more" : "");
    str_release(&s);
}

static void warn_bounds(struct fit *f)
{
    for (int i = 0; i < f->m->n_params; i++) {
        const struct model_param *p = &f->m->params[i];

        if (p->free >= 0 && optimum_at_bound(p, f->best.theta[i]))
            fit_warn(f, FIT_AT_BOUND,
                     "%s ends at its bound %g: its interval is one-sided, and "
                     "the others' hold it there",
                     p->name, f->best.theta[i]);
    }
}

static void warn_points(struct fit *f)
{
    const int n = (int)f->m->rows;

    if (f->dof <= 0)
        fit_warn(f, FIT_FEW_POINTS,
                 "%d rows and %d parameters: the law passes through every "
                 "point, so there is no error to estimate",
                 n, f->n_params);
    else if (f->dof < 5 || n < 2 * f->n_params)
        fit_warn(f, FIT_FEW_POINTS,
                 "%d rows and %d parameters leave %d degree%s of freedom: "
                 "intervals rest on that few",
                 n, f->n_params, f->dof, f->dof == 1 ? "" : "s");
}

void diagnose_minimum(struct fit *f)
{
    if (!f->best.converged)
        fit_warn(f, FIT_NOT_CONVERGED,
                 "the search stopped before the objective settled");
    else if (f->best.starts > 3 && f->best.reached == 1 &&
             f->best.next < f->best.objective * 1.5)
        fit_note(f, "only 1 of %d starts reached this minimum; the next best "
                    "objective is %.6g",
                 f->best.starts, f->best.next);
    warn_points(f);
    warn_bounds(f);
    warn_flat(f);
    warn_unknown(f);
    note_correlations(f);
}
