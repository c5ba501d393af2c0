#include "harness/store/status_text.h"

#include <stdio.h>
#include <string.h>

#include "base/wrap.h"
#include "db/statement.h"
#include "harness/os/lock.h"

const char status_grids_sql[] =
    "SELECT grid, runs, done, running, waiting, diverged, failed, left_out, "
    "pct_flops FROM progress WHERE :grid IS NULL OR grid=:grid ORDER BY grid";
const char status_running_sql[] =
    "SELECT substr(r.point_id,1,8)||'-'||r.seed, p.n_body, p.tokens, p.arm, "
    "100.0*c.tokens/p.tokens, c.train_loss, r.run_id "
    "FROM run r JOIN point p USING(point_id) "
    "LEFT JOIN curve c ON c.run_id=r.run_id "
    "AND c.step=(SELECT max(step) FROM curve x WHERE x.run_id=r.run_id) "
    "WHERE r.state='running' AND r.state NOT IN ('done') "
    "ORDER BY r.run_id LIMIT 16";
const char status_causes_sql[] =
    "SELECT f.state, f.message, count(*), min(f.run_id) "
    "FROM failures f JOIN run r USING(run_id) "
    "WHERE :grid IS NULL OR r.point_id IN ("
    "SELECT gp.point_id FROM grid_point gp WHERE gp.grid_id="
    "(SELECT max(grid_id) FROM grid WHERE name=:grid)) "
    "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 8";

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
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(&s, db, status_grids_sql,
                                  DB_VALUES(DB_T("grid", grid)), err);

    *found = 0;
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        if (++*found == 1)
            str_addf(out, "%-16s %7s %7s %7s %7s %8s %6s %8s %6s\n", "grid",
                     "runs", "done", "running", "waiting", "diverged", "failed",
                     "left out", "FLOPs");
        add_name(out, db_text(s, 0));
        for (int i = 1; i < 8; i++)
            str_addf(out, " %*d",
                     i < 5    ? 7
                     : i == 6 ? 6
                              : 8,
                     (int)db_int(s, i));
        str_addf(out, " %5.1f%%\n", db_real_or(s, 8, 0));
    }
    db_stmt_close(s);
    return st;
}

/* FLOPs a second of one slot, from what was finished last; 0: not known. */
static enum status recent_speed(double *speed, struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT total(f)/total(w) FROM ("
        "SELECT p.flops_plan f, x.wall_s w "
        "FROM attempt a JOIN result x USING(run_id) JOIN run USING(run_id) "
        "JOIN point p USING(point_id) WHERE x.wall_s>0 "
        "ORDER BY a.attempt_id DESC LIMIT :recent)",
        DB_VALUES(DB_I("recent", RECENT)), err);

    *speed = 0;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK)
        *speed = db_real_or(s, 0, 0);
    db_stmt_close(s);
    return st;
}

/* FLOPs that are left to do, and how many runs run now. */
static enum status read_left(double *left, double *running, struct db *db,
                             const char *grid, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT total(flops*(1-pct_flops/100)), total(running) "
                     "FROM progress WHERE :grid IS NULL OR grid=:grid",
                     DB_VALUES(DB_T("grid", grid)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK) {
        *left = db_real(s, 0);
        *running = db_real(s, 1);
    }
    db_stmt_close(s);
    return st;
}

enum status status_scheduler(struct str *out, struct db *db, const char *grid,
                             struct err *err)
{
    struct lock_holder h;
    double speed, left, running;
    char text[32];
    enum status st;

    if (!lock_held(&h, db_path(db)))
        return OK;
    st = recent_speed(&speed, db, err);
    if (st == OK)
        st = read_left(&left, &running, db, grid, err);
    if (st != OK)
        return st;
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
    struct db_stmt *s;
    bool row = true;
    char n[32], d[32];
    enum status st = db_stmt_open(&s, db, status_running_sql, err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        const size_t start = out->len;
        char end[48];
        int n_end;

        str_addf(out, "  %s  N=%s D=%s ", db_text(s, 0),
                 text_si(n, db_real(s, 1), 3), text_si(d, db_real(s, 2), 3));
        n_end = snprintf(end, sizeof end, "  %.0f%%", db_real_or(s, 4, 0));
        if (!db_is_null(s, 5))
            snprintf(end + n_end, sizeof end - (size_t)n_end, "  loss %.3f",
                     db_real(s, 5));
        end_line(out, start, db_text(s, 3), end, str_add_label);
    }
    db_stmt_close(s);
    return st;
}

enum status status_unseen(struct str *out, struct db *db, struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st =
        db_stmt_open(&s, db,
                     "SELECT count(*), min(heartbeat_at) FROM attempt "
                     "WHERE backend='slurm' AND outcome IS NULL "
                     "AND heartbeat_at IS NOT NULL",
                     err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && db_int(s, 0) > 0)
        str_addf(out,
                 "  %d in Slurm's hands, unknown to this queue since "
                 "%.19sZ\n",
                 (int)db_int(s, 0), db_text(s, 1));
    db_stmt_close(s);
    return st;
}

enum status status_causes(struct str *out, struct db *db, const char *grid,
                          struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(&s, db, status_causes_sql,
                                  DB_VALUES(DB_T("grid", grid)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        const size_t start = out->len;
        char end[48];

        str_addf(out, "  %-9s %3d x ", db_text(s, 0), (int)db_int(s, 2));
        snprintf(end, sizeof end, "  (qlaw show %lld)",
                 (long long)db_int(s, 3));
        end_line(out, start, db_text(s, 1), end, str_add_shown);
    }
    db_stmt_close(s);
    return st;
}
