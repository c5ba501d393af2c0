/* methods.c - which papers' methods the program holds. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "fit/report.h"
#include "harness/verbs/verbs.h"

static const struct method {
    const char *arxiv, *name, *state, *what, *grids;
} methods[] = {
#define METHOD(arxiv_, name_, state_, what_, grids_)                           \
    { arxiv_, name_, state_, what_, grids_ },
#include "harness/verbs/methods.def"
#undef METHOD
};
#define N_METHODS (int)(sizeof methods / sizeof methods[0])

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void print_json(void)
{
    struct str out = { 0 };

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/methods/1");
    str_add(&out, ",\"methods\":[");
    for (int i = 0; i < N_METHODS; i++) {
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "arxiv", methods[i].arxiv);
        json_add_text(&out, "name", methods[i].name);
        json_add_text(&out, "state", methods[i].state);
        json_add_text(&out, "what", methods[i].what);
        json_add_text(&out, "grids", methods[i].grids);
        str_add_char(&out, '}');
    }
    str_add(&out, "]}\n");
    fputs(str_text(&out), stdout);
    str_release(&out);
}

static void print_list(void)
{
    struct str out = { 0 };

    for (int i = 0; i < N_METHODS; i++) {
        const struct method *m = &methods[i];
        char *lead = mem_printf("%s  %-8s  ", m->arxiv, m->state);
        char *text = mem_printf("%s%s%s%s%s", m->name, *m->what ? ": " : "",
                                m->what, *m->grids ? "; grids " : "", m->grids);

        report_wrapped(&out, lead, text, 22);
        free(lead);
        free(text);
    }
    say_text(stdout, str_text(&out));
    str_release(&out);
}

static enum status run(struct cli *cli, struct err *err)
{
    (void)err;
    if (cli_flag(cli, "json"))
        print_json();
    else
        print_list();
    return OK;
}

const struct verb verb_methods = {
    .name = "methods",
    .args = "",
    .summary = "which papers' methods are in, and the grids that ask of them",
    .example = "qlaw methods",
    .options = options,
    .detail = "The numbers stand in methods.md of the documentation.",
    .run = run,
};
