#include "harness/slurm/wanted.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/statement.h"

void wanted_release(struct wanted_list *w)
{
    wanted_cut(w, 0);
    free(w->list);
    w->list = NULL;
}

static struct wanted *grow(struct wanted_list *w)
{
    if ((w->n & (w->n - 1)) == 0)
        w->list =
            mem_grow(w->list, w->n ? 2 * (size_t)w->n : 1, sizeof *w->list);
    w->list[w->n] = (struct wanted){ .run_id = 0 };
    return &w->list[w->n++];
}

void wanted_add_planned(struct wanted_list *w, double est_s)
{
    grow(w)->run.est_s = est_s;
}

static void read_row(struct wanted *w, struct db_stmt *row)
{
    struct bundle_run *r = &w->run;
    const double batch = db_real(row, 5);

    snprintf(r->point, sizeof r->point, "%s", db_text(row, 0));
    r->seed = (uint64_t)db_int(row, 1);
    r->data_seed = (uint64_t)db_int(row, 2);
    r->attempt = (int)db_int(row, 3) + 1;
    r->tokens = db_real(row, 4);
    r->steps = batch > 0 ? r->tokens / batch : 0;
    w->settings = mem_strdup(db_text(row, 6));
    w->flops = db_real(row, 7);
    r->failures = (int)db_int(row, 8);
    r->best_step = db_real_or(row, 9, 0);
    record_draw_token(r->token);
}

enum status wanted_add(struct wanted_list *w, struct db *db, int64_t run_id,
                       double est_s, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT r.point_id, r.seed, r.data_seed, r.attempts, p.tokens, "
        "(p.config ->> '$.train.batch') * (p.config ->> '$.model.seq_len'), "
        "p.settings, p.flops_plan, "
        "(SELECT count(*) FROM attempt a WHERE a.run_id=r.run_id "
        "AND outcome IN ('error','signal','oom')), "
        "(SELECT max(step) FROM curve c WHERE c.run_id=r.run_id) "
        "FROM run r JOIN point p USING(point_id) "
        "WHERE r.run_id=:run_id AND NOT EXISTS ("
        "SELECT 1 FROM attempt o WHERE o.run_id=r.run_id "
        "AND o.outcome IS NULL AND o.backend='slurm')",
        DB_VALUES(DB_I("run_id", run_id)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row) {
        struct wanted *x = grow(w);

        x->run_id = run_id;
        x->run.est_s = est_s;
        read_row(x, s);
    }
    db_stmt_close(s);
    return st;
}

void wanted_cut(struct wanted_list *w, int n)
{
    while (w->n > n)
        free(w->list[--w->n].settings);
}

static int by_flops(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;

    return (x->flops > y->flops) - (x->flops < y->flops);
}

void wanted_spread(struct wanted_list *w, int n)
{
    const int last = (w->n - 1) / 2;

    if (w->n <= n)
        return;
    qsort(w->list, (size_t)w->n, sizeof *w->list, by_flops);
    for (int i = 1; i < n; i++) {
        const int from =
            i + (int)((double)(last - i) * i / (n > 1 ? n - 1 : 1));
        const int at = from > i ? from : i;
        const struct wanted keep = w->list[i];

        w->list[i] = w->list[at];
        w->list[at] = keep;
    }
    wanted_cut(w, n);
}

/* Which trainer it is belongs to the point; how it is called does not. */
char *wanted_settings(const struct wanted *w, const json_t *how)
{
    static const char *const call[] = { "command", "speed", "metrics" };
    json_t *all = json_loads(w->settings, 0, NULL), *trainer;
    char *text;

    if (!all)
        all = json_object();
    json_object_del(all, "run");
    json_object_del(all, "slurm");
    if (json_object_get(how, "run"))
        json_object_set(all, "run", json_object_get(how, "run"));
    trainer = json_object_get(all, "trainer");
    for (size_t i = 0; trainer && i < 3; i++) {
        json_t *value =
            json_object_get(json_object_get(how, "trainer"), call[i]);

        json_object_del(trainer, call[i]);
        if (value)
            json_object_set(trainer, call[i], value);
    }
    text = json_canonical_text(all);
    json_decref(all);
    return text;
}

/* --- the last submission ---------------------------------------------------------- */

static enum status grid_of_run(char *name, size_t size, struct db *db,
                               int64_t run_id, struct err *err)
{
    char *found;
    const enum status st = db_ask_text(
        &found, db,
        "SELECT g.name FROM run JOIN grid_point USING(point_id) "
        "JOIN grid g USING(grid_id) WHERE run_id=:run_id ORDER BY grid_id DESC",
        DB_VALUES(DB_I("run_id", run_id)), err);

    snprintf(name, size, "%s", found ? found : "");
    free(found);
    return st;
}

static bool newer(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
                                  : a->tv_nsec > b->tv_nsec;
}

/* The newest bundle of a grid in a folder; false: there is none. */
static bool newest(struct bundle_header *out, const char *folder,
                   const char *grid)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    struct timespec when = { 0, 0 };
    bool found = false;

    while (d && (e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);
        struct bundle_header h;
        struct stat sb;

        if (text_has_suffix(path, ".jsonl") && stat(path, &sb) == 0 &&
            (!found || newer(&sb.st_mtim, &when)) &&
            bundle_read(&h, NULL, NULL, NULL, path, -1, NULL) == OK) {
            if (strcmp(h.grid, grid) == 0) {
                bundle_header_release(out);
                *out = h;
                when = sb.st_mtim;
                found = true;
            } else {
                bundle_header_release(&h);
            }
        }
        free(path);
    }
    if (d)
        closedir(d);
    return found;
}

enum status wanted_last_bundle(struct bundle_header *out, struct db *db,
                               int64_t run_id, struct err *err)
{
    char *root = record_root(db_path(db));
    char *folder = mem_printf("%s/bundles", root), grid[64];
    enum status st = grid_of_run(grid, sizeof grid, db, run_id, err);

    if (st == OK && !newest(out, folder, grid))
        st = err_set(err, ERR_USAGE,
                     "nothing of grid '%s' was submitted from here before; "
                     "'qlaw submit GRID.ini' takes what is pending",
                     grid);
    free(folder);
    free(root);
    return st;
}
