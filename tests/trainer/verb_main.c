/* verb_main.c - the verb `train` alone, for train.sh. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli.h"
#include "harness/verbs.h"

const struct verb *verb_at(int i)
{
    return i == 0 ? &verb_train : NULL;
}

const struct verb *verb_find(const char *name)
{
    return strcmp(name, verb_train.name) == 0 ? &verb_train : NULL;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct err err = { 0 };
    bool done;
    enum status st;

    signal(SIGPIPE, SIG_IGN);
    st = cli_parse(&cli, argc, argv, &done, &err);
    if (st == OK && !done)
        st = cli.verb->run(&cli, &err);
    if (st != OK && err.text[0])
        fprintf(stderr, "%s\n", err.text);
    cli_release(&cli);
    return err_exit_code(st);
}
