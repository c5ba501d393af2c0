#include "harness/slurm/worker.h"

#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/words.h"
#include "harness/os/env.h"
#include "harness/os/scheduler.h"
#include "harness/proto/attempt.h"
#include "harness/proto/bundle.h"
#include "harness/proto/claimed.h"
#include "harness/proto/conduct.h"
#include "harness/slurm/judge.h"
#include "harness/store/record_put.h"
#include "trainer/checkpoint.h"

#define LOOK_S 1 /* between looks for wishes and at logs */
/* Between our end and the limit: killing takes a moment */
#define MARGIN_S 30

struct work {
    const struct bundle_run *run;
    struct attempt *attempt;
    int claim;  /* its own file of records, held; -1: not */
    int folder; /* the records of its run, held; -1: not */
    bool tried, running, cancelled;
    bool cut; /* its time-out is the end of the task, not its own */
};

struct worker {
    struct bundle_header header;
    struct bundle_run *runs;
    struct work *work;
    int n, next;
    json_t *task;
    char *root, *program;
    char **argv; /* of the run that was started last */
    char job[32], host[PROCESS_HOST], env[HASH_HEX];
    struct sched *sched;
    double end_s; /* monotonic; INFINITY: no limit */
    double next_look_s, next_touch_s;
    int failures_in_a_row;
    struct worker_summary *sum;
};

/* --- what is on record already
 * ---------------------------------------------------- */

static void on_end(void *ctx, int number, const struct attempt_end *e)
{
    (void)number;
    (void)e;
    *(bool *)ctx = true;
}

static void on_damaged(void *ctx, const char *path, int64_t line)
{
    (void)path;
    (void)line;
    *(bool *)ctx = true;
}

/* Ended, or changed since it was written: neither is added to. */
static bool has_ended(const char *path)
{
    bool ended = false;
    const struct record_reader reader = { .end = on_end,
                                          .damaged = on_damaged,
                                          .ctx = &ended };

    record_read_file(path, &reader, NULL);
    return ended;
}

static void drop_claim(struct work *w)
{
    if (w->claim >= 0)
        close(w->claim);
    if (w->folder >= 0)
        close(w->folder);
    w->claim = w->folder = -1;
}

static bool is_cancelled(const struct worker *k, const struct work *w)
{
    char *folder = bundle_folder(k->root, w->run);
    char *path = bundle_cancel(folder, w->run->token);
    const bool yes = access(path, F_OK) == 0;

    free(path);
    free(folder);
    return yes;
}

/* --- starting
 * --------------------------------------------------------------------- */

static enum status prepare(const struct worker *k, const struct bundle_run *r,
                           struct err *err)
{
    char *folder = bundle_folder(k->root, r);
    struct config *c = NULL;
    enum status st = config_from_json(&c, r->settings, r->point, err);

    if (st == OK)
        st = config_resolve(c, err);
    if (st == OK)
        st = attempt_prepare(folder, c, r->seed, r->data_seed, err);
    config_free(c);
    free(folder);
    return st;
}

static void say(const struct work *w, const char *what)
{
    printf("%.8s-%llu %s\n", w->run->point, (unsigned long long)w->run->seed,
           what);
    fflush(stdout);
}

/* Hold the claim's file of records; false: another worker of this claim does,
 * or it is over, there or in the records of the run. */
static bool take_claim(struct work *w, const char *folder)
{
    char *path = bundle_claim(folder, w->run->token);
    char *all = mem_printf("%s/metrics.jsonl", folder);
    bool ours;

    w->claim = open(
        path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
        0666);
    ours = w->claim >= 0 && record_lock(w->claim) != LOCK_HELD &&
           !has_ended(path) && !claimed_look(all, w->run->token).over;
    free(all);
    free(path);
    return ours;
}

/* Claim a run; false: it is done, cancelled, held, or cannot be prepared.  What
 * keeps it from beginning (slurm/spool.h) is looked for once it is held. */
static bool claim(struct worker *k, struct work *w)
{
    char *folder = bundle_folder(k->root, w->run);
    struct err err;
    bool held = false, ours = false;

    if (is_cancelled(k, w)) {
        k->sum->skipped++;
    } else if (prepare(k, w->run, &err) != OK) {
        say(w, err.text);
        k->sum->failed++;
    } else if (!take_claim(w, folder) || is_cancelled(k, w)) {
        k->sum->skipped++;
    } else {
        w->folder = record_claim(&held, folder, true);
        ours = w->folder >= 0;
        if (!ours)
            say(w, held ? "is being trained by another qlaw: left for later"
                        : "cannot be begun: its metrics.jsonl has to be a "
                          "file of one's own");
        k->sum->left += !ours;
    }
    if (!ours)
        drop_claim(w);
    free(folder);
    return ours;
}

