#include <stdio.h>

#include "harness/slurm/worker.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "bundle", 0, "FILE", "what to run (runs/bundles/ID.jsonl)" },
    { "task", 0, "N", "which of its tasks, from 0" },
    { "slots", 0, "N", "runs at once, in place of the bundle's" },
    { NULL, 0, NULL, NULL },
};

static enum status run(struct cli *cli, struct err *err)
{
    struct worker_options o = { .bundle = cli_value(cli, "bundle", NULL) };
    struct worker_summary s = { .runs = 0 };
    double task, slots;
    enum status st;

    if (!o.bundle)
        return err_set(err, ERR_USAGE, "give --bundle FILE");
    st = cli_number(&task, cli, "task", 0, 0, 1e8, err);
    if (st == OK)
        st = cli_number(&slots, cli, "slots", 0, 1, 4096, err);
    if (st != OK)
        return st;
    o.task = (int)task;
    o.slots = (int)slots;
    st = worker_run(&s, &o, err);
    if (s.runs > 0)
        cli_note(cli,
                 "%d runs: %d done, %d diverged, %d failed, %d skipped, "
                 "%d left",
                 s.runs, s.done, s.diverged, s.failed, s.skipped, s.left);
    return st;
}

const struct verb verb_worker = {
    .name = "worker",
    .args = "",
    .summary = "the runs of one task, on a node; what submitted scripts start",
    .example = "qlaw worker --bundle runs/bundles/1a2b3c4d.jsonl --task 7",
    .options = options,
    .detail = "Opens no database: it appends to files in the folders of its "
              "runs, which 'qlaw\ncollect' takes over.  It can be started "
              "again at any time.  For schedulers other\nthan Slurm: call it "
              "for every task of a bundle.  Ends with 75 when runs are left.",
    .run = run,
};
