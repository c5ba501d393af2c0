/* main.c - the verb table. */
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli.h"
#include "harness/verbs.h"

/* In the order of a study, which is also the order of the overview. */
static const struct verb *const verbs[] = {
    &verb_doctor, &verb_check,  &verb_config, &verb_plan,    &verb_run,
    &verb_status, &verb_watch,  &verb_show,   &verb_cancel,  &verb_pause,
    &verb_retry,  &verb_query,  &verb_fit,    &verb_predict, &verb_design,
    &verb_plot,   &verb_report, &verb_compare, &verb_import, &verb_db,
    &verb_fetch,  &verb_train,  &verb_bench,  &verb_formats, &verb_laws,
    &verb_keys,   &verb_version, &verb_help,
};

const struct verb *verb_at(int i)
{
    return i < (int)(sizeof verbs / sizeof verbs[0]) ? verbs[i] : NULL;
}

const struct verb *verb_find(const char *name)
{
    for (int i = 0; verb_at(i); i++)
        if (strcmp(verb_at(i)->name, name) == 0)
            return verb_at(i);
    return NULL;
}

int main(int argc, char **argv)
{
    struct cli cli;
    struct err err = { 0 };
    bool done;
    enum status st;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit fails as on a full disk */
    gsl_set_error_handler_off();
    st = cli_parse(&cli, argc, argv, &done, &err);
    if (st == OK && !done)
        st = cli.verb->run(&cli, &err);
    if (st != OK && err.text[0])
        fprintf(stderr, "qlaw%s%s: %s\n", cli.verb ? " " : "",
                cli.verb ? cli.verb->name : "", err.text);
    cli_release(&cli);
    return err_exit_code(st);
}
