/* check.c - is a grid right?
 *
 * With --json one object, also of a grid that is wrong (and exit 3):
 *
 *   {"schema":"qlaw/check/1","file":"...","ok":true,"grid":"NAME","points":N,
 *    "runs":N,"chosen":N}
 *   {"schema":"qlaw/check/1","file":"...","ok":false,"errors":["...",...]}
 *
 * chosen: the runs that --only and --skip leave. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/proto/exec_trainer.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "canonical", 0, NULL, "print the merged grid file" },
    { "json", 0, NULL, "report as JSON, errors too" },
    { NULL, 0, NULL, NULL },
};

static void print_ok(const struct grid *g)
{
    say("%s: ok (%d point%s, %d run%s", g->path, g->n_points,
        g->n_points == 1 ? "" : "s", g->n_runs, g->n_runs == 1 ? "" : "s");
    if (g->choice)
        say(", %d of them chosen", g->n_chosen);
    say(")\n");
}

static void begin_json(struct str *s, const struct cli *cli, bool ok)
{
    str_add(s, "{");
    json_add_text(s, "schema", "qlaw/check/1");
    json_add_text(s, "file", cli->args[0]);
    str_addf(s, ",\"ok\":%s", ok ? "true" : "false");
}

static void print_ok_json(const struct cli *cli, const struct grid *g)
{
    struct str s = { 0 };

    begin_json(&s, cli, true);
    json_add_text(&s, "grid", g->name);
    json_add_number(&s, "points", g->n_points);
    json_add_number(&s, "runs", g->n_runs);
    json_add_number(&s, "chosen", g->choice ? g->n_chosen : g->n_runs);
    printf("%s}\n", str_text(&s));
    str_release(&s);
}

/* Each line of the sentence is an error (wrong.h). */
static void print_errors_json(const struct cli *cli, const char *text)
{
    struct str s = { 0 };

    begin_json(&s, cli, false);
    str_add(&s, ",\"errors\":[");
    for (const char *p = text; *p; p += *p == '\n') {
        char *line = mem_strndup(p, strcspn(p, "\n"));

        str_add(&s, p > text ? "," : "");
        json_quote(&s, line);
        p += strlen(line);
        free(line);
    }
    printf("%s]}\n", str_text(&s));
    str_release(&s);
}

static enum status run(struct cli *cli, struct err *err)
{
    struct grid *g;
    const bool json = cli_flag(cli, "json");
    enum status st = grid_from_cli(&g, cli, err);

    if (st == OK)
        st = exec_trainer_check(g->base, err);
    if (st != OK && json)
        print_errors_json(cli, err->text);
    if (st != OK) {
        grid_free(g);
        return st;
    }
    if (json)
        print_ok_json(cli, g);
    else if (cli_flag(cli, "canonical"))
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
