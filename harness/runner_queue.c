/* runner_queue.c - which run is next. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/memory.h"
#include "harness/runner_state.h"

#define BUSY_RETRY_S 0.25 /* a folder that another process still holds */

const struct store_run *task_run(const struct runner *r, const struct task *t)
{
    return &r->runs[t->run];
}

const struct grid_point *task_point(const struct runner *r,
                                    const struct task *t)
{
    return &r->g->points[r->runs[t->run].point];
}

double task_flops(const struct runner *r, const struct task *t)
{
    const struct model_size *s = &task_point(r, t)->size;

    return s->flops_per_token * (double)s->tokens;
}

static void count_left(struct runner *r, const struct task *t, int sign)
{
    r->flops_left += sign * task_flops(r, t);
    r->steps_left += (double)(sign * task_point(r, t)->size.steps);
}

void task_close(struct runner *r, struct task *t)
{
    if (t->open)
        count_left(r, t, -1);
    t->open = false;
}

void task_reopen(struct runner *r, struct task *t)
{
    if (!t->open)
        count_left(r, t, 1);
    t->open = true;
}

static void count_state(struct runner *r, enum run_state state, int sign)
{
    r->sum.done += sign * (state == RUN_DONE);
    r->sum.diverged += sign * (state == RUN_DIVERGED);
    r->sum.failed += sign * (state == RUN_FAILED || state == RUN_TIMEOUT);
    r->sum.left_out += sign * (state == RUN_CANCELLED || state == RUN_SKIPPED);
}

void task_state(struct runner *r, struct task *t, enum run_state state)
{
    struct store_run *run = &r->runs[t->run];

    count_state(r, run->state, -1);
    count_state(r, state, 1);
    r->state.flops_done +=
        task_flops(r, t) * (run_state_open(run->state, false) -
                            run_state_open(state, false));
    run->state = state;
}

static void keep_closed(struct runner *r, const struct store_run *run)
{
    const struct model_size *s = &r->g->points[run->point].size;

    r->sum.already++;
    count_state(r, run->state, 1);
    r->state.flops_done += s->flops_per_token * (double)s->tokens;
}

/* The grid's own order is cheapest first unless the grid says otherwise. */
void queue_make(struct runner *r)
{
    r->tasks = mem_array((size_t)r->n_runs, sizeof *r->tasks);
    for (int i = 0; i < r->n_runs; i++) {
        struct store_run *run = &r->runs[i];
        const struct model_size *s = &r->g->points[run->point].size;

        r->state.flops_total += s->flops_per_token * (double)s->tokens;
        if (run_state_open(run->state, r->o.retry_failed)) {
            run->state = RUN_PENDING;
            r->tasks[r->n_tasks] = (struct task){ .run = i };
            task_reopen(r, &r->tasks[r->n_tasks++]);
        } else {
            keep_closed(r, run);
        }
    }
    r->sum.total = r->n_runs;
    r->state.total = r->n_runs;
    r->state.flops_at_start = r->state.flops_done;
}

void queue_again(struct runner *r, struct task *t, double after_s)
{
    t->not_before_s = clock_monotonic() + after_s;
    r->retries = mem_grow(r->retries, (size_t)r->n_retries + 1,
                          sizeof *r->retries);
    r->retries[r->n_retries++] = (int)(t - r->tasks);
}

/* --- may it start? ---------------------------------------------------------------- */

/* The trainer locks its folder; a worker of a killed scheduler may hold it for
 * a moment yet. */
static bool folder_is_busy(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool busy = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    return busy;
}

static bool prepare(struct runner *r, struct task *t)
{
    const struct store_run *run = task_run(r, t);
    struct config *made = NULL;
    const struct config *c = task_point(r, t)->config;
    char *folder;
    enum status st;

    if (t->prepared)
        return true;
    if (!c)
        c = made = grid_config(r->g, run->point);
    folder = record_folder(r->cli->db_path, task_point(r, t)->id, run->seed);
    st = attempt_prepare(folder, c, run->seed, run->data_seed, r->err);
    if (st != OK)
        runner_fail(r, ERR_STOPPED, NULL);
    t->prepared = st == OK;
    free(folder);
    config_free(made);
    return t->prepared;
}

