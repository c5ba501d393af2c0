#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "harness/os/build_info.h"
#include "harness/os/env.h"
#include "harness/verbs/verbs.h"

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

static const struct cli_option version_options[] = {
    { "json", 0, NULL, "report as JSON, libraries and kernels too" },
    { NULL, 0, NULL, NULL },
};

/* {"schema":"qlaw/version/1","version","commit","changed","compiler","cflags",
 *  "kernels","libc","libraries":{"sqlite","gsl",...}}; kernels: the instruction
 * set that this machine's runs use. */
static void print_version_json(void)
{
    struct env e;
    struct str s = { 0 };

    env_read(&e);
    str_add(&s, "{\"schema\":\"qlaw/version/1\"");
    json_add_text(&s, "version", e.version);
    json_add_text(&s, "commit", e.git_commit);
    str_addf(&s, ",\"changed\":%s", e.git_dirty ? "true" : "false");
    json_add_text(&s, "compiler", e.compiler);
    json_add_text(&s, "cflags", e.cflags);
    json_add_text(&s, "kernels", e.isa);
    json_add_text(&s, "libc", e.libc);
    str_addf(&s, ",\"libraries\":%s}", e.libs_json);
    puts(str_text(&s));
    str_release(&s);
    env_release(&e);
}

static enum status version(struct cli *cli, struct err *err)
{
    (void)err;
    if (cli_flag(cli, "json")) {
        print_version_json();
        return OK;
    }
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
    .options = version_options,
    .run = version,
};
