#include "harness/study/findings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MOST_FAMILIES 8 /* that are all contrasted with one another */

/* --- costs -------------------------------------------------------------------
 */

static int find_family(struct findings *f, const char *name)
{
    for (int i = 0; i < f->n_families; i++)
        if (strcmp(f->families[i], name) == 0)
            return i;
    f->families =
        mem_grow(f->families, (size_t)f->n_families + 1, sizeof *f->families);
    f->families[f->n_families] = name;
    return f->n_families++;
}

static void find_costs(struct findings *f, const struct measured *m)
{
    f->costs = mem_array((size_t)m->n_arms + 1, sizeof *f->costs);
    for (int i = 0; i < m->n_arms; i++) {
        const struct cells_mean cost = measured_cost_of_arm(m, i);

        if (cost.cells == 0)
            continue;
        f->costs[f->n_costs++] =
            (struct finding_cost){ i, find_family(f, m->arms[i].family), cost };
    }
}

/* --- contrasts ---------------------------------------------------------------
 */

static void add_contrast(struct findings *f, const struct measured *m, int a,
                         int b)
{
    struct measured_side sa, sb;
    struct finding_contrast c = { .a = a, .b = b };

    measured_side_of_family(&sa, m, f->families[a]);
    measured_side_of_family(&sb, m, f->families[b]);
    c.c = measured_contrast(m, &sa, &sb, MEASURED_ANY);
    measured_side_release(&sa);
    measured_side_release(&sb);
    if (c.c.diff.error == CELLS_NONE)
        return;
    c.within = cells_within(&c.c.diff);
    f->contrasts = mem_grow(f->contrasts, (size_t)f->n_contrasts + 1,
                            sizeof *f->contrasts);
    f->contrasts[f->n_contrasts++] = c;
}

/* The family with the lowest mean over its arms. */
static int cheapest(const struct findings *f)
{
    int best = 0;
    double least = HUGE_VAL;

    for (int i = 0; i < f->n_families; i++) {
        double sum = 0;
        int n = 0;

        for (int k = 0; k < f->n_costs; k++)
            if (f->costs[k].family == i) {
                sum += f->costs[k].cost.value;
                n++;
            }
        if (n && sum / n < least) {
            least = sum / n;
            best = i;
        }
    }
    return best;
}

static int by_p(const void *a, const void *b)
{
    const struct finding_contrast *x = a, *y = b;
    const double tx = fabs(x->c.diff.value) / x->c.diff.se;
    const double ty = fabs(y->c.diff.value) / y->c.diff.se;

    if (x->c.p != y->c.p)
        return (x->c.p > y->c.p) - (x->c.p < y->c.p);
    return (tx < ty) - (tx > ty);
}

/* Holm: in order of p, the i-th of n is told while p (n - i) is below 5 %. */
static void judge_together(struct findings *f)
{
    const int n = f->n_contrasts;

    if (n)
        qsort(f->contrasts, (size_t)n, sizeof *f->contrasts, by_p);
    for (int i = 0; i < n; i++) {
        struct finding_contrast *c = &f->contrasts[i];

        cells_limits(&c->lo, &c->hi, &c->c.diff, 1 - 0.05 / n);
        c->told = c->c.p * (n - i) < 0.05 && f->n_told == i;
        f->n_told += c->told;
    }
}

static void find_contrasts(struct findings *f, const struct measured *m)
{
    const int best = cheapest(f);

    f->against_best = f->n_families > MOST_FAMILIES;
    for (int a = 0; a < f->n_families; a++)
        for (int b = a + 1; b < f->n_families; b++)
            if (!f->against_best || a == best || b == best)
                add_contrast(f, m, a, b);
    judge_together(f);
}

/* --- all together ------------------------------------------------------------
 */

void findings_make(struct findings *out, const struct measured *m)
{
    static const char variables[FINDING_EFFECTS] = { 'G', 'N', 'D' };
    struct measured_side all;

    *out = (struct findings){ .n_families = 0 };
    find_costs(out, m);
    find_contrasts(out, m);
    measured_side_of_all(&all, m);
    for (int i = 0; i < FINDING_EFFECTS; i++)
        out->effects[i] =
            (struct finding_effect){ variables[i],
                                     measured_effect(m, &all, variables[i]) };
    measured_side_release(&all);
}

int findings_errors(const struct findings *f, enum cells_error error)
{
    int n = 0;

    for (int i = 0; i < f->n_costs; i++)
        n += f->costs[i].cost.error == error;
    return n;
}

void findings_release(struct findings *f)
{
    free(f->families);
    free(f->costs);
    free(f->contrasts);
    *f = (struct findings){ .n_families = 0 };
}