/* A run that needs more than there is would only be killed half-way. */
static bool too_big(struct runner *r, struct task *t)
{
    const int64_t need = task_point(r, t)->size.memory_bytes;
    char text[160], a[32], b[32];

    if (r->memory_total <= 0 || need <= r->memory_total)
        return false;
    snprintf(text, sizeof text, "needs %sB of memory, there is %sB",
             text_si(a, (double)need, 3),
             text_si(b, (double)r->memory_total, 3));
    journal_state(r->journal, task_run(r, t)->run_id, RUN_FAILED, text);
    runner_event(r, t, "end", "failed", text);
    runner_say(r, "%s: %s", t->label ? t->label : task_point(r, t)->id, text);
    task_state(r, t, RUN_FAILED);
    task_close(r, t);
    return true;
}

static bool has_room(const struct runner *r, const struct task *t)
{
    return r->n_running == 0 || r->memory_total <= 0 ||
           r->memory_used + task_point(r, t)->size.memory_bytes <=
               r->memory_total;
}

static enum sched_next try_task(struct task **out, struct runner *r,
                                struct task *t)
{
    char *folder;
    bool busy;

    if (!has_room(r, t))
        return NEXT_LATER;
    if (!prepare(r, t))
        return NEXT_NONE;
    folder = record_folder(r->cli->db_path, task_point(r, t)->id,
                           task_run(r, t)->seed);
    busy = folder_is_busy(folder);
    free(folder);
    if (busy) {
        queue_again(r, t, BUSY_RETRY_S);
        return NEXT_LATER;
    }
    *out = t;
    return NEXT_JOB;
}

/* A retry whose time has come; they are few. */
static struct task *take_retry(struct runner *r)
{
    const double now = clock_monotonic();

    for (int i = 0; i < r->n_retries; i++) {
        struct task *t = &r->tasks[r->retries[i]];

        if (t->open && !t->attempt && t->not_before_s > now)
            continue;
        memmove(r->retries + i, r->retries + i + 1,
                sizeof *r->retries * (size_t)(--r->n_retries - i));
        if (t->open && !t->attempt)
            return t;
        i--;
    }
    return NULL;
}

static struct task *take_next(struct runner *r)
{
    while (r->next < r->n_tasks) {
        struct task *t = &r->tasks[r->next];

        if (t->open && !t->attempt && t->tries == 0 && !too_big(r, t))
            return t;
        r->next++;
    }
    return NULL;
}

enum sched_next queue_next(struct task **out, struct runner *r)
{
    struct task *t = take_retry(r);
    enum sched_next next;

    if (t) {
        next = try_task(out, r, t);
        if (next == NEXT_LATER && t->not_before_s < clock_monotonic())
            queue_again(r, t, BUSY_RETRY_S);
        return next;
    }
    t = r->o.limit > 0 && r->started >= r->o.limit ? NULL : take_next(r);
    if (!t)
        return r->n_retries > 0 ? NEXT_LATER : NEXT_NONE;
    next = try_task(out, r, t);
    if (next == NEXT_JOB || (next == NEXT_LATER && t->not_before_s > 0))
        r->next++;
    return next;
}

/* While slots are busy the next folders are made, so that a free slot does not
 * wait for a disk. */
void queue_prepare_ahead(struct runner *r)
{
    int ahead = 0;

    for (int i = r->next; i < r->n_tasks && ahead < r->slots; i++) {
        struct task *t = &r->tasks[i];

        if (!t->open || t->attempt)
            continue;
        ahead++;
        if (!t->prepared) {
            prepare(r, t);
            return; /* one at a time: lines must not wait for long */
        }
    }
}