static void make_attempt(struct worker *k, struct work *w)
{
    const struct bundle_run *r = w->run;
    struct attempt_begin b = { .number = r->attempt };
    char *folder = bundle_folder(k->root, r);

    memcpy(b.token, r->token, sizeof b.token);
    memcpy(b.store, k->header.store, sizeof b.store);
    memcpy(b.point, r->point, sizeof b.point);
    memcpy(b.env, k->env, sizeof b.env);
    memcpy(b.host, k->host, sizeof b.host);
    memcpy(b.slurm_job, k->job, sizeof b.slurm_job);
    w->attempt = attempt_new(folder, r->steps, &b);
    w->attempt->tokens = r->tokens;
    w->attempt->records_path = bundle_claim(folder, r->token);
}

/* Less time than this is not worth a beginning. */
static bool time_is_up(const struct worker *k)
{
    return k->end_s - clock_monotonic() < 1;
}

static struct work *take_next(struct worker *k)
{
    while (k->next < k->n && !time_is_up(k) &&
           k->failures_in_a_row < CONDUCT_BREAKER) {
        struct work *w = &k->work[k->next++];

        w->tried = claim(k, w);
        if (w->tried)
            return w;
    }
    return NULL;
}

static enum sched_next next_job(void *ctx, struct sched_job *job)
{
    struct worker *k = ctx;
    struct work *w = take_next(k);
    const double left = k->end_s - clock_monotonic();
    const struct texts none = { .n = 0 };
    double timeout;

    if (!w)
        return NEXT_NONE;
    make_attempt(k, w);
    timeout = k->header.timeout_s;
    w->cut = timeout <= 0 || left < timeout;
    if (w->cut)
        timeout = isfinite(left) ? left : 0;
    words_free(k->argv);
    k->argv = conduct_command(k->program, w->attempt, &none);
    *job = (struct sched_job){ .user = w,
                               .argv = k->argv,
                               .log_path = w->attempt->log_path,
                               .timeout_s = timeout,
                               .grace_s = k->header.grace_s,
                               .threads = k->header.threads };
    return NEXT_JOB;
}

static void job_started(void *ctx, void *user, pid_t pid)
{
    struct work *w = user;

    (void)ctx;
    w->running = true;
    attempt_begin(w->attempt, pid);
    printf("%.8s-%llu begins, attempt %d\n", w->run->point,
           (unsigned long long)w->run->seed, w->run->attempt);
    fflush(stdout);
}

static void job_unstarted(void *ctx, void *user, const struct err *err)
{
    struct worker *k = ctx;
    struct work *w = user;

    printf("%s\n", err->text);
    attempt_free(w->attempt);
    w->attempt = NULL;
    drop_claim(w);
    w->tried = false;
    k->failures_in_a_row = CONDUCT_BREAKER; /* this node can start nothing */
}

/* --- lines and ends
 * ------------------------------------------------------------------ */

static bool job_line(void *ctx, void *user, const char *line, size_t n,
                     bool whole)
{
    struct worker *k = ctx;
    struct work *w = user;

    return conduct_line(k->sched, w, w->attempt, line, n, whole, NULL, NULL);
}

/* Whatever stopped a run but itself, it goes on with the next submission; a
 * failure does too until it has come too often. */
static enum run_state settle(const struct worker *k, const struct work *w,
                             const struct verdict *v)
{
    if (v->outcome == OUTCOME_PREEMPTED)
        return RUN_PENDING;
    if (v->failure && v->retry && w->run->failures < k->header.retries)
        return RUN_PENDING;
    return v->state;
}

static void count(struct worker *k, enum run_state state, bool failure)
{
    k->sum->done += state == RUN_DONE;
    k->sum->diverged += state == RUN_DIVERGED;
    k->sum->failed += failure;
    k->sum->left += state == RUN_PENDING;
    k->failures_in_a_row = failure ? k->failures_in_a_row + 1 : 0;
}

static struct verdict judge(const struct worker *k, const struct work *w,
                            const struct sched_exit *e)
{
    struct attempt_facts f = attempt_facts(w->attempt, e, w->run->best_step);
    struct verdict v;

    f.wish = w->cancelled || is_cancelled(k, w) ? WISH_CANCEL : WISH_NONE;
    v = verdict_of(&f);
    if (v.outcome == OUTCOME_TIMEOUT && w->cut)
        v.why = "longer than the time limit of its task";
    return v;
}

