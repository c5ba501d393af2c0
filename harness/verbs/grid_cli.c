#include "harness/verbs/grid_cli.h"

enum status grid_from_cli(struct grid **out, const struct cli *cli,
                          struct err *err)
{
    struct texts sets = { .n = 0 }, overlays = { .n = 0 },
                 profiles = { .n = 0 };
    struct grid_options o = { .only = cli_value(cli, "only", NULL),
                              .skip = cli_value(cli, "skip", NULL) };
    enum status st;

    cli_texts(&sets, cli, "set");
    cli_texts(&overlays, cli, "overlay");
    cli_texts(&profiles, cli, "profile");
    o.sets = (const char *const *)sets.text;
    o.n_sets = sets.n;
    o.overlays = (const char *const *)overlays.text;
    o.n_overlays = overlays.n;
    o.profiles = (const char *const *)profiles.text;
    o.n_profiles = profiles.n;
    st = grid_load(out, cli->args[0], &o, err);
    for (int i = 0; st == OK && i < (*out)->n_notes; i++)
        cli_note(cli, "note: %s", (*out)->notes[i]);
    texts_release(&sets);
    texts_release(&overlays);
    texts_release(&profiles);
    return st;
}
