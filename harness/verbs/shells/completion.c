#include "harness/verbs/shells/completion.h"

#include <ctype.h>
#include <string.h>

#include "fit/law.h"
#include "harness/figures/plot.h"
#include "harness/grid/keys.h"
#include "harness/verbs/db_parts.h"
#include "kernels/num.h"
#include "kernels/quant.h"

static void add_word(struct str *out, const char *word)
{
    str_addf(out, "%s%s", out->len ? " " : "", word);
}

static void add_laws(struct str *out)
{
    for (int i = 0; law_at(i); i++)
        add_word(out, law_at(i)->name);
}

static void add_figures(struct str *out)
{
    for (int i = 0; plot_figure_at(i); i++)
        add_word(out, plot_figure_at(i)->name);
}

static void add_verbs(struct str *out)
{
    for (int i = 0; verb_at(i); i++)
        add_word(out, verb_at(i)->name);
}

static void add_formats(struct str *out)
{
    const struct quant_preset *p;
    struct num_format f;

    for (int i = 0; num_at(&f, i); i++)
        add_word(out, f.name);
    for (int i = 0; (p = quant_preset_at(i)); i++)
        add_word(out, p->name);
}

static void add_spaces(struct str *out)
{
    for (int i = 0; i < FIT_SPACE_COUNT; i++)
        add_word(out, fit_space_name((enum fit_space)i));
}

void completion_keys(struct str *out)
{
    for (int i = 0; setting_at(i); i++)
        str_addf(out, "%s%s=", out->len ? " " : "", setting_at(i)->key);
}

/* The first row that fits; verb NULL: of any verb. */
static const struct option_rule {
    const char *verb, *option;
    unsigned how;
    const char *words;
    void (*fill)(struct str *out);
} option_rules[] = {
    { NULL, "set", COMPLETE_KEYS, NULL, NULL },
    { NULL, "overlay", COMPLETE_INI, NULL, NULL },
    { NULL, "law", COMPLETE_WORDS, NULL, add_laws },
    { "fit", "compare", COMPLETE_WORDS, NULL, add_laws },
    { NULL, "space", COMPLETE_WORDS, NULL, add_spaces },
    { NULL, "loss", COMPLETE_WORDS, "l2 l1 huber: cauchy:", NULL },
    { NULL, "n-def", COMPLETE_WORDS, "body body+head total", NULL },
    { NULL, "solve", COMPLETE_WORDS,
      "N-opt D-opt loss-opt N-eff D-crit G-max split P-opt", NULL },
    { NULL, "holdout", COMPLETE_WORDS, "largest: rolling:", NULL },
    { "query", "format", COMPLETE_WORDS, "table csv json jsonl md", NULL },
    { "report", "format", COMPLETE_WORDS, "html md pdf", NULL },
    { "report", "plots", COMPLETE_WORDS, "require", NULL },
    { "plot", "by", COMPLETE_WORDS, "N D G fmt", NULL },
    { "plot", "at", COMPLETE_WORDS, "N= D= G= fmt=", NULL },
    { "plot", "term", COMPLETE_WORDS, "svg png pdf dumb", NULL },
    { "plot", "theme", COMPLETE_WORDS, "light dark", NULL },
};

/* What a value's name in the help says by itself. */
static const struct {
    const char *value;
    unsigned how;
} value_rules[] = {
    { "FILE", COMPLETE_FILES },
    { "PATH", COMPLETE_FILES },
    { "DIR", COMPLETE_FOLDERS },
};

unsigned completion_of_option(struct str *words, const struct verb *v,
                              const struct cli_option *o)
{
    for (size_t i = 0; i < sizeof option_rules / sizeof *option_rules; i++) {
        const struct option_rule *r = &option_rules[i];

        if (strcmp(r->option, o->name) != 0 ||
            (r->verb && (!v || strcmp(r->verb, v->name) != 0)))
            continue;
        if (r->fill)
            r->fill(words);
        else if (r->words)
            str_add(words, r->words);
        return r->how;
    }
    for (size_t i = 0; i < sizeof value_rules / sizeof *value_rules; i++)
        if (strcmp(value_rules[i].value, o->value) == 0)
            return value_rules[i].how;
    return 0;
}

/* --- arguments ---------------------------------------------------------------- */

static void add_db_parts(struct str *out)
{
    for (int i = 0; db_part_at(i); i++)
        add_word(out, db_part_at(i));
}

static const struct {
    const char *verb;
    unsigned how;
    void (*fill)(struct str *out);
} arg_rules[] = {
    { "query", COMPLETE_QUERIES, NULL },
    { "plot", COMPLETE_WORDS | COMPLETE_GRIDS, add_figures },
    { "compare", COMPLETE_GRIDS, NULL },
    { "db", COMPLETE_WORDS, add_db_parts },
    { "formats", COMPLETE_WORDS, add_formats },
    { "laws", COMPLETE_WORDS, add_laws },
    { "help", COMPLETE_WORDS, add_verbs },
};

/* In "[csv|jsonl] FILE" and "backup FILE|vacuum", the words in lower case are
 * typed as they are. */
static void add_alternatives(struct str *out, const char *args)
{
    const char *p = args;

    while (*p) {
        const size_t n = strcspn(p, " |[].");
        bool lower = n > 0;

        for (size_t i = 0; i < n; i++)
            lower = lower && islower((unsigned char)p[i]);
        if (lower && (p == args || p[-1] == '|' || p[-1] == '['))
            str_addf(out, "%s%.*s", out->len ? " " : "", (int)n, p);
        p += n + (p[n] != '\0');
    }
}

unsigned completion_of_args(struct str *words, const struct verb *v)
{
    const char *grid = strstr(v->args, "GRID");
    unsigned how = 0;

    for (size_t i = 0; i < sizeof arg_rules / sizeof *arg_rules; i++)
        if (strcmp(arg_rules[i].verb, v->name) == 0) {
            how |= arg_rules[i].how;
            if (arg_rules[i].fill)
                arg_rules[i].fill(words);
        }
    add_alternatives(words, v->args);
    if (words->len)
        how |= COMPLETE_WORDS;
    if (strstr(v->args, "FILE"))
        how |= COMPLETE_FILES;
    if (grid)
        how |=
            text_has_prefix(grid, "GRID.ini") ? COMPLETE_INI : COMPLETE_GRIDS;
    return how;
}
