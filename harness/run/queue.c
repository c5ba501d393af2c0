/* queue.c - which run is next. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/os/memory.h"
#include "harness/plan/trunk.h"
#include "harness/run/state.h"

#define HELD_NOTICE_S 2
#define BUSY_RETRY_S  0.25 /* a folder that another process still holds */

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

    return s->flops;
}

/* Those of a post-training run are its parent's. */
double task_steps(const struct runner *r, const struct task *t)
{
    const struct grid_point *p = task_point(r, t);

    return p->is_post ? 0 : (double)p->size.steps;
}

double task_share(const struct runner *r, const struct task *t)
{
    return t->trunk ? trunk_own_share(task_point(r, t)) : 1;
}

static void count_left(struct runner *r, const struct task *t, int sign)
{
    const double share = sign * task_share(r, t);

    r->starts_left += sign;
    r->flops_left += share * task_flops(r, t);
    r->steps_left += share * task_steps(r, t);
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
    const enum run_kind kind = run_kind_of(state);

    r->sum.done += sign * (kind == KIND_DONE);
    r->sum.diverged += sign * (kind == KIND_DIVERGED);
    r->sum.failed += sign * (kind == KIND_FAILED);
    r->sum.left_out += sign * (kind == KIND_LEFT_OUT);
}

void task_state(struct runner *r, struct task *t, enum run_state state)
{
    struct store_run *run = &r->runs[t->run];

    count_state(r, run->state, -1);
    count_state(r, state, 1);
    r->state.flops_done +=
        task_flops(r, t) *
        (run_state_open(run->state, false) - run_state_open(state, false));
    run->state = state;
}

static void keep_closed(struct runner *r, const struct store_run *run)
{
    const struct model_size *s = &r->g->points[run->point].size;

    r->sum.already++;
    count_state(r, run->state, 1);
    r->state.flops_done += s->flops;
}

/* Open runs that share their beginning wait for the longest of them. */
static void find_trunks(struct runner *r)
{
    struct trunk_run *runs = mem_array((size_t)r->n_tasks, sizeof *runs);

    for (int i = 0; i < r->n_tasks; i++) {
        const struct store_run *run = task_run(r, &r->tasks[i]);

        runs[i] = (struct trunk_run){ .point = run->point, .seed = run->seed };
    }
    trunk_link(runs, r->n_tasks, r->g);
    for (int i = r->n_tasks - 1; i >= 0; i--) {
        struct task *t = &r->tasks[i];

        if (runs[i].trunk < 0)
            continue;
        t->trunk = &r->tasks[runs[i].trunk];
        t->next_branch = t->trunk->branches;
        t->trunk->branches = t;
    }
    free(runs);
}

/* The grid's own order is cheapest first unless the grid says otherwise.  A
 * session is about what is chosen; of the rest it says only that it is. */
void queue_make(struct runner *r)
{
    r->tasks = mem_array((size_t)r->n_runs, sizeof *r->tasks);
    for (int i = 0; i < r->n_runs; i++) {
        struct store_run *run = &r->runs[i];
        const struct model_size *s = &r->g->points[run->point].size;

        if (!r->g->points[run->point].chosen)
            continue;
        r->state.flops_total += s->flops;
        if (run->state == RUN_QUEUED || run->state == RUN_RUNNING) {
            r->sum.elsewhere++; /* recovery closed those of this machine */
        } else if (run_state_open(run->state, r->o.retry_failed)) {
            run->state = RUN_PENDING;
            r->tasks[r->n_tasks++] = (struct task){ .run = i };
        } else {
            keep_closed(r, run);
        }
    }
    find_trunks(r);
    family_link(r);
    family_sweep(r);
    for (int i = 0; i < r->n_tasks; i++)
        task_reopen(r, &r->tasks[i]);
    r->sum.total = r->g->n_chosen;
    r->sum.not_chosen = r->g->n_runs - r->g->n_chosen;
    r->state.total = r->sum.total;
    r->state.flops_at_start = r->state.flops_done;
}

