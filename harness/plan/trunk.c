#include "harness/plan/trunk.h"

#include <stdlib.h>

#include "base/str.h"
#include "harness/proto/exec_trainer.h"

/* A run that may share, by what it may share with. */
struct member {
    uint64_t beginning, seed, data_seed;
    int64_t step; /* where it leaves the others */
    int run;
};

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_beginning(const struct member *x, const struct member *y)
{
    int order = compare(x->beginning, y->beginning);

    if (order == 0)
        order = compare(x->seed, y->seed);
    return order != 0 ? order : compare(x->data_seed, y->data_seed);
}

/* Of those that share, the one that goes farthest comes first. */
static int by_all(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = by_beginning(x, y);

    if (order == 0)
        order = compare((uint64_t)y->step, (uint64_t)x->step);
    return order != 0 ? order : (x->run > y->run) - (x->run < y->run);
}

bool trunk_may_share(const struct grid_point *p, const struct grid *g)
{
    return p->branch_step > 0 && config_run_share_trunk(g->base) &&
           !config_is_exec(g->base); /* ours knows how to branch */
}

static int list_members(struct member *list, const struct trunk_run *runs,
                        int n, const struct grid *g)
{
    int count = 0;

    for (int i = 0; i < n; i++) {
        const struct grid_point *p = &g->points[runs[i].point];

        if (trunk_may_share(p, g))
            list[count++] = (struct member){ p->beginning, runs[i].seed,
                                             grid_data_seed(p, runs[i].seed),
                                             p->branch_step, i };
    }
    return count;
}

void trunk_link(struct trunk_run *runs, int n, const struct grid *g)
{
    struct member *list = mem_array((size_t)n, sizeof *list);
    const int count = list_members(list, runs, n, g);
    int first = 0;

    for (int i = 0; i < n; i++)
        runs[i].trunk = -1;
    if (count > 0)
        qsort(list, (size_t)count, sizeof *list, by_all);
    for (int i = 1; i < count; i++)
        if (by_beginning(&list[i], &list[first]) == 0)
            runs[list[i].run].trunk = list[first].run;
        else
            first = i;
    free(list);
}

double trunk_own_share(const struct grid_point *branch)
{
    return 1 - (double)branch->branch_step / (double)branch->size.steps;
}
