#include "harness/study/query_cost.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "db/need_grid.h"
#include "harness/study/measured.h"
#include "harness/study/splits.h"

static const char make_cost[] =
    "CREATE TEMP TABLE arm_cost(grid TEXT, arm TEXT, fmt TEXT, G, cost REAL, "
    "lo95 REAL, hi95 REAL, cells INTEGER, seeds TEXT, error TEXT)";

static const char make_split[] =
    "CREATE TEMP TABLE arm_split(grid TEXT, bits REAL, G, arm TEXT, "
    "cost REAL, behind REAL, lo95 REAL, hi95 REAL, verdict TEXT)";

static enum status add_arm(struct db *db, const struct measured *m, int arm,
                           struct err *err)
{
    const struct cells_mean mean = measured_cost_of_arm(m, arm);
    char *seeds;
    enum status st = OK;

    if (mean.cells == 0)
        return OK;
    seeds = mean.least_seeds == mean.most_seeds
                ? mem_printf("%d", mean.most_seeds)
                : mem_printf("%d-%d", mean.least_seeds, mean.most_seeds);
    st =
        db_run(db, err, "INSERT INTO temp.arm_cost VALUES(?,?,?,?,?,?,?,?,?,?)",
               "ttttddditt", m->grid, m->arms[arm].name, m->arms[arm].fmt,
               m->arms[arm].group, mean.value, mean.lo, mean.hi,
               (int64_t)mean.cells, seeds, cells_error_name(mean.error));
    free(seeds);
    return st;
}

typedef enum status add_rows(struct db *, const struct measured *,
                             struct err *);

static enum status add_costs(struct db *db, const struct measured *m,
                             struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < m->n_arms && st == OK; i++)
        st = add_arm(db, m, i, err);
    return st;
}

static enum status add_set(struct db *db, const struct measured *m,
                           const struct split_set *set, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < set->n && st == OK; i++) {
        const struct split *s = &set->splits[i];

        st = db_run(
            db, err, "INSERT INTO temp.arm_split VALUES(?,?,?,?,?,?,?,?,?)",
            "tdttddddt", m->grid, set->bits, set->group, m->arms[s->arm].name,
            s->cost.value, i ? s->behind.value : 0,
            i ? s->behind.lo : (double)NAN, i ? s->behind.hi : (double)NAN,
            i == 0    ? "smallest"
            : s->told ? "worse"
                      : "not told apart");
    }
    return st;
}

static enum status add_splits(struct db *db, const struct measured *m,
                              struct err *err)
{
    struct split_set *sets;
    const int n = splits_find(&sets, m);
    enum status st = OK;

    for (int i = 0; i < n && st == OK; i++)
        st = add_set(db, m, &sets[i], err);
    splits_free(sets, n);
    return st;
}

static enum status add_grid(struct db *db, const char *grid, add_rows *add,
                            struct err *err)
{
    struct measured m;
    enum status st = measured_read(&m, db, grid, err);

    if (st != OK)
        return st;
    st = add(db, &m, err);
    measured_release(&m);
    return st;
}

static enum status add_all(struct db *db, add_rows *add, struct err *err)
{
    char **names;
    int n;
    enum status st = db_grid_names(&names, &n, db, err);

    for (int i = 0; i < n && st == OK; i++)
        st = add_grid(db, names[i], add, err);
    while (n > 0)
        free(names[--n]);
    free(names);
    return st;
}

static enum status fill(struct db *db, const char *make, const char *grid,
                        add_rows *add, struct err *err)
{
    const enum status st = db_run(db, err, make, "");

    if (st != OK)
        return st;
    return grid ? add_grid(db, grid, add, err) : add_all(db, add, err);
}

enum status query_cost_fill(struct db *db, const char *grid, struct err *err)
{
    return fill(db, make_cost, grid, add_costs, err);
}

enum status query_split_fill(struct db *db, const char *grid, struct err *err)
{
    return fill(db, make_split, grid, add_splits, err);
}
