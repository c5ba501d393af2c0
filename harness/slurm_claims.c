#include "harness/slurm_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/slurm_bundle.h"

/* --- reading ------------------------------------------------------------------ */

static void column(char *to, size_t size, sqlite3_stmt *row, int i)
{
    const char *text = (const char *)sqlite3_column_text(row, i);

    snprintf(to, size, "%s", text ? text : "");
}

static void read_claim(struct claim *c, sqlite3_stmt *row)
{
    char state[24], *line;

    c->attempt_id = sqlite3_column_int64(row, 0);
    c->run_id = sqlite3_column_int64(row, 1);
    c->number = sqlite3_column_int(row, 2);
    column(c->token, sizeof c->token, row, 3);
    column(c->job, sizeof c->job, row, 4);
    c->task = sqlite3_column_int(row, 5);
    column(c->slurm_state, sizeof c->slurm_state, row, 6);
    column(c->point, sizeof c->point, row, 7);
    c->seed = (uint64_t)sqlite3_column_int64(row, 8);
    column(state, sizeof state, row, 9);
    c->state = run_state_find(state);
    c->unseen_s = sqlite3_column_double(row, 10);
    line = strchr(c->job, '_'); /* "88120_7" */
    if (line)
        *line = '\0';
}

enum status claims_read(struct claims *out, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT attempt_id, a.run_id, number, token, slurm_job, slurm_task, "
        "slurm_state, point_id, seed, state, "
        "CASE WHEN heartbeat_at IS NULL THEN -1 ELSE max(0, "
        "(julianday('now')-julianday(heartbeat_at))*86400) END FROM "
        "attempt a JOIN run r USING(run_id) WHERE backend='slurm' AND outcome "
        "IS NULL ORDER BY slurm_job, slurm_task",
        err);

    *out = (struct claims){ .list = NULL };
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        if ((out->n & (out->n - 1)) == 0)
            out->list = mem_grow(out->list, out->n ? 2 * (size_t)out->n : 1,
                                 sizeof *out->list);
        read_claim(&out->list[out->n++], stmt);
    }
    return st;
}

void claims_release(struct claims *c)
{
    free(c->list);
    c->list = NULL;
}

/* --- Slurm's view --------------------------------------------------------------- */

struct past {
    char job[SLURM_JOB + 8];
    struct slurm_tasks tasks;
};

struct slurm_view {
    struct slurm_tasks queue;
    struct past *past;
    int n_past;
};

struct slurm_view *slurm_view_open(void)
{
    struct slurm_view *v = mem_alloc(sizeof *v);

    slurm_queue(&v->queue);
    return v;
}

void slurm_view_close(struct slurm_view *v)
{
    if (!v)
        return;
    for (int i = 0; i < v->n_past; i++)
        slurm_tasks_release(&v->past[i].tasks);
    slurm_tasks_release(&v->queue);
    free(v->past);
    free(v);
}

bool slurm_view_known(const struct slurm_view *v, const char **why)
{
    *why = v->queue.why;
    return v->queue.known;
}

static bool job_of_file(char job[SLURM_JOB], const char *root, const char *id)
{
    char *path = bundle_path(root, id, ".job");
    struct str text = { 0 };
    const bool ok = file_read(&text, path, 256, NULL) == OK &&
                    slurm_read_sbatch(job, str_text(&text));

    str_release(&text);
    free(path);
    return ok;
}

/* Our jobs are called qlaw:GRID:ID. */
static bool job_of_queue(char job[SLURM_JOB], const struct slurm_tasks *q,
                         const char *id)
{
    for (int i = 0; i < q->n; i++)
        if (text_has_prefix(q->list[i].name, "qlaw:") &&
            text_has_suffix(q->list[i].name, id)) {
            memcpy(job, q->list[i].job, SLURM_JOB);
            return true;
        }
    return false;
}

bool slurm_view_name(struct slurm_view *v, struct claim *c, const char *root)
{
    const char *id = c->job + strlen("bundle:");
    char job[SLURM_JOB];

    if (!text_has_prefix(c->job, "bundle:") ||
        !(job_of_file(job, root, id) || job_of_queue(job, &v->queue, id)))
        return false;
    strcpy(c->job, job);
    return true;
}

static const struct slurm_tasks *past_of(struct slurm_view *v,
                                         const char *job)
{
    struct past *p;

    for (int i = 0; i < v->n_past; i++)
        if (strcmp(v->past[i].job, job) == 0)
            return &v->past[i].tasks;
    v->past = mem_grow(v->past, (size_t)v->n_past + 1, sizeof *v->past);
    p = &v->past[v->n_past++];
    snprintf(p->job, sizeof p->job, "%s", job);
    slurm_history(&p->tasks, job);
    return &p->tasks;
}

static const struct slurm_task *find(const struct slurm_tasks *t,
                                     const struct claim *c)
{
    const struct slurm_task *found = slurm_tasks_find(t, c->job, c->task);

    return found ? found : slurm_tasks_find(t, c->job, -1);
}

enum claim_place slurm_view_place(struct slurm_view *v, const struct claim *c,
                                  char state[SLURM_STATE])
{
    const struct slurm_task *t;

    *state = '\0';
    if (!v->queue.known)
        return PLACE_UNKNOWN;
    t = find(&v->queue, c);
    if (t) {
        memcpy(state, t->state, SLURM_STATE);
        return strcmp(state, "PENDING") == 0 || strcmp(state, "REQUEUED") == 0
                   ? PLACE_WAITS
                   : PLACE_RUNS;
    }
    if (!text_has_prefix(c->job, "bundle:") &&
        (t = find(past_of(v, c->job), c)))
        memcpy(state, t->state, SLURM_STATE);
    /* It may have begun between the two questions. */
    if (strcmp(state, "RUNNING") == 0 || strcmp(state, "PENDING") == 0)
        return PLACE_UNKNOWN;
    return PLACE_GONE;
}
