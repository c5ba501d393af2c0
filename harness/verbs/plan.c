#include <stdlib.h>

#include "base/str.h"
#include "harness/plan/print.h"
#include "harness/plan/why.h"
#include "harness/proto/exec_trainer.h"
#include "harness/study/request.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "slots", 0, "N", "runs at once; default [run] slots, else the cores" },
    { "speed", 0, "FLOPS", "FLOP/s of a slot, in place of measuring it" },
    { "list", 0, NULL, "print every run in order" },
    { "why", 0, "ID", "explain one point: its state, or what differs" },
    { "law", 0, "NAME", "the law to judge the grid by; default [grid] law" },
    { "noise", 0, "X", "assumed relative noise of a loss; default 0.003" },
    { "json", 0, NULL, "report as JSON, runs included" },
    { NULL, 0, NULL, NULL },
};

#define MAX_JUDGED 20000 /* points; the judgement holds a table of them */

/* Can the law be told from these runs?  A grid that names no law is only
 * judged when asked. */
static enum status judge(struct plan_law *out, const struct cli *cli,
                         const struct grid *g, struct err *err)
{
    const char *name = cli_value(cli, "law", g->law);
    double noise;
    enum status st = cli_number(&noise, cli, "noise", 0.003, 1e-12, 1e3, err);

    if (st != OK || !name)
        return st;
    if (g->n_points > MAX_JUDGED) {
        str_addf(&out->verdict, "law %s: not judged, more than %d points\n",
                 name, MAX_JUDGED);
        return OK;
    }
    out->judged = true;
    return fit_plan_verdict(&out->verdict, &out->identifiable, g, name, noise,
                            err);
}

static enum status print(const struct cli *cli, const struct plan *p,
                         struct err *err)
{
    struct plan_law law = { .judged = false };
    enum status st = OK;

    if (cli_flag(cli, "why"))
        return plan_why(p, cli->session.db_path, cli_value(cli, "why", ""),
                        err);
    if (!cli_flag(cli, "list"))
        st = judge(&law, cli, p->grid, err);
    if (st == OK && cli_flag(cli, "json"))
        plan_print_json(p, &law);
    else if (st == OK && cli_flag(cli, "list"))
        plan_print_list(p);
    else if (st == OK)
        plan_print(p, &law, cli->session.db_path);
    str_release(&law.verdict);
    if (st == OK && p->over)
        st = err_set(err, ERR_REFUSED, "over budget: %s", p->over);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct plan_options o = { .db_path = cli->session.db_path,
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
        st = exec_trainer_check(g->base, err);
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
    .detail = "Counts points and runs, new and already there, estimates time, "
              "memory and disk,\nand says whether the grid can tell its law.  "
              "Exit 6 when a [budget] is exceeded.",
    .run = run,
};
