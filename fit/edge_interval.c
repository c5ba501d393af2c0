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
            distance >= s  ? s
            : distance > 0 ? (distance * distance + s * s) / (2 * distance)
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
    const bool far = optimum_is_far(best), low = optimum_at_low_end(p, best);
    const struct scale s = { far, best, far == low ? -1 : 1 };
    const double step =
        (low ? 1 : -1) * (far ? 1 : 1e-2 * fmax(fabs(best), 0.1));
    const double wide = edge_critical(HUGE_VAL, f->dof), unit = unit_of(f);
    double value = profile_limit(pr, p->free, step, wide * wide * unit);
    double d = to_distance(&s, value), half, root;

    if (isfinite(d) && d > 0) {
        half = (profile_objective(pr, p->free, to_value(&s, d / 2), NULL) -
                f->best.objective) /
               unit;
        root = critical_root(2 * (wide * wide - 2 * half) / (d * d),
                             (4 * half - wide * wide) / d, f->dof);
        value = profile_limit(pr, p->free, step, root * root * unit);
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

/* Is the end of the range on this side an edge, or only far away? */
static bool is_edge(const struct fit *f, const struct model_param *p,
                    bool upper)
{
    const bool inner = f->work->is_log[p->free] && f->work->sign[p->free] < 0;

    return isfinite(upper ? p->hi : p->lo) ||
           (f->work->is_log[p->free] && upper != inner);
}

static double limit_towards(struct fit *f, struct profile *pr, int i,
                            bool upper)
{
    const struct model_param *p = &f->m->params[i];
    const int k = covariance_at(&f->cov, p->free);
    const double size = f->sigma * sqrt(f->cov.inverse[k * f->cov.n + k]);
    const double step = upper ? size : -size, unit = unit_of(f);
    double root = edge_critical(HUGE_VAL, f->dof), rise;

    if (is_edge(f, p, upper)) {
        rise = profile_rise_at_end(pr, p->free, step, NEAR * NEAR * unit);
        if (isfinite(rise))
            root = root_towards(sqrt(fmax(rise, 0) / unit), f->dof);
    }
    if (root == 0)
        return upper ? p->hi : p->lo;
    return profile_limit(pr, p->free, 0.5 * step, root * root * unit);
}

void edge_interval_profile(struct fit *f, struct profile *pr, int i)
{
    const struct model_param *p = &f->m->params[i];
    struct fit_estimate *e = &f->est[i];

    e->lo = limit_towards(f, pr, i, false);
    e->hi = limit_towards(f, pr, i, true);
    e->interval = (isfinite(p->lo) && e->lo <= p->lo) ||
                          (isfinite(p->hi) && e->hi >= p->hi)
                      ? "one-sided"
                      : "profile";
}
