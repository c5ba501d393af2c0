#include "harness/runner.h"

#include <fcntl.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/env.h"
#include "harness/journal.h"
#include "harness/lock.h"
#include "harness/progress.h"
#include "harness/scheduler.h"
#include "harness/store.h"
#include "trainer/checkpoint.h"

#define BREAKER 5 /* equal first failures without a success: stop */

/* One run of the grid, as this session sees it. */
struct task {
    const struct store_run *run;
    const struct grid_point *point;
    char *folder, *config_path, *log_path, *label;
    const char *argv[8];
    int attempt;        /* number of the current or last one */
    int tries;          /* attempts in this session */
    int lines_fd;       /* metrics.jsonl while it runs */
    bool open;          /* still to be run */
    bool running;
    double not_before_s; /* a retry waits */
    double step, steps, loss;
    struct metrics_line last; /* the final line, once it came */
};

struct runner {
    const struct cli *cli;
    const struct grid *g;
    struct runner_options o;
    struct db *db;
    struct journal *journal;
    struct store_run *runs;
    struct task *tasks, **order;
    int n, n_open, started;
    char *self; /* the program, even when its file is replaced */
    struct progress *progress;
    struct progress_state state;
    struct progress_run *rows;
    struct runner_summary sum;
    double busy_since_s; /* the database has been locked, 0: not */
    char first_failure[200];
    int same_failures;
    enum sched_stop want; /* our own wish to stop */
    struct err *err;
    enum status failed; /* of the database */
};

/* --- folders ------------------------------------------------------------------------ */

char *runner_folder(const char *db_path, const char *point_id, uint64_t seed)
{
    char *copy = mem_strdup(db_path);
    char *folder = mem_printf("%s/runs/%.12s-%llu", dirname(copy), point_id,
                              (unsigned long long)seed);

    free(copy);
    return folder;
}

static enum status write_config(const struct task *t, struct err *err)
{
    json_t *json = config_json(t->point->config);
    char *text;
    enum status st;

    json_object_set_new(json, "seed", json_integer((json_int_t)t->run->seed));
    json_object_set_new(json, "data_seed",
                        json_integer((json_int_t)t->run->data_seed));
    text = json_canonical_text(json);
    st = file_make_dirs(t->folder, err);
    if (st == OK)
        st = file_replace(t->config_path, text, strlen(text), err);
    free(text);
    json_decref(json);
    return st;
}

static void make_task(struct runner *r, struct task *t,
                      const struct store_run *run)
{
    char n[32], d[32], *arm;

    t->run = run;
    t->point = &r->g->points[run->point];
    t->folder = runner_folder(r->cli->db_path, t->point->id, run->seed);
    t->config_path = mem_printf("%s/config.json", t->folder);
    t->log_path = mem_printf("%s/log.txt", t->folder);
    arm = store_arm(t->point->config);
    t->label = mem_printf("%.8s-%llu  N=%s D=%s %s", t->point->id,
                          (unsigned long long)run->seed,
                          text_si(n, (double)t->point->size.body, 3),
                          text_si(d, (double)t->point->size.tokens, 3), arm);
    free(arm);
    t->attempt = run->attempts;
    t->lines_fd = -1;
    t->loss = NAN;
    t->steps = (double)t->point->size.steps;
    t->argv[0] = r->self;
    t->argv[1] = "train";
    t->argv[2] = "--config";
    t->argv[3] = t->config_path;
    t->argv[4] = "--dir";
    t->argv[5] = t->folder;
}

static double flops_of(const struct task *t)
{
    return t->point->size.flops_per_token * (double)t->point->size.tokens;
}

/* --- what is to be done -------------------------------------------------------------- */

static bool is_open(const struct runner *r, const char *state)
{
    return strcmp(state, "pending") == 0 || strcmp(state, "paused") == 0 ||
           (r->o.retry_failed &&
            (strcmp(state, "failed") == 0 || strcmp(state, "timeout") == 0));
}

