/* db_list.c - the grids of a database, the runs of one, and what is deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/deleted.h"
#include "db/need_grid.h"
#include "harness/verbs/db_parts.h"

#define WIDTH 80

/* Columns: name, runs, done, made, deleted, tags as JSON. */
static const char grids_sql[] =
    "SELECT c.name, coalesce(p.runs,0), coalesce(p.done,0), g.created_at, 0, "
    "(SELECT json_group_array(tag) FROM (SELECT tag FROM tag WHERE "
    "grid=c.name ORDER BY 1)) FROM current_grid c JOIN grid g USING(grid_id) "
    "LEFT JOIN progress p USING(grid_id) WHERE ?1 IS NULL OR c.name=?1 ORDER "
    "BY c.grid_id";
static const char deleted_grids_sql[] =
    "SELECT grid, (SELECT count(*) FROM deleted r WHERE r.kind='run' AND "
    "r.grid=g.grid), (SELECT count(*) FROM deleted r WHERE r.kind='run' AND "
    "r.grid=g.grid AND r.state='done'), at, 1, '[]' FROM deleted g WHERE "
    "kind='grid' ORDER BY deleted_id";

/* Columns: number, HASH-SEED, grid, arm, state, loss, deleted, tags as JSON. */
static const char runs_sql[] =
    "SELECT r.run_id, substr(r.point_id,1,8)||'-'||r.seed, r.grid, r.arm, "
    "r.state, r.loss, 0, (SELECT json_group_array(tag) FROM (SELECT tag FROM "
    "tag t WHERE t.run_id=r.run_id ORDER BY 1)) FROM runs r WHERE CASE WHEN "
    "?1 IS NULL THEN r.run_id IN (SELECT run_id FROM tag) ELSE r.run_id IN "
    "(SELECT run_id FROM grid_run JOIN current_grid USING(grid_id) WHERE "
    "name=?1) END ORDER BY 1";
static const char deleted_runs_sql[] =
    "SELECT run_id, substr(point_id,1,8)||'-'||seed, NULL, NULL, state, NULL, "
    "1, '[]' FROM deleted WHERE kind='run' AND grid IS NULL ORDER BY "
    "deleted_id";

static const char *text_at(sqlite3_stmt *stmt, int i)
{
    const char *text = (const char *)sqlite3_column_text(stmt, i);

    return text ? text : "";
}

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

static void print_grid(sqlite3_stmt *stmt)
{
    struct str line = { 0 };

    str_addf(&line, "%8lld %8lld  %-10.10s  ",
             (long long)sqlite3_column_int64(stmt, 1),
             (long long)sqlite3_column_int64(stmt, 2), text_at(stmt, 3));
    str_add_shown(&line, text_at(stmt, 0), WIDTH - 31);
    add_tags(&line, text_at(stmt, 5));
    puts(str_text(&line));
    str_release(&line);
}

static void print_run(sqlite3_stmt *stmt)
{
    struct str line = { 0 };
    char loss[32] = "";

    if (sqlite3_column_type(stmt, 5) != SQLITE_NULL)
        snprintf(loss, sizeof loss, "%.4f", sqlite3_column_double(stmt, 5));
    str_addf(&line, "%8lld  %-12s %-9s %8s  ",
             (long long)sqlite3_column_int64(stmt, 0), text_at(stmt, 1),
             text_at(stmt, 4), loss);
    str_add_shown(&line, text_at(stmt, 3), WIDTH - 46);
    add_tags(&line, text_at(stmt, 7));
    puts(str_text(&line));
    str_release(&line);
}

/* --- for programs
 * --------------------------------------------------------------- */

static void json_grid(struct str *s, sqlite3_stmt *stmt)
{
    str_add(s, "{");
    json_add_text(s, "grid", text_at(stmt, 0));
    json_add_number(s, "runs", sqlite3_column_double(stmt, 1));
    json_add_number(s, "done", sqlite3_column_double(stmt, 2));
    json_add_text(s, "made", text_at(stmt, 3));
    str_addf(s, ",\"deleted\":%s,\"tags\":%s}",
             sqlite3_column_int(stmt, 4) ? "true" : "false", text_at(stmt, 5));
}

static void json_run(struct str *s, sqlite3_stmt *stmt)
{
    static const char *const names[] = { "run", "grid", "arm", "state" };

    str_add(s, "{");
    json_add_number(s, "run_id", sqlite3_column_double(stmt, 0));
    for (int i = 0; i < 4; i++)
        json_add_text(s, names[i], text_at(stmt, i + 1));
    if (sqlite3_column_type(stmt, 5) != SQLITE_NULL)
        json_add_number(s, "loss", sqlite3_column_double(stmt, 5));
    str_addf(s, ",\"deleted\":%s,\"tags\":%s}",
             sqlite3_column_int(stmt, 6) ? "true" : "false", text_at(stmt, 7));
}

/* --- both
 * ------------------------------------------------------------------------ */

struct listing {
    struct db *db;
    const char *grid;
    struct str *json; /* NULL: lines */
};

static enum status list(const struct listing *l, const char *sql,
                        const char *head, void (*line)(sqlite3_stmt *),
                        void (*object)(struct str *, sqlite3_stmt *),
                        struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, l->db, sql, err);

    if (st == OK && sqlite3_bind_parameter_count(stmt) > 0)
        db_bind(stmt, "t", l->grid);
    for (int i = 0;
         st == OK && (st = db_step(&row, l->db, stmt, err)) == OK && row; i++) {
        if (l->json) {
            str_add(l->json, i ? ",\n" : "\n");
            object(l->json, stmt);
            continue;
        }
        if (i == 0)
            puts(head);
        line(stmt);
    }
    return st;
}

static enum status list_both(const struct listing *l, bool deleted,
                             struct err *err)
{
    const char *grids = deleted ? "    runs     done  deleted     grid"
                                : "    runs     done  made        grid";
    enum status st = OK;

    if (!l->grid || l->json)
        st = list(l, deleted ? deleted_grids_sql : grids_sql, grids, print_grid,
                  json_grid, err);
    if (l->json)
        str_add(l->json, "],\"runs\":[");
    if (st != OK)
        return st;
    return list(l, deleted ? deleted_runs_sql : runs_sql,
                "     run  hash-seed    state         loss  arm", print_run,
                json_run, err);
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
