#include "fit/optimum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/edges.h"
#include "fit/lanes.h"
#include "fit/separate.h"
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

bool optimum_is_far(double value)
{
    return fabs(value) >= OPTIMUM_FAR;
}

bool optimum_at_low_end(const struct model_param *p, double value)
{
    return (isfinite(p->lo) && value - p->lo <= 1e-12 * fabs(p->lo)) ||
           value <= -OPTIMUM_FAR;
}

bool optimum_at_bound(const struct model_param *p, double value)
{
    return optimum_at_low_end(p, value) || optimum_is_far(value) ||
           (isfinite(p->hi) && p->hi - value <= 1e-12 * fabs(p->hi));
}

/* A coefficient: something that multiplies, whose size matters more than its
 * sign.  Positive ones are, and those in which the law, or its dependence on
 * the reciprocal, is affine; what stands in an exponent is not. */
bool optimum_is_coefficient(const struct model *m, int i)
{
    const struct model_param *p = &m->params[i];
    static const bool inverse[] = { true };

    if (expr_in_exponent(m->expr, p->slot))
        return false;
    return p->lo >= 0 || expr_is_affine(m->expr, &p->slot, 1) ||
           expr_is_affine_in(m->expr, &p->slot, inverse, 1);
}

/* Do the bounds decide the sign? */
static bool is_signed(const struct model_param *p)
{
    return p->lo >= 0 || p->hi <= 0;
}

/* A parameter at infinity has no slope to be moved by; profiles bring it back
 * by its logarithm. */
static void choose_coordinates(struct model_work *w, const double *theta,
                               bool all_coefficients)
{
    const struct model *m = w->m;

    for (int f = 0; f < m->n_free; f++) {
        const int i = model_param_of(m, f);
        const struct model_param *p = &m->params[i];
        const bool moves = theta[i] != 0 && isfinite(theta[i]) &&
                           !optimum_at_bound(p, theta[i]);

        if (optimum_is_far(theta[i]) ? !all_coefficients
                                     : moves && optimum_is_coefficient(m, i) &&
                                           (all_coefficients || is_signed(p)))
            model_use_log(w, f, theta[i]);
        else
            model_use_plain(w, f);
    }
}

void optimum_coordinates(struct model_work *w, const double *theta)
{
    choose_coordinates(w, theta, false);
}

void optimum_search_coordinates(struct model_work *w, const double *theta)
{
    choose_coordinates(w, theta, true);
}

static void plain_coordinates(struct model_work *w)
{
    for (int f = 0; f < w->m->n_free; f++)
        model_use_plain(w, f);
}

static void hold_far(struct hunt *h)
{
    for (int f = 0; f < h->m->n_free; f++)
        if (!h->mw->is_log[f] && optimum_is_far(h->u[f]))
            h->lo[f] = h->hi[f] = h->u[f];
}

