/* db.c - which runs of a plan the database already has. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "db/state.h"
#include "db/statement.h"
#include "harness/plan/plan.h"

/* Runs of the plan by point and seed. */
struct index {
    struct plan *p;
    int *table; /* open addressing: run + 1, 0 empty */
    size_t size;
};

static size_t hash_of(const char *id, uint64_t seed)
{
    return (size_t)((strtoull(id, NULL, 16) ^ seed) * 0x9E3779B97F4A7C15u >>
                    16);
}

static int *find(const struct index *x, const char *id, uint64_t seed)
{
    size_t i = hash_of(id, seed) & (x->size - 1);

    for (; x->table[i]; i = (i + 1) & (x->size - 1)) {
        const struct plan_run *r = &x->p->runs[x->table[i] - 1];

        if (r->seed == seed && strcmp(x->p->grid->points[r->point].id, id) == 0)
            break;
    }
    return &x->table[i];
}

static void make_index(struct index *x)
{
    x->size = 64;
    while (x->size < 2 * (size_t)x->p->n_runs)
        x->size *= 2;
    x->table = mem_array(x->size, sizeof *x->table);
    for (int i = 0; i < x->p->n_runs; i++) {
        const struct plan_run *r = &x->p->runs[i];

        *find(x, x->p->grid->points[r->point].id, r->seed) = i + 1;
    }
}

static enum plan_state state_of(const char *word)
{
    const enum run_kind kind = run_kind_of(run_state_find(word));

    return kind == KIND_DONE       ? PLAN_DONE
           : kind == KIND_DIVERGED ? PLAN_DIVERGED
                                   : PLAN_OPEN;
}

/* The sums over finished runs behind the correction. */
struct sums {
    double measured, estimated;
};

static void take_row(struct index *x, struct db_stmt *row, struct sums *sums)
{
    const int at = *find(x, db_text(row, 0), (uint64_t)db_int(row, 1));
    struct plan_run *r;

    if (!at)
        return;
    r = &x->p->runs[at - 1];
    r->state = state_of(db_text(row, 2));
    if (r->state != PLAN_DONE || db_is_null(row, 3))
        return;
    sums->measured += db_real(row, 3);
    sums->estimated += x->p->point_s[r->point];
    x->p->speed.n_finished++;
}

/* A deleted run counts: running the grid brings it back. */
static enum status read_rows(struct index *x, struct db *db, struct err *err)
{
    struct db_stmt *s;
    struct sums sums = { 0, 0 };
    bool row = true;
    enum status st = db_stmt_open(
        &s, db,
        "SELECT r.point_id, r.seed, r.state, coalesce(a.wall_s, x.wall_s) "
        "FROM run r LEFT JOIN result x USING(run_id) "
        "LEFT JOIN attempt a ON a.run_id=r.run_id AND a.outcome='ok' "
        "AND a.from_step=0 "
        "UNION ALL SELECT point_id, seed, state, NULL "
        "FROM deleted WHERE kind='run'",
        err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        take_row(x, s, &sums);
    db_stmt_close(s);
    if (st == OK && sums.estimated > 0 && sums.measured > 0)
        x->p->speed.correction = sums.measured / sums.estimated;
    return st;
}

enum status plan_read_db(struct plan *p, const char *path, struct err *err)
{
    struct index x = { .p = p };
    struct db *db;
    enum status st;

    if (access(path, F_OK) != 0)
        return OK; /* nothing has been run yet */
    st = db_open(&db, path, DB_READ, err);
    if (st != OK)
        return st;
    p->has_db = true;
    make_index(&x);
    st = read_rows(&x, db, err);
    free(x.table);
    db_close(db);
    return st;
}
