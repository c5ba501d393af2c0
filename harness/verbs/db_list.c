/* db_list.c - the grids of a database, the runs of one, and what is deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/deleted.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/verbs/db_parts.h"

#define WIDTH 80

/* --- for people
 * ---------------------------------------------------------------- */

/* The tags of a row behind what is already in the line, or below it. */
static void add_tags(struct str *line, const char *tags)
{
    const size_t indent = 9;
    size_t used = line->len; /* bytes: at least the columns */
    json_t *list = json_loads(tags, 0, NULL);

    for (size_t i = 0; i < json_array_size(list); i++) {
        struct str tag = { 0 };

        str_add(&tag, " +");
        str_add_shown(&tag, json_string_value(json_array_get(list, i)), 60);
        if (used + tag.len > WIDTH) {
            str_addf(line, "\n%*s", (int)indent, "");
            used = indent;
        }
        str_add(line, str_text(&tag));
        used += tag.len;
        str_release(&tag);
    }
    json_decref(list);
}

/* Columns: name, runs, done, made, deleted, tags as JSON. */
static void print_grid(struct db_stmt *s)
{
    struct str line = { 0 };

    str_addf(&line, "%8lld %8lld  %-10.10s  ", (long long)db_int(s, 1),
             (long long)db_int(s, 2), db_text(s, 3));
    str_add_shown(&line, db_text(s, 0), WIDTH - 31);
    add_tags(&line, db_text(s, 5));
    puts(str_text(&line));
    str_release(&line);
}

/* Columns: number, HASH-SEED, grid, arm, state, loss, deleted, tags as JSON. */
static void print_run(struct db_stmt *s)
{
    struct str line = { 0 };
    char loss[32] = "";

    if (!db_is_null(s, 5))
        snprintf(loss, sizeof loss, "%.4f", db_real(s, 5));
    str_addf(&line, "%8lld  %-12s %-9s %8s  ", (long long)db_int(s, 0),
             db_text(s, 1), db_text(s, 4), loss);
    str_add_shown(&line, db_text(s, 3), WIDTH - 46);
    add_tags(&line, db_text(s, 7));
    puts(str_text(&line));
    str_release(&line);
}

/* --- for programs
 * --------------------------------------------------------------- */

static void json_grid(struct str *out, struct db_stmt *s)
{
    str_add(out, "{");
    json_add_text(out, "grid", db_text(s, 0));
    json_add_number(out, "runs", db_real(s, 1));
    json_add_number(out, "done", db_real(s, 2));
    json_add_text(out, "made", db_text(s, 3));
    str_addf(out, ",\"deleted\":%s,\"tags\":%s}",
             db_int(s, 4) ? "true" : "false", db_text(s, 5));
}

static void json_run(struct str *out, struct db_stmt *s)
{
    static const char *const names[] = { "run", "grid", "arm", "state" };

    str_add(out, "{");
    json_add_number(out, "run_id", db_real(s, 0));
    for (int i = 0; i < 4; i++)
        json_add_text(out, names[i], db_text(s, i + 1));
    if (!db_is_null(s, 5))
        json_add_number(out, "loss", db_real(s, 5));
    str_addf(out, ",\"deleted\":%s,\"tags\":%s}",
             db_int(s, 6) ? "true" : "false", db_text(s, 7));
}

/* --- both
 * ------------------------------------------------------------------------ */

struct table {
    const char *sql;
    bool of_grid; /* it has :grid, which may be NULL */
    const char *head;
    void (*line)(struct db_stmt *);
    void (*object)(struct str *, struct db_stmt *);
};

static const struct table grids = {
    .sql = "SELECT c.name, coalesce(p.runs,0), coalesce(p.done,0), "
           "g.created_at, 0, (SELECT json_group_array(tag) FROM "
           "(SELECT tag FROM tag WHERE grid=c.name ORDER BY 1)) "
           "FROM current_grid c JOIN grid g USING(grid_id) "
           "LEFT JOIN progress p USING(grid_id) "
           "WHERE :grid IS NULL OR c.name=:grid ORDER BY c.grid_id",
    .of_grid = true,
    .head = "    runs     done  made        grid",
    .line = print_grid,
    .object = json_grid,
};