/* One local search in the present coordinates; theta moves to its end. */
static struct solve_result descend(struct hunt *h, double *theta,
                                   const struct solve_options *o)
{
    struct solve_result res;

    model_box(h->mw, h->lo, h->hi);
    model_coordinates(h->mw, h->u, theta);
    hold_far(h);
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

/* --- the whole search ---------------------------------------------------- */

/* A start may lie exactly on a bound, where a logarithm would be infinite. */
static void follow(struct hunt *h, double *theta, struct solve_result *res,
                   const struct solve_options *o)
{
    optimum_search_coordinates(h->mw, theta);
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
    optimum_search_coordinates(h->mw, theta);
    free(trial);
}

/* Is the loss half a sum of squares of what eval gives? */
static bool is_squares(const struct model *m)
{
    return m->loss.kind == FIT_L2 || m->loss.kind == FIT_CAUCHY;
}

/* Follow one start; a start given by a person is followed by GSL too, in plain
 * coordinates, because it may have been chosen for just that. */
static double follow_start(struct hunt *h, double *theta, bool given,
                           const struct solve_options *o)
{
    const size_t size = (size_t)h->m->n_params * sizeof *theta;
    struct solve_result res, other = { .objective = HUGE_VAL };
    double *from = mem_array(1, size);

    memcpy(from, theta, size);
    follow(h, theta, &res, o);
    if (given && is_squares(h->m)) {
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
        if (objectives[k] <= least * (1 + OPTIMUM_SAME) + floor)
            o->reached++;
        else if (isfinite(objectives[k]) && !(objectives[k] >= o->next))
            o->next = objectives[k];
    }
}

/* Nothing is free: the objective at the values held. */
static void hold_all(struct optimum *o, const struct model *m,
                     const double *weight)
{
    *o = (struct optimum){ .theta =
                               mem_array((size_t)m->n_params, sizeof *o->theta),
                           .converged = true,
                           .next = (double)NAN };
    for (int i = 0; i < m->n_params; i++)
        o->theta[i] = m->params[i].held;
    o->objective = optimum_objective(m, weight, o->theta);
}

static bool is_any_given(const struct model *m)
{
    for (int f = 0; f < m->n_free; f++)
        if (!isnan(m->params[model_param_of(m, f)].start))
            return true;
    return false;
}

/* Starts around what a person gave, then our own; *given is how many are of
 * the first kind. */
static void find_starts(struct start_list *out, int *given,
                        const struct model *m, const double *weight,
                        uint64_t seed)
{
    const size_t p = (size_t)m->n_params;
    const bool any = is_any_given(m), own = !any || !m->start_only;
    const int keep =
        m->law || m->n_free - start_linear_count(m) < 4 ? KEEP : KEEP_MORE;
    struct start_list mine = { 0 };

    *out = (struct start_list){ 0 };
    *given = 0;
    if (any) {
        start_find(out, m, weight, seed, keep, true);
        *given = out->n;
    }
    if (!own)
        return;
    start_find(&mine, m, weight, seed, keep, false);
    out->theta = mem_grow(out->theta, (size_t)(*given + mine.n + 1) * p,
                          sizeof *out->theta);
    memcpy(out->theta + (size_t)*given * p, mine.theta,
           (size_t)mine.n * p * sizeof *out->theta);
    out->n = *given + mine.n;
    start_release(&mine);
}

/* From near the minimum to it, and what has run to an edge put there. */
static void settle(struct hunt *h, struct optimum *o, const double *weight)
{
    struct solve_result best = { .objective = HUGE_VAL }, edge;

    polish(h, o->theta, &best);
    if (is_squares(h->m))
        ask_gsl(h, o->theta, &best);
    if (edges_settle(o->theta, h->m, weight, best.objective,
                     rounding_floor(h))) {
        polish(h, o->theta, &edge);
        /* Nothing was gained: the search had settled before. */
        edge.converged = edge.converged ||
                         (best.converged &&
                          edge.objective > best.objective * (1 - OPTIMUM_SAME));
        best = edge;
    }
    o->objective = best.objective;
    o->converged = best.converged;
}

void optimum_find(struct optimum *o, const struct model *m,
                  const double *weight, uint64_t seed)
{
    const size_t p = (size_t)m->n_params;
    const struct solve_options options = { .max_steps = 300,
                                           .tolerance = 1e-11,
                                           .damping = 1e-3 };
    struct start_list list;
    struct hunt h;
    double *reached;
    int winner = -1, given;

    if (m->n_free == 0) {
        hold_all(o, m, weight);
        return;
    }
    if (separate_can(m)) {
        separate_find(o, m, weight, seed);
        return;
    }
    open_hunt(&h, m, weight);
    find_starts(&list, &given, m, weight, seed);
    *o = (struct optimum){ .theta = mem_array(p, sizeof *o->theta),
                           .objective = HUGE_VAL,
                           .next = (double)NAN,
                           .starts = list.n };
    reached = o->end_objective = mem_array((size_t)list.n, sizeof *reached);
    for (int k = 0; k < list.n; k++) {
        reached[k] =
            follow_start(&h, list.theta + (size_t)k * p, k < given, &options);
        if (isfinite(reached[k]) &&
            (winner < 0 || reached[k] < reached[winner]))
            winner = k;
    }
    /* Of equal ends that of a given start is meant: it says which of several
     * terms of one form has which name. */
    for (int k = 0; k < given && winner >= given; k++)
        if (reached[k] <=
            reached[winner] * (1 + OPTIMUM_SAME) + rounding_floor(&h))
            winner = k;
    if (winner >= 0) {
        memcpy(o->theta, list.theta + (size_t)winner * p, p * sizeof *o->theta);
        settle(&h, o, weight);
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
    edges_settle(o->theta, m, weight, best.objective, rounding_floor(&h));
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
