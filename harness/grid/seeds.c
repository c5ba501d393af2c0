/* seeds.c - which seeds a point is run with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/grid/expand.h"

#define MAX_SEEDS 100000

/* Most points have the same seeds: one list serves them. */
static void set_seeds(struct grid *g, struct grid_point *p, uint64_t *list,
                      int n)
{
    struct grid_seeds *known = g->seed_lists;
    int i = 0;

    while (i < g->n_seed_lists &&
           (known[i].n != n ||
            memcmp(known[i].list, list, (size_t)n * sizeof *list) != 0))
        i++;
    if (i == g->n_seed_lists) {
        g->seed_lists = known = mem_grow(known, (size_t)i + 1, sizeof *known);
        known[i] = (struct grid_seeds){ list, n };
        g->n_seed_lists++;
    } else {
        free(list);
    }
    p->seeds = known[i].list;
    p->n_seeds = n;
}

static enum status bad_count(const struct grid_source *s, double n,
                             struct err *err)
{
    char buf[32];

    return ini_fail(err, s->count_rule.where,
                    "seeds.count = %s: expected a whole number from 1 to %d",
                    text_number(buf, n), MAX_SEEDS);
}

/* How many: repeat of the block, or the list's length, or [seeds] count. */
static enum status seed_count(int *out, struct grid_source *s, struct made *m,
                              int repeat, const struct doc_values *list,
                              struct err *err)
{
    double n = repeat;

    if (!repeat && list)
        n = list->list.n;
    else if (!repeat &&
             formula_eval(&n, &s->count, s->names, &m->view, err) != OK)
        return ERR_CONFIG;
    if (n != floor(n) || n < 1 || n > MAX_SEEDS)
        return bad_count(s, n, err);
    if (list && (int)n > list->list.n)
        return ini_fail(err, list->where,
                        "seeds.list has %d seeds, but a block repeats its "
                        "points %d times",
                        list->list.n, (int)n);
    *out = (int)n;
    return OK;
}

static enum status check_twice(const uint64_t *seeds, int n,
                               const struct doc_values *list, struct err *err)
{
    for (int i = 0; list && i < n; i++)
        for (int k = 0; k < i; k++)
            if (seeds[i] == seeds[k])
                return ini_fail(err, list->list.items[i].where,
                                "seeds.list names %s twice",
                                list->list.items[i].text);
    return OK;
}

enum status grid_give_seeds(struct grid *g, struct grid_point *p,
                            struct made *m, int repeat, struct err *err)
{
    struct grid_source *s = g->source;
    const struct doc_values *list = doc_find(s->doc, "seeds.list");
    const uint64_t first = (uint64_t)doc_number(s->doc, "seeds.first");
    uint64_t *seeds;
    int n = 0;

    if (seed_count(&n, s, m, repeat, list, err) != OK)
        return ERR_CONFIG;
    seeds = mem_array((size_t)n, sizeof *seeds);
    for (int i = 0; i < n; i++)
        seeds[i] = list ? strtoull(list->list.items[i].text, NULL, 10)
                        : first + (uint64_t)i;
    if (check_twice(seeds, n, list, err) != OK) {
        free(seeds);
        return ERR_CONFIG;
    }
    set_seeds(g, p, seeds, n);
    return OK;
}

/* Add the seeds of from that p does not have. */
void grid_join_seeds(struct grid *g, struct grid_point *p,
                     const struct grid_point *from)
{
    uint64_t *all;
    int n = p->n_seeds;

    if (p->seeds == from->seeds)
        return;
    all = mem_array((size_t)(p->n_seeds + from->n_seeds), sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = p->seeds[i];
    for (int i = 0; i < from->n_seeds; i++) {
        int k = 0;

        while (k < n && all[k] != from->seeds[i])
            k++;
        if (k == n)
            all[n++] = from->seeds[i];
    }
    set_seeds(g, p, all, n);
}
