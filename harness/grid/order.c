/* order.c - the order in which points are run. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness/grid/expand.h"

struct ordering {
    const struct grid *g;
    const char *by;
    uint64_t key; /* of the random order */
};

static double order_key(const struct ordering *o, const struct grid_point *p)
{
    if (strcmp(o->by, "flops") == 0)
        return p->size.flops;
    if (strcmp(o->by, "random") == 0)
        return rng_f64(o->key, strtoull(p->id, NULL, 16) >> 2);
    return 0; /* file, priority */
}

static int by_order(const void *va, const void *vb, void *ctx)
{
    const struct ordering *o = ctx;
    const int i = *(const int *)va, k = *(const int *)vb;
    const struct grid_point *a = &o->g->points[i], *b = &o->g->points[k];
    const double x = order_key(o, a), y = order_key(o, b);

    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    if (x != y)
        return x < y ? -1 : 1;
    if (a->is_base != b->is_base)
        return a->is_base ? -1 : 1;
    return i < k ? -1 : i > k;
}

/* Move every point to its place, following the cycles of the permutation:
 * a second array of a million points would be too much. */
static void permute(struct grid *g, int *from_of)
{
    for (int i = 0; i < g->n_points; i++) {
        struct grid_point first = g->points[i];
        int at = i;

        while (from_of[at] != i && from_of[at] >= 0) {
            const int from = from_of[at];

            g->points[at] = g->points[from];
            from_of[at] = -1;
            at = from;
        }
        if (from_of[at] == i) {
            g->points[at] = first;
            from_of[at] = -1;
        }
    }
    for (int i = 0; i < g->n_points; i++)
        g->points[i].ordinal = i;
}

void grid_put_in_order(struct grid *g)
{
    const struct doc *d = g->source->doc;
    struct ordering o = { .g = g, .by = doc_text(d, "order.by") };
    int *from_of = mem_array((size_t)g->n_points, sizeof *from_of);

    if (!o.by)
        o.by = grid_key_find("order.by")->fallback;
    o.key =
        rng_key((uint64_t)doc_number(d, "order.seed"), RNG_DATA, UINT64_MAX);
    for (int i = 0; i < g->n_points; i++)
        from_of[i] = i;
    qsort_r(from_of, (size_t)g->n_points, sizeof *from_of, by_order, &o);
    permute(g, from_of);
    free(from_of);
}
