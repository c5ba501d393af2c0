#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "harness/build_info.h"
#include "harness/verbs.h"

static enum status help(struct cli *cli, struct err *err)
{
    const struct verb *v;

    if (cli->n_args == 0) {
        cli_print_overview();
        return OK;
    }
    if (strcmp(cli->args[0], "codes") == 0) {
        cli_print_codes();
        return OK;
    }
    v = verb_find(cli->args[0]);
    if (!v)
        return cli_unknown_verb(cli->args[0], err);
    cli_print_help(v);
    return OK;
}

const struct verb verb_help = {
    .name = "help",
    .args = "[VERB|codes]",
    .max_args = 1,
    .summary = "the verbs, one of them, or the exit codes",
    .example = "qlaw help run",
    .run = help,
};

static enum status version(struct cli *cli, struct err *err)
{
    (void)cli;
    (void)err;
    printf("qlaw %s (%s, %s, %s)\n"
           "Copyright (C) 2026 the qlaw authors.  Licence GPL-3.0-or-later.\n"
           "There is no warranty, to the extent permitted by law.\n",
           QLAW_VERSION, QLAW_COMMIT, QLAW_COMPILER, QLAW_CFLAGS);
    return OK;
}

const struct verb verb_version = {
    .name = "version",
    .args = "",
    .summary = "the version, its commit and how it was built",
    .example = "qlaw version",
    .run = version,
};
