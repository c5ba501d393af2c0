#include <string.h>

#include "harness/verbs/shells/completion.h"

static const char head[] =
    "# fish completion for qlaw, made by 'qlaw completion fish'\n"
    "function __qlaw_grids\n"
    "    qlaw -q query 'select distinct name from grid' --format csv \\\n"
    "        2>/dev/null | tail -n +2\n"
    "end\n"
    "function __qlaw_queries\n"
    "    qlaw query 2>/dev/null | cut -d ' ' -f 1\n"
    "end\n";

static void add_quoted(struct str *out, const char *text)
{
    str_add_char(out, '\'');
    for (; *text; text++) {
        if (strchr("'\\", *text))
            str_add_char(out, '\\');
        str_add_char(out, *text);
    }
    str_add_char(out, '\'');
}

/* " -a '...'" for what fish does not find by itself. */
static void add_choices(struct str *out, unsigned how, const struct str *words)
{
    static const struct {
        unsigned bit;
        const char *call;
    } calls[] = {
        { COMPLETE_INI, "(__fish_complete_suffix .ini)" },
        { COMPLETE_FOLDERS, "(__fish_complete_directories)" },
        { COMPLETE_GRIDS, "(__qlaw_grids)" },
        { COMPLETE_KEYS, "(__qlaw_keys)" },
        { COMPLETE_QUERIES, "(__qlaw_queries)" },
    };
    struct str all = { 0 };

    if (how & COMPLETE_WORDS)
        str_add(&all, str_text(words));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (how & calls[i].bit)
            str_addf(&all, "%s%s", all.len ? " " : "", calls[i].call);
    if (all.len) {
        str_add(out, " -a ");
        add_quoted(out, str_text(&all));
    }
    str_release(&all);
}

static void add_option(struct str *out, const struct verb *v,
                       const struct cli_option *o)
{
    struct str words = { 0 };

    str_add(out, "complete -c qlaw");
    if (v)
        str_addf(out, " -n '__fish_seen_subcommand_from %s'", v->name);
    if (o->letter)
        str_addf(out, " -s %c", o->letter);
    str_addf(out, " -l %s", o->name);
    if (o->value) {
        const unsigned how = completion_of_option(&words, v, o);

        str_add(out, how & COMPLETE_FILES ? " -r" : " -x");
        add_choices(out, how, &words);
    }
    str_add(out, " -d ");
    add_quoted(out, o->help);
    str_add_char(out, '\n');
    str_release(&words);
}

static void add_verb(struct str *out, const struct verb *v)
{
    struct str words = { 0 };
    const unsigned how = completion_of_args(&words, v);

    str_addf(out, "complete -c qlaw -n __fish_use_subcommand -a %s -d ",
             v->name);
    add_quoted(out, v->summary);
    str_add_char(out, '\n');
    for (const struct cli_option *o = v->options; o && o->name; o++)
        add_option(out, v, o);
    if (how) {
        str_addf(out, "complete -c qlaw -n '__fish_seen_subcommand_from %s'",
                 v->name);
        if (how & COMPLETE_FILES)
            str_add(out, " -F");
        add_choices(out, how, &words);
        str_add_char(out, '\n');
    }
    str_release(&words);
}

void completion_fish(struct str *out)
{
    struct str keys = { 0 };

    completion_keys(&keys);
    str_addf(out, "%sfunction __qlaw_keys\n    string split ' ' '%s'\nend\n",
             head, str_text(&keys));
    str_add(out, "complete -c qlaw -f\n");
    for (const struct cli_option *o = cli_globals(); o->name; o++)
        add_option(out, NULL, o);
    for (int i = 0; verb_at(i); i++)
        add_verb(out, verb_at(i));
    str_release(&keys);
}
