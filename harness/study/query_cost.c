#include "harness/study/query_cost.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "db/need_grid.h"
#include "db/statement.h"
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
        db_do(db,
              "INSERT INTO temp.arm_cost(grid, arm, fmt, G, cost, lo95, hi95, "
              "cells, seeds, error) "
              "VALUES(:grid, :arm, :fmt, :G, :cost, :lo95, :hi95, "
              ":cells, :seeds, :error)",
              DB_VALUES(DB_T("grid", m->grid), DB_T("arm", m->arms[arm].name),
                        DB_T("fmt", m->arms[arm].fmt),
                        DB_T("G", m->arms[arm].group), DB_R("cost", mean.value),
                        DB_R("lo95", mean.lo), DB_R("hi95", mean.hi),
                        DB_I("cells", mean.cells), DB_T("seeds", seeds),
                        DB_T("error", cells_error_name(mean.error))),
              err);
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

/* The first of a set is the best of it. */
static const char *verdict_of(const struct split *s, int i)
{
    return i == 0 ? "smallest" : s->told ? "worse" : "not told apart";
}

static enum status add_set(struct db *db, const struct measured *m,
                           const struct split_set *set, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < set->n && st == OK; i++) {
        const struct split *s = &set->splits[i];

        st = db_do(
            db,
            "INSERT INTO temp.arm_split(grid, bits, G, arm, cost, behind, "
            "lo95, hi95, verdict) "
            "VALUES(:grid, :bits, :G, :arm, :cost, :behind, "
            ":lo95, :hi95, :verdict)",
            DB_VALUES(DB_T("grid", m->grid), DB_R("bits", set->bits),
                      DB_T("G", set->group), DB_T("arm", m->arms[s->arm].name),
                      DB_R("cost", s->cost.value),
                      DB_R("behind", i ? s->behind.value : 0),
                      DB_R("lo95", i ? s->behind.lo : (double)NAN),
                      DB_R("hi95", i ? s->behind.hi : (double)NAN),
                      DB_T("verdict", verdict_of(s, i))),
            err);
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
    const enum status st = db_do(db, make, NULL, err);

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
