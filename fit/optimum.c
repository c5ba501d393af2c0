#include "fit/optimum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/lanes.h"
#include "fit/solve.h"
#include "fit/start.h"

/* Starts that are followed to their minimum: more where nothing is known of
 * several parameters that cannot be eliminated. */
#define KEEP      12
#define KEEP_MORE 40

struct hunt {
    const struct model *m;
    struct model_work *mw;
    struct solve_work *sw;
    struct solve_problem p;
    double *weight, *lo, *hi, *u;
    int evaluations;
};

static void open_hunt(struct hunt *h, const struct model *m,
                      const double *weight)
{
    const size_t n = m->rows, p = (size_t)m->n_free;

    *h = (struct hunt){ .m = m,
                        .mw = model_work_new(m),
                        .sw = solve_work_new(n, m->n_free),
                        .weight = mem_array(n, sizeof(double)),
                        .lo = mem_array(p, sizeof(double)),
                        .hi = mem_array(p, sizeof(double)),
                        .u = mem_array(p, sizeof(double)) };
    for (size_t r = 0; r < n; r++)
        h->weight[r] = weight ? weight[r] : 1;
    h->p = (struct solve_problem){
        .eval = model_residuals,
        .ctx = h->mw,
        .rows = n,
        .n = m->n_free,
        .weight = h->weight,
        .delta = m->loss.kind == FIT_HUBER ? m->loss.scale : HUGE_VAL,
        .lo = h->lo,
        .hi = h->hi,
    };
}

static void close_hunt(struct hunt *h)
{
    model_work_free(h->mw);
    solve_work_free(h->sw);
    free(h->weight);
    free(h->lo);
    free(h->hi);
    free(h->u);
}

bool optimum_at_bound(const struct model_param *p, double value)
{
    return (isfinite(p->lo) && value - p->lo <= 1e-12 * fabs(p->lo)) ||
           (isfinite(p->hi) && p->hi - value <= 1e-12 * fabs(p->hi));
}

/* A coefficient: something that multiplies, whose size matters more than its
 * sign.  Positive ones are, and those in which the law, or its dependence on
 * the reciprocal, is affine; what stands in an exponent is not. */
static bool is_coefficient(const struct model *m, int i)
{
    const struct model_param *p = &m->params[i];
    static const bool inverse[] = { true };

    if (expr_in_exponent(m->expr, p->slot))
        return false;
    return p->lo >= 0 || expr_is_affine(m->expr, &p->slot, 1) ||
           expr_is_affine_in(m->expr, &p->slot, inverse, 1);
}

void optimum_coordinates(struct model_work *w, const double *theta)
{
    const struct model *m = w->m;

    for (int f = 0; f < m->n_free; f++) {
        const int i = model_param_of(m, f);

        if (theta[i] == 0 || !isfinite(theta[i]) ||
            optimum_at_bound(&m->params[i], theta[i]) || !is_coefficient(m, i))
            model_use_plain(w, f);
        else
            model_use_log(w, f, theta[i]);
    }
}

static void plain_coordinates(struct model_work *w)
{
    for (int f = 0; f < w->m->n_free; f++)
        model_use_plain(w, f);
}

/* One local search in the present coordinates; theta moves to its end. */
static struct solve_result descend(struct hunt *h, double *theta,
                                   const struct solve_options *o)
{
    struct solve_result res;

    model_box(h->mw, h->lo, h->hi);
    model_coordinates(h->mw, h->u, theta);
    res = h->m->loss.kind == FIT_L1 ? solve_absolute(h->sw, h->u, &h->p, o)
                                    : solve_run(h->sw, h->u, &h->p, o, NULL);
    h->evaluations += res.evaluations;
    if (isfinite(res.objective))
        model_theta(h->mw, theta, h->u);
    if (h->m->loss.kind == FIT_L2)
        res.objective *= 2; /* the sum of squares itself */
    return res;
}

