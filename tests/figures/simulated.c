#include "tests/figures/simulated.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"

const double simulated_sizes[SIZES] = { 8192, 26624, 106496 };
const double simulated_lengths[LENGTHS] = { 1e5, 2e5, 4e5, 8e5 };
const double simulated_groups[GROUPS] = { 4, 8, 16 };

const struct plan simulated_plans[N_PLANS] = {
    { "1 seed", { 1, 1 }, false, 0 },
    { "1 seed, uneven noise", { 1, 1 }, false, 0.4 },
    { "2 seeds", { 2, 2 }, false, 0 },
    { "3 seeds, uneven noise", { 3, 3 }, false, 0.4 },
    { "1 seed, one missing", { 1, 1 }, true, 0 },
    { "1 and 3 seeds", { 1, 3 }, true, 0.2 },
    { "2 and 3 seeds, one missing", { 2, 3 }, true, 0.4 },
};

/* The second family costs as much as the first; the third a third more. */
double true_cost(int family, double n, double d, double g)
{
    static const double k[FAMILIES] = { 0.04, 0.04, 0.053 };

    return k[family] * pow(d / 2e5, TRUE_GD) * pow(n / 26624, -TRUE_GN) *
           pow(log2(g) / 2, TRUE_GG);
}

double true_k(int family)
{
    return true_cost(family, 1, 1, 2);
}

bool is_there(const struct plan *p, int i, int k, int family, int group)
{
    return !p->missing || !((i == SIZES - 1 && k == LENGTHS - 1) ||
                            (i == 1 && k == 1 && family == 0 && group == 2));
}

static double noise(const struct plan *p, int k, uint64_t key, uint64_t at)
{
    return 0.02 * pow(simulated_lengths[k] / 2e5, -p->uneven) *
           rng_normal(key, at);
}

static void add_rows(struct measured *m, const struct plan *p, int family,
                     int group, int i, int k, uint64_t key)
{
    const int twin = i * LENGTHS + k;

    for (int s = 1; s <= p->seeds[twin % 2]; s++) {
        const uint64_t at = (uint64_t)(twin * 4 + s);
        const double base = 2 + noise(p, k, key, at);

        if (!is_there(p, i, k, family, group))
            continue;
        m->rows[m->n++] = (struct measured_row){
            .arm = family * GROUPS + group,
            .twin = twin,
            .point = (family * GROUPS + group) * 100 + twin,
            .seed = s,
            .N = simulated_sizes[i],
            .D = simulated_lengths[k],
            .base = base,
            .loss = 2 +
                    true_cost(family, simulated_sizes[i], simulated_lengths[k],
                              simulated_groups[group]) +
                    noise(p, k, key,
                          1000 * (uint64_t)(family * GROUPS + group + 1) + at),
        };
    }
}

void simulate(struct measured *m, const struct plan *p, int families,
              uint64_t key)
{
    *m = (struct measured){ .twins = SIZES * LENGTHS };
    m->n_arms = families * GROUPS;
    m->arms = mem_array((size_t)m->n_arms, sizeof *m->arms);
    m->rows = mem_array((size_t)m->n_arms * 36, sizeof *m->rows);
    for (int a = 0; a < m->n_arms; a++)
        m->arms[a] = (struct measured_arm){
            .name = mem_printf("f%d g%.0f", a / GROUPS,
                               simulated_groups[a % GROUPS]),
            .family = mem_printf("f%d", a / GROUPS),
            .group = mem_printf("%.0f", simulated_groups[a % GROUPS]),
            .fmt = mem_strdup("f"),
            .G = simulated_groups[a % GROUPS],
            .bits = 3,
            .family_id = a / GROUPS * GROUPS,
            .group_id = a % GROUPS,
        };
    for (int f = 0; f < families; f++)
        for (int g = 0; g < GROUPS; g++)
            for (int i = 0; i < SIZES; i++)
                for (int k = 0; k < LENGTHS; k++)
                    add_rows(m, p, f, g, i, k, key);
}