void queue_again(struct runner *r, struct task *t, double after_s)
{
    t->not_before_s = clock_monotonic() + after_s;
    r->retries =
        mem_grow(r->retries, (size_t)r->n_retries + 1, sizeof *r->retries);
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

bool task_prepare(struct runner *r, struct task *t)
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
    folder =
        record_folder(r->session->db_path, task_point(r, t)->id, run->seed);
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

/* A worker of a killed scheduler is gone at once; a scheduler of another
 * database or host takes as long as its run does. */
static void say_held(struct runner *r, const struct task *t)
{
    const double now = clock_monotonic();
    char name[RECORD_RUN];

    if (r->held_since_s == 0)
        r->held_since_s = now;
    if (now - r->held_since_s < HELD_NOTICE_S || r->held_said)
        return;
    r->held_said = true;
    runner_say(
        r,
        "run %s is being trained by another qlaw with its own database; "
        "it is waited for",
        record_run_name(name, task_point(r, t)->id, task_run(r, t)->seed));
}

static enum sched_next try_task(struct task **out, struct runner *r,
                                struct task *t)
{
    char *folder;
    bool busy;

    if (!has_room(r, t))
        return NEXT_LATER;
    if (!task_prepare(r, t))
        return NEXT_NONE;
    folder = record_folder(r->session->db_path, task_point(r, t)->id,
                           task_run(r, t)->seed);
    r->claim = record_claim(&busy, folder, true);
    if (r->claim < 0 && !busy) {
        err_set(r->err, ERR_IO,
                "%s/metrics.jsonl: cannot be written; it has to be a file of "
                "one's own",
                folder);
        runner_fail(r, ERR_STOPPED, NULL);
        free(folder);
        return NEXT_NONE;
    }
    if (!busy && folder_is_busy(folder)) {
        close(r->claim);
        r->claim = -1;
        busy = true;
    }
    free(folder);
    if (busy) {
        say_held(r, t);
        queue_again(r, t, BUSY_RETRY_S);
        return NEXT_LATER;
    }
    r->held_since_s = 0;
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

/* Neither tried, nor among the retries, nor settled. */
static bool is_fresh(const struct task *t)
{
    return t->open && !t->attempt && t->tries == 0 && t->not_before_s == 0;
}

/* A branch waits until its trunk has passed the place where it leaves; of a
 * trunk that is given up it does not wait, it trains alone then. */
static bool waits_for_trunk(const struct runner *r, const struct task *t)
{
    const struct task *trunk = t->trunk;

    return trunk && trunk->open &&
           (!trunk->attempt ||
            trunk->attempt->step <= (double)task_point(r, t)->branch_step);
}

/* The run itself, or the one that it needs first: its parent, and of either the
 * trunk.  NULL: it waits for one that runs, or has come to nothing. */
static struct task *first_of(struct runner *r, struct task *t, bool *waiting)
{
    struct task *parent = family_first(t);

    if (parent && !is_fresh(parent)) {
        *waiting = true;
        return NULL;
    }
    t = parent ? parent : t;
    if (t->trunk && is_fresh(t->trunk) && !too_big(r, t->trunk))
        return t->trunk;
    if (waits_for_trunk(r, t)) {
        *waiting = true;
        return NULL;
    }
    return too_big(r, t) ? NULL : t;
}

/* The next in order, or what it needs first; *waiting: there are some that cannot
 * start yet. */
static struct task *take_next(struct runner *r, bool *waiting)
{
    *waiting = false;
    for (int i = r->next; i < r->n_tasks; i++) {
        struct task *t = &r->tasks[i], *first;

        if (!is_fresh(t)) {
            r->next += i == r->next;
            continue;
        }
        switch (family_first(t) ? FAMILY_GO : family_ask(r, t)) {
        case FAMILY_LOST:
            family_give_up(r, t);
            continue;
        case FAMILY_WAIT:
            *waiting = true;
            continue;
        case FAMILY_GO:
            break;
        }
        first = first_of(r, t, waiting);
        if (first)
            return first;
    }
    return NULL;
}

enum sched_next queue_next(struct task **out, struct runner *r)
{
    struct task *t = take_retry(r);
    bool waiting = false;
    enum sched_next next;

    if (t) {
        next = try_task(out, r, t);
        if (next == NEXT_LATER && t->not_before_s < clock_monotonic())
            queue_again(r, t, BUSY_RETRY_S);
        return next;
    }
    if (r->o.limit == 0 || r->started < r->o.limit)
        t = take_next(r, &waiting);
    if (!t)
        return r->n_retries > 0 || waiting ? NEXT_LATER : NEXT_NONE;
    return try_task(out, r, t);
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
            task_prepare(r, t);
            return; /* one at a time: lines must not wait for long */
        }
    }
}
