#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/plan/plan.h"
#include "harness/proto/exec_trainer.h"
#include "harness/run/notify.h"
#include "harness/run/runner.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "slots", 0, "N", "runs at once (default [run] slots, else the cores)" },
    { "limit", 0, "N", "start at most N runs, then stop" },
    { "dry-run", 0, NULL, "say what would be run and end" },
    { "fail-fast", 0, NULL, "stop everything at the first failure" },
    { "retry-failed", 0, NULL, "also run what failed or timed out before" },
    { "keep-checkpoints", 0, NULL, "of finished runs too" },
    { "nice", 0, "N",
      "added to the niceness of the runs, 0 to 19 (default 0)" },
    { "pin", 0, NULL, "each slot keeps to cores of its own" },
    { "json", 0, NULL, "events and the outcome as JSON lines" },
    { NULL, 0, NULL, NULL },
};

/* The caller frees it. */
static char *summary_json(const struct grid *g, const struct runner_summary *s)
{
    struct str out = { 0 };

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/run/1");
    json_add_text(&out, "grid", g->name);
    json_add_number(&out, "runs", s->total);
    json_add_number(&out, "not_chosen", s->not_chosen);
    json_add_number(&out, "already", s->already);
    json_add_number(&out, "done", s->done);
    json_add_number(&out, "diverged", s->diverged);
    json_add_number(&out, "failed", s->failed);
    json_add_number(&out, "left_out", s->left_out);
    json_add_number(&out, "waiting", s->waiting);
    json_add_number(&out, "wall_s", s->wall_s);
    json_add_number(&out, "flops", s->flops);
    str_add(&out, "}");
    return str_steal(&out);
}

/* A grid that had nothing to do is no news. */
static void notify(const struct cli *cli, const struct runner_summary *s,
                   const char *json)
{
    const char *url = notify_address();
    struct err err;

    if (url && *url && s->already < s->total &&
        notify_post(url, json, &err) != OK)
        cli_note(cli, "%s", err.text);
}

static void print_summary(const struct cli *cli, const struct grid *g,
                          const struct runner_summary *s)
{
    char wall[32], flops[32], left_out[48] = "";

    if (s->not_chosen > 0)
        cli_note(cli, "%s: %d of its %d runs are chosen by %s", g->name,
                 s->total, g->n_runs, g->choice);
    if (s->left_out > 0)
        snprintf(left_out, sizeof left_out, ", %d cancelled or skipped",
                 s->left_out);
    if (s->already == s->total) {
        cli_note(cli,
                 "%s: all %d runs are there (%d done, %d diverged, %d "
                 "failed%s); nothing to do",
                 g->name, s->total, s->done, s->diverged, s->failed, left_out);
        return;
    }
    cli_note(cli,
             "%s: %d done, %d diverged, %d failed%s of %d runs in %s, %s "
             "FLOPs",
             g->name, s->done, s->diverged, s->failed, left_out, s->total,
             text_duration(wall, s->wall_s), text_si(flops, s->flops, 3));
    if (s->diverged + s->failed > 0)
        cli_note(cli, "  qlaw query failures   lists their causes");
    if (s->elsewhere > 0)
        cli_note(cli,
                 "%d of the waiting runs are in Slurm's hands ('qlaw "
                 "collect')",
                 s->elsewhere);
    if (s->waiting > 0)
        cli_note(cli, "%s: %d waiting; the same command goes on", g->name,
                 s->waiting);
}

/* To whoever listens: the terminal, a program, somebody far away. */
static void tell(const struct cli *cli, const struct grid *g,
                 const struct runner_summary *s)
{
    char *json = summary_json(g, s);

    print_summary(cli, g, s);
    if (cli_flag(cli, "json"))
        puts(json);
    notify(cli, s, json);
    free(json);
}

/* A signal that came before anything was started ends us as it would have. */
static enum status outcome(const struct grid *g, const struct runner_summary *s,
                           struct err *err)
{
    if (s->breaker)
        return err_set(err, ERR_REFUSED,
                       "the first runs all failed in the same way (%s); "
                       "nothing more is started until that is mended",
                       s->first_failure);
    if (s->signal) {
        signal(s->signal, SIG_DFL);
        raise(s->signal);
    }
    if (s->elsewhere > 0 && s->already + s->elsewhere == s->total)
        return err_set(err, ERR_STOPPED, "%s: %d runs are in Slurm's hands",
                       g->name, s->elsewhere);
    if (s->stopped)
        return err_set(err, ERR_STOPPED, "%s: stopped with %d runs waiting",
                       g->name, s->waiting);
    return s->failed + s->diverged > 0
               ? err_set(err, ERR_RUNS, "%s: %d diverged, %d failed", g->name,
                         s->diverged, s->failed)
               : OK;
}

static enum status read_options(struct runner_options *o, const struct cli *cli,
                                struct err *err)
{
    double slots, limit = 0, nice = 0;
    enum status st = cli_number(&slots, cli, "slots", 0, 1, 4096, err);

    if (st == OK)
        st = cli_number(&limit, cli, "limit", 0, 1, 1e9, err);
    if (st == OK)
        st = cli_number(&nice, cli, "nice", 0, 0, 19, err);
    *o = (struct runner_options){
        .slots = (int)slots,
        .limit = (int)limit,
        .nice = (int)nice,
        .pin = cli_flag(cli, "pin"),
        .json = cli_flag(cli, "json"),
        .fail_fast = cli_flag(cli, "fail-fast"),
        .retry_failed = cli_flag(cli, "retry-failed"),
        .keep_checkpoints = cli_flag(cli, "keep-checkpoints"),
    };
    return st;
}

/* What [budget] does not allow is not started. */
static enum status apply_budget(struct runner_options *o, const struct cli *cli,
                                const struct grid *g, struct err *err)
{
    const struct plan_options plan = { .db_path = cli->session.db_path,
                                       .slots = o->slots,
                                       .isa_cap = getenv("QLAW_ISA") };
    int allowed;
    const enum status st = plan_budget(&allowed, g, &plan, err);

    if (st == OK && allowed == 0)
        return err_set(err, ERR_REFUSED,
                       "over budget: [budget] does not allow even the first "
                       "run");
    if (st == OK && (o->limit == 0 || allowed < o->limit))
        o->limit = allowed;
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct runner_options o;
    struct runner_summary s = { 0 };
    struct grid *g = NULL;
    enum status st = read_options(&o, cli, err);

    if (st == OK)
        st = grid_from_cli(&g, cli, err);
    if (st == OK && cli_flag(cli, "dry-run")) {
        say("%s: %d points, %d runs", g->name, g->n_points, g->n_runs);
        if (g->choice)
            say(", %d of them chosen", g->n_chosen);
        say("\n");
        grid_free(g);
        return OK;
    }
    if (st == OK)
        st = exec_trainer_check(g->base, err);
    if (st == OK)
        st = apply_budget(&o, cli, g, err);
    if (st == OK)
        st = runner_run(&s, &cli->session, g, &o, err);
    if (st == OK) {
        tell(cli, g, &s);
        st = outcome(g, &s, err);
    }
    grid_free(g);
    return st;
}

const struct verb verb_run = {
    .name = "run",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "do what is missing of a grid, on this machine",
    .example = "qlaw run experiments/quickstart.ini",
    .options = options,
    .detail = "The same command again goes on where it stopped.  ^C once "
              "finishes the running\njobs, twice checkpoints and stops, three "
              "times kills.  Exit 0: all done; 1: some\nfailed or diverged; "
              "75: stopped with runs left.  $QLAW_WEBHOOK: an address that\n"
              "gets the outcome as JSON.",
    .run = run,
};
