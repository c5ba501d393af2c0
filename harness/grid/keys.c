#include "harness/grid/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/odd.h"
#include "harness/grid/value.h"

static const struct setting grid_keys[] = {
/* clang-format off */
#define SETTING(type_, section, name, fallback_, min_, max_, unit_, choices_, \
                hashed_, list_, help_)                                        \
    { .key = #section "." #name, .type = SETTING_##type_,                     \
      .fallback = fallback_, .min = min_, .max = max_, .unit = unit_,         \
      .choices = choices_, .hashed = hashed_, .list = list_, .help = help_ },
/* clang-format on */
#include "harness/grid/keys.def"
#undef SETTING
};
#define N_GRID_KEYS (int)(sizeof grid_keys / sizeof grid_keys[0])
#define MAX_KEYS    256

/* Sections that are not lists of base values, although keys live there. */
static const char *const special[] = {
    "include", "axis", "sweep", "block", "derive", "filter", "profile", "format"
};
#define N_SPECIAL (int)(sizeof special / sizeof special[0])

const struct setting *grid_key_at(int i)
{
    return i < N_GRID_KEYS ? &grid_keys[i] : NULL;
}

const struct setting *grid_key_find(const char *key)
{
    for (int i = 0; i < N_GRID_KEYS; i++)
        if (strcmp(grid_keys[i].key, key) == 0)
            return &grid_keys[i];
    return NULL;
}

bool key_is_scratch(const char *key)
{
    const char *p = key + 2;

    if (!text_has_prefix(key, "x.") || !isalpha((unsigned char)*p))
        return false;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    return !*p;
}

static bool is_special(const char *key)
{
    for (int i = 0; i < N_SPECIAL; i++)
        if (text_has_prefix(key, special[i]) && key[strlen(special[i])] == '.')
            return true;
    return false;
}

/* All keys that can be assigned, for suggestions. */
static int all_keys(const char *keys[MAX_KEYS])
{
    int n = 0;

    for (int i = 0; setting_at(i) && n < MAX_KEYS; i++)
        keys[n++] = setting_at(i)->key;
    for (int i = 0; i < N_GRID_KEYS && n < MAX_KEYS; i++)
        if (!is_special(grid_keys[i].key))
            keys[n++] = grid_keys[i].key;
    return n;
}

/* The nearest spelling, else the same name in another section. */
static const char *nearest_key(const char *key)
{
    const char *keys[MAX_KEYS], *dot = strrchr(key, '.');
    const int n = all_keys(keys);
    const char *near = text_nearest(key, keys, (size_t)n);

    for (int i = 0; i < n && dot && !near; i++)
        if (strcmp(strrchr(keys[i], '.'), dot) == 0)
            near = keys[i];
    for (int i = 0; i < n && !dot && !near; i++)
        if (strcmp(strrchr(keys[i], '.') + 1, key) == 0)
            near = keys[i];
    return near;
}

const struct setting *key_find(const char *key, bool *ok, struct err *err)
{
    const struct setting *s = setting_find(key);
    const char *near;
    char *selector;

    *ok = true;
    if (s || key_is_scratch(key))
        return s;
    if (!is_special(key))
        s = grid_key_find(key);
    selector = s ? NULL : setting_selector(key);
    if (selector)
        s = setting_find_any(key, err);
    else if (!s) {
        near = nearest_key(key);
        if (near)
            err_set(err, ERR_CONFIG, "unknown key '%.80s', did you mean '%s'?",
                    key, near);
        else
            err_set(err, ERR_CONFIG,
                    "unknown key '%.80s' ('qlaw keys' lists them)", key);
    }
    *ok = s != NULL;
    free(selector);
    return s;
}

const char *const path_keys[] = { "data.path", "data.val", "data.probe", NULL };

bool key_is_path(const char *key)
{
    for (int i = 0; path_keys[i]; i++)
        if (strcmp(key, path_keys[i]) == 0)
            return true;
    return false;
}

