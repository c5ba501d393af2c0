#include "fit/start_roles.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "fit/start.h"

static bool all_given(const struct model *m, int slot)
{
    for (int i = 0; i < m->names[slot].count; i++)
        if (isnan(m->params[m->names[slot].first + i].start))
            return false;
    return true;
}

/* Grow the set of slots in which the law is jointly affine; inverse tells how
 * each enters. */
static int affine_slots(const struct model *m, bool given, int *slots,
                        bool *inverse)
{
    int n = 0;

    for (int s = 0; s < m->n_names; s++) {
        if (m->names[s].is_var || (given && all_given(m, s)))
            continue;
        slots[n] = s;
        inverse[n] = false;
        if (expr_is_affine_in(m->expr, slots, inverse, n + 1)) {
            n++;
            continue;
        }
        inverse[n] = true;
        if (expr_is_affine_in(m->expr, slots, inverse, n + 1))
            n++;
    }
    return n;
}

void start_roles(enum start_role *role, const struct model *m, bool given)
{
    int *slots = mem_array((size_t)m->n_names, sizeof *slots);
    bool *inverse = mem_array((size_t)m->n_names, sizeof *inverse);
    const int n = affine_slots(m, given, slots, inverse);

    for (int f = 0; f < m->n_free; f++)
        role[f] = given && !isnan(m->params[model_param_of(m, f)].start)
                      ? GIVEN
                      : LINEAR;
    for (int i = 0; i < m->n_params; i++) {
        const int f = m->params[i].free;
        int k = 0;

        if (f < 0 || role[f] == GIVEN)
            continue;
        while (k < n && slots[k] != m->params[i].slot)
            k++;
        if (k == n)
            role[f] = SAMPLED;
        else if (role[f] == LINEAR && inverse[k])
            role[f] = INVERSE;
        else if (role[f] == INVERSE && !inverse[k])
            role[f] = SAMPLED; /* tied across the two kinds */
    }
    free(slots);
    free(inverse);
}

int start_linear_count(const struct model *m)
{
    enum start_role *role = mem_array((size_t)m->n_free, sizeof *role);
    int n = 0;

    start_roles(role, m, false);
    for (int f = 0; f < m->n_free; f++)
        n += role[f] == LINEAR || role[f] == INVERSE;
    free(role);
    return n;
}
