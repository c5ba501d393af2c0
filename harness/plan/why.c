#include "harness/plan/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "db/statement.h"
#include "harness/grid/point_id.h"
#include "harness/plan/print.h"

/* A configuration as "section.key" -> value. */
struct side {
    char id[HASH_ID];
    json_t *config;
};

/* --- differences --------------------------------------------------------- */

static json_t *value_of(const json_t *config, const char *section,
                        const char *key)
{
    return json_object_get(json_object_get(config, section), key);
}

static void print_value(const json_t *value)
{
    char *text = value ? json_canonical_text(value) : mem_strdup("(none)");

    say("%s", text);
    free(text);
}

static void print_difference(const char *section, const char *key,
                             const json_t *here, const json_t *there)
{
    say("    %s.%s: here ", section, key);
    print_value(here);
    say(", there ");
    print_value(there);
    say("\n");
}

/* Keys of a that b lacks or has otherwise; with both false only counted. */
static int one_way(const json_t *a, const json_t *b, bool swapped, bool print)
{
    const char *section, *key;
    json_t *object, *value;
    int n = 0;

    json_object_foreach((json_t *)a, section, object)
        json_object_foreach(object, key, value)
    {
        const json_t *other = value_of(b, section, key);

        /* Keys of both sides are met on the way from a. */
        if ((swapped && other) || (other && json_equal(value, other)))
            continue;
        n++;
        if (print)
            print_difference(section, key, swapped ? NULL : value,
                             swapped ? value : other);
    }
    return n;
}

static int differences(const json_t *here, const json_t *there, bool print)
{
    return one_way(here, there, false, print) +
           one_way(there, here, true, print);
}

/* --- the nearest point --------------------------------------------------- */

static void consider(struct side *best, int *least, const struct side *target,
                     const char *id, json_t *config)
{
    const int n = differences(target->config, config, false);

    if (strcmp(id, target->id) == 0 || (*least >= 0 && n >= *least))
        return;
    *least = n;
    json_decref(best->config);
    best->config = json_incref(config);
    snprintf(best->id, sizeof best->id, "%s", id);
}

static enum status nearest_stored(struct side *best, int *least,
                                  const struct side *target, struct db *db,
                                  struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st =
        db_stmt_open(&s, db, "SELECT point_id, config FROM point", err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        json_t *config = json_loads(db_text(s, 1), 0, NULL);

        if (config)
            consider(best, least, target, db_text(s, 0), config);
        json_decref(config);
    }
    db_stmt_close(s);
    return st;
}

/* By way of its text, as a stored one: 10000 is then a whole number in both. */
static json_t *planned_config(const struct plan *p, int point)
{
    struct config *c = grid_config(p->grid, point);
    char *text = point_canonical(c, IDENTITY_RUN);
    json_t *json = json_loads(text, 0, NULL);

    free(text);
    config_free(c);
    return json;
}

static void nearest_planned(struct side *best, int *least,
                            const struct side *target, const struct plan *p)
{
    for (int i = 0; i < p->grid->n_points; i++) {
        json_t *config = planned_config(p, i);

        consider(best, least, target, p->grid->points[i].id, config);
        json_decref(config);
    }
}

static void print_nearest(const struct side *target, const struct side *best,
                          int least, const char *where)
{
    if (least < 0) {
        say("  there is no other point %s\n", where);
        return;
    }
    say("  the nearest point %s is %s; %d key%s differ%s:\n", where, best->id,
        least, least == 1 ? "" : "s", least == 1 ? "s" : "");
    differences(target->config, best->config, true);
}

/* --- states -------------------------------------------------------------- */

static enum status print_states(const char *id, struct db *db, bool *any,
                                struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(&s, db,
                                  "SELECT seed, state, attempts, state_reason "
                                  "FROM run WHERE point_id=:id ORDER BY seed",
                                  DB_VALUES(DB_T("id", id)), err);

    *any = false;
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        *any = true;
        say("  seed %lld: %s after %d attempt%s%s%s\n", (long long)db_int(s, 0),
            db_text(s, 1), (int)db_int(s, 2), db_int(s, 2) == 1 ? "" : "s",
            db_is_null(s, 3) ? "" : ": ", db_text(s, 3));
    }
    db_stmt_close(s);
    return st;
}