bool key_can_vary(const char *key, const struct setting *s)
{
    return !s || setting_varies(s) || strcmp(key, "data.path") == 0 ||
           strcmp(key, "data.val") == 0 || strcmp(key, "data.max_bytes") == 0;
}

bool key_has_lines(const struct setting *s)
{
    return s && ini_is_verbatim("", s->key);
}

bool key_is_raw(const struct setting *s)
{
    return s && s->type == SETTING_TEXT && !s->list &&
           quant_section_of(s->key) == QUANT_SECTIONS;
}

/* --- values -------------------------------------------------------------- */

static enum status canonical_scratch(char **out, const char *key,
                                     const char *text, struct err *err)
{
    const char *end;
    char buf[32];
    double x;

    if (!text_read_number(&x, text, &end, false) || *end)
        return err_set(err, ERR_CONFIG, "%s = %.60s: expected a number", key,
                       text);
    *out = mem_strdup(text_number(buf, x));
    return OK;
}

/* A character that looks like another, a number with a unit that is nearly
 * right. */
static void add_hint(struct err *err, const struct setting *s, const char *text)
{
    static const char *const bools[] = { "yes",   "no", "true",
                                         "false", "on", "off" };
    const bool duration = s && s->type == SETTING_DURATION;
    const char *near = NULL;
    char *odd = text_odd(text);

    err_append(err, "%s", odd);
    free(odd);
    if (s && s->type == SETTING_BOOL)
        near = text_nearest(text, bools, 6);
    else if (!s || s->type == SETTING_INT || s->type == SETTING_REAL ||
             duration)
        near = value_unit_hint(text, duration);
    if (!near)
        return;
    if (s && s->type == SETTING_BOOL)
        err_append(err, "; did you mean '%s'?", near);
    else
        err_append(err, "; did you mean '%.*s%s'?",
                   (int)strspn(text, "+-.0123456789"), text, near);
}

enum status key_canonical(char **out, const char *key, const struct setting *s,
                          const char *text, struct ini_where where,
                          struct err *err)
{
    const enum status st = s ? setting_canonical(out, s, text, err)
                             : canonical_scratch(out, key, text, err);

    if (st != OK) {
        add_hint(err, s, text);
        ini_prefix(err, where);
    }
    return st;
}

/* --- sections ------------------------------------------------------------ */

bool section_is_base(const char *name)
{
    const char *keys[MAX_KEYS];
    const int n = all_keys(keys);
    const size_t len = strlen(name);

    if (strcmp(name, "x") == 0)
        return true;
    for (int i = 0; i < n; i++)
        if (strncmp(keys[i], name, len) == 0 && keys[i][len] == '.')
            return true;
    return false;
}

/* What other programs call a section of ours. */
static const struct {
    const char *theirs, *ours;
} known_as[] = {
    { "vars", "x" },           { "var", "x" },
    { "variables", "x" },      { "scratch", "x" },
    { "parameters", "sweep" }, { "params", "sweep" },
    { "matrix", "sweep" },     { "hyperparameters", "sweep" },
    { "optimizer", "train" },  { "training", "train" },
    { "dataset", "data" },     { "quantization", "quant" },
};

const char *section_nearest(char buf[SECTION_NAME], const char *name)
{
    const char *keys[MAX_KEYS], *names[MAX_KEYS + N_SPECIAL], *near;
    const int n = all_keys(keys);
    char sections[MAX_KEYS][SECTION_NAME];

    for (int i = 0; i < n; i++) {
        snprintf(sections[i], SECTION_NAME, "%.*s", (int)strcspn(keys[i], "."),
                 keys[i]);
        names[i] = sections[i];
    }
    for (int i = 0; i < N_SPECIAL; i++)
        names[n + i] = special[i];
    near = text_nearest(name, names, (size_t)(n + N_SPECIAL));
    for (size_t i = 0; !near && i < sizeof known_as / sizeof known_as[0]; i++)
        if (strcmp(known_as[i].theirs, name) == 0)
            near = known_as[i].ours;
    if (near)
        snprintf(buf, SECTION_NAME, "%s", near);
    return near ? buf : NULL;
}
