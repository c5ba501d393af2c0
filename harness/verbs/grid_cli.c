#include "harness/verbs/grid_cli.h"

#include <stdlib.h>

#include "base/str.h"

/* The values of a repeatable option; the caller frees the array. */
static const char **all_of(const struct cli *cli, const char *name, int *n)
{
    const char **values;

    *n = 0;
    while (cli_nth(cli, name, *n))
        ++*n;
    values = mem_array((size_t)*n, sizeof *values);
    for (int i = 0; i < *n; i++)
        values[i] = cli_nth(cli, name, i);
    return values;
}

enum status grid_from_cli(struct grid **out, const struct cli *cli,
                          struct err *err)
{
    struct grid_options o = { .only = cli_value(cli, "only", NULL),
                              .skip = cli_value(cli, "skip", NULL) };
    const char **sets = all_of(cli, "set", &o.n_sets);
    const char **overlays = all_of(cli, "overlay", &o.n_overlays);
    const char **profiles = all_of(cli, "profile", &o.n_profiles);
    enum status st;

    o.sets = sets;
    o.overlays = overlays;
    o.profiles = profiles;
    st = grid_load(out, cli->args[0], &o, err);
    for (int i = 0; st == OK && i < (*out)->n_notes; i++)
        cli_note(cli, "note: %s", (*out)->notes[i]);
    free(sets);
    free(overlays);
    free(profiles);
    return st;
}
