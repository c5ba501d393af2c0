#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "harness/proto/exec_trainer.h"
#include "harness/slurm/submit.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "on", 0, "WHERE", "slurm, the only place so far (the default)" },
    { "dry-run", 0, NULL, "print the scripts and submit nothing" },
    { "limit", 0, "N", "submit at most N runs" },
    { "retry-failed", 0, NULL, "also what failed or timed out before" },
    { "speed", 0, "FLOPS", "FLOP/s of a run, in place of measuring it here" },
    { "slurm-args", 0, "ARGS", "more words for sbatch, as --exclude=gpu07" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void print_json(const struct grid *g, const struct submitted *s)
{
    struct str out = { 0 };

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/submit/1");
    json_add_text(&out, "grid", g->name);
    json_add_number(&out, "runs", s->runs);
    json_add_number(&out, "tasks", s->tasks);
    json_add_number(&out, "arrays", s->arrays);
    json_add_number(&out, "already", s->there);
    json_add_number(&out, "in_slurm", s->held);
    json_add_number(&out, "left", s->left);
    json_add_number(&out, "waits", s->waits);
    json_add_text(&out, "jobs", str_text(&s->jobs));
    str_add(&out, "}");
    puts(str_text(&out));
    str_release(&out);
}

static void report(const struct cli *cli, const struct grid *g,
                   const struct submitted *s)
{
    struct str before = { 0 };

    collected_text(&before, &s->before);
    if (before.len > 0)
        cli_note(cli, "%s", str_text(&before));
    str_release(&before);
    if (s->waits > 0)
        cli_note(cli,
                 "%d runs wait for the runs they begin with: submit again when "
                 "those are collected",
                 s->waits);
    if (s->runs == 0 && s->left == 0) {
        cli_note(cli,
                 "%s: nothing to submit (%d of %d runs finished, %d in "
                 "Slurm's hands)",
                 g->name, s->there, g->n_chosen, s->held);
        return;
    }
    if (s->runs > 0)
        cli_note(cli, "%s", str_text(&s->text));
    cli_note(cli, "submitted %d array%s, %d task%s, %d run%s: %s", s->arrays,
             s->arrays == 1 ? "" : "s", s->tasks, s->tasks == 1 ? "" : "s",
             s->runs, s->runs == 1 ? "" : "s", str_text(&s->jobs));
    if (s->left > 0)
        cli_note(cli, "%d runs are left; the same command submits them",
                 s->left);
    cli_note(cli,
             "this shell may be closed; 'qlaw status %s' works from any "
             "other",
             g->name);
}

enum status submit_from_cli(struct cli *cli, int calibrate, struct err *err)
{
    struct submit_options o = { .calibrate = calibrate,
                                .dry_run = cli_flag(cli, "dry-run"),
                                .retry_failed = cli_flag(cli, "retry-failed"),
                                .args = cli_value(cli, "slurm-args", NULL) };
    const char *where = cli_value(cli, "on", "slurm");
    struct submitted s = { .runs = 0 };
    struct grid *g = NULL;
    double limit = 0;
    enum status st = OK;

    if (strcmp(where, "slurm") != 0)
        return err_set(err, ERR_USAGE,
                       "--on %.40s: the only place so far is slurm; 'qlaw "
                       "run' is for this machine",
                       where);
    st = cli_number(&limit, cli, "limit", 0, 1, 1e9, err);
    o.limit = (int)limit;
    if (st == OK)
        st = cli_number(&o.flops_s, cli, "speed", 0, 1, 1e20, err);
    if (st == OK)
        st = grid_from_cli(&g, cli, err);
    if (st == OK)
        st = slurm_submit_grid(&s, &cli->session, g, &o, err);
    if (o.dry_run && st == OK)
        printf("%s", str_text(&s.text));
    else if (g && (st == OK || s.arrays > 0))
        report(cli, g, &s);
    if (st == OK && cli_flag(cli, "json"))
        print_json(g, &s);
    submitted_release(&s);
    grid_free(g);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    return submit_from_cli(cli, 0, err);
}

const struct verb verb_submit = {
    .name = "submit",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "give what is missing of a grid to Slurm, and return",
    .example = "qlaw submit grid.ini --on slurm",
    .options = options,
    .detail = "Short runs are packed into tasks of [slurm] target, tasks into "
              "arrays that Slurm\naccepts.  Nothing has to stay alive: 'qlaw "
              "status' and 'qlaw collect' take over\nwhat the nodes have "
              "recorded, the same command submits what is left then.",
    .run = run,
};
