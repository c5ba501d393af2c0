/* watch.c - how a grid goes on, drawn again and again.  It only reads. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/out.h"
#include "base/str.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/figures/plot.h"
#include "harness/os/lock.h"
#include "harness/store/status_json.h"
#include "harness/store/status_text.h"
#include "harness/verbs/verbs.h"
#include "plots/files.h"
#include "plots/gnuplot.h"

#define MAX_CURVES 6 /* running runs whose losses are drawn */

static const struct cli_option options[] = {
    { "interval", 'n', "S", "seconds between two looks (default 2)" },
    { "plot", 0, NULL, "draw the losses of running runs (gnuplot)" },
    { "json", 0, NULL, "each look as one line of JSON, as status has it" },
    { NULL, 0, NULL, NULL },
};

/* --- losses as a picture of characters ------------------------------------------- */

static enum status add_curve(struct picture *p, int panel, struct db *db,
                             int64_t run_id, const char *name, int i,
                             struct err *err)
{
    const int series = picture_series(p, name, i);
    const int curve = picture_curve(p, panel, series, LOOK_LINE);
    struct db_stmt *s;
    bool row = true;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT tokens, train_loss FROM curve "
                     "WHERE run_id=:run AND train_loss IS NOT NULL "
                     "ORDER BY step",
                     DB_VALUES(DB_I("run", run_id)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        picture_to(p, curve, db_real(s, 0), db_real(s, 1));
    db_stmt_close(s);
    return st;
}

static enum status build(struct picture **out, struct db *db, struct err *err)
{
    struct picture *p = picture_new("losses of running runs");
    const int panel =
        picture_panel(p, "", "tokens", false, "training loss", false);
    struct named {
        int64_t id;
        char name[80];
    } runs[MAX_CURVES];
    struct db_stmt *s;
    bool row = true;
    int n = 0;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT run_id, substr(point_id,1,8)||' '||arm "
                     "FROM run JOIN point USING(point_id) "
                     "WHERE state='running' AND state NOT IN ('done') "
                     "ORDER BY run_id LIMIT :most",
                     DB_VALUES(DB_I("most", MAX_CURVES)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        runs[n].id = db_int(s, 0);
        snprintf(runs[n].name, sizeof runs[n].name, "%.79s", db_text(s, 1));
        n++;
    }
    db_stmt_close(s);
    for (int i = 0; i < n && st == OK; i++)
        st = add_curve(p, panel, db, runs[i].id, runs[i].name, i, err);
    *out = p;
    return st;
}

static enum status draw_in(struct str *out, const char *folder,
                           struct picture *p, struct err *err)
{
    static const char name[] = "loss-curves"; /* the script for such panels */
    struct gnuplot_job job = {
        .name = name, .out = "watch.txt", .term = "dumb", .theme = "light"
    };
    struct gnuplot g;
    char *path = mem_printf("%s/%s", folder, job.out);
    enum status st = gnuplot_find(&g, err);

    if (st == OK)
        st = plot_write(p, name, folder, err);
    if (st == OK) {
        gnuplot_draw(&g, folder, &job, 1, 1);
        st = job.status;
        *err = st == OK ? *err : job.err;
    }
    if (st == OK)
        st = gnuplot_read_dumb(out, path, err);
    free(path);
    gnuplot_release(&g);
    return st;
}

/* Drawn in a folder of its own that goes away, also when ^C comes meanwhile,
 * which is the usual end of watching. */
static enum status draw(struct str *out, struct picture *p, struct err *err)
{
    struct file_folder folder;
    enum status st = file_folder_make(&folder, "watch", err);

    if (st == OK)
        st = draw_in(out, folder.path, p, err);
    file_folder_remove(&folder);
    return st;
}

static enum status add_picture(struct str *out, struct db *db, struct err *err)
{
    struct picture *p = NULL;
    enum status st = build(&p, db, err);

    if (st == OK && !picture_is_empty(p))
        st = draw(out, p, err);
    picture_free(p);
    return st;
}

/* --- again and again --------------------------------------------------------------- */

static enum status add_text(struct str *out, int *found, struct db *db,
                            const char *grid, struct err *err)
{
    enum status st = status_grids(out, found, db, grid, err);

    if (st == OK)
        st = status_scheduler(out, db, grid, err);
    if (st == OK)
        st = status_running(out, db, err);
    if (st == OK)
        st = status_causes(out, db, grid, err);
    return st;
}

/* All numbers are of one moment; drawing takes longer than others should wait. */
static enum status add_look(struct str *out, int *found, const struct cli *cli,
                            struct db *db, const char *grid, struct err *err)
{
    enum status st = db_read_begin(db, err);

    if (st == OK)
        st = cli_flag(cli, "json") ? status_json(out, found, db, grid, err)
                                   : add_text(out, found, db, grid, err);
    db_read_end(db);
    return st == OK && cli_flag(cli, "plot") ? add_picture(out, db, err) : st;
}

/* A new handle for each look: a database that is made anew is seen, and
 * nothing is held in between. */
static enum status look(struct str *out, const struct cli *cli, bool *open,
                        struct err *err)
{
    const char *grid = cli->n_args > 0 ? cli->args[0] : NULL;
    struct lock_holder holder;
    struct db *db = NULL;
    int found = 0;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = add_look(out, &found, cli, db, grid, err);
    if (st == OK && grid && !found)
        st = db_no_grid(db, grid, err);
    db_close(db);
    *open = lock_held(&holder, cli->session.db_path);
    return st;
}

static void pause_for(double seconds)
{
    const struct timespec ts = { (time_t)seconds,
                                 (long)(1e9 * (seconds - (time_t)seconds)) };

    nanosleep(&ts, NULL);
}

/* A look for people replaces the one before; one for programs is a line. */
static void show(const char *text, bool json, bool terminal, bool open)
{
    if (!json && terminal)
        out_control(stdout, "\033[H\033[2J");
    printf("%s%s", text,
           json               ? "\n"
           : terminal && open ? "\n^C leaves the grid alone\n"
                              : "");
}

/* Until there is no scheduler any more; elsewhere than on a terminal once, if
 * it is not for programs, who may go away meanwhile. */
static enum status run(struct cli *cli, struct err *err)
{
    const bool terminal = session_is_terminal(STDOUT_FILENO);
    double interval;
    bool open = true;
    const bool json = cli_flag(cli, "json");
    enum status st =
        cli_seconds(&interval, cli, "interval", 2, 0.1, 86400, err);

    if (st == OK && json && cli_flag(cli, "plot"))
        st = err_set(err, ERR_USAGE, "--plot draws for people, not in JSON");
    while (st == OK && open) {
        struct str s = { 0 };

        st = look(&s, cli, &open, err);
        if (st == OK)
            show(str_text(&s), json, terminal, open);
        str_release(&s);
        open =
            open && fflush(stdout) == 0 && !out_is_lost() && (terminal || json);
        if (st == OK && open)
            pause_for(interval);
    }
    return st;
}

const struct verb verb_watch = {
    .name = "watch",
    .args = "[GRID]",
    .max_args = 1,
    .summary = "status and losses, drawn again and again",
    .example = "qlaw watch quickstart --plot",
    .options = options,
    .detail =
        "Reads only; ends when no scheduler holds the database.  "
        "Elsewhere than on a\nterminal it looks once, unless --json is given.",
    .run = run,
};
