/* export.c - finished runs as a folder that can be published, committed
 * and imported. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "db/export.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "out", 'o', "FOLDER", "where to write (default: the grid's name)" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void report(const struct db_export *n, const char *grid,
                   const char *folder, bool as_json)
{
    struct str out = { 0 };

    if (as_json) {
        str_add(&out, "{");
        json_add_text(&out, "schema", "qlaw/export/1");
        json_add_text(&out, "grid", grid);
        json_add_text(&out, "folder", folder);
        json_add_number(&out, "points", (double)n->points);
        json_add_number(&out, "runs", (double)n->runs);
        json_add_number(&out, "results", (double)n->results);
        json_add_number(&out, "curve_rows", (double)n->curve_rows);
        str_add(&out, "}\n");
    } else {
        say("%s: grid '%s', %lld runs of %lld points, %lld of them "
            "finished\n",
            folder, grid, (long long)n->runs, (long long)n->points,
            (long long)n->results);
    }
    fputs(str_text(&out), stdout);
    str_release(&out);
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *grid = cli->args[0];
    const char *folder = cli_value(cli, "out", grid);
    struct db_export n;
    struct db *db = NULL;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = db_export(&n, db, grid, folder, err);
    if (st == OK)
        report(&n, grid, folder, cli_flag(cli, "json"));
    db_close(db);
    return st;
}

const struct verb verb_export = {
    .name = "export",
    .args = "GRID",
    .min_args = 1,
    .max_args = 1,
    .summary = "runs, curves and losses of a grid as a folder of CSV files",
    .example = "qlaw export quickstart --out results/quickstart",
    .options = options,
    .detail = "The folder can be published and committed; 'qlaw import FOLDER' "
              "brings it into\nanother database, where the same grid goes on "
              "with what is missing.",
    .run = run,
};
