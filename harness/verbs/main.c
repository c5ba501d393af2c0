/* main.c - from a command line to an exit code. */
#include <gsl/gsl_errno.h>
#include <signal.h>

#include "base/out.h"
#include "db/db.h"
#include "harness/cli/cli.h"
#include "harness/run/notify.h"

int main(int argc, char **argv)
{
    struct cli cli;
    struct err err = { 0 };
    bool done;
    enum status st;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ,
           SIG_IGN); /* a write beyond a limit fails as on a full disk */
    gsl_set_error_handler_off();
    out_open();
    notify_address(); /* a secret: what is started does not get it */
    st = cli_parse(&cli, argc, argv, &done, &err);
    if (cli_flag(&cli, "json"))
        out_json();
    if (st == OK)
        st = db_check_name(cli.session.db_path, &err);
    if (st == OK && !done)
        st = cli.verb->run(&cli, &err);
    st = out_close(st, &err);
    if (st != OK && err.text[0])
        cli_error(&cli, "%s", err.text);
    cli_release(&cli);
    return err_exit_code(st);
}
