/* show.c - what a person, or a program that reads events, sees. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/grid/arm.h"
#include "harness/run/state.h"

void runner_say(struct runner *r, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    progress_clear(r->progress);
    session_note(r->session, "%s", text);
}

/* "a41f09c2-1  N=24.6k D=393k int4 W+A g8" */
char *task_label(const struct runner *r, const struct task *t)
{
    const struct grid_point *p = task_point(r, t);
    struct config *made =
        p->config ? NULL : grid_config(r->g, task_run(r, t)->point);
    char *arm = arm_text(made ? made : p->config, true), n[32], d[32];
    char *label = mem_printf("%.8s-%llu  N=%s D=%s %s", p->id,
                             (unsigned long long)task_run(r, t)->seed,
                             text_si(n, (double)p->size.body, 3),
                             text_si(d, (double)p->size.tokens, 3), arm);

    free(arm);
    config_free(made);
    return label;
}

/* One JSON object a line; who reads them may go away at any time. */
void runner_event(struct runner *r, const struct task *t, const char *event,
                  const char *state, const char *message)
{
    struct str s = { 0 };
    char at[32];

    if (!r->o.json)
        return;
    str_add(&s, "{");
    json_add_text(&s, "event", event);
    json_add_text(&s, "at", clock_iso(at));
    json_add_number(&s, "run_id", (double)task_run(r, t)->run_id);
    json_add_text(&s, "point_id", task_point(r, t)->id);
    json_add_number(&s, "seed", (double)task_run(r, t)->seed);
    json_add_number(&s, "attempt", task_run(r, t)->attempts);
    json_add_text(&s, "state", state);
    if (t->attempt && t->attempt->final.final)
        json_add_number(&s, "loss", t->attempt->final.loss);
    if (message && *message)
        json_add_text(&s, "message", message);
    str_add(&s, "}");
    puts(str_text(&s));
    fflush(stdout);
    str_release(&s);
}

/* The share of a running task that is done. */
static double share_of(const struct attempt *a)
{
    return a->steps > 0 ? fmin(1, a->step / a->steps) : 0;
}

static void fill_rows(struct runner *r)
{
    for (int i = 0; i < r->state.n_runs; i++) {
        const struct task *t = i < r->n_running ? r->running[i] : NULL;
        const struct attempt *a = t ? t->attempt : NULL;

        r->rows[i] = (struct progress_run){ .busy = a != NULL };
        if (a)
            r->rows[i] = (struct progress_run){
                .busy = true,
                .label = t->label,
                .step = a->step,
                .steps = a->steps,
                .loss = a->loss,
            };
    }
}

/* Seconds of all slots together that the open runs still take. */
static double slot_seconds_left(const struct runner *r)
{
    double sum =
        eta_seconds(&r->eta, r->flops_left, r->steps_left, r->starts_left);

    for (int i = 0; i < r->n_running; i++) {
        const struct task *t = r->running[i];

        sum += (1 - share_of(t->attempt)) *
               eta_seconds(&r->eta, task_flops(r, t),
                           (double)task_point(r, t)->size.steps, 0);
    }
    return sum;
}

void runner_show(struct runner *r, bool force)
{
    double running = 0;

    r->state.done = r->sum.done;
    r->state.diverged = r->sum.diverged;
    r->state.failed = r->sum.failed;
    r->state.left_s = slot_seconds_left(r) / r->slots;
    for (int i = 0; i < r->n_running; i++)
        running +=
            task_flops(r, r->running[i]) * share_of(r->running[i]->attempt);
    r->state.flops_running = running;
    fill_rows(r);
    progress_show(r->progress, &r->state, force);
}
