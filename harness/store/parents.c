#include "harness/store/parents.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct name {
    const char *id;
    uint64_t seed;
    int run;
};

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    const int order = strcmp(x->id, y->id);

    return order ? order : (x->seed > y->seed) - (x->seed < y->seed);
}

/* Grids without any are many, and large. */
static bool any_post(const struct grid *g)
{
    for (int i = 0; i < g->n_points; i++)
        if (g->points[i].is_post)
            return true;
    return false;
}

int *store_parents(const struct store_run *runs, int n, const struct grid *g)
{
    const bool any = any_post(g);
    struct name *names = mem_array(any ? (size_t)n : 1, sizeof *names);
    int *parents = mem_array((size_t)n, sizeof *parents), n_names = 0;

    for (int i = 0; i < n && any; i++)
        if (!g->points[runs[i].point].is_post)
            names[n_names++] =
                (struct name){ g->points[runs[i].point].id, runs[i].seed, i };
    qsort(names, (size_t)n_names, sizeof *names, by_name);
    for (int i = 0; i < n; i++) {
        const struct grid_point *p = &g->points[runs[i].point];
        const struct name key = { p->parent, runs[i].seed, 0 };
        const struct name *found =
            p->is_post
                ? bsearch(&key, names, (size_t)n_names, sizeof key, by_name)
                : NULL;

        parents[i] = found ? found->run : -1;
    }
    free(names);
    return parents;
}
