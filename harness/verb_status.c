#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static const char *const counts[] = { "runs",    "done",     "running",
                                      "waiting", "diverged", "failed" };
#define N_COUNTS (int)(sizeof counts / sizeof counts[0])

static void add_grid(struct str *s, sqlite3_stmt *stmt, bool first)
{
    str_add(s, first ? "{" : ",{");
    json_add_text(s, "grid", (const char *)sqlite3_column_text(stmt, 0));
    for (int i = 0; i < N_COUNTS; i++)
        json_add_number(s, counts[i], sqlite3_column_double(stmt, i + 1));
    json_add_number(s, "pct_flops", sqlite3_column_double(stmt, N_COUNTS + 1));
    str_add(s, "}");
}

static void print_grid(sqlite3_stmt *stmt, bool first)
{
    if (first)
        printf("%-20s %6s %6s %8s %8s %9s %7s  %s\n", "grid", "runs", "done",
               "running", "waiting", "diverged", "failed", "FLOPs");
    printf("%-20s %6d %6d %8d %8d %9d %7d  %.1f%%\n",
           (const char *)sqlite3_column_text(stmt, 0),
           sqlite3_column_int(stmt, 1), sqlite3_column_int(stmt, 2),
           sqlite3_column_int(stmt, 3), sqlite3_column_int(stmt, 4),
           sqlite3_column_int(stmt, 5), sqlite3_column_int(stmt, 6),
           sqlite3_column_double(stmt, 7));
}

/* Each cause once, with how often it came. */
static enum status print_causes(struct db *db, const char *grid,
                                struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT f.state, f.message, count(*), min(f.run_id) FROM failures f "
        "JOIN run r USING(run_id) WHERE r.point_id IN (SELECT gp.point_id "
        "FROM grid_point gp JOIN grid g USING(grid_id) WHERE ?1 IS NULL OR "
        "g.name=?1) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8",
        err);

    if (st != OK)
        return st;
    db_bind(stmt, "t", grid);
    while (st == OK && row) {
        st = db_step(&row, db, stmt, err);
        if (st == OK && row) {
            const char *why = (const char *)sqlite3_column_text(stmt, 1);

            printf("  %-9s %3d x %.60s  (qlaw show %lld)\n",
                   (const char *)sqlite3_column_text(stmt, 0),
                   sqlite3_column_int(stmt, 2), why ? why : "",
                   (long long)sqlite3_column_int64(stmt, 3));
        }
    }
    return st;
}

static enum status print_all(const struct cli *cli, struct db *db,
                             const char *grid, int *found, struct err *err)
{
    struct str s = { 0 };
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, db,
                                "SELECT * FROM progress WHERE ?1 IS NULL OR "
                                "grid=?1 ORDER BY grid",
                                err);

    *found = 0;
    str_add(&s, "{\"schema\":\"qlaw/status/1\",\"grids\":[");
    if (st == OK)
        db_bind(stmt, "t", grid);
    while (st == OK && row) {
        st = db_step(&row, db, stmt, err);
        if (st != OK || !row)
            break;
        if (cli_flag(cli, "json"))
            add_grid(&s, stmt, *found == 0);
        else
            print_grid(stmt, *found == 0);
        (*found)++;
    }
    str_add(&s, "]}");
    if (st == OK && cli_flag(cli, "json"))
        puts(str_text(&s));
    str_release(&s);
    return st;
}

static enum status unknown_grid(struct db *db, const char *grid,
                                struct err *err)
{
    const char *names[64], *near;
    char *copies[64];
    size_t n = 0;
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st =
        db_prepare(&stmt, db, "SELECT DISTINCT name FROM grid LIMIT 64", err);

    while (st == OK && row && n < 64) {
        st = db_step(&row, db, stmt, err);
        if (st == OK && row) {
            copies[n] = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
            names[n] = copies[n];
            n++;
        }
    }
    near = text_nearest(grid, names, n);
    if (st == OK)
        st = err_set(err, ERR_USAGE, "no grid '%.60s' in %s%s%s%s", grid,
                     db_path(db), near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
    while (n > 0)
        free(copies[--n]);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *grid = cli->n_args > 0 ? cli->args[0] : NULL;
    struct db *db = NULL;
    int found = 0;
    enum status st = db_open(&db, cli->db_path, DB_READ, err);

    if (st == OK)
        st = print_all(cli, db, grid, &found, err);
    if (st == OK && grid && !found)
        st = unknown_grid(db, grid, err);
    if (st == OK && !cli_flag(cli, "json"))
        st = print_causes(db, grid, err);
    db_close(db);
    return st;
}

const struct verb verb_status = {
    .name = "status",
    .args = "[GRID]",
    .max_args = 1,
    .summary = "counts, failures and what is left",
    .example = "qlaw status quickstart",
    .options = options,
    .run = run,
};
