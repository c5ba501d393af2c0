#include "harness/verbs/shells/completion.h"

static const char head[] =
    "# bash completion for qlaw, made by 'qlaw completion bash'\n"
    "_qlaw_words() {\n"
    "    COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\"))\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]] &&\n"
    "        compopt -o nospace 2>/dev/null\n"
    "}\n"
    "_qlaw_paths() {\n"
    "    local IFS=$'\\n'\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    COMPREPLY+=($(compgen \"$@\" -- \"$cur\"))\n"
    "}\n"
    "_qlaw_files() { _qlaw_paths -f; }\n"
    "_qlaw_folders() { _qlaw_paths -d; }\n"
    "_qlaw_ini() { _qlaw_paths -f -X '!*.ini'; _qlaw_paths -d; }\n"
    "_qlaw_grids() {\n"
    "    _qlaw_words \"$(qlaw -q query 'select distinct name from grid' \\\n"
    "        --format csv 2>/dev/null | tail -n +2)\"\n"
    "}\n"
    "_qlaw_queries() {\n"
    "    _qlaw_words \"$(qlaw query 2>/dev/null | cut -d ' ' -f 1)\"\n"
    "}\n";

/* The words before the cursor: bash cuts "--term=svg" at the "=". */
static const char body[] =
    "_qlaw() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local verb= i\n"
    "    COMPREPLY=()\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $prev == = ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "        [[ $prev == -* ]] || return 0\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --db)\n"
    "            ((i++))\n"
    "            [[ ${COMP_WORDS[i]} == = ]] && ((i++))\n"
    "            ;;\n"
    "        -*) ;;\n"
    "        *) verb=${COMP_WORDS[i]}; break ;;\n"
    "        esac\n"
    "    done\n";

static void add_calls(struct str *out, unsigned how, const struct str *words)
{
    static const struct {
        unsigned bit;
        const char *call;
    } calls[] = {
        { COMPLETE_FILES, "_qlaw_files" },
        { COMPLETE_INI, "_qlaw_ini" },
        { COMPLETE_FOLDERS, "_qlaw_folders" },
        { COMPLETE_GRIDS, "_qlaw_grids" },
        { COMPLETE_KEYS, "_qlaw_keys" },
        { COMPLETE_QUERIES, "_qlaw_queries" },
    };

    if (how & COMPLETE_WORDS)
        str_addf(out, " _qlaw_words \"%s\";", str_text(words));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (how & calls[i].bit)
            str_addf(out, " %s;", calls[i].call);
}

/* "    run:--set | run:-s) ...; return ;;" for an option with a value. */
static void add_value(struct str *out, const struct verb *v,
                      const struct cli_option *o)
{
    const char *verb = v ? v->name : "*";
    struct str words = { 0 };

    if (!o->value)
        return;
    str_addf(out, "    %s:--%s", verb, o->name);
    if (o->letter)
        str_addf(out, " | %s:-%c", verb, o->letter);
    str_add(out, ")");
    add_calls(out, completion_of_option(&words, v, o), &words);
    str_add(out, " return 0 ;;\n");
    str_release(&words);
}

static void add_values(struct str *out)
{
    str_add(out, "    case $verb:$prev in\n");
    for (const struct cli_option *o = cli_globals(); o->name; o++)
        add_value(out, NULL, o);
    for (int i = 0; verb_at(i); i++)
        for (const struct cli_option *o = verb_at(i)->options; o && o->name;
             o++)
            add_value(out, verb_at(i), o);
    str_add(out, "    esac\n");
}

static void add_options(struct str *out)
{
    str_add(out, "    if [[ $cur == -* ]]; then\n        _qlaw_words \"");
    for (const struct cli_option *o = cli_globals(); o->name; o++)
        str_addf(out, "--%s ", o->name);
    str_add(out, "\"\n        case $verb in\n");
    for (int i = 0; verb_at(i); i++) {
        if (!verb_at(i)->options)
            continue;
        str_addf(out, "        %s) _qlaw_words \"", verb_at(i)->name);
        for (const struct cli_option *o = verb_at(i)->options; o->name; o++)
            str_addf(out, "--%s ", o->name);
        str_add(out, "\" ;;\n");
    }
    str_add(out, "        esac\n        return 0\n    fi\n");
}

static void add_arguments(struct str *out)
{
    str_add(out, "    case $verb in\n    '') _qlaw_words \"");
    for (int i = 0; verb_at(i); i++)
        str_addf(out, "%s ", verb_at(i)->name);
    str_add(out, "\" ;;\n");
    for (int i = 0; verb_at(i); i++) {
        struct str words = { 0 };
        const unsigned how = completion_of_args(&words, verb_at(i));

        if (how) {
            str_addf(out, "    %s)", verb_at(i)->name);
            add_calls(out, how, &words);
            str_add(out, " ;;\n");
        }
        str_release(&words);
    }
    str_add(out, "    esac\n    return 0\n}\ncomplete -F _qlaw qlaw\n");
}

void completion_bash(struct str *out)
{
    struct str keys = { 0 };

    completion_keys(&keys);
    str_addf(out, "%s_qlaw_keys() { _qlaw_words \"%s\"; }\n%s", head,
             str_text(&keys), body);
    add_values(out);
    add_options(out);
    add_arguments(out);
    str_release(&keys);
}
