#include "harness/verbs/fit_cli.h"

#include <stdlib.h>

static char *copy_of(const struct cli *cli, const char *name)
{
    const char *text = cli_value(cli, name, NULL);

    return text ? mem_strdup(text) : NULL;
}

enum status fit_cli_options(struct fit_options *o, const struct cli *cli,
                            const char *grid, struct err *err)
{
    const struct fit_option *row;
    const char *value;
    enum status st = OK;

    fit_options_init(o);
    o->grid = grid ? mem_strdup(grid) : NULL;
    o->isoflop = copy_of(cli, "isoflop");
    o->envelope = copy_of(cli, "envelope");
    o->of_either = cli_value(cli, "candidates", NULL) != NULL;
    cli_texts(&o->compare, cli, "compare");
    for (int k = 0; (row = fit_option_at(k)) && st == OK; k++)
        for (int i = 0; (value = cli_nth(cli, row->key, i)) && st == OK; i++)
            st = fit_options_set(o, row, value, err);
    return st;
}

enum status fit_cli_request(struct fit_request *rq, const struct cli *cli,
                            const char *grid, struct err *err)
{
    struct fit_options o;
    enum status st = fit_cli_options(&o, cli, grid, err);

    *rq = (struct fit_request){ .table = NULL };
    if (st == OK)
        st = fit_request_read(rq, &o, &cli->session, err);
    fit_options_release(&o);
    return st;
}
