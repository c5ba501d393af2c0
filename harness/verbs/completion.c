#include <stdio.h>
#include <string.h>

#include "harness/verbs/shells/completion.h"
#include "harness/verbs/verbs.h"

static const struct {
    const char *name;
    void (*write)(struct str *out);
} shells[] = {
    { "bash", completion_bash },
    { "zsh", completion_zsh },
    { "fish", completion_fish },
};

static enum status completion(struct cli *cli, struct err *err)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, cli->args[0]) == 0) {
            struct str out = { 0 };

            shells[i].write(&out);
            fputs(str_text(&out), stdout);
            str_release(&out);
            return OK;
        }
    return err_set(err, ERR_USAGE, "'%s' is not bash, zsh or fish",
                   cli->args[0]);
}

const struct verb verb_completion = {
    .name = "completion",
    .args = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .summary = "a script that teaches a shell this command line",
    .example = "eval \"$(qlaw completion bash)\"",
    .run = completion,
};
