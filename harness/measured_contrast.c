/* measured_contrast.c - costs, and what differs between two sides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/measured.h"

/* Two runs that are compared, or one with its twin (a NULL). */
struct pair {
    const struct measured_row *a, *b;
};

struct pairs {
    struct pair *pair;
    int n, cap;
};

static void add_pair(struct pairs *p, const struct measured_row *a,
                     const struct measured_row *b)
{
    if (p->n == p->cap) {
        p->cap = 2 * p->cap + 64;
        p->pair = mem_grow(p->pair, (size_t)p->cap, sizeof *p->pair);
    }
    p->pair[p->n++] = (struct pair){ a, b };
}

/* --- strata and cells --------------------------------------------------------
 */

/* Strata are pairs of twins; a cell is what was run in one of them. */
static int by_stratum(const struct pair *x, const struct pair *y)
{
    const int a = x->a ? x->a->twin - y->a->twin : 0;

    return a ? a : x->b->twin - y->b->twin;
}

static int by_cell(const struct pair *x, const struct pair *y)
{
    int c = by_stratum(x, y);

    c = c ? c : x->b->arm - y->b->arm;
    c = c ? c : x->b->point - y->b->point;
    c = c || !x->a ? c : x->a->arm - y->a->arm;
    return c || !x->a ? c : x->a->point - y->a->point;
}

static int in_order(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    const int c = by_cell(x, y);

    return c ? c : (x->b->seed > y->b->seed) - (x->b->seed < y->b->seed);
}

static double delta(const struct measured_row *r)
{
    return r->loss - r->base;
}

/* What is averaged: of a pair, the difference of its losses, which needs no
 * twin where both have the same; of its costs; or one of them. */
enum what { LOSSES, COSTS, COST_A, COST_B };

static double value_of(const struct pair *p, enum what what)
{
    switch (what) {
    case LOSSES:
        return p->b->loss - p->a->loss;
    case COSTS:
        return delta(p->b) - delta(p->a);
    case COST_A:
        return delta(p->a);
    default:
        return delta(p->b);
    }
}

static double needed(const struct pair *p, enum what what)
{
    return what == LOSSES ? 0 : p->b->base + (p->a ? p->a->base : 0);
}

/* Rows of cells.h from pairs in order; a variable in which the sides differ
 * says nothing of a stratum, so it is 1 there.  Returns how many. */
static int rows_of(struct cells_row *row, const struct pairs *p, enum what what)
{
    int n = 0, stratum = -1, cell = -1;
    const struct pair *last = NULL;

    for (int i = 0; i < p->n; i++) {
        const struct pair *q = &p->pair[i];

        if (isnan(needed(q, what == LOSSES ? LOSSES : COSTS)))
            continue;
        stratum += !last || by_stratum(last, q) != 0;
        cell += !last || by_cell(last, q) != 0;
        row[n++] = (struct cells_row){
            .stratum = stratum,
            .cell = cell,
            .seed = q->b->seed,
            .x = value_of(q, what),
            .n = q->a && q->a->N != q->b->N ? 1 : q->b->N,
            .d = q->a && q->a->D != q->b->D ? 1 : q->b->D,
        };
        last = q;
    }
    return n;
}

static struct cells_mean mean_of(const struct pairs *p, enum what what)
{
    struct cells_row *row = mem_array((size_t)p->n + 1, sizeof *row);
    const struct cells_mean m = cells_mean(row, rows_of(row, p, what));

    free(row);
    return m;
}

static struct measured_contrast judge(struct pairs *p, enum what what)
{
    struct cells_row *a = mem_array((size_t)p->n + 1, sizeof *a);
    struct cells_row *b = mem_array((size_t)p->n + 1, sizeof *b);
    struct measured_contrast c;
    int n;

    if (p->n)
        qsort(p->pair, (size_t)p->n, sizeof *p->pair, in_order);
    c.diff = mean_of(p, what);
    n = rows_of(a, p, COST_A);
    rows_of(b, p, COST_B);
    c.a = cells_mean(a, n);
    c.b = cells_mean(b, n);
    c.ratio = cells_ratio(b, a, n);
    c.p = cells_p(&c.diff);
    free(a);
    free(b);
    free(p->pair);
    return c;
}

/* --- rows of an arm ----------------------------------------------------------
 */

