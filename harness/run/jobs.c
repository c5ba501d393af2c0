/* jobs.c - the scheduler's calls: a job begins, says something, ends. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/words.h"
#include "harness/os/memory.h"
#include "harness/proto/conduct.h"
#include "harness/proto/counts.h"
#include "harness/run/state.h"
#include "trainer/checkpoint.h"

#define RETRY_S     0.25 /* before the first retry; doubles */
#define RETRY_MAX_S 60
#define LOG_LOOK_S  1 /* between looks at the lengths of logs */

/* --- starting ------------------------------------------------------------------ */

static int free_slot(const struct runner *r)
{
    int i = 0;

    while (i < r->slots - 1 && r->slot_taken[i])
        i++;
    return i;
}

static void make_attempt(struct runner *r, struct task *t)
{
    const struct store_run *run = task_run(r, t);
    struct attempt_begin b = r->begin;
    char *folder =
        record_folder(r->session->db_path, task_point(r, t)->id, run->seed);

    b.number = run->attempts + 1;
    b.from_step = checkpoint_peek(folder);
    memcpy(b.point, task_point(r, t)->id, sizeof b.point);
    record_draw_token(b.token);
    t->attempt = attempt_new(folder, (double)task_point(r, t)->size.steps, &b);
    t->attempt->fd = r->claim;
    r->claim = -1;
    t->attempt->tokens = (double)task_point(r, t)->size.tokens;
    t->slot = free_slot(r);
}

/* A trunk is told of the branches that may still profit from it. */
static void list_branches(struct texts *out, struct runner *r,
                          const struct task *trunk)
{
    for (struct task *t = trunk->branches; t; t = t->next_branch) {
        char *folder;

        if (!t->open || t->attempt || !task_prepare(r, t))
            continue;
        folder = record_folder(r->session->db_path, task_point(r, t)->id,
                               task_run(r, t)->seed);
        texts_add(out, "--branch");
        texts_add(out, folder);
        free(folder);
    }
}

static void compose_command(struct runner *r, const struct task *t)
{
    struct texts more = { .n = 0 };

    list_branches(&more, r, t);
    family_words(&more, r, t);
    words_free(r->argv);
    r->argv = conduct_command(r->program, t->attempt, &more);
    texts_release(&more);
}

static enum sched_next next_job(void *ctx, struct sched_job *job)
{
    struct runner *r = ctx;
    struct task *t = NULL;
    enum sched_next next;

    if (r->failed != OK || r->want != STOP_NONE)
        return NEXT_NONE;
    next = queue_next(&t, r);
    if (next != NEXT_JOB)
        return next;
    make_attempt(r, t);
    if (!t->label)
        t->label = task_label(r, t);
    compose_command(r, t);
    *job = (struct sched_job){
        .user = t,
        .argv = r->argv,
        .log_path = t->attempt->log_path,
        .timeout_s = config_run_timeout(r->g->base),
        .grace_s = config_run_grace(r->g->base),
        .threads = (int)config_run_threads(r->g->base),
        .nice = r->o.nice,
        .cores = r->cores ? &r->cores[t->slot] : NULL,
    };
    return NEXT_JOB;
}

static void take_slot(struct runner *r, struct task *t)
{
    r->slot_taken[t->slot] = true;
    r->running[r->n_running++] = t;
    r->memory_used += task_point(r, t)->size.memory_bytes;
    r->starts_left--;
    r->flops_left -= task_share(r, t) * task_flops(r, t);
    r->steps_left -= task_share(r, t) * task_steps(r, t);
}

static void leave_slot(struct runner *r, struct task *t)
{
    int i = 0;

    while (r->running[i] != t)
        i++;
    r->running[i] = r->running[--r->n_running];
    r->slot_taken[t->slot] = false;
    r->memory_used -= task_point(r, t)->size.memory_bytes;
    r->starts_left++;
    r->flops_left += task_share(r, t) * task_flops(r, t);
    r->steps_left += task_share(r, t) * task_steps(r, t);
}

static void job_started(void *ctx, void *user, pid_t pid)
{
    struct runner *r = ctx;
    struct task *t = user;
    struct store_run *run = &r->runs[t->run];

    take_slot(r, t);
    run->attempts++;
    r->started += t->tries == 0;
    t->tries++;
    attempt_begin(t->attempt, pid);
    journal_begin(r->journal, run->run_id, &t->attempt->begin,
                  t->attempt->log_path);
    runner_event(r, t, "begin", "running", NULL);
}