static void count_finished(struct runner *r, const struct task *t)
{
    const char *state = t->run->state;

    r->sum.already++;
    r->sum.done += strcmp(state, "done") == 0;
    r->sum.diverged += strcmp(state, "diverged") == 0;
    r->sum.failed +=
        strcmp(state, "failed") == 0 || strcmp(state, "timeout") == 0;
    r->state.flops_done += flops_of(t);
}

/* The grid's own order is cheapest first unless the grid says otherwise. */
static void list_tasks(struct runner *r)
{
    r->tasks = mem_array((size_t)r->n, sizeof *r->tasks);
    r->order = mem_array((size_t)r->n, sizeof(struct task *));
    for (int i = 0; i < r->n; i++) {
        struct task *t = &r->tasks[i];

        make_task(r, t, &r->runs[i]);
        t->open = is_open(r, r->runs[i].state);
        r->state.flops_total += flops_of(t);
        if (t->open)
            r->order[r->n_open++] = t;
        else
            count_finished(r, t);
    }
    r->sum.total = r->n;
    r->state.flops_at_start = r->state.flops_done;
}

/* --- the scheduler's calls -------------------------------------------------------------- */

static enum sched_next next_job(void *ctx, struct sched_job *job)
{
    struct runner *r = ctx;
    const double now = clock_monotonic();
    bool later = false;

    if (r->failed != OK || r->want != STOP_NONE)
        return NEXT_NONE;
    for (int i = 0; i < r->n_open; i++) {
        struct task *t = r->order[i];

        if (!t->open || t->running)
            continue;
        if (t->not_before_s > now) {
            later = true;
            continue;
        }
        if (r->o.limit > 0 && t->tries == 0 && r->started >= r->o.limit)
            break;
        if (write_config(t, r->err) != OK) {
            r->failed = ERR_IO;
            return NEXT_NONE;
        }
        job->user = t;
        job->argv = (char *const *)t->argv;
        job->log_path = t->log_path;
        job->timeout_s = config_number(r->g->base, "run.timeout");
        return NEXT_JOB;
    }
    return later ? NEXT_LATER : NEXT_NONE;
}