/* The first row that is not before (arm, twin, seed). */
static int first_row(const struct measured *m, int arm, int twin, int64_t seed)
{
    int lo = 0, hi = m->n;

    while (lo < hi) {
        const int mid = lo + (hi - lo) / 2;
        const struct measured_row *r = &m->rows[mid];

        if (r->arm < arm || (r->arm == arm && r->twin < twin) ||
            (r->arm == arm && r->twin == twin && r->seed < seed))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* --- costs -------------------------------------------------------------------
 */

struct cells_mean measured_cost(const struct measured *m,
                                const struct measured_side *s)
{
    struct pairs p = { .n = 0 };
    struct cells_mean mean;

    for (int k = 0; k < s->n; k++)
        for (int i = first_row(m, s->list[k], -1, 0);
             i < m->n && m->rows[i].arm == s->list[k]; i++)
            add_pair(&p, NULL, &m->rows[i]);
    if (p.n)
        qsort(p.pair, (size_t)p.n, sizeof *p.pair, in_order);
    mean = mean_of(&p, COST_B);
    free(p.pair);
    return mean;
}

struct cells_mean measured_cost_of_arm(const struct measured *m, int arm)
{
    struct measured_side s;
    struct cells_mean mean;

    measured_side_of_arm(&s, m, arm);
    mean = measured_cost(m, &s);
    measured_side_release(&s);
    return mean;
}

/* --- contrasts ---------------------------------------------------------------
 */

bool measured_share_group(const struct measured *m,
                          const struct measured_side *a,
                          const struct measured_side *b)
{
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < b->n; k++)
            if (m->arms[a->list[i]].group_id == m->arms[b->list[k]].group_id)
                return true;
    return false;
}

static void add_partners(struct pairs *p, const struct measured *m,
                         const struct measured_row *b, int arm)
{
    for (int i = first_row(m, arm, b->twin, b->seed);
         i < m->n && m->rows[i].arm == arm && m->rows[i].twin == b->twin &&
         m->rows[i].seed == b->seed;
         i++)
        add_pair(p, &m->rows[i], b);
}

static bool is_wanted(const struct measured *m, const struct measured_row *r,
                      const struct measured_only *only)
{
    return (!only->group || strcmp(only->group, m->arms[r->arm].group) == 0) &&
           (isnan(only->N) || r->N == only->N) &&
           (isnan(only->D) || r->D == only->D);
}

struct measured_contrast measured_contrast(const struct measured *m,
                                           const struct measured_side *a,
                                           const struct measured_side *b,
                                           struct measured_only only)
{
    const bool any = (a->n == 1 && b->n == 1) || !measured_share_group(m, a, b);
    struct pairs p = { .n = 0 };

    for (int j = 0; j < b->n; j++) {
        const int arm = b->list[j];

        for (int i = first_row(m, arm, -1, 0);
             i < m->n && m->rows[i].arm == arm; i++)
            for (int k = 0; k < a->n && is_wanted(m, &m->rows[i], &only); k++)
                if (any ||
                    m->arms[a->list[k]].group_id == m->arms[arm].group_id)
                    add_partners(&p, m, &m->rows[i], a->list[k]);
    }
    return judge(&p, LOSSES);
}

/* --- effects -----------------------------------------------------------------
 */

#define MOST_LEVELS 12 /* of a variable that are tried as ends */

/* A row's group is its width, which nobody chose. */
static double variable_of(const struct measured *m,
                          const struct measured_row *r, char variable)
{
    const struct measured_arm *a = &m->arms[r->arm];

    return variable == 'N'                ? r->N
           : variable == 'D'              ? r->D
           : strcmp(a->group, "row") != 0 ? a->G
                                          : (double)NAN;
}

/* Agree in all but the variable, as far as columns tell. */
static bool alike(const struct measured *m, const struct measured_row *x,
                  const struct measured_row *y, char variable)
{
    const struct measured_arm *a = &m->arms[x->arm], *b = &m->arms[y->arm];

    if (x->seed != y->seed || a->family_id != b->family_id)
        return false;
    if (variable == 'G')
        return x->twin == y->twin;
    return a->group_id == b->group_id && (variable == 'N' || x->N == y->N) &&
           (variable == 'D' || x->D == y->D);
}

/* Of several that are alike nobody knows which is meant: NULL. */
static const struct measured_row *partner(const struct measured *m,
                                          const struct measured_side *s,
                                          const struct measured_row *of,
                                          char variable, double value)
{
    const struct measured_row *found = NULL;

    for (int i = 0; i < m->n; i++) {
        const struct measured_row *r = &m->rows[i];

        if (!s->arms[r->arm] || isnan(r->base) ||
            variable_of(m, r, variable) != value || !alike(m, of, r, variable))
            continue;
        if (found)
            return NULL;
        found = r;
    }
    return found;
}

static struct pairs pairs_between(const struct measured *m,
                                  const struct measured_side *s, char variable,
                                  double lo, double hi)
{
    struct pairs p = { .n = 0 };

    for (int i = 0; i < m->n; i++) {
        const struct measured_row *a = &m->rows[i], *b;

        if (!s->arms[a->arm] || isnan(a->base) ||
            variable_of(m, a, variable) != lo)
            continue;
        b = partner(m, s, a, variable, hi);
        if (b && partner(m, s, b, variable, lo) == a)
            add_pair(&p, a, b);
    }
    return p;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Distinct values of the variable in order, thinned to a few. */
static int find_levels(double *level, const struct measured *m,
                       const struct measured_side *s, char variable)
{
    double *all = mem_array((size_t)m->n + 1, sizeof *all);
    int n = 0, distinct = 0;

    for (int i = 0; i < m->n; i++) {
        const double v = variable_of(m, &m->rows[i], variable);

        if (s->arms[m->rows[i].arm] && v > 0)
            all[n++] = v;
    }
    if (n)
        qsort(all, (size_t)n, sizeof *all, by_value);
    for (int i = 0; i < n; i++)
        if (distinct == 0 || all[i] != all[distinct - 1])
            all[distinct++] = all[i];
    n = distinct < MOST_LEVELS ? distinct : MOST_LEVELS;
    for (int i = 0; i < n; i++)
        level[i] = all[n > 1 ? i * (distinct - 1) / (n - 1) : 0];
    free(all);
    return n;
}

/* The ends between which the most pairs lie, counted in logarithms. */
struct measured_effect measured_effect(const struct measured *m,
                                       const struct measured_side *s,
                                       char variable)
{
    double level[MOST_LEVELS], best = 0;
    const int n = find_levels(level, m, s, variable);
    struct measured_effect e = { .lo = (double)NAN, .hi = (double)NAN };
    struct pairs pairs = { .n = 0 };

    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            struct pairs p = pairs_between(m, s, variable, level[i], level[k]);
            const double score = p.n * log(level[k] / level[i]);

            if (score > best) {
                struct pairs last = pairs;

                best = score;
                e.lo = level[i];
                e.hi = level[k];
                pairs = p;
                p = last;
            }
            free(p.pair);
        }
    e.change = judge(&pairs, COSTS);
    return e;
}
