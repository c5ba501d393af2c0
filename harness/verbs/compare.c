/* compare.c - two runs, points, grids or formats side by side. */
#include <math.h>
#include <stdio.h>

#include "harness/study/contrast.h"
#include "harness/study/contrast_arms.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "arms", 0, NULL, "A and B are formats: what one costs more, all cells" },
    { "grid", 0, "NAME", "with --arms: of this grid" },
    { "margin", 0, "NATS", "with --arms: closer than this is the same" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static enum status of_arms(struct str *out, const struct cli *cli,
                           struct db *db, struct err *err)
{
    struct contrast_arms c;
    double margin;
    enum status st =
        cli_number(&margin, cli, "margin", (double)NAN, 0, 1e3, err);

    if (st == OK)
        st = contrast_arms_make(&c, db, cli_value(cli, "grid", NULL),
                                cli->args[0], cli->args[1], margin, err);
    if (st != OK)
        return st;
    if (cli_flag(cli, "json"))
        contrast_arms_json(out, &c);
    else
        contrast_arms_text(out, &c);
    contrast_arms_release(&c);
    return OK;
}

static enum status of_sides(struct str *out, const struct cli *cli,
                            struct db *db, struct err *err)
{
    struct contrast c;
    enum status st = OK;

    if (cli_value(cli, "grid", NULL) || cli_value(cli, "margin", NULL))
        st = err_set(err, ERR_USAGE, "--grid and --margin go with --arms");
    if (st == OK)
        st = contrast_make(&c, db, cli->args[0], cli->args[1], err);
    if (st != OK)
        return st;
    if (cli_flag(cli, "json"))
        contrast_json(out, &c);
    else
        contrast_text(out, &c);
    contrast_release(&c);
    return OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct str out = { 0 };
    struct db *db = NULL;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = cli_flag(cli, "arms") ? of_arms(&out, cli, db, err)
                                   : of_sides(&out, cli, db, err);
    db_close(db);
    cli_report(cli, str_text(&out));
    str_release(&out);
    return st;
}

const struct verb verb_compare = {
    .name = "compare",
    .args = "A B",
    .min_args = 2,
    .max_args = 2,
    .summary = "two formats, runs, points or grids: differences and chance",
    .example = "qlaw compare --arms 'int3 W+A' 'e2m0 W+A'",
    .options = options,
    .detail = "A and B are grids, run numbers, or beginnings of a point's hash "
              "(with -SEED\nfor one run); with --arms, formats as 'qlaw query "
              "cost' names them, with or\nwithout their group. Runs of one "
              "twin and seed are paired and count once;\nwhat seeds alone do "
              "is no difference.",
    .run = run,
};
