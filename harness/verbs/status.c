#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "db/need_grid.h"
#include "harness/slurm/collect.h"
#include "harness/store/status_json.h"
#include "harness/store/status_text.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "no-collect", 0, NULL, "do not look first what Slurm's nodes recorded" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static enum status text_of(struct str *s, int *found, struct db *db,
                           const char *grid, struct err *err)
{
    enum status st = status_grids(s, found, db, grid, err);

    if (st == OK)
        st = status_scheduler(s, db, grid, err);
    if (st == OK)
        st = status_running(s, db, err);
    if (st == OK)
        st = status_unseen(s, db, err);
    return st == OK ? status_causes(s, db, grid, err) : st;
}

/* All of it is of one moment, and nothing is printed in it. */
static enum status print(struct db *db, const char *grid, bool json, int *found,
                         struct err *err)
{
    struct str s = { 0 };
    enum status st = db_read_begin(db, err);

    if (st == OK)
        st = json ? status_json(&s, found, db, grid, err)
                  : text_of(&s, found, db, grid, err);
    db_read_end(db);
    if (st == OK)
        printf("%s%s", str_text(&s), json ? "\n" : "");
    str_release(&s);
    return st;
}

/* What the nodes of a cluster have recorded meanwhile is taken over first,
 * unless a scheduler holds the database or it is not ours to write. */
static enum status collect(const struct cli *cli, struct err *err)
{
    struct collected c;
    struct str text = { 0 };
    struct db *db = NULL;
    int claims = 0;
    bool held;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = slurm_claims_open(&claims, db, err);
    db_close(db);
    if (st != OK || claims == 0)
        return st;
    if (slurm_collect_path(&c, &held, cli->session.db_path, err) != OK)
        cli_note(cli, "not collected: %s", err->text);
    else if (held)
        cli_note(cli, "not collected: another qlaw uses the database");
    else
        collected_text(&text, &c);
    if (text.len > 0)
        cli_note(cli, "%s", str_text(&text));
    str_release(&text);
    return OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *grid = cli->n_args > 0 ? cli->args[0] : NULL;
    struct db *db = NULL;
    int found = 0;
    enum status st = cli_flag(cli, "no-collect") ? OK : collect(cli, err);

    if (st == OK)
        st = db_open(&db, cli->session.db_path, DB_READ, err);
    if (st == OK)
        st = print(db, grid, cli_flag(cli, "json"), &found, err);
    if (st == OK && grid && !found)
        st = db_no_grid(db, grid, err);
    db_close(db);
    return st;
}

const struct verb verb_status = {
    .name = "status",
    .args = "[GRID]",
    .max_args = 1,
    .summary = "counts, failures and what is left",
    .example = "qlaw status quickstart",
    .options = options,
    .run = run,
};
