#include <string.h>

#include "harness/verbs/shells/completion.h"

static const char head[] =
    "#compdef qlaw\n"
    "# zsh completion for qlaw, made by 'qlaw completion zsh'\n"
    "_qlaw_ini() { _files -g '*.ini(-.)'; _files -/; }\n"
    "_qlaw_folders() { _files -/; }\n"
    "_qlaw_grids() {\n"
    "    local -a grids\n"
    "    grids=(${(f)\"$(qlaw -q query 'select distinct name from grid' \\\n"
    "        --format csv 2>/dev/null | tail -n +2)\"})\n"
    "    compadd -a grids\n"
    "}\n"
    "_qlaw_queries() {\n"
    "    local -a names\n"
    "    names=(${(f)\"$(qlaw query 2>/dev/null | cut -d ' ' -f 1)\"})\n"
    "    compadd -a names\n"
    "}\n";

/* Inside '...': brackets and colons belong to _arguments. */
static void add_quoted(struct str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            str_add(out, "'\\'");
        else if (strchr("[]:\\", *text))
            str_add_char(out, '\\');
        str_add_char(out, *text);
    }
}

/* ":what:{...}", the action a list of calls. */
static void add_action(struct str *out, const char *what, unsigned how,
                       const struct str *words)
{
    static const struct {
        unsigned bit;
        const char *call;
    } calls[] = {
        { COMPLETE_FILES, "_files" },
        { COMPLETE_INI, "_qlaw_ini" },
        { COMPLETE_FOLDERS, "_qlaw_folders" },
        { COMPLETE_GRIDS, "_qlaw_grids" },
        { COMPLETE_KEYS, "_qlaw_keys" },
        { COMPLETE_QUERIES, "_qlaw_queries" },
    };

    str_add_char(out, ':');
    add_quoted(out, what);
    str_add(out, ":");
    if (!how) {
        str_add(out, " ");
        return;
    }
    str_add(out, "{");
    if (how & COMPLETE_WORDS) {
        str_add(out, "compadd -- ");
        add_quoted(out, str_text(words));
        str_add(out, "; ");
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (how & calls[i].bit)
            str_addf(out, "%s; ", calls[i].call);
    str_add(out, "}");
}

/* Any option may be repeated: the last one counts, or all do. */
static void add_option(struct str *out, const struct verb *v,
                       const struct cli_option *o)
{
    struct str words = { 0 };

    for (int is_long = 0; is_long < 2; is_long++) {
        if (!is_long && !o->letter)
            continue;
        if (is_long)
            str_addf(out, " \\\n        '*--%s%s[", o->name,
                     o->value ? "=" : "");
        else
            str_addf(out, " \\\n        '*-%c%s[", o->letter,
                     o->value ? "+" : "");
        add_quoted(out, o->help);
        str_add_char(out, ']');
        if (o->value) {
            str_clear(&words);
            add_action(out, o->value, completion_of_option(&words, v, o),
                       &words);
        }
        str_add_char(out, '\'');
    }
    str_release(&words);
}

static void add_verb(struct str *out, const struct verb *v)
{
    struct str words = { 0 };
    const unsigned how = completion_of_args(&words, v);

    str_addf(out, "    %s) _arguments $globals", v->name);
    for (const struct cli_option *o = v->options; o && o->name; o++)
        add_option(out, v, o);
    if (*v->args) {
        str_add(out, " \\\n        '*");
        add_action(out, v->args, how, &words);
        str_add_char(out, '\'');
    }
    str_add(out, " ;;\n");
    str_release(&words);
}

void completion_zsh(struct str *out)
{
    struct str keys = { 0 };

    completion_keys(&keys);
    str_addf(out, "%s_qlaw_keys() { compadd -S '' -- %s; }\n", head,
             str_text(&keys));
    str_add(out, "_qlaw() {\n"
                 "    local curcontext=$curcontext state\n"
                 "    local -a verbs globals\n"
                 "    globals=(");
    for (const struct cli_option *o = cli_globals(); o->name; o++)
        add_option(out, NULL, o);
    str_add(out, ")\n    verbs=(\n");
    for (int i = 0; verb_at(i); i++) {
        str_addf(out, "        '%s:", verb_at(i)->name);
        add_quoted(out, verb_at(i)->summary);
        str_add(out, "'\n");
    }
    str_add(out, "    )\n"
                 "    _arguments -C $globals '1:verb:->verb' "
                 "'*::argument:->argument'\n"
                 "    case $state in\n"
                 "    verb) _describe verb verbs; return ;;\n"
                 "    esac\n"
                 "    case $words[1] in\n");
    for (int i = 0; verb_at(i); i++)
        add_verb(out, verb_at(i));
    str_add(out, "    esac\n}\n"
                 "if [ \"$funcstack[1]\" = _qlaw ]; then _qlaw \"$@\"; "
                 "else compdef _qlaw qlaw; fi\n");
    str_release(&keys);
}
