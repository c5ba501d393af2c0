/* undelete.c - what a grid asks for is not left deleted. */
#include <stdlib.h>

#include "base/str.h"
#include "db/deleted.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/store/store.h"

static enum status back_grid(struct deleted_sum *sum, const struct grid *g,
                             struct db *db, struct err *err)
{
    bool there = false;
    int64_t id;
    enum status st = deleted_find_grid(&id, db, g->name, err);

    if (st == OK && id)
        st = db_has_grid(&there, db, g->name, err);
    return st == OK && id && !there ? deleted_back_grid(sum, db, g->name, err)
                                    : st;
}

/* Its runs, whatever they went with. */
static enum status back_runs(struct deleted_sum *sum, const struct grid *g,
                             struct db *db, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < g->n_points && st == OK; i++)
        for (int k = 0; k < g->points[i].n_seeds && st == OK; k++) {
            int64_t id;

            st = deleted_find_seed(&id, db, g->points[i].id,
                                   g->points[i].seeds[k], err);
            if (st == OK && id)
                st = deleted_back_run(sum, db, id, err);
        }
    return st;
}

/* The grid of that name has another one: this is the beginning of a second. */
static enum status say_renamed(char **said, const struct grid *g, struct db *db,
                               struct err *err)
{
    char *now;
    const enum status st =
        db_ask_text(&now, db,
                    "SELECT value FROM meta WHERE key='renamed:'||:name "
                    "AND :name NOT IN (SELECT name FROM grid)",
                    DB_VALUES(DB_T("name", g->name)), err);

    if (now)
        *said = mem_printf("%s was renamed %s; this begins another %s", g->name,
                           now, g->name);
    free(now);
    return st;
}

enum status store_undelete(char **said, const struct grid *g, struct db *db,
                           struct err *err)
{
    struct deleted_sum all = { 0 }, sum = { 0 };
    enum status st = deleted_total(&all, db, err);

    *said = NULL;
    if (st == OK)
        st = say_renamed(said, g, db, err);
    if (st != OK || all.grids + all.runs == 0)
        return st;
    st = back_grid(&sum, g, db, err);
    if (st == OK)
        st = back_runs(&sum, g, db, err);
    if (st == OK)
        st = deleted_back_fits(&sum, db, err);
    if (st != OK || sum.grids + sum.runs == 0)
        return st;
    free(*said);
    *said = mem_printf("%s%s had been deleted: %s%lld run%s %s back",
                       sum.grids ? "" : "runs of ", g->name,
                       sum.grids ? "it and " : "", (long long)sum.runs,
                       sum.runs == 1 ? "" : "s",
                       sum.grids || sum.runs != 1 ? "are" : "is");
    return OK;
}
