/* measured_contrast.c - costs, and what differs between two sides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/str.h"
#include "harness/study/measured.h"

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

/* Rows with a cost, those beside one another that agree in all but the
 * variable as far as columns tell, each such run by its value. */
struct ladder {
    const struct rung {
        const struct measured_row *row;
        int64_t alike[4]; /* equal in rows that agree */
        double other[2];
        double value;
    } * rung;
    int n;
};

static struct rung rung_of(const struct measured *m,
                           const struct measured_row *r, char variable)
{
    const struct measured_arm *a = &m->arms[r->arm];
    struct rung x = { .row = r, .value = variable_of(m, r, variable) };

    x.alike[0] = a->family_id;
    x.alike[1] = r->seed;
    x.alike[2] = variable == 'G' ? r->twin : a->group_id;
    x.other[0] = variable == 'D' ? r->N : 0;
    x.other[1] = variable == 'N' ? r->D : 0;
    return x;
}

static int compare_alike(const struct rung *x, const struct rung *y)
{
    for (int i = 0; i < 4; i++)
        if (x->alike[i] != y->alike[i])
            return x->alike[i] < y->alike[i] ? -1 : 1;
    for (int i = 0; i < 2; i++)
        if (x->other[i] != y->other[i])
            return x->other[i] < y->other[i] ? -1 : 1;
    return 0;
}

static int by_alike(const void *a, const void *b)
{
    const struct rung *x = a, *y = b;
    const int c = compare_alike(x, y);

    return c                      ? c
           : x->value == y->value ? (x->row > y->row) - (x->row < y->row)
                                  : (x->value > y->value ? 1 : -1);
}

static struct ladder ladder_of(const struct measured *m,
                               const struct measured_side *s, char variable)
{
    struct rung *rung = mem_array((size_t)m->n + 1, sizeof *rung);
    int n = 0;

    for (int i = 0; i < m->n; i++) {
        const struct measured_row *r = &m->rows[i];

        if (s->arms[r->arm] && !isnan(r->base) &&
            variable_of(m, r, variable) > 0)
            rung[n++] = rung_of(m, r, variable);
    }
    if (n)
        qsort(rung, (size_t)n, sizeof *rung, by_alike);
    return (struct ladder){ rung, n };
}

/* The one row of a value among rungs that are alike; of several nobody knows
 * which is meant. */
static const struct measured_row *only_one(const struct rung *first,
                                           const struct rung *end, double value)
{
    const struct measured_row *found = NULL;

    for (; first < end; first++)
        if (first->value == value) {
            if (found)
                return NULL;
            found = first->row;
        }
    return found;
}

static struct pairs pairs_between(const struct ladder *l, double lo, double hi)
{
    const struct rung *end = l->rung + l->n;
    struct pairs p = { .n = 0 };

    for (const struct rung *first = l->rung, *next; first < end; first = next) {
        const struct measured_row *a, *b;

        for (next = first; next < end && compare_alike(first, next) == 0;)
            next++;
        a = only_one(first, next, lo);
        b = only_one(first, next, hi);
        if (a && b)
            add_pair(&p, a, b);
    }
    return p;
}

/* Distinct values of the variable in order, thinned to a few. */
static int find_levels(double *level, const struct ladder *l)
{
    double *all = mem_array((size_t)l->n + 1, sizeof *all);
    int n, distinct = 0;

    for (int i = 0; i < l->n; i++)
        all[i] = l->rung[i].value;
    if (l->n)
        qsort(all, (size_t)l->n, sizeof *all, order_doubles);
    for (int i = 0; i < l->n; i++)
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
    struct ladder ladder = ladder_of(m, s, variable);
    const int n = find_levels(level, &ladder);
    struct measured_effect e = { .lo = (double)NAN, .hi = (double)NAN };
    struct pairs pairs = { .n = 0 };

    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            struct pairs p = pairs_between(&ladder, level[i], level[k]);
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
    free((void *)ladder.rung);
    e.change = judge(&pairs, COSTS);
    return e;
}
