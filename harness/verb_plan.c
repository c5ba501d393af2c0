#include <stdlib.h>

#include "base/str.h"
#include "harness/grid_cli.h"
#include "harness/plan_print.h"
#include "harness/plan_why.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "slots", 0, "N", "runs at once; default [run] slots, else the cores" },
    { "speed", 0, "FLOPS", "FLOP/s of a slot, in place of measuring it" },
    { "list", 0, NULL, "print every run in order" },
    { "why", 0, "ID", "explain one point: its state, or what differs" },
    { "json", 0, NULL, "report as JSON, runs included" },
    { NULL, 0, NULL, NULL },
};

static enum status print(const struct cli *cli, const struct plan *p,
                         struct err *err)
{
    if (cli_flag(cli, "why"))
        return plan_why(p, cli->db_path, cli_value(cli, "why", ""), err);
    if (cli_flag(cli, "json"))
        plan_print_json(p);
    else if (cli_flag(cli, "list"))
        plan_print_list(p);
    else
        plan_print(p, cli->db_path);
    return p->over ? err_set(err, ERR_REFUSED, "over budget: %s", p->over)
                   : OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct plan_options o = { .db_path = cli->db_path,
                              .isa_cap = getenv("QLAW_ISA") };
    struct grid *g = NULL;
    struct plan *p = NULL;
    double slots;
    enum status st = cli_number(&slots, cli, "slots", 0, 1, 4096, err);

    if (st == OK)
        st = cli_number(&o.flops_s, cli, "speed", 0, 1, 1e18, err);
    o.slots = (int)slots;
    if (cli_flag(cli, "why") && o.flops_s == 0)
        o.flops_s = 1e9; /* no time is asked for */
    if (st == OK)
        st = grid_from_cli(&g, cli, err);
    if (st == OK)
        st = plan_make(&p, g, &o, err);
    if (st == OK)
        st = print(cli, p, err);
    plan_free(p);
    grid_free(g);
    return st;
}

const struct verb verb_plan = {
    .name = "plan",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "count and price a grid before running it",
    .example = "qlaw plan experiments/quickstart.ini",
    .options = options,
    .detail = "Counts points and runs, new and already there, and estimates "
              "time, memory and\ndisk.  Exit 6 when a [budget] is exceeded.",
    .run = run,
};
