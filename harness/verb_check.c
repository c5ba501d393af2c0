#include <stdio.h>

#include "harness/grid_cli.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "canonical", 0, NULL, "print the merged grid file" },
    { NULL, 0, NULL, NULL },
};

static void print_ok(const struct grid *g)
{
    printf("%s: ok (%d point%s, %d run%s", g->path, g->n_points,
           g->n_points == 1 ? "" : "s", g->n_runs, g->n_runs == 1 ? "" : "s");
    if (g->choice)
        printf(", %d of them chosen", g->n_chosen);
    printf(")\n");
}

static enum status run(struct cli *cli, struct err *err)
{
    struct grid *g;
    const enum status st = grid_from_cli(&g, cli, err);

    if (st != OK)
        return st;
    if (cli_flag(cli, "canonical"))
        fputs(g->text, stdout);
    else
        print_ok(g);
    grid_free(g);
    return OK;
}

const struct verb verb_check = {
    .name = "check",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "read a grid file and report errors",
    .example = "qlaw check experiments/quickstart.ini",
    .options = options,
    .detail = "Reads the file as run would, finds and hashes its data, and "
              "makes every\npoint, but starts nothing.  Exit 3 with "
              "file:line when something is wrong.",
    .run = run,
};