static void job_done(void *ctx, void *user, const struct sched_exit *e)
{
    struct worker *k = ctx;
    struct work *w = user;
    struct attempt *a = w->attempt;
    const struct verdict v = judge(k, w, e);
    struct attempt_end end = conduct_end(a, e, &v);

    end.state = settle(k, w, &v);
    clock_iso(end.at);
    attempt_end(a, &end);
    attempt_sync(a);
    if (end.state == RUN_DONE && !a->full)
        checkpoint_remove(a->folder);
    count(k, end.state, v.failure);
    printf("%.8s-%llu %s%s%s\n", w->run->point,
           (unsigned long long)w->run->seed, run_states[end.state],
           *end.message ? ": " : "", end.message);
    if (end.state == RUN_DONE && *a->note)
        printf("  of its records was passed over: %s\n", a->note);
    fflush(stdout);
    attempt_free(a);
    w->attempt = NULL;
    w->running = false;
    drop_claim(w);
}

static enum sched_stop tick(void *ctx, struct sched *s, enum sched_stop asked)
{
    struct worker *k = ctx;
    const double now = clock_monotonic();

    (void)asked;
    k->sched = s;
    if (now < k->next_look_s)
        return STOP_NONE;
    k->next_look_s = now + LOOK_S;
    for (int i = 0; i < k->next; i++) {
        struct work *w = &k->work[i];

        if (!w->running)
            continue;
        if (now >= k->next_touch_s)
            futimens(w->claim, NULL); /* it lives */
        if (attempt_log_overflows(w->attempt))
            sched_refuse(s, w);
        if (!w->cancelled && is_cancelled(k, w)) {
            w->cancelled = true;
            sched_ask(s, w);
        }
    }
    if (now >= k->next_touch_s)
        k->next_touch_s = now + TOUCH_S;
    return STOP_NONE;
}

static const struct sched_ops ops = {
    .next = next_job,
    .started = job_started,
    .unstarted = job_unstarted,
    .line = job_line,
    .done = job_done,
    .tick = tick,
};

/* --- all of it
 * ---------------------------------------------------------------------- */

static enum status put_env(struct worker *k, struct err *err)
{
    char *beside = mem_printf("%s/../x", k->root); /* runs/ lies beside it */
    struct env env;
    enum status st;

    env_read(&env);
    memcpy(k->env, env.fingerprint, sizeof k->env);
    st = record_put_env(beside, &env, err);
    env_release(&env);
    free(beside);
    return st;
}

static void name_job(struct worker *k, int task)
{
    const char *array = getenv("SLURM_ARRAY_JOB_ID");
    const char *job = array ? array : getenv("SLURM_JOB_ID");

    snprintf(k->job, sizeof k->job, "%.20s_%d", job ? job : "none", task);
    process_host(k->host);
}

/* For trainers of the user's own; ours learns it from the signal. */
static void set_deadline(struct worker *k)
{
    const double room =
        fmin(MARGIN_S + k->header.grace_s, k->header.limit_s / 2);
    char text[32];

    k->end_s = INFINITY;
    if (k->header.limit_s <= 0)
        return;
    k->end_s = clock_monotonic() + k->header.limit_s - room;
    snprintf(text, sizeof text, "%.0f",
             (double)time(NULL) + k->header.limit_s - room);
    setenv("QLAW_DEADLINE", text, 1);
}

static enum status open_worker(struct worker *k, const struct worker_options *o,
                               struct err *err)
{
    char *copy = mem_strdup(o->bundle);
    char *above = mem_printf("%s/..", dirname(copy));
    enum status st = bundle_read(&k->header, &k->runs, &k->n, &k->task,
                                 o->bundle, o->task, err);

    k->root = realpath(above, NULL);
    free(above);
    free(copy);
    k->program = o->program ? mem_strdup(o->program) : process_program();
    if (st != OK)
        return st;
    if (o->slots > 0)
        k->header.slots = o->slots;
    k->work = mem_array((size_t)k->n, sizeof *k->work);
    for (int i = 0; i < k->n; i++)
        k->work[i] =
            (struct work){ .run = &k->runs[i], .claim = -1, .folder = -1 };
    k->sum->runs = k->n;
    name_job(k, o->task);
    set_deadline(k);
    return put_env(k, err);
}

static void close_worker(struct worker *k)
{
    json_decref(k->task);
    bundle_header_release(&k->header);
    free(k->runs);
    free(k->work);
    free(k->root);
    free(k->program);
    words_free(k->argv);
}

enum status worker_run(struct worker_summary *out,
                       const struct worker_options *o, struct err *err)
{
    struct worker k = { .sum = out };
    enum status st;

    *out = (struct worker_summary){ .runs = 0 };
    st = open_worker(&k, o, err);
    if (st == OK)
        st = sched_run(NULL, NULL, k.header.slots, &ops, &k, err);
    out->left += k.n - k.next;
    if (st == OK && out->left > 0)
        st = err_set(err, ERR_STOPPED, "%d of %d runs are left for later",
                     out->left, out->runs);
    close_worker(&k);
    return st;
}