/* A second opinion on least squares inside the bounds. */
static void ask_gsl(struct hunt *h, double *theta, struct solve_result *best)
{
    struct solve_result res;

    model_coordinates(h->mw, h->u, theta);
    res = solve_gsl(h->u, &h->p, 300);
    h->evaluations += res.evaluations;
    if (h->m->loss.kind == FIT_L2)
        res.objective *= 2;
    for (int f = 0; f < h->m->n_free; f++)
        if (!(h->u[f] >= h->lo[f] && h->u[f] <= h->hi[f]))
            return;
    if (res.objective < best->objective * (1 - 1e-12)) {
        *best = res;
        model_theta(h->mw, theta, h->u);
    }
}

/* An objective below this is rounding: residuals of 1e-12 of the response. */
static double rounding_floor(const struct hunt *h)
{
    const struct model *m = h->m;
    double sum = 0;

    for (size_t i = 0; i < m->rows; i++) {
        const double size = m->space == FIT_LINEAR ? m->y[i] : 1;

        sum += h->weight[i] * fit_rho(&m->loss, 1e-12 * size * m->scale[i]);
    }
    return sum;
}

/* What contributes less than rounding to every row is zero. */
static void drop_negligible(struct hunt *h, double *theta)
{
    const struct model *m = h->m;
    struct model_work *w = h->mw;

    model_law(w, theta, w->mu, w->grad);
    for (int k = 0; k < w->n_slots; k++) {
        const struct model_name *nm = &m->names[w->param_slots[k]];

        for (int i = nm->first; i < nm->first + nm->count; i++) {
            double most = 0;

            if (m->params[i].free < 0 || m->params[i].lo != 0)
                continue;
            for (size_t r = 0; r < m->rows; r++)
                if (!nm->group || nm->group[r] == i - nm->first)
                    most = fmax(
                        most, fabs(theta[i] * w->grad[(size_t)k * m->rows + r] /
                                   w->mu[r]));
            if (most < 1e-13)
                theta[i] = 0;
        }
    }
}

/* --- the whole search ---------------------------------------------------- */

/* A start may lie exactly on a bound, where a logarithm would be infinite. */
static void follow(struct hunt *h, double *theta, struct solve_result *res,
                   const struct solve_options *o)
{
    optimum_coordinates(h->mw, theta);
    *res = descend(h, theta, o);
}

/* From the best of the starts to full precision: the logarithm can neither
 * reach a zero nor change a sign, so the plain value is asked as well. */
static void polish(struct hunt *h, double *theta, struct solve_result *best)
{
    const struct solve_options o = { .max_steps = 2000,
                                     .tolerance = 1e-16,
                                     .damping = 1e-6 };
    struct solve_result res;
    double *trial = mem_array((size_t)h->m->n_params, sizeof *trial);

    follow(h, theta, best, &o);
    memcpy(trial, theta, (size_t)h->m->n_params * sizeof *trial);
    plain_coordinates(h->mw);
    res = descend(h, trial, &o);
    if (res.objective < best->objective) {
        *best = res;
        memcpy(theta, trial, (size_t)h->m->n_params * sizeof *trial);
    }
    optimum_coordinates(h->mw, theta);
    free(trial);
}

static bool given_all(const struct model *m)
{
    for (int f = 0; f < m->n_free; f++)
        if (isnan(m->params[model_param_of(m, f)].start))
            return false;
    return true;
}

/* Is the loss half a sum of squares of what eval gives? */
static bool is_squares(const struct model *m)
{
    return m->loss.kind == FIT_L2 || m->loss.kind == FIT_CAUCHY;
}

/* Follow one start; a start given by a person is followed by GSL too, in plain
 * coordinates, because it may have been chosen for just that. */
static double follow_start(struct hunt *h, double *theta,
                           const struct solve_options *o)
{
    const size_t size = (size_t)h->m->n_params * sizeof *theta;
    struct solve_result res, other = { .objective = HUGE_VAL };
    double *from = mem_array(1, size);

    memcpy(from, theta, size);
    follow(h, theta, &res, o);
    if (given_all(h->m) && is_squares(h->m)) {
        plain_coordinates(h->mw);
        model_box(h->mw, h->lo, h->hi);
        ask_gsl(h, from, &other);
        if (other.objective < res.objective)
            memcpy(theta, from, size);
    }
    free(from);
    return fmin(res.objective, other.objective);
}

