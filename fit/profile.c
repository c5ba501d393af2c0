#include "fit/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/optimum.h"
#include "fit/solve.h"

struct profile {
    const struct model *m;
    struct model_work *mw;
    struct solve_work *sw;
    struct solve_problem p;
    double *weight, *lo, *hi, *u0, *u;
    double *inner;  /* the others at the inner end of a bracket */
    double *best;   /* of several starts */
    double *starts; /* [n_starts][n_free] more of them */
    int n_starts;
    double base, lowest;
};

struct profile *profile_new(const struct model *m, const double *theta,
                            double objective, const double *weight,
                            const struct model_work *like)
{
    struct profile *p = mem_alloc(sizeof *p);
    const size_t n = (size_t)m->n_free;

    p->m = m;
    p->base = p->lowest = objective;
    p->mw = model_work_new(m);
    p->sw = solve_work_new(m->rows, m->n_free);
    p->weight = mem_array(m->rows, sizeof(double));
    p->lo = mem_array(n, sizeof(double));
    p->hi = mem_array(n, sizeof(double));
    p->u0 = mem_array(n, sizeof(double));
    p->u = mem_array(n, sizeof(double));
    p->inner = mem_array(n, sizeof(double));
    p->best = mem_array(n, sizeof(double));
    for (size_t r = 0; r < m->rows; r++)
        p->weight[r] = weight ? weight[r] : 1;
    optimum_coordinates(p->mw, theta);
    for (int f = 0; like && f < m->n_free; f++)
        if (like->is_log[f])
            model_use_log(p->mw, f, theta[model_param_of(m, f)]);
        else
            model_use_plain(p->mw, f);
    model_box(p->mw, p->lo, p->hi);
    model_coordinates(p->mw, p->u0, theta);
    p->p = (struct solve_problem){
        .eval = model_residuals,
        .ctx = p->mw,
        .rows = m->rows,
        .n = m->n_free,
        .weight = p->weight,
        .delta = m->loss.kind == FIT_HUBER ? m->loss.scale : HUGE_VAL,
        .lo = p->lo,
        .hi = p->hi,
    };
    return p;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    model_work_free(p->mw);
    solve_work_free(p->sw);
    free(p->weight);
    free(p->lo);
    free(p->hi);
    free(p->u0);
    free(p->u);
    free(p->inner);
    free(p->best);
    free(p->starts);
    free(p);
}

double profile_lowest(const struct profile *p)
{
    return p->lowest;
}

/* The others start from where they are in p->u. */
static double objective_at(struct profile *p, int f, double v)
{
    const struct solve_options o = { .max_steps = 300,
                                     .tolerance = 1e-13,
                                     .damping = 1e-6 };
    const double lo = p->lo[f], hi = p->hi[f];
    struct solve_result res;

    p->lo[f] = p->hi[f] = p->u[f] = v;
    res = p->m->loss.kind == FIT_L1 ? solve_absolute(p->sw, p->u, &p->p, &o)
                                    : solve_run(p->sw, p->u, &p->p, &o, NULL);
    p->lo[f] = lo;
    p->hi[f] = hi;
    if (p->m->loss.kind == FIT_L2)
        res.objective *= 2;
    p->lowest = fmin(p->lowest, res.objective);
    return res.objective;
}

double profile_objective(struct profile *p, int f, double value,
                         double *theta_out)
{
    const double v = p->mw->is_log[f] ? log(value * p->mw->sign[f]) : value;
    double objective;

    memcpy(p->u, p->u0, (size_t)p->m->n_free * sizeof *p->u);
    objective = objective_at(p, f, v);
    if (theta_out)
        model_theta(p->mw, theta_out, p->u);
    return objective;
}

static double objective_from(struct profile *p, int f, double v,
                             const double *start)
{
    memcpy(p->u, start, (size_t)p->m->n_free * sizeof *p->u);
    return objective_at(p, f, v);
}

/* sqrt of the rise, which is nearly linear in the distance.  The others start
 * from where they were at the inner end: coming from outside, where they may
 * have got stuck, they might not find back. */
