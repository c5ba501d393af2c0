#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/slurm/collect.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void print_json(const struct collected *c)
{
    struct str s = { 0 };

    str_add(&s, "{");
    json_add_text(&s, "schema", "qlaw/collect/1");
    json_add_number(&s, "claims", c->claims);
    json_add_number(&s, "done", c->done);
    json_add_number(&s, "diverged", c->diverged);
    json_add_number(&s, "failed", c->failed);
    json_add_number(&s, "again", c->again);
    json_add_number(&s, "released", c->released);
    json_add_number(&s, "running", c->running);
    json_add_number(&s, "queued", c->queued);
    json_add_number(&s, "unseen", c->unseen);
    json_add_number(&s, "damaged", c->damaged);
    json_add_number(&s, "points", (double)c->points);
    str_addf(&s, ",\"known\":%s", c->known ? "true" : "false");
    json_add_text(&s, "why", c->why);
    str_add(&s, "}");
    puts(str_text(&s));
    str_release(&s);
}

static enum status run(struct cli *cli, struct err *err)
{
    struct collected c;
    struct str text = { 0 };
    bool held;
    enum status st = OK;

    if (access(cli->session.db_path, F_OK) != 0)
        return err_set(err, ERR_DB, "%s: there is no such database",
                       cli->session.db_path);
    st = slurm_collect_path(&c, &held, cli->session.db_path, err);
    if (st == OK && held)
        return err_set(err, ERR_DB,
                       "%s is in use by another qlaw; try again when it has "
                       "ended",
                       cli->session.db_path);
    if (st == OK && cli_flag(cli, "json"))
        print_json(&c);
    if (st == OK && c.claims == 0)
        cli_note(cli, "Slurm holds nothing of %s", cli->session.db_path);
    collected_text(&text, &c);
    if (st == OK && text.len > 0)
        cli_note(cli, "%s", str_text(&text));
    str_release(&text);
    if (st == OK && c.damaged > 0)
        st = err_set(err, ERR_RUNS,
                     "%d file%s of records could not be taken over", c.damaged,
                     c.damaged == 1 ? "" : "s");
    return st;
}

const struct verb verb_collect = {
    .name = "collect",
    .args = "",
    .summary = "take over what nodes have recorded, and ask Slurm about the "
               "rest",
    .example = "qlaw collect",
    .options = options,
    .detail = "'qlaw status' does the same first.  It may be done at any time "
              "and any number of\ntimes: a result is taken over once, under "
              "the token its run was given out with.",
    .run = run,
};