/* Neither the program nor its log can be opened: that is about this machine,
 * not about the run. */
static void job_unstarted(void *ctx, void *user, const struct err *err)
{
    struct runner *r = ctx;
    struct task *t = user;

    attempt_free(t->attempt);
    t->attempt = NULL;
    runner_fail(r, ERR_STOPPED, err->text);
}

/* --- lines ------------------------------------------------------------------------ */

struct hearer {
    struct runner *r;
    const struct task *t;
};

static void hear(void *ctx, const struct metrics_line *m, bool first)
{
    const struct hearer *h = ctx;

    journal_line(h->r->journal, task_run(h->r, h->t)->run_id, m, first);
}

static bool job_line(void *ctx, void *user, const char *line, size_t n,
                     bool whole)
{
    struct runner *r = ctx;
    struct task *t = user;
    struct hearer h = { r, t };

    return conduct_line(r->sched, t, t->attempt, line, n, whole, hear, &h);
}

/* --- ends -------------------------------------------------------------------------- */

/* Two messages are the same failure when only numbers differ. */
static void without_numbers(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; *text && n < size - 1; text++)
        if (!isdigit((unsigned char)*text))
            out[n++] = *text;
    out[n] = '\0';
}

static void count_failure(struct runner *r, const struct task *t,
                          const char *message)
{
    char text[sizeof r->first_failure];

    if (r->o.fail_fast)
        r->want = STOP_ASK;
    if (t->tries > 1)
        return;
    without_numbers(text, sizeof text, message);
    if (r->same_failures > 0 && strcmp(text, r->first_failure) == 0) {
        r->same_failures++;
    } else {
        r->same_failures = 1;
        strcpy(r->first_failure, text);
        snprintf(r->sum.first_failure, sizeof r->sum.first_failure, "%.199s",
                 message);
    }
    if (r->same_failures >= CONDUCT_BREAKER && r->succeeded == 0) {
        r->sum.breaker = true;
        r->want = STOP_DRAIN;
    }
}

/* Fewer at once after the kernel took one for its memory. */
static void lower_slots(struct runner *r)
{
    if (r->slots <= 1)
        return;
    sched_limit(r->sched, --r->slots);
    runner_say(r,
               "the kernel killed a run for its memory: %d at once from "
               "now on",
               r->slots);
}

static bool try_again(struct runner *r, struct task *t, const struct verdict *v,
                      bool progress, const char *message)
{
    const int retries = (int)config_run_retries(r->g->base);
    double pause = RETRY_S;

    if (v->outcome == OUTCOME_OOM)
        lower_slots(r);
    if (progress)
        t->failures = 0;
    t->failures++;
    count_failure(r, t, message);
    if (!v->retry || t->failures > retries || r->want == STOP_ASK)
        return false;
    for (int i = 1; i < t->failures && pause < RETRY_MAX_S; i++)
        pause *= 2;
    queue_again(r, t, pause);
    return true;
}

/* What becomes of the run; the state that the database gets.  When the session
 * ends, a run that was stopped for that is still open. */
static enum run_state settle(struct runner *r, struct task *t,
                             const struct verdict *v, bool progress,
                             const char *message)
{
    if (v->failure && try_again(r, t, v, progress, message))
        return RUN_PENDING;
    if (v->state == RUN_PENDING)
        queue_again(r, t, RETRY_S);
    else if (v->state != RUN_PAUSED || t->wish == WISH_PAUSE)
        task_close(r, t);
    task_state(r, t, v->state);
    return v->state;
}

static struct verdict judge(struct runner *r, struct task *t,
                            const struct sched_exit *e, bool *progress)
{
    struct attempt_facts f = attempt_facts(t->attempt, e, t->best_step);
    const int64_t kills = memory_kills();

    f.wish = t->wish;
    f.memory_kill = kills > r->memory_kills;
    if (e->term_signal)
        r->memory_kills = kills;
    *progress = f.progress;
    t->best_step = fmax(t->best_step, t->attempt->step);
    return verdict_of(&f);
}

