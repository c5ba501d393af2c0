#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "on", 0, "WHERE", "slurm, the only place so far (the default)" },
    { "runs", 0, "N", "how many (default 3)" },
    { "dry-run", 0, NULL, "print the scripts and submit nothing" },
    { "speed", 0, "FLOPS", "FLOP/s of a run, in place of measuring it here" },
    { "slurm-args", 0, "ARGS", "more words for sbatch" },
    { "json", 0, NULL, "report as JSON" },
    { "set", 's', "KEY=VALUE", "as in submit; repeatable" },
    { "overlay", 'i', "FILE", "as in submit; repeatable" },
    { "profile", 0, "LABEL", "as in submit; repeatable" },
    { NULL, 0, NULL, NULL },
};

static enum status run(struct cli *cli, struct err *err)
{
    double runs;
    const enum status st = cli_number(&runs, cli, "runs", 3, 1, 1000, err);

    return st == OK ? submit_from_cli(cli, (int)runs, err) : st;
}

const struct verb verb_calibrate = {
    .name = "calibrate",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "a few short runs of a grid on Slurm, to learn its speed",
    .example = "qlaw calibrate grid.ini --on slurm --runs 3",
    .options = options,
    .detail = "They are runs of the grid like any other, a task each, from "
              "the shortest to a\nmiddling one.  Once 'qlaw collect' has their "
              "results, plan and submit reckon with\nthe times they took.",
    .run = run,
};
