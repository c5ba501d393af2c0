#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "harness/grid/keys.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static const char *const type_names[] = {
    [SETTING_INT] = "whole number", [SETTING_REAL] = "number",
    [SETTING_BOOL] = "yes or no",   [SETTING_WORD] = "word",
    [SETTING_TEXT] = "text",        [SETTING_DURATION] = "duration",
    [SETTING_QUANT] = "quantizer",
};

/* A word finds the keys and help texts that contain it; a pattern with stars
 * the keys that it matches. */
static bool wanted(const struct setting *s, const char *pattern)
{
    char *help;
    bool found;

    if (!pattern)
        return true;
    if (strpbrk(pattern, "*?["))
        return fnmatch(pattern, s->key, 0) == 0;
    help = setting_help(s);
    found = strstr(s->key, pattern) || strstr(help, pattern);
    free(help);
    return found;
}

static void add_json(struct str *out, const struct setting *s)
{
    char *choices = setting_choices(s), *help = setting_help(s);

    str_add(out, out->data[out->len - 1] == '[' ? "{" : ",{");
    json_add_text(out, "key", s->key);
    json_add_text(out, "type", type_names[s->type]);
    json_add_text(out, "default", s->fallback);
    if (s->max > s->min) {
        json_add_number(out, "min", s->min);
        json_add_number(out, "max", s->max);
    }
    if (*choices)
        json_add_text(out, "choices", choices);
    if (*s->unit)
        json_add_text(out, "unit", s->unit);
    str_addf(out, ",\"hashed\":%s,\"list\":%s",
             setting_varies(s) ? "true" : "false", s->list ? "true" : "false");
    json_add_text(out, "help", help);
    str_add(out, "}");
    free(choices);
    free(help);
}

/* "whole number, 1 .. 1024, tokens; default 4". */
static void print_key(const struct setting *s)
{
    char *choices = setting_choices(s), *help = setting_help(s);

    say("%s\n    %s%s%s", s->key, s->list ? "list: " : "",
        *choices ? choices : type_names[s->type],
        setting_varies(s) ? "" : " (does not change a result)");
    if (s->max > s->min)
        say(", %g .. %g", s->min, s->max);
    if (*s->unit)
        say(" %s", s->unit);
    if (*s->fallback)
        say("; default %s", s->fallback);
    say("\n    %s\n", help);
    free(choices);
    free(help);
}

static int show(struct str *json, const struct setting *s, const char *pattern)
{
    if (!wanted(s, pattern))
        return 0;
    if (json)
        add_json(json, s);
    else
        print_key(s);
    return 1;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *pattern = cli->n_args ? cli->args[0] : NULL;
    struct str out = { 0 };
    struct str *json = cli_flag(cli, "json") ? &out : NULL;
    int n = 0;

    str_add(&out, "{\"schema\":\"qlaw/keys/1\",\"keys\":[");
    for (int i = 0; setting_at(i); i++)
        n += show(json, setting_at(i), pattern);
    for (int i = 0; grid_key_at(i); i++)
        n += show(json, grid_key_at(i), pattern);
    str_add(&out, "]}");
    if (json && n)
        puts(str_text(&out));
    str_release(&out);
    return n ? OK : err_set(err, ERR_USAGE, "no key matches '%s'", pattern);
}

const struct verb verb_keys = {
    .name = "keys",
    .args = "[PATTERN]",
    .max_args = 1,
    .summary = "every key a grid file may set",
    .example = "qlaw keys 'quant.*'",
    .options = options,
    .detail = "Type, range, unit, default and meaning.  PATTERN is a word to "
              "look for or a\nkey with stars.  The keys of [quant] can also "
              "be set for some layers:\n[quant \"fc2\"], quant.0-3.qkv.x, "
              "quant.last:1.w; x.NAME is free for formulas.",
    .run = run,
};