static const struct table deleted_grids = {
    .sql = "SELECT grid, (SELECT count(*) FROM deleted r "
           "WHERE r.kind='run' AND r.grid=g.grid), "
           "(SELECT count(*) FROM deleted r "
           "WHERE r.kind='run' AND r.grid=g.grid AND r.state='done'), "
           "at, 1, '[]' "
           "FROM deleted g WHERE kind='grid' ORDER BY deleted_id",
    .head = "    runs     done  deleted     grid",
    .line = print_grid,
    .object = json_grid,
};

static const struct table runs = {
    .sql = "SELECT r.run_id, substr(r.point_id,1,8)||'-'||r.seed, r.grid, "
           "r.arm, r.state, r.loss, 0, (SELECT json_group_array(tag) FROM "
           "(SELECT tag FROM tag t WHERE t.run_id=r.run_id ORDER BY 1)) "
           "FROM runs r WHERE CASE WHEN :grid IS NULL "
           "THEN r.run_id IN (SELECT run_id FROM tag) "
           "ELSE r.run_id IN (SELECT run_id FROM grid_run "
           "JOIN current_grid USING(grid_id) WHERE name=:grid) END "
           "ORDER BY 1",
    .of_grid = true,
    .head = "     run  hash-seed    state         loss  arm",
    .line = print_run,
    .object = json_run,
};

static const struct table deleted_runs = {
    .sql = "SELECT run_id, substr(point_id,1,8)||'-'||seed, NULL, NULL, "
           "state, NULL, 1, '[]' "
           "FROM deleted WHERE kind='run' AND grid IS NULL "
           "ORDER BY deleted_id",
    .head = "     run  hash-seed    state         loss  arm",
    .line = print_run,
    .object = json_run,
};

struct listing {
    struct db *db;
    const char *grid;
    struct str *json; /* NULL: lines */
};

static enum status list(const struct listing *l, const struct table *t,
                        struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(&s, l->db, t->sql, err);

    if (st == OK && t->of_grid)
        db_bind_text(s, "grid", l->grid);
    for (int i = 0; st == OK && (st = db_stmt_step(&row, s, err)) == OK && row;
         i++) {
        if (l->json) {
            str_add(l->json, i ? ",\n" : "\n");
            t->object(l->json, s);
            continue;
        }
        if (i == 0)
            puts(t->head);
        t->line(s);
    }
    db_stmt_close(s);
    return st;
}

static enum status list_both(const struct listing *l, bool deleted,
                             struct err *err)
{
    enum status st = OK;

    if (!l->grid || l->json)
        st = list(l, deleted ? &deleted_grids : &grids, err);
    if (l->json)
        str_add(l->json, "],\"runs\":[");
    return st == OK ? list(l, deleted ? &deleted_runs : &runs, err) : st;
}

/* What is not listed. */
static enum status say_deleted(const struct cli *cli, struct db *db,
                               struct err *err)
{
    struct deleted_sum n = { 0 };
    const enum status st = deleted_total(&n, db, err);

    if (st == OK && n.grids + n.runs > 0)
        cli_note(cli,
                 "%lld grid%s and %lld run%s are deleted ('qlaw db list "
                 "--deleted')",
                 (long long)n.grids, n.grids == 1 ? "" : "s", (long long)n.runs,
                 n.runs == 1 ? "" : "s");
    return st;
}

enum status db_part_list(struct cli *cli, struct err *err)
{
    const bool deleted = cli_flag(cli, "deleted");
    struct str json = { 0 };
    struct listing l = { .grid = cli->n_args > 1 ? cli->args[1] : NULL,
                         .json = cli_flag(cli, "json") ? &json : NULL };
    enum status st = OK;

    if (deleted && l.grid)
        return err_set(err, ERR_USAGE,
                       "--deleted lists all that is deleted: "
                       "name no grid");
    st = db_open(&l.db, cli->session.db_path, DB_READ, err);
    if (st == OK && l.grid)
        st = db_need_grid(NULL, l.db, l.grid, err);
    str_add(&json, "{\"schema\":\"qlaw/db-list/1\",\"grids\":[");
    if (st == OK)
        st = list_both(&l, deleted, err);
    if (st == OK && l.json)
        printf("%s]}\n", str_text(&json));
    if (st == OK && !deleted && !l.json)
        st = say_deleted(cli, l.db, err);
    str_release(&json);
    db_close(l.db);
    return st;
}
