/* verb_compare.c - two runs, points or grids side by side. */
#include <stdio.h>

#include "harness/contrast.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static enum status run(struct cli *cli, struct err *err)
{
    struct contrast c;
    struct str out = { 0 };
    struct db *db = NULL;
    enum status st = db_open(&db, cli->db_path, DB_READ, err);

    if (st == OK)
        st = contrast_make(&c, db, cli->args[0], cli->args[1], err);
    db_close(db);
    if (st != OK)
        return st;
    if (cli_flag(cli, "json"))
        contrast_json(&out, &c);
    else
        contrast_text(&out, &c);
    fputs(str_text(&out), stdout);
    str_release(&out);
    contrast_release(&c);
    return OK;
}

const struct verb verb_compare = {
    .name = "compare",
    .args = "A B",
    .min_args = 2,
    .max_args = 2,
    .summary = "two runs, points or grids: keys that differ, losses, chance",
    .example = "qlaw compare 0c5e77a1 77be0d13",
    .options = options,
    .detail = "A and B are grids, run numbers, or beginnings of a point's hash "
              "(with -SEED\nfor one run). Differences are paired by seed, or "
              "by N, D, G and format; what\nis inside seed noise is said to be "
              "not distinguishable.",
    .run = run,
};