static void job_started(void *ctx, void *user, pid_t pid)
{
    struct runner *r = ctx;
    struct task *t = user;
    char *lines = mem_printf("%s/metrics.jsonl", t->folder);

    t->running = true;
    t->attempt++;
    r->started += t->tries == 0;
    t->tries++;
    t->last = (struct metrics_line){ 0 };
    /* One attempt's lines are complete by themselves. */
    t->lines_fd = open(lines, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    free(lines);
    journal_start(r->journal, t->run->run_id, t->attempt, pid, t->log_path);
}

static void keep_line(const struct task *t, const char *line, size_t n)
{
    if (t->lines_fd >= 0 &&
        file_write_all(t->lines_fd, line, n, "", NULL) == OK)
        file_write_all(t->lines_fd, "\n", 1, "", NULL);
}

static void job_line(void *ctx, void *user, const char *line, size_t n)
{
    struct runner *r = ctx;
    struct task *t = user;
    struct metrics_line m;

    if (metrics_line_read(&m, line, n, NULL) != OK)
        return; /* a trainer may say other things too; they are in no table */
    keep_line(t, line, n);
    if (m.final) {
        t->last = m;
        return;
    }
    r->state.flops_done += flops_of(t) * (m.step - t->step) / t->steps;
    t->step = m.step;
    t->loss = m.train_loss;
    journal_point(r->journal, t->run->run_id, &m);
}

/* The last words of the log, for people. */
static char *last_words(const struct task *t)
{
    struct str text = { 0 };
    char *start, *words;

    if (file_read(&text, t->log_path, 16 << 20, NULL) != OK || !text.len) {
        str_release(&text);
        return mem_strdup("nothing in its log");
    }
    start = text_trim(text.data);
    words = strrchr(start, '\n');
    words = mem_strndup(words ? words + 1 : start,
                        strnlen(words ? words + 1 : start, 300));
    str_release(&text);
    return words;
}

/* How an end is to be understood: one row for each cause. */
struct verdict {
    const char *state, *outcome;
    bool again; /* try again, without counting it as a failure */
    bool failed;
};

static struct verdict judge(const struct task *t, const struct sched_exit *e)
{
    const bool finite = t->last.final && !t->last.diverged &&
                        isfinite(t->last.loss);

    if (e->exit_code == 0 && finite)
        return (struct verdict){ "done", "ok", false, false };
    if (e->exit_code == 65 || (t->last.final && t->last.diverged) ||
        (e->exit_code == 0 && t->last.final && t->last.nonfinite))
        return (struct verdict){ "diverged", "diverged", false, false };
    if (e->timed_out)
        return (struct verdict){ "timeout", "timeout", false, true };
    if (e->asked_to_stop || e->exit_code == 75)
        return (struct verdict){ "paused", "cancelled", true, false };
    if (e->exit_code == 64)
        return (struct verdict){ "skipped", "error", false, false };
    return (struct verdict){ "failed", e->term_signal ? "signal" : "error",
                             false, true };
}

static char *explain(const struct task *t, const struct sched_exit *e,
                     const struct verdict *v)
{
    char *words, *message;

    if (strcmp(v->state, "diverged") == 0 && *t->last.reason)
        return mem_strdup(t->last.reason);
    if (!v->failed)
        return NULL;
    if (e->timed_out)
        return mem_printf("longer than run.timeout, ended after %.0f s",
                          e->wall_s);
    if (e->term_signal)
        return mem_printf("killed by signal %d (%s)%s", e->term_signal,
                          strsignal(e->term_signal),
                          e->term_signal == 9 ? ", perhaps out of memory"
                                              : "");
    words = last_words(t);
    message = e->exit_code == 0
                  ? mem_printf("ended without a final record: %s", words)
                  : mem_printf("exit %d: %s", e->exit_code, words);
    free(words);
    return message;
}

static void count_failure(struct runner *r, const struct task *t,
                          const char *message)
{
    char text[sizeof r->first_failure];

    if (r->o.fail_fast)
        r->want = STOP_ASK;
    if (t->tries > 1)
        return;
    snprintf(text, sizeof text, "%s", message ? message : "");
    if (strcmp(text, r->first_failure) == 0)
        r->same_failures++;
    else
        r->same_failures = 1;
    strcpy(r->first_failure, text);
    if (r->same_failures >= BREAKER && r->sum.done == 0) {
        r->sum.breaker = true;
        r->want = STOP_DRAIN;
    }
}

/* The run goes on later, ends, or is tried again after a pause that doubles. */
static const char *settle(struct runner *r, struct task *t,
                          const struct verdict *v, const char *message)
{
    const int retries = (int)config_int(r->g->base, "run.retries");

    if (v->again)
        return "paused";
    if (v->failed) {
        count_failure(r, t, message);
        if (t->tries <= retries && r->want == STOP_NONE) {
            t->not_before_s =
                clock_monotonic() + 0.25 * (double)(1 << t->tries);
            return "pending";
        }
        r->sum.failed++;
    }
    t->open = false;
    r->sum.done += strcmp(v->state, "done") == 0;
    r->sum.diverged += strcmp(v->state, "diverged") == 0;
    return v->state;
}

static void job_done(void *ctx, void *user, const struct sched_exit *e)
{
    struct runner *r = ctx;
    struct task *t = user;
    const struct verdict v = judge(t, e);
    char *message = explain(t, e, &v);
    struct journal_end end = {
        .outcome = v.outcome, .message = message, .exit_code = e->exit_code,
        .term_signal = e->term_signal, .cpu_s = e->cpu_s,
        .wall_s = e->wall_s, .max_rss = e->max_rss,
    };

    t->running = false;
    end.state = settle(r, t, &v, message);
    if (v.again && !e->asked_to_stop)
        t->not_before_s = clock_monotonic() + 0.1;
    if (strcmp(end.state, "done") == 0)
        end.result = &t->last;
    if (t->open) {
        r->state.flops_done -= flops_of(t) * t->step / t->steps;
        t->step = 0;
    } else {
        r->state.flops_done += flops_of(t) * (1 - t->step / t->steps);
        r->sum.flops += flops_of(t);
    }
    if (t->lines_fd >= 0) {
        fsync(t->lines_fd);
        close(t->lines_fd);
        t->lines_fd = -1;
    }
    journal_end(r->journal, t->run->run_id, t->attempt, &end);
    if (message && r->cli->verbosity >= 0 && v.failed) {
        progress_clear(r->progress);
        fprintf(stderr, "%s: %s\n", t->label, message);
    }
    free(message);
}

static void flush(struct runner *r, double patience_s)
{
    struct err err;
    const double now = clock_monotonic();
    enum status st;

    st = journal_flush(r->journal, patience_s, NULL, &err);
    if (st == OK) {
        r->busy_since_s = 0;
        return;
    }
    if (!strstr(err.text, "is locked")) {
        *r->err = err;
        r->failed = st;
        return;
    }
    if (r->busy_since_s == 0)
        r->busy_since_s = now;
    else if (r->busy_since_s > 0 && now - r->busy_since_s > 5) {
        progress_clear(r->progress);
        cli_note(r->cli, "%s; training goes on, results wait", err.text);
        r->busy_since_s = -1; /* said */
    }
}

static void fill_rows(struct runner *r)
{
    int n = 0;

    for (int i = 0; i < r->n_open && n < r->state.n_runs; i++) {
        const struct task *t = r->order[i];

        if (t->running)
            r->rows[n++] = (struct progress_run){
                .busy = true, .label = t->label, .step = t->step,
                .steps = t->steps, .loss = t->loss,
            };
    }
    for (; n < r->state.n_runs; n++)
        r->rows[n].busy = false;
}

static enum sched_stop tick(void *ctx, enum sched_stop asked, int running)
{
    struct runner *r = ctx;

    (void)running;
    if (journal_due(r->journal))
        flush(r, 0);
    if (asked != STOP_NONE && !r->state.stopping) {
        progress_clear(r->progress);
        if (asked == STOP_DRAIN)
            cli_note(r->cli, "stopping: finishing the running jobs (press ^C "
                             "again to checkpoint and stop now)");
    }
    r->state.stopping = asked != STOP_NONE;
    r->state.done = r->sum.done;
    r->state.diverged = r->sum.diverged;
    r->state.failed = r->sum.failed;
    fill_rows(r);
    progress_show(r->progress, &r->state, false);
    return r->failed != OK ? STOP_ASK : r->want;
}

/* --- the whole ------------------------------------------------------------------------- */

static int choose_slots(const struct runner *r)
{
    const int threads = (int)config_int(r->g->base, "run.threads");
    const int wanted = r->o.slots > 0
                           ? r->o.slots
                           : (int)config_int(r->g->base, "run.slots");
    const int fit = env_cores() / threads;
    const int slots = wanted > 0 ? wanted : fit > 0 ? fit : 1;

    return slots < r->n_open ? slots : r->n_open > 0 ? r->n_open : 1;
}

static char *command_line(const struct cli *cli)
{
    struct str s = { 0 };

    for (int i = 0; i < cli->argc; i++)
        str_addf(&s, "%s%s", i ? " " : "", cli->argv[i]);
    return str_steal(&s);
}

/* Register the grid and take over what an earlier scheduler left. */
static enum status prepare(struct runner *r, struct err *err)
{
    char *argv = command_line(r->cli);
    int64_t grid_id, env_id = 0;
    int reclaimed = 0;
    struct env env;
    enum status st = db_begin(r->db, err);

    env_read(&env);
    if (st == OK)
        st = store_reclaim(&reclaimed, r->db, err);
    if (st == OK)
        st = store_grid(&grid_id, r->g, argv, r->db, err);
    if (st == OK)
        st = env_store(&env_id, &env, r->db, err);
    if (st == OK)
        st = store_runs(&r->runs, &r->n, r->g, r->db, err);
    if (st == OK)
        st = db_commit(r->db, err);
    if (st != OK)
        db_rollback(r->db);
    if (st == OK && reclaimed > 0)
        cli_note(r->cli, "%d run%s left behind by a scheduler that ended go%s "
                         "on",
                 reclaimed, reclaimed == 1 ? "" : "s",
                 reclaimed == 1 ? "es" : "");
    r->journal = journal_open(r->db, env_id);
    env_release(&env);
    free(argv);
    return st;
}

/* Finished runs need their checkpoints no more. */
static void drop_checkpoints(struct runner *r)
{
    for (int i = 0; i < r->n_open && !r->o.keep_checkpoints; i++)
        if (!r->order[i]->open)
            checkpoint_remove(r->order[i]->folder);
}

static enum status work(struct runner *r, struct err *err)
{
    static const struct sched_ops ops = {
        .next = next_job, .started = job_started, .line = job_line,
        .done = job_done, .tick = tick,
    };
    enum sched_stop stopped = STOP_NONE;
    const int slots = choose_slots(r);
    enum status st;

    r->progress = progress_open(r->cli);
    r->rows = mem_array((size_t)slots, sizeof *r->rows);
    r->state.grid = r->g->name;
    r->state.total = r->n;
    r->state.runs = r->rows;
    r->state.n_runs = slots;
    r->state.started_s = clock_monotonic();
    st = sched_run(&stopped, slots, &ops, r, err);
    flush(r, 120); /* a finished run must not be lost to an open shell */
    progress_close(r->progress);
    r->sum.wall_s = clock_monotonic() - r->state.started_s;
    for (int i = 0; i < r->n_open; i++)
        r->sum.waiting += r->order[i]->open;
    r->sum.stopped = r->sum.waiting > 0;
    if (st == OK && r->failed != OK)
        return r->failed; /* the sentence is in err already */
    if (st == OK && journal_waiting(r->journal) > 0)
        return err_set(err, ERR_DB,
                       "%s stayed locked: %d records are only in runs/*/"
                       "metrics.jsonl; run the same command again",
                       r->cli->db_path, journal_waiting(r->journal));
    drop_checkpoints(r);
    return st;
}

static void release(struct runner *r)
{
    for (int i = 0; i < r->n && r->tasks; i++) {
        free(r->tasks[i].folder);
        free(r->tasks[i].config_path);
        free(r->tasks[i].log_path);
        free(r->tasks[i].label);
    }
    free(r->tasks);
    free(r->order);
    free(r->runs);
    free(r->rows);
    free(r->self);
    journal_close(r->journal);
    db_close(r->db);
}

enum status runner_run(struct runner_summary *out, const struct cli *cli,
                       const struct grid *g, const struct runner_options *o,
                       struct err *err)
{
    struct runner r = { .cli = cli, .g = g, .o = *o, .err = err };
    int lock = -1;
    enum status st;

    r.self = mem_printf("/proc/%ld/exe", (long)getpid());
    st = lock_take(&lock, cli->db_path, err);
    if (st == OK)
        st = db_open(&r.db, cli->db_path, DB_WRITE, err);
    if (st == OK)
        st = prepare(&r, err);
    if (st == OK) {
        list_tasks(&r);
        if (r.n_open > 0)
            st = work(&r, err);
    }
    *out = r.sum;
    release(&r);
    if (lock >= 0)
        close(lock);
    return st;
}
