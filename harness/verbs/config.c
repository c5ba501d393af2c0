/* config.c - the values of a grid and where they come from.
 *
 * With --json {"schema":"qlaw/config/1","grid":"NAME","keys":[{"key","value",
 * "how","file","line"},...]}: how is "" for a base value, else sweep, axis
 * LABEL, block LABEL or derived; file and line are left out where there are
 * none (a default). */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "harness/grid/source.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    GRID_CLI_OPTIONS,
    { "origin", 0, NULL, "add the file and line each value comes from" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

/* What is wanted, and how to print it. */
struct listing {
    const struct doc *doc;
    const char *pattern;
    bool origin;
    struct str *json; /* NULL: lines */
    int n;
};

static void add_object(struct str *s, bool first, const char *key,
                       const char *text, struct ini_where where,
                       const char *how)
{
    str_add(s, first ? "\n{" : ",\n{");
    json_add_text(s, "key", key);
    json_add_text(s, "value", text);
    json_add_text(s, "how", how);
    if (where.file)
        json_add_text(s, "file", where.file);
    if (where.line)
        json_add_number(s, "line", where.line);
    str_add(s, "}");
}

static bool wanted(const struct listing *l, const char *key)
{
    return !l->pattern || fnmatch(l->pattern, key, 0) == 0 ||
           strstr(key, l->pattern);
}

/* "key = text" as a grid file has it, or for people with "file:line (how)". */
static void print_line(struct listing *l, const char *key, const char *text,
                       struct ini_where where, const char *how)
{
    l->n++;
    if (l->json) {
        add_object(l->json, l->n == 1, key, text, where, how);
        return;
    }
    if (!l->origin) {
        printf("%s = %s\n", key, text);
        return;
    }
    say("%-40s  ", key);
    if (where.line)
        say("%s:%d", where.file, where.line);
    else
        say("%s", where.file ? where.file : "default");
    say("%s%s%s\n    %s\n", *how ? " (" : "", how, *how ? ")" : "", text);
}

static void print_list(struct listing *l, const char *key,
                       const struct value_list *list, int first, int step,
                       struct ini_where where, const char *how)
{
    struct str text = { 0 };

    if (!wanted(l, key))
        return;
    for (int i = first; i < list->n; i += step) {
        char *item = doc_without_values(l->doc, list->items[i].text);

        str_addf(&text, "%s%s", i > first ? ", " : "", item);
        free(item);
    }
    print_line(l, key, str_text(&text), where, how);
    str_release(&text);
}

static void print_columns(struct listing *l, const struct doc_axis *a,
                          const char *how)
{
    for (int k = 0; k < a->n_keys; k++)
        print_list(l, a->keys[k], &a->values, k, a->n_keys, a->where, how);
}

static void print_axes(struct listing *l)
{
    for (int i = 0; i < l->doc->n_axes; i++) {
        const struct doc_axis *a = &l->doc->axes[i];
        char how[64] = "sweep";

        if (!a->sweep)
            snprintf(how, sizeof how, "axis %s", a->label);
        print_columns(l, a, how);
    }
}

static void print_blocks(struct listing *l)
{
    for (int i = 0; i < l->doc->n_blocks; i++) {
        const struct doc_block *b = &l->doc->blocks[i];
        char how[64];

        snprintf(how, sizeof how, "block %s", b->label);
        print_columns(l, &b->zip, how);
        for (int k = 0; k < b->n_keys; k++)
            print_list(l, b->keys[k].key, &b->keys[k].list, 0, 1,
                       b->keys[k].where, how);
    }
}

static void print_derived(struct listing *l)
{
    for (int i = 0; i < l->doc->n_derives; i++) {
        const struct doc_rule *r = &l->doc->derives[i];

        if (wanted(l, r->key))
            print_line(l, r->key, r->text, r->where, "derived");
    }
}

static bool is_derived(const struct doc *d, const char *key)
{
    for (int i = 0; i < d->n_derives; i++)
        if (strcmp(d->derives[i].key, key) == 0)
            return true;
    return false;
}

/* What nobody sets; a key that only blocks set has it elsewhere. */
static void print_default(struct listing *l, const struct setting *s)
{
    if (!doc_find(l->doc, s->key) && !doc_axis_of(l->doc, s->key) &&
        !is_derived(l->doc, s->key) && wanted(l, s->key))
        print_line(l, s->key, s->fallback, (struct ini_where){ 0 }, "");
}

static enum status run(struct cli *cli, struct err *err)
{
    struct str json = { 0 };
    struct listing l = { .pattern = cli->n_args > 1 ? cli->args[1] : NULL,
                         .json = cli_flag(cli, "json") ? &json : NULL,
                         .origin = cli_flag(cli, "origin") };
    struct grid *g;

    if (grid_from_cli(&g, cli, err) != OK)
        return err->status;
    l.doc = g->source->doc;
    str_add(&json, "{");
    json_add_text(&json, "schema", "qlaw/config/1");
    json_add_text(&json, "grid", g->name);
    str_add(&json, ",\"keys\":[");
    for (int i = 0; i < l.doc->n_base; i++)
        print_list(&l, l.doc->base[i].key, &l.doc->base[i].list, 0, 1,
                   l.doc->base[i].where, "");
    print_axes(&l);
    print_blocks(&l);
    print_derived(&l);
    for (int i = 0; setting_at(i); i++)
        print_default(&l, setting_at(i));
    grid_free(g);
    if (l.json && l.n > 0)
        printf("%s]}\n", str_text(&json));
    str_release(&json);
    return l.n > 0 ? OK
                   : err_set(err, ERR_USAGE, "no key matches '%s'", l.pattern);
}

const struct verb verb_config = {
    .name = "config",
    .args = "GRID.ini [KEY]",
    .min_args = 1,
    .max_args = 2,
    .summary = "the values of a grid and where they come from",
    .example = "qlaw config experiments/quickstart.ini --origin 'train.*'",
    .options = options,
    .detail = "Every key with its value or list, after includes, overlays, "
              "profiles and -s.\nKEY is a part of a key or a key with stars.",
    .run = run,
};
