#include "harness/query_cost.h"

#include <math.h>
#include <stdlib.h>

#include "base/str.h"
#include "harness/measured.h"

static const char make[] =
    "CREATE TEMP TABLE arm_cost(grid TEXT, arm TEXT, fmt TEXT, G, cost REAL, "
    "lo95 REAL, hi95 REAL, cells INTEGER, seeds TEXT, error TEXT)";

static enum status add_arm(struct db *db, const struct measured *m, int arm,
                           struct err *err)
{
    static const char *const errors[] = { "none", "seeds", "pattern" };
    struct measured_side s;
    struct cells_mean mean;
    char *seeds;
    enum status st = OK;

    measured_side_of_arm(&s, m, arm);
    mean = measured_cost(m, &s);
    measured_side_release(&s);
    if (mean.cells == 0)
        return OK;
    seeds = mean.least_seeds == mean.most_seeds
                ? mem_printf("%d", mean.most_seeds)
                : mem_printf("%d-%d", mean.least_seeds, mean.most_seeds);
    st = db_run(db, err,
                "INSERT INTO temp.arm_cost VALUES(?,?,?,?,?,?,?,?,?,?)",
                "ttttddditt", m->grid, m->arms[arm].name, m->arms[arm].fmt,
                m->arms[arm].group, mean.value, mean.lo, mean.hi,
                (int64_t)mean.cells, seeds, errors[mean.error]);
    free(seeds);
    return st;
}

static enum status add_grid(struct db *db, const char *grid, struct err *err)
{
    struct measured m;
    enum status st = measured_read(&m, db, grid, err);

    if (st != OK)
        return st;
    for (int i = 0; i < m.n_arms && st == OK; i++)
        st = add_arm(db, &m, i, err);
    measured_release(&m);
    return st;
}

static enum status add_all(struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    char **names = NULL;
    int n = 0;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db, "SELECT name FROM grid GROUP BY name ORDER BY name", err);

    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        names = mem_grow(names, (size_t)n + 1, sizeof *names);
        names[n++] = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    for (int i = 0; i < n && st == OK; i++)
        st = add_grid(db, names[i], err);
    while (n > 0)
        free(names[--n]);
    free(names);
    return st;
}

enum status query_cost_fill(struct db *db, const char *grid, struct err *err)
{
    const enum status st = db_run(db, err, make, "");

    if (st != OK)
        return st;
    return grid ? add_grid(db, grid, err) : add_all(db, err);
}
