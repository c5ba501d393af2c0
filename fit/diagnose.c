/* diagnose.c - the minimum: bounds, convergence, flat directions. */
#include "fit/diagnose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A direction is flat when moving along it changes the law, relative to the
 * best-seen direction, by less than one part in this. */
#define FLAT 1e5

/* A term of the law that may be off by this factor either way within its error
 * is not known: exp(2) = 7. */
#define LOG_SE_UNKNOWN 2.0

static bool is_flat_coordinate(const struct fit *f, int k)
{
    return diagnose_is_flat(f, f->cov.coord[k]);
}

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

/* "E, B and beta": those whose interval is withheld. */
static int add_members(struct str *s, const struct fit *f)
{
    int members = 0, n = 0;

    for (int k = 0; k < f->cov.n; k++)
        members += f->cov.length[k] > 0 && diagnose_is_flat(f, f->cov.coord[k]);
    for (int k = 0; k < f->cov.n; k++) {
        if (f->cov.length[k] == 0 || !diagnose_is_flat(f, f->cov.coord[k]))
            continue;
        str_addf(s, "%s%s",
                 n == 0             ? ""
                 : n + 1 == members ? " and "
                                    : ", ",
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

/* log |value d law / d value| of parameter i on every row: the size of the term
 * that it multiplies. */
static void log_term(double *out, const struct fit *f, int i,
                     const double *theta)
{
    const struct model_param *p = &f->m->params[i];
    struct model_work *w = f->work;
    int slot = 0;

    while (w->param_slots[slot] != p->slot)
        slot++;
    model_law(w, theta, w->mu, w->grad);
    for (size_t r = 0; r < f->m->rows; r++)
        out[r] = log(fabs(theta[i] * w->grad[(size_t)slot * f->m->rows + r]));
}

/* Its gradient in the coordinates, [n][rows], by central differences of a
 * hundredth of a standard error. */
static void term_gradient(double *out, const struct fit *f, int i)
{
    const struct covariance *c = &f->cov;
    const size_t rows = f->m->rows;
    double *u = mem_array((size_t)f->m->n_free, sizeof *u);
    double *theta = mem_array((size_t)f->m->n_params, sizeof *theta);
    double *up = mem_array(rows, sizeof *up);
    double *down = mem_array(rows, sizeof *down);

    model_coordinates(f->work, u, f->best.theta);
    for (int k = 0; k < c->n; k++) {
        const double h = 0.01 * f->sigma * sqrt(c->inverse[k * c->n + k]);

        u[c->coord[k]] += h;
        model_theta(f->work, theta, u);
        log_term(up, f, i, theta);
        u[c->coord[k]] -= 2 * h;
        model_theta(f->work, theta, u);
        log_term(down, f, i, theta);
        u[c->coord[k]] += h;
        for (size_t r = 0; r < rows; r++)
            out[(size_t)k * rows + r] = (up[r] - down[r]) / (2 * h);
    }
    free(u);
    free(theta);
    free(up);
    free(down);
}

/* Standard error of the logarithm of the term on the row where it is known
 * best; unlike that of the coefficient, it does not depend on units. */
static double term_error(const struct fit *f, int i)
{
    const struct covariance *c = &f->cov;
    const size_t rows = f->m->rows;
    const struct model_name *nm = &f->m->names[f->m->params[i].slot];
    double *g = mem_array((size_t)c->n * rows, sizeof *g), least = HUGE_VAL;

    term_gradient(g, f, i);
    for (size_t r = 0; r < rows; r++) {
        double var = 0;

        if (nm->group && nm->group[r] != i - nm->first)
            continue;
        for (int a = 0; a < c->n; a++)
            for (int b = 0; b < c->n; b++)
                var += g[(size_t)a * rows + r] * c->inverse[a * c->n + b] *
                       g[(size_t)b * rows + r];
        if (isfinite(var))
            least = fmin(least, f->sigma * sqrt(fmax(var, 0)));
    }
    free(g);
    return least;
}

/* Does the parameter multiply terms that hold other free ones?  A floor does
 * not: when the rows cannot tell it from 0, its interval says so; of A/N^alpha
 * they then say nothing about alpha either. */
static bool has_partner(const struct fit *f, int i)
{
    const struct model *m = f->m;
    const int slot = m->params[i].slot;
    bool found = false;
    struct expr *term;

    for (int t = 0; (term = expr_term(m->expr, t)); t++) {
        for (int k = 0; k < m->n_params && expr_uses(term, slot); k++)
            found =
                found || (m->params[k].slot != slot && m->params[k].free >= 0 &&
                          expr_uses(term, m->params[k].slot));
        expr_free(term);
    }
    return found;
}

static void warn_unknown(struct fit *f)
{
    const struct covariance *c = &f->cov;
    struct str s = { 0 };
    int n = 0;

    if (!(f->dof > 0) || !c->full_rank || !(f->sigma > 0))
        return;
    for (int k = 0; k < c->n; k++) {
        const int i = model_param_of(f->m, c->coord[k]);
        const double own = f->sigma * sqrt(c->inverse[k * c->n + k]);
        double se;

        if (!f->work->is_log[c->coord[k]] || own < LOG_SE_UNKNOWN ||
            is_flat_coordinate(f, k) || !has_partner(f, i))
            continue;
        se = term_error(f, i);
        if (se > LOG_SE_UNKNOWN)
            str_addf(&s, "%s%s (a factor of %.2g either way)", n++ ? ", " : "",
                     f->m->params[i].name, exp(se));
    }
    if (n)
        fit_warn(f, FIT_NOT_IDENTIFIABLE,
                 "the noise hides how large the terms are of %s", str_text(&s));
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
            const double r =
                c->inverse[i * c->n + j] /
                sqrt(c->inverse[i * c->n + i] * c->inverse[j * c->n + j]);

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
        const double value = f->best.theta[i];

        if (p->free < 0 || !optimum_at_bound(p, value))
            continue;
        if (optimum_is_far(value))
            fit_warn(f, FIT_AT_BOUND,
                     "%s runs to %sinfinity: the rows say only what it is %s, "
                     "and the fit is the law's limit",
                     p->name, value < 0 ? "minus " : "",
                     value < 0 ? "below" : "above");
        else
            fit_warn(f, FIT_AT_BOUND,
                     "%s ends at its bound %g: its interval is one-sided",
                     p->name, value);
    }
}

/* A term of a user's formula that is written as a fall, A/N^alpha, and ends as
 * something else: its exponent below 0, or what multiplies it. */
static void warn_fall(struct fit *f, const struct expr *term)
{
    const struct model *m = f->m;
    bool is_fall = false;

    for (int i = 0; i < m->n_params; i++) {
        const struct model_param *p = &m->params[i];

        if (!expr_is_fall(term, p->slot))
            continue;
        is_fall = true;
        if (p->free >= 0 && f->best.theta[i] < 0)
            fit_warn(f, FIT_WRONG_SIDE,
                     "%s ends at %.4g: the term that the formula writes as a "
                     "fall is a rise (--bound '%s>=0' holds it)",
                     p->name, f->best.theta[i], p->name);
    }
    for (int i = 0; i < m->n_params && is_fall; i++) {
        const struct model_param *p = &m->params[i];

        if (p->free >= 0 && f->best.theta[i] < 0 && expr_uses(term, p->slot) &&
            expr_is_affine(term, &p->slot, 1))
            fit_warn(f, FIT_WRONG_SIDE,
                     "%s ends at %.4g: the term that it multiplies is below 0 "
                     "(--bound '%s>=0' holds it)",
                     p->name, f->best.theta[i], p->name);
    }
}

/* A floor, a parameter that is a term by itself, above every response. */
static void warn_floor(struct fit *f, const struct expr *term)
{
    const struct model *m = f->m;
    double most = -HUGE_VAL;

    for (size_t r = 0; r < m->rows; r++)
        most = fmax(most, m->y[r]);
    for (int i = 0; i < m->n_params; i++)
        if (m->params[i].free >= 0 && !m->names[m->params[i].slot].group &&
            expr_is_slot(term, m->params[i].slot) && f->best.theta[i] > most)
            fit_warn(f, FIT_WRONG_SIDE,
                     "%s = %.4g lies above every %s of the rows, which is no "
                     "floor",
                     m->params[i].name, f->best.theta[i], m->response);
}

static void warn_wrong_side(struct fit *f)
{
    struct expr *term;
    bool falls = false;

    for (int t = 0; !f->m->law && (term = expr_term(f->m->expr, t)); t++) {
        for (int i = 0; i < f->m->n_params; i++)
            falls = falls || expr_is_fall(term, f->m->params[i].slot);
        warn_fall(f, term);
        expr_free(term);
    }
    for (int t = 0; falls && (term = expr_term(f->m->expr, t)); t++) {
        warn_floor(f, term);
        expr_free(term);
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
        fit_note(f,
                 "only 1 of %d starts reached this minimum; the next best "
                 "objective is %.6g",
                 f->best.starts, f->best.next);
    warn_points(f);
    warn_bounds(f);
    warn_wrong_side(f);
    warn_flat(f);
    warn_unknown(f);
    diagnose_rivals(f);
    note_correlations(f);
}