static double root_rise(struct profile *p, int f, double v)
{
    const size_t n = (size_t)p->m->n_free;
    double least = objective_from(p, f, v, p->inner);

    memcpy(p->best, p->u, n * sizeof *p->u);
    for (int i = 0; i < p->n_starts; i++) {
        const double x = objective_from(p, f, v, p->starts + (size_t)i * n);

        if (!(x < least))
            continue;
        least = x;
        memcpy(p->best, p->u, n * sizeof *p->u);
    }
    memcpy(p->u, p->best, n * sizeof *p->u);
    return least > p->base ? sqrt(least - p->base) : 0;
}

void profile_add_start(struct profile *p, int f, double value)
{
    const size_t n = (size_t)p->m->n_free;

    profile_objective(p, f, value, NULL);
    p->starts =
        mem_grow(p->starts, ((size_t)p->n_starts + 1) * n, sizeof *p->starts);
    memcpy(p->starts + (size_t)p->n_starts++ * n, p->u, n * sizeof *p->u);
}

static void move_in(struct profile *p)
{
    memcpy(p->inner, p->u, (size_t)p->m->n_free * sizeof *p->u);
}

/* A logarithm this far away is at its end. */
#define LOG_END 50.0

/* A step in the direction of the value as one of the coordinate. */
static double coordinate_step(const struct profile *p, int f, double step)
{
    const double sign = p->mw->sign[f];

    return p->mw->is_log[f] ? copysign(fmin(fabs(step), 1), step * sign) : step;
}

double profile_rise_at_end(struct profile *p, int f, double step, double most)
{
    const bool is_log = p->mw->is_log[f];
    double end, root = 0;

    step = coordinate_step(p, f, step);
    end = step > 0 ? p->hi[f] : p->lo[f];
    if (is_log && !isfinite(end))
        end = p->u0[f] + copysign(LOG_END, step);
    if (!isfinite(end))
        return HUGE_VAL;
    memcpy(p->u, p->u0, (size_t)p->m->n_free * sizeof *p->u);
    for (double b = p->u0[f]; b != end && isfinite(root); step *= 1.5) {
        move_in(p);
        b = p->u0[f] + step;
        if (step > 0 ? b >= end : b <= end)
            b = end;
        root = root_rise(p, f, b);
        if (root * root > most)
            return HUGE_VAL;
    }
    return root * root;
}

/* One side: walk outwards until the rise is bracketed, refitting from the
 * neighbour each time, then regula falsi on its root. */
static double limit(struct profile *p, int f, double step, double rise)
{
    const double target = sqrt(rise), end = step > 0 ? p->hi[f] : p->lo[f];
    double a = p->u0[f], fa = -target, b = a, fb = fa;
    bool closed = false;

    memcpy(p->u, p->u0, (size_t)p->m->n_free * sizeof *p->u);
    for (int k = 0; k < 60 && !closed; k++) {
        move_in(p);
        a = b;
        fa = fb;
        b = p->u0[f] + step;
        step *= 1.5;
        if (step > 0 ? b >= end : b <= end)
            b = end;
        fb = root_rise(p, f, b) - target;
        closed = fb >= 0;
        if (b == end && !closed)
            return end;
    }
    if (!closed)
        return step > 0 ? HUGE_VAL : -HUGE_VAL;
    for (int k = 0; k < 60 && fabs(b - a) > 1e-9 * (fabs(b) + fabs(a)); k++) {
        const double mid = fa < 0 && fb > 0 && isfinite(fb)
                               ? (a * fb - b * fa) / (fb - fa)
                               : 0.5 * (a + b);
        const double fm = root_rise(p, f, mid) - target;

        if (fabs(fm) < 1e-9 * target)
            return mid;
        if (fm < 0) {
            move_in(p);
            a = mid;
            fa = fm;
            fb *= 0.5;
        } else {
            b = mid;
            fb = fm;
            fa *= 0.5;
        }
    }
    return 0.5 * (a + b);
}

double profile_limit(struct profile *p, int f, double step, double rise)
{
    const double end = limit(p, f, coordinate_step(p, f, step), rise);

    return p->mw->is_log[f] ? p->mw->sign[f] * exp(end) : end;
}