static void count_reached(struct optimum *o, const double *objectives,
                          double least, double floor)
{
    o->next = (double)NAN;
    for (int k = 0; k < o->starts; k++) {
        if (objectives[k] <= least * (1 + 1e-6) + floor)
            o->reached++;
        else if (isfinite(objectives[k]) && !(objectives[k] >= o->next))
            o->next = objectives[k];
    }
}

/* Nothing is free: the objective at the values held. */
static void hold_all(struct optimum *o, const struct model *m,
                     const double *weight)
{
    *o = (struct optimum){ .theta = mem_array((size_t)m->n_params,
                                              sizeof *o->theta),
                           .converged = true,
                           .next = (double)NAN };
    for (int i = 0; i < m->n_params; i++)
        o->theta[i] = m->params[i].held;
    o->objective = optimum_objective(m, weight, o->theta);
}

void optimum_find(struct optimum *o, const struct model *m,
                  const double *weight, uint64_t seed)
{
    const size_t p = (size_t)m->n_params;
    const struct solve_options options = { .max_steps = 300,
                                           .tolerance = 1e-11,
                                           .damping = 1e-3 };
    struct solve_result best = { .objective = HUGE_VAL };
    struct start_list list;
    struct hunt h;
    double *reached;
    int winner = -1, keep;

    if (m->n_free == 0) {
        hold_all(o, m, weight);
        return;
    }
    open_hunt(&h, m, weight);
    keep = m->law || m->n_free - start_linear_count(m) < 4 ? KEEP : KEEP_MORE;
    start_find(&list, m, weight, seed, keep);
    *o = (struct optimum){ .theta = mem_array(p, sizeof *o->theta),
                           .objective = HUGE_VAL,
                           .next = (double)NAN,
                           .starts = list.n };
    reached = o->end_objective = mem_array((size_t)keep, sizeof *reached);
    for (int k = 0; k < list.n; k++) {
        reached[k] = follow_start(&h, list.theta + (size_t)k * p, &options);
        if (isfinite(reached[k]) &&
            (winner < 0 || reached[k] < reached[winner]))
            winner = k;
    }
    if (winner >= 0) {
        memcpy(o->theta, list.theta + (size_t)winner * p, p * sizeof *o->theta);
        polish(&h, o->theta, &best);
        if (is_squares(m))
            ask_gsl(&h, o->theta, &best);
        drop_negligible(&h, o->theta);
        o->objective = best.objective;
        o->converged = best.converged;
        count_reached(o, reached, reached[winner], rounding_floor(&h));
    }
    o->evaluations = h.evaluations;
    o->ends = list.theta; /* moved by follow_start */
    list.theta = NULL;
    close_hunt(&h);
    start_release(&list);
}

void optimum_from(struct optimum *o, const struct model *m,
                  const double *weight, const double *theta)
{
    const size_t size = (size_t)m->n_params * sizeof *theta;
    struct solve_result best = { .objective = HUGE_VAL };
    struct hunt h;

    if (m->n_free == 0) {
        hold_all(o, m, weight);
        return;
    }
    open_hunt(&h, m, weight);
    *o = (struct optimum){ .theta = mem_array(1, size),
                           .starts = 1,
                           .reached = 1,
                           .next = (double)NAN };
    memcpy(o->theta, theta, size);
    polish(&h, o->theta, &best);
    drop_negligible(&h, o->theta);
    o->objective = best.objective;
    o->converged = best.converged;
    o->evaluations = h.evaluations;
    close_hunt(&h);
}

void optimum_release(struct optimum *o)
{
    free(o->theta);
    free(o->ends);
    free(o->end_objective);
    *o = (struct optimum){ 0 };
}

double optimum_objective(const struct model *m, const double *weight,
                         const double *theta)
{
    struct model_work *w = model_work_new(m);
    double *mu = mem_array(m->rows, sizeof *mu), sum = 0;

    model_law(w, theta, mu, NULL);
    for (size_t i = 0; i < m->rows; i++)
        sum += (weight ? weight[i] : 1) *
               fit_rho(&m->loss, model_residual(m, i, mu[i]));
    free(mu);
    model_work_free(w);
    return m->loss.kind == FIT_L2 ? 2 * sum : sum;
}
