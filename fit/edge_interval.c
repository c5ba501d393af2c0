#include "fit/edge_interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Rises beyond this many standard errors are far from any edge. */
#define NEAR 4.0

double edge_critical(double distance, double dof)
{
    double lo = gsl_cdf_tdist_Pinv(0.95, dof);
    double hi = gsl_cdf_tdist_Pinv(0.975, dof);

    for (int k = 0; k < 60; k++) {
        const double s = 0.5 * (lo + hi);
        const double below =
            distance >= s ? s
            : distance > 0
                ? (distance * distance + s * s) / (2 * distance)
                : HUGE_VAL;
        const double held = gsl_cdf_tdist_P(s, dof) -
                            (isfinite(below) ? gsl_cdf_tdist_Q(below, dof) : 0);

        if (held < 0.95)
            lo = s;
        else
            hi = s;
    }
    return 0.5 * (lo + hi);
}

static double unit_of(const struct fit *f)
{
    return f->rss / f->dof;
}

/* --- at an edge ---------------------------------------------------------- */

/* How far from the edge a value is: by itself, or by its inverse. */
struct scale {
    bool far;
    double edge, sign; /* of the values inside */
};

static double to_distance(const struct scale *s, double value)
{
    return s->far ? 1 / fabs(value) : fabs(value - s->edge);
}

static double to_value(const struct scale *s, double distance)
{
    return s->far ? s->sign / distance : s->edge + s->sign * distance;
}

static double limit_at(struct profile *pr, const struct scale *s, int coord,
                       double step, double rise)
{
    double lo, hi;

    profile_limits(pr, coord, step, rise, &lo, &hi);
    if (s->far)
        return s->sign > 0 ? lo : hi;
    return s->sign > 0 ? hi : lo;
}

/* The rise beside the edge is a d^2 + b d in the distance d; the root of the
 * critical rise where it meets a value's own. */
static double critical_root(double a, double b, double dof)
{
    double lo = edge_critical(0, dof), hi = edge_critical(HUGE_VAL, dof);

    for (int k = 0; k < 60; k++) {
        const double s = 0.5 * (lo + hi);
        const double d =
            a > 0 ? (sqrt(b * b + 4 * a * s * s) - b) / (2 * a) : 0;

        if (edge_critical(sqrt(fmax(a, 0)) * d, dof) > s)
            lo = s;
        else
            hi = s;
    }
    return 0.5 * (lo + hi);
}

void edge_interval_at(struct fit *f, struct profile *pr, int i, double *off)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];
    const double best = f->best.theta[i];
    const bool far = optimum_is_far(best);
    const bool low = far ? best < 0 : best - p->lo <= 1e-12 * fabs(p->lo);
    const struct scale s = { far, best, far == low ? -1 : 1 };
    const double step = far ? 1 : 1e-2 * fmax(fabs(best), 0.1);
    const double wide = edge_critical(HUGE_VAL, f->dof), unit = unit_of(f);
    double d = to_distance(&s, limit_at(pr, &s, p->free, step,
                                        wide * wide * unit));
    double value = to_value(&s, d), half, root;

    if (isfinite(d) && d > 0) {
        half = (profile_objective(pr, p->free, to_value(&s, d / 2), NULL) -
                f->best.objective) /
               unit;
        root = critical_root(2 * (wide * wide - 2 * half) / (d * d),
                             (4 * half - wide * wide) / d, f->dof);
        value = limit_at(pr, &s, p->free, step, root * root * unit);
        *off = to_value(&s, to_distance(&s, value) / 2);
    } else {
        *off = e->value;
    }
    e->se = (double)NAN;
    e->lo = low ? e->value : value;
    e->hi = low ? value : e->value;
    e->interval = "one-sided";
}

/* --- near an edge -------------------------------------------------------- */

/* The root of the critical rise on the side of an edge that lies root standard
 * errors away; 0: the edge itself is kept. */
static double root_towards(double root, double dof)
{
    double lo = edge_critical(0, dof), hi = edge_critical(HUGE_VAL, dof);

    if (root <= lo)
        return 0;
    for (int k = 0; k < 60; k++) {
        const double s = 0.5 * (lo + hi);

        if (edge_critical(fmax(root - s, 0), dof) > s)
            lo = s;
        else
            hi = s;
    }
    return fmin(0.5 * (lo + hi), root);
}

static double limit_near(struct fit *f, struct profile *pr, int i, bool upper,
                         double edge, double limit)
{
    const int c = f->m->params[i].free, k = covariance_at(&f->cov, c);
    const double step = f->sigma * sqrt(f->cov.inverse[k * f->cov.n + k]);
    const double unit = unit_of(f);
    const double away = sqrt(
        fmax(profile_rise_at_end(pr, c, upper ? step : -step), 0) / unit);
    double root, lo, hi;

    if (!(away < NEAR))
        return limit;
    root = root_towards(away, f->dof);
    if (root == 0)
        return edge;
    profile_limits(pr, c, 0.5 * step, root * root * unit, &lo, &hi);
    return upper ? hi : lo;
}

void edge_interval_near(struct fit *f, struct profile *pr, int i)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];
    const bool is_log = f->work->is_log[p->free];
    const bool inner = is_log && f->work->sign[p->free] < 0;
    double lo = e->lo, hi = e->hi;

    if (isfinite(p->lo) || inner)
        lo = limit_near(f, pr, i, false, isfinite(p->lo) ? p->lo : -HUGE_VAL,
                        e->lo);
    if (isfinite(p->hi) || (is_log && !inner))
        hi = limit_near(f, pr, i, true, isfinite(p->hi) ? p->hi : HUGE_VAL,
                        e->hi);
    e->lo = lo;
    e->hi = hi;
    if ((isfinite(p->lo) && lo <= p->lo) || (isfinite(p->hi) && hi >= p->hi))
        e->interval = "one-sided";
}
