#include "fit/edges.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "fit/optimum.h"

struct edge {
    const struct model *m;
    const double *weight;
    double *theta;
    double objective, floor;
};

static double objective_with(struct edge *e, int f, double value)
{
    double *held = mem_array((size_t)e->m->n_params, sizeof *held), v;

    for (int i = 0; i < e->m->n_params; i++) {
        held[i] = e->theta[i];
        if (e->m->params[i].free == f)
            e->theta[i] = value;
    }
    v = optimum_objective(e->m, e->weight, e->theta);
    for (int i = 0; i < e->m->n_params; i++)
        e->theta[i] = held[i];
    free(held);
    return v;
}

static void put(struct edge *e, int f, double value)
{
    for (int i = 0; i < e->m->n_params; i++)
        if (e->m->params[i].free == f)
            e->theta[i] = value;
}

static bool is_same(const struct edge *e, double objective, double share)
{
    return objective <= e->objective * (1 + share) + e->floor;
}

/* --- nothing ------------------------------------------------------------- */

/* The largest share of the law that any row owes to the coordinate. */
static double largest_share(const struct edge *e, struct model_work *w, int f)
{
    const struct model *m = e->m;
    double most = 0;

    for (int k = 0; k < w->n_slots; k++) {
        const struct model_name *nm = &m->names[w->param_slots[k]];

        for (size_t r = 0; r < m->rows; r++) {
            const int i = nm->first + (nm->group ? nm->group[r] : 0);

            if (m->params[i].free == f)
                most = fmax(most,
                            fabs(e->theta[i] *
                                 w->grad[(size_t)k * m->rows + r] / w->mu[r]));
        }
    }
    return most;
}

static void drop_negligible(struct edge *e)
{
    struct model_work *w = model_work_new(e->m);

    model_law(w, e->theta, w->mu, w->grad);
    for (int f = 0; f < e->m->n_free; f++)
        if (e->m->params[model_param_of(e->m, f)].lo == 0 &&
            largest_share(e, w, f) < 1e-13 &&
            is_same(e, objective_with(e, f, 0), 1e-12))
            put(e, f, 0);
    model_work_free(w);
}

/* --- infinity ------------------------------------------------------------ */

/* Do the rows reject the value divided by some power of a thousand?  By four
 * standard errors of a single parameter. */
static bool rejects_less(struct edge *e, int f, double value)
{
    const double dof = fmax((double)e->m->rows - e->m->n_free, 1);

    for (int k = 0; k < 40; k++) { /* from anywhere to next to nothing */
        value *= 1e-3;
        if (!is_same(e, objective_with(e, f, value), 16 / dof))
            return true;
    }
    return false;
}

static bool put_far(struct edge *e, int f)
{
    const int i = model_param_of(e->m, f);
    const double v = e->theta[i], far = copysign(OPTIMUM_FAR, v);
    const struct model_param *p = &e->m->params[i];

    if (v == 0 || optimum_at_bound(p, v) || far > p->hi || far < p->lo ||
        !is_same(e, objective_with(e, f, 1e3 * v), OPTIMUM_SAME) ||
        !is_same(e, objective_with(e, f, far), OPTIMUM_SAME) ||
        !rejects_less(e, f, v))
        return false;
    put(e, f, far);
    return true;
}

bool edges_settle(double *theta, const struct model *m, const double *weight,
                  double objective, double floor)
{
    struct edge e = { m, weight, theta, objective, floor };
    bool any = false;

    drop_negligible(&e);
    for (int f = 0; f < m->n_free; f++)
        any = put_far(&e, f) || any;
    return any;
}
