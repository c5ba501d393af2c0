/* change.c - how a grid differs from what its name meant before. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/statement.h"
#include "harness/store/store.h"

/* What the database has under the name. */
struct before {
    int64_t grid_id; /* 0: nothing */
    int64_t runs;
    bool same_text; /* then its data or its trainer changed */
};

static enum status read_before(struct before *out, const struct grid *g,
                               struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT grid_id, ini_sha256=:sha256, "
        "(SELECT coalesce(sum(json_array_length(seeds)), 0) "
        " FROM grid_point p WHERE p.grid_id=grid.grid_id) "
        "FROM grid WHERE name=:name ORDER BY grid_id DESC LIMIT 1",
        DB_VALUES(DB_T("name", g->name), DB_T("sha256", g->sha256)), err);

    *out = (struct before){ .grid_id = 0 };
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row)
        *out = (struct before){ db_int(s, 0), db_int(s, 2), db_int(s, 1) != 0 };
    db_stmt_close(s);
    return st;
}

/* How many runs of a point were there before. */
static enum status add_kept(int64_t *kept, int64_t grid_id,
                            const struct grid_point *p, struct db *db,
                            struct err *err)
{
    char *seeds = store_seeds(p);
    int64_t n;
    const enum status st =
        db_ask(&n, db,
               "SELECT count(*) FROM grid_point g, json_each(g.seeds) s "
               "WHERE g.grid_id=:grid_id AND g.point_id=:point_id "
               "AND s.value IN (SELECT value FROM json_each(:seeds))",
               DB_VALUES(DB_I("grid_id", grid_id), DB_T("point_id", p->id),
                         DB_T("seeds", seeds)),
               err);

    *kept += n;
    free(seeds);
    return st;
}

/* "grid 'x' now has 24 runs instead of 72 (48 of those are not in it)". */
static void add_counts(struct str *s, const struct grid *g,
                       const struct before *b, int64_t kept)
{
    str_addf(s, "grid '%s' now has %d run%s", g->name, g->n_runs,
             g->n_runs == 1 ? "" : "s");
    if (kept < b->runs)
        str_addf(s, " instead of %lld (%lld of those %s not in it)",
                 (long long)b->runs, (long long)(b->runs - kept),
                 b->runs - kept == 1 ? "is" : "are");
    else
        str_addf(s, " instead of %lld", (long long)b->runs);
}

enum status store_change(char **out, const struct grid *g, struct db *db,
                         struct err *err)
{
    struct str s = { 0 };
    struct before b;
    int64_t kept = 0;
    enum status st = read_before(&b, g, db, err);

    *out = NULL;
    for (int i = 0; i < g->n_points && st == OK && b.grid_id; i++)
        st = add_kept(&kept, b.grid_id, &g->points[i], db, err);
    if (st != OK || !b.grid_id || (kept == b.runs && kept == g->n_runs))
        return st;
    add_counts(&s, g, &b, kept);
    if (b.same_text)
        str_add(&s, ": its data or its trainer changed");
    else if (kept < b.runs)
        str_addf(&s,
                 ";\n  its text before is grid_id %lld; to keep both: -s "
                 "grid.name=NAME",
                 (long long)b.grid_id);
    *out = str_steal(&s);
    return OK;
}
