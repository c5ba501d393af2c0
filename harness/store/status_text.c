#include "harness/store/status_text.h"

#include <stdio.h>
#include <string.h>

#include "base/wrap.h"
#include "harness/os/lock.h"

const char status_grids_sql[] =
    "SELECT grid, runs, done, running, waiting, diverged, failed, "
    "left_out, pct_flops FROM progress WHERE ?1 IS NULL OR grid=?1 ORDER "
    "BY grid";
const char status_running_sql[] =
    "SELECT substr(r.point_id,1,8)||'-'||r.seed, p.n_body, p.tokens, "
    "p.arm, 100.0*c.tokens/p.tokens, c.train_loss, r.run_id FROM run r "
    "JOIN point p USING(point_id) LEFT JOIN curve c ON c.run_id=r.run_id "
    "AND c.step=(SELECT max(step) FROM curve x WHERE x.run_id=r.run_id) "
    "WHERE r.state='running' AND r.state NOT IN ('done') ORDER BY "
    "r.run_id LIMIT 16";
const char status_causes_sql[] =
    "SELECT f.state, f.message, count(*), min(f.run_id) FROM failures f "
    "JOIN run r USING(run_id) WHERE ?1 IS NULL OR r.point_id IN (SELECT "
    "gp.point_id FROM grid_point gp WHERE gp.grid_id=(SELECT max(grid_id) "
    "FROM grid WHERE name=?1)) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8";

#define RECENT 50 /* finished runs that say how fast it goes */

/* Text of a database may hold anything: a terminal gets no control characters,
 * and a line with its end no more columns than it has. */
static void end_line(struct str *out, size_t start, const char *text,
                     const char *end,
                     void (*add)(struct str *, const char *, size_t))
{
    add(out, text ? text : "",
        TEXT_COLUMNS - text_columns(str_text(out) + start) - strlen(end));
    str_addf(out, "%s\n", end);
}

#define NAME 16 /* columns; the whole row has 80 */

/* A long name has a line of its own. */
static void add_name(struct str *out, const char *name)
{
    const size_t start = out->len;

    str_add_shown(out, name, 79);
    if (out->len - start > NAME)
        str_addf(out, "\n%*s", NAME, "");
    else
        str_addf(out, "%*s", (int)(NAME - (out->len - start)), "");
}

enum status status_grids(struct str *out, int *found, struct db *db,
                         const char *grid, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, db, status_grids_sql, err);

    *found = 0;
    if (st == OK)
        db_bind(stmt, "t", grid);
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        if (++*found == 1)
            str_addf(out, "%-16s %7s %7s %7s %7s %8s %6s %8s %6s\n", "grid",
                     "runs", "done", "running", "waiting", "diverged", "failed",
                     "left out", "FLOPs");
        add_name(out, (const char *)sqlite3_column_text(stmt, 0));
        for (int i = 1; i < 8; i++)
            str_addf(out, " %*d",
                     i < 5    ? 7
                     : i == 6 ? 6
                              : 8,
                     sqlite3_column_int(stmt, i));
        str_addf(out, " %5.1f%%\n", sqlite3_column_double(stmt, 8));
    }
    return st;
}

/* FLOPs a second of one slot, from what was finished last; 0: not known. */
static enum status recent_speed(double *speed, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT total(f)/total(w) FROM (SELECT p.flops_plan f, x.wall_s w "
        "FROM attempt a JOIN result x USING(run_id) JOIN run USING(run_id) "
        "JOIN point p USING(point_id) WHERE x.wall_s>0 ORDER BY a.attempt_id "
        "DESC LIMIT ?)",
        err);

    *speed = 0;
    if (st == OK)
        db_bind(stmt, "i", (int64_t)RECENT);
    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st == OK) {
        *speed = sqlite3_column_double(stmt, 0);
        sqlite3_reset(stmt);
    }
    return st;
}

enum status status_scheduler(struct str *out, struct db *db, const char *grid,
                             struct err *err)
{
    struct lock_holder h;
    sqlite3_stmt *stmt;
    double speed, left, running;
    char text[32];
    bool row;
    enum status st;

    if (!lock_held(&h, db_path(db)))
        return OK;
    st = recent_speed(&speed, db, err);
    if (st == OK)
        st = db_prepare(&stmt, db,
                        "SELECT total(flops*(1-pct_flops/100)), "
                        "total(running) FROM progress WHERE ?1 IS NULL OR "
                        "grid=?1",
                        err);
    if (st != OK)
        return st;
    db_bind(stmt, "t", grid);
    st = db_step(&row, db, stmt, err);
    if (st != OK)
        return st;
    left = sqlite3_column_double(stmt, 0);
    running = sqlite3_column_double(stmt, 1);
    sqlite3_reset(stmt);
    str_addf(out, "scheduler: pid %lld on %.24s since %s",
             (long long)h.process.pid, h.host, h.since);
    if (running > 0 && speed > 0)
        str_addf(out, ", about %s left",
                 text_duration(text, left / speed / running));
    str_add(out, "\n");
    return OK;
}

enum status status_running(struct str *out, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    char n[32], d[32];
    enum status st = db_prepare(&stmt, db, status_running_sql, err);

    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        const size_t start = out->len;
        char end[48];
        int n_end;

        str_addf(out, "  %s  N=%s D=%s ",
                 (const char *)sqlite3_column_text(stmt, 0),
                 text_si(n, sqlite3_column_double(stmt, 1), 3),
                 text_si(d, sqlite3_column_double(stmt, 2), 3));
        n_end = snprintf(end, sizeof end, "  %.0f%%",
                         sqlite3_column_double(stmt, 4));
        if (sqlite3_column_type(stmt, 5) != SQLITE_NULL)
            snprintf(end + n_end, sizeof end - (size_t)n_end, "  loss %.3f",
                     sqlite3_column_double(stmt, 5));
        end_line(out, start, (const char *)sqlite3_column_text(stmt, 3), end,
                 str_add_label);
    }
    return st;
}

enum status status_unseen(struct str *out, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT count(*), min(heartbeat_at) FROM attempt WHERE "
        "backend='slurm' AND outcome IS NULL AND heartbeat_at IS NOT NULL",
        err);

    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st != OK)
        return st;
    if (sqlite3_column_int(stmt, 0) > 0)
        str_addf(out,
                 "  %d in Slurm's hands, unknown to this queue since "
                 "%.19sZ\n",
                 sqlite3_column_int(stmt, 0),
                 (const char *)sqlite3_column_text(stmt, 1));
    sqlite3_reset(stmt);
    return OK;
}

enum status status_causes(struct str *out, struct db *db, const char *grid,
                          struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(&stmt, db, status_causes_sql, err);

    if (st == OK)
        db_bind(stmt, "t", grid);
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        const size_t start = out->len;
        char end[48];

        str_addf(out, "  %-9s %3d x ",
                 (const char *)sqlite3_column_text(stmt, 0),
                 sqlite3_column_int(stmt, 2));
        snprintf(end, sizeof end, "  (qlaw show %lld)",
                 (long long)sqlite3_column_int64(stmt, 3));
        end_line(out, start, (const char *)sqlite3_column_text(stmt, 1), end,
                 str_add_shown);
    }
    return st;
}