static int find_planned(const struct plan *p, const char *text, int *at)
{
    int n = 0;

    for (int i = 0; i < p->grid->n_points; i++)
        if (text_has_prefix(p->grid->points[i].id, text)) {
            *at = i;
            n++;
        }
    return n;
}

static enum status explain_planned(const struct plan *p, struct db *db, int at,
                                   struct err *err)
{
    struct side target = { .config = planned_config(p, at) };
    struct side best = { .config = NULL };
    const struct grid_point *point = &p->grid->points[at];
    struct config *c = grid_config(p->grid, at);
    char *quant = quant_summary(c), n[32], d[32];
    int least = -1;
    bool any = false;
    enum status st = OK;

    memcpy(target.id, point->id, HASH_ID);
    say("%s: N = %s, D = %s, %s%s%s\n", point->id,
        text_si(n, (double)point->size.body, 3),
        text_si(d, (double)point->size.tokens, 3), quant,
        *point->block ? ", block " : "", point->block);
    if (db)
        st = print_states(point->id, db, &any, err);
    if (st == OK && !any) {
        say("  not in the database\n");
        if (db)
            st = nearest_stored(&best, &least, &target, db, err);
        if (st == OK && db)
            print_nearest(&target, &best, least, "stored");
    }
    json_decref(target.config);
    json_decref(best.config);
    config_free(c);
    free(quant);
    return st;
}

/* The last stored point whose identity begins with text, and how many do. */
static enum status find_stored(struct side *out, int *n, struct db *db,
                               const char *text, struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT point_id, config FROM point "
                     "WHERE substr(point_id, 1, length(:text))=:text",
                     DB_VALUES(DB_T("text", text)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        ++*n;
        snprintf(out->id, sizeof out->id, "%s", db_text(s, 0));
        json_decref(out->config);
        out->config = json_loads(db_text(s, 1), 0, NULL);
    }
    db_stmt_close(s);
    return st;
}

/* A stored point that this grid does not have. */
static enum status explain_stored(const struct plan *p, struct db *db,
                                  const char *text, struct err *err)
{
    struct side target = { .config = NULL }, best = { .config = NULL };
    int least = -1, n = 0;
    bool any;
    enum status st = find_stored(&target, &n, db, text, err);

    if (st == OK && n != 1)
        st = err_set(err, ERR_USAGE,
                     n ? "'%s' is the beginning of %d stored points"
                       : "no point of the grid or the database begins with "
                         "'%s'",
                     text, n);
    if (st == OK) {
        say("%s: not a point of %s\n", target.id, p->grid->name);
        st = print_states(target.id, db, &any, err);
    }
    if (st == OK) {
        nearest_planned(&best, &least, &target, p);
        print_nearest(&target, &best, least, "planned");
    }
    json_decref(target.config);
    json_decref(best.config);
    return st;
}

enum status plan_why(const struct plan *p, const char *db_path,
                     const char *text, struct err *err)
{
    struct db *db = NULL;
    int at = -1, n = find_planned(p, text, &at);
    enum status st = OK;

    if (n > 1)
        return err_set(err, ERR_USAGE,
                       "'%s' is the beginning of %d points of the grid", text,
                       n);
    if (access(db_path, F_OK) == 0)
        st = db_open(&db, db_path, DB_READ, err);
    if (st == OK && db)
        st = db_read_begin(db, err);
    if (st == OK && n == 1)
        st = explain_planned(p, db, at, err);
    else if (st == OK && db)
        st = explain_stored(p, db, text, err);
    else if (st == OK)
        st = err_set(err, ERR_USAGE, "no point of the grid begins with '%s'",
                     text);
    if (db)
        db_close(db);
    return st;
}