/* The attempt waits for its place in the database; then it is forgotten. */
static void hand_over(struct runner *r, struct task *t, bool drop)
{
    r->ended = mem_grow(r->ended, (size_t)r->n_ended + 1, sizeof *r->ended);
    r->ended[r->n_ended++] = (struct ended){ t->attempt, drop, t->family };
    t->attempt = NULL;
    if (!t->open) {
        free(t->label);
        t->label = NULL;
    }
}

static void tell(struct runner *r, struct task *t, const struct verdict *v,
                 enum run_state state, const char *message)
{
    runner_event(r, t, "end", run_states[state], message);
    if (v->failure)
        runner_say(r, "%s: %s%s", t->label, message,
                   state == RUN_PENDING ? "; it is tried again" : "");
}

/* Parameters and FLOPs as a trainer counts them, against the plan; the laws
 * take the trainer's. */
static void tell_counts(struct runner *r, const struct task *t)
{
    char text[300];

    if (!counts_differ(text, sizeof text, &t->attempt->final,
                       &task_point(r, t)->size))
        return;
    journal_event(r->journal, task_run(r, t)->run_id, "counts", text);
    if (r->counts_said++ == 0)
        runner_say(r, "%s: %s; said once, 'qlaw show' has it for each run",
                   t->label, text);
}

/* What of its records was passed over: a metric that was hoped for may be
 * among it. */
static void tell_note(struct runner *r, const struct task *t)
{
    if (*t->attempt->note == '\0')
        return;
    journal_event(r->journal, task_run(r, t)->run_id, "records",
                  t->attempt->note);
    if (r->notes_said++ == 0)
        runner_say(r,
                   "%s: of its records was passed over: %s; said once, "
                   "'qlaw show' has it for each run",
                   t->label, t->attempt->note);
}

static void job_done(void *ctx, void *user, const struct sched_exit *e)
{
    struct runner *r = ctx;
    struct task *t = user;
    struct attempt *a = t->attempt;
    bool progress;
    const struct verdict v = judge(r, t, e, &progress);
    struct attempt_end end = conduct_end(a, e, &v);

    leave_slot(r, t);
    end.state = settle(r, t, &v, progress, end.message);
    clock_iso(end.at);
    attempt_end(a, &end);
    journal_end(r->journal, task_run(r, t)->run_id, a->begin.number, &end,
                end.state == RUN_DONE ? &a->final : NULL);
    if (end.state == RUN_DONE) {
        tell_counts(r, t);
        tell_note(r, t);
        r->succeeded++;
        r->sum.flops += task_flops(r, t);
        eta_add(&r->eta, task_flops(r, t), task_steps(r, t), a->final.wall_s);
        if (a->begin.from_step == 0)
            eta_add_start(&r->eta, e->wall_s - a->final.wall_s);
    }
    if (a->full)
        runner_fail(r, ERR_STOPPED, "the disk takes no more records");
    tell(r, t, &v, end.state, end.message);
    hand_over(r, t, end.state == RUN_DONE && !r->o.keep_checkpoints);
}

static void look_at_logs(struct runner *r)
{
    const double now = clock_monotonic();

    if (now < r->next_log_look_s)
        return;
    r->next_log_look_s = now + LOG_LOOK_S;
    for (int i = 0; i < r->n_running; i++)
        if (attempt_log_overflows(r->running[i]->attempt))
            sched_refuse(r->sched, r->running[i]);
}

/* --- ten times a second ----------------------------------------------------------- */

static enum sched_stop tick(void *ctx, struct sched *s, enum sched_stop asked)
{
    struct runner *r = ctx;

    r->sched = s;
    look_at_logs(r);
    if (asked != STOP_NONE && !r->state.stopping && asked == STOP_DRAIN &&
        r->n_running > 0)
        runner_say(r,
                   "stopping: finishing %d running job%s (press ^C again "
                   "to checkpoint and stop now)",
                   r->n_running, r->n_running == 1 ? "" : "s");
    r->state.stopping = asked != STOP_NONE;
    if (journal_due(r->journal))
        runner_flush(r, 0);
    if (asked == STOP_NONE && r->failed == OK) {
        queue_prepare_ahead(r);
        runner_hear_wishes(r);
    }
    runner_show(r, false);
    return r->failed != OK ? STOP_ASK : r->want;
}

const struct sched_ops runner_ops = {
    .next = next_job,
    .started = job_started,
    .unstarted = job_unstarted,
    .line = job_line,
    .done = job_done,
    .tick = tick,
};
