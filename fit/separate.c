#include "fit/separate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The slot of the grouping that all free parameters have, or -1. */
static int grouping_slot(const struct model *m)
{
    int slot = -1;

    for (int i = 0; i < m->n_params; i++) {
        const struct model_name *nm = &m->names[m->params[i].slot];

        if (m->params[i].free < 0)
            continue;
        if (!nm->group)
            return -1;
        if (slot >= 0 && strcmp(nm->column, m->names[slot].column) != 0)
            return -1;
        slot = m->params[i].slot;
    }
    return slot;
}

/* Is a coordinate shared by parameters of two values? */
static bool is_shared(const struct model *m)
{
    for (int i = 0; i < m->n_params; i++)
        for (int j = 0; j < i; j++)
            if (m->params[i].free >= 0 &&
                m->params[i].free == m->params[j].free &&
                i - m->names[m->params[i].slot].first !=
                    j - m->names[m->params[j].slot].first)
                return true;
    return false;
}

bool separate_can(const struct model *m)
{
    const int slot = grouping_slot(m);

    return slot >= 0 && m->names[slot].count > 1 && !is_shared(m);
}

/* --- one value ----------------------------------------------------------- */

struct part {
    struct model m;
    double *weight;
    int *row;   /* of the whole's rows */
    int *param; /* of the whole's parameters */
};

static double *take(const double *from, const struct part *p)
{
    double *out = from ? mem_array(p->m.rows, sizeof *out) : NULL;

    for (size_t i = 0; from && i < p->m.rows; i++)
        out[i] = from[p->row[i]];
    return out;
}

static void take_params(struct part *p, const struct model *m, int value)
{
    p->m.params = mem_array((size_t)m->n_params, sizeof *p->m.params);
    p->param = mem_array((size_t)m->n_params, sizeof *p->param);
    p->m.n_params = p->m.n_free = 0;
    for (int s = 0; s < m->n_names; s++) {
        const struct model_name *nm = &m->names[s];
        const int i = nm->first + (nm->group ? value : 0);

        if (nm->is_var)
            continue;
        p->m.names[s].first = p->m.n_params;
        p->m.names[s].count = 1;
        p->m.names[s].group = NULL;
        p->param[p->m.n_params] = i;
        p->m.params[p->m.n_params] = m->params[i];
        p->m.n_params++;
    }
    for (int i = 0; i < p->m.n_params; i++) { /* ties within the value stay */
        struct model_param *q = &p->m.params[i];
        int tied = 0;

        while (tied < i &&
               m->params[p->param[tied]].free != m->params[p->param[i]].free)
            tied++;
        if (q->free >= 0)
            q->free = tied < i ? p->m.params[tied].free : p->m.n_free++;
    }
}

/* The rows of one value of the column as a model of their own; expression and
 * texts are the whole's. */
static void open_part(struct part *p, const struct model *m,
                      const double *weight, const int *group, int value)
{
    *p = (struct part){ .m = *m };
    p->row = mem_array(m->rows, sizeof *p->row);
    p->m.rows = 0;
    for (size_t i = 0; i < m->rows; i++)
        if (group[i] == value)
            p->row[p->m.rows++] = (int)i;
    p->m.y = take(m->y, p);
    p->m.log_y = take(m->log_y, p);
    p->m.scale = take(m->scale, p);
    p->weight = take(weight, p);
    p->m.names = mem_array((size_t)m->n_names, sizeof *p->m.names);
    memcpy(p->m.names, m->names, (size_t)m->n_names * sizeof *p->m.names);
    for (int s = 0; s < m->n_names; s++)
        p->m.names[s].values = take(m->names[s].values, p);
    take_params(p, m, value);
}

static void close_part(struct part *p)
{
    for (int s = 0; s < p->m.n_names; s++)
        free(p->m.names[s].values);
    free(p->m.names);
    free(p->m.params);
    free(p->m.y);
    free(p->m.log_y);
    free(p->m.scale);
    free(p->weight);
    free(p->row);
    free(p->param);
}

/* --- all of them --------------------------------------------------------- */

static void put(double *theta, const struct part *p, const double *from)
{
    for (int i = 0; i < p->m.n_params; i++)
        theta[p->param[i]] = from[i];
}

static void add_ends(struct optimum *o, const struct model *m,
                     const struct part *p, const struct optimum *part)
{
    const size_t n = (size_t)m->n_params;

    o->ends = mem_grow(o->ends, (size_t)(o->starts + part->starts + 1) * n,
                       sizeof *o->ends);
    o->end_objective =
        mem_grow(o->end_objective, (size_t)(o->starts + part->starts + 1),
                 sizeof *o->end_objective);
    for (int k = 0; k < part->starts; k++) {
        double *end = o->ends + (size_t)(o->starts + k) * n;

        for (size_t i = 0; i < n; i++)
            end[i] = (double)NAN; /* filled when all are known */
        put(end, p, part->ends + (size_t)k * (size_t)p->m.n_params);
        o->end_objective[o->starts + k] =
            part->end_objective[k] - part->objective;
    }
    if (!(part->next - part->objective >= o->next))
        o->next = part->next - part->objective;
    o->starts += part->starts;
    o->reached += part->reached;
}

static void fill_ends(struct optimum *o, const struct model *m)
{
    const size_t n = (size_t)m->n_params;

    for (int k = 0; k < o->starts; k++) {
        for (size_t i = 0; i < n; i++)
            if (isnan(o->ends[(size_t)k * n + i]))
                o->ends[(size_t)k * n + i] = o->theta[i];
        o->end_objective[k] += o->objective;
    }
    o->next += o->objective;
}

void separate_find(struct optimum *o, const struct model *m,
                   const double *weight, uint64_t seed)
{
    const int slot = grouping_slot(m);

    *o = (struct optimum){ .theta =
                               mem_array((size_t)m->n_params, sizeof *o->theta),
                           .converged = true,
                           .next = (double)NAN };
    for (int i = 0; i < m->n_params; i++)
        o->theta[i] = m->params[i].held;
    for (int value = 0; value < m->names[slot].count; value++) {
        struct part p;
        struct optimum part;

        open_part(&p, m, weight, m->names[slot].group, value);
        optimum_find(&part, &p.m, p.weight, seed);
        put(o->theta, &p, part.theta);
        o->objective += part.objective;
        o->converged = o->converged && part.converged;
        o->evaluations += part.evaluations;
        if (p.m.n_free > 0)
            add_ends(o, m, &p, &part);
        optimum_release(&part);
        close_part(&p);
    }
    fill_ends(o, m);
}
