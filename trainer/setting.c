/* setting.c - the rows of settings.def and the spelling of one value. */
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "trainer/config.h"
#include "trainer/selector.h"

static const struct setting settings[] = {
#define SETTING(type_, section, name, fallback_, min_, max_, unit_, choices_,  \
                hashed_, list_, help_)                                         \
    { .key = #section "." #name,                                               \
      .type = SETTING_##type_,                                                 \
      .fallback = fallback_,                                                   \
      .min = min_,                                                             \
      .max = max_,                                                             \
      .unit = unit_,                                                           \
      .choices = choices_,                                                     \
      .hashed = hashed_,                                                       \
      .list = list_,                                                           \
      .help = help_ },
#include "trainer/settings.def"
#undef SETTING
};

const struct setting *setting_at(int i)
{
    return i < N_SETTINGS ? &settings[i] : NULL;
}

bool setting_varies(const struct setting *s)
{
    return s->hashed == HASHED_YES || s->hashed == HASHED_UNLESS_DEFAULT;
}

bool setting_identifies(const struct setting *s, const char *value)
{
    return s->hashed == HASHED_YES || (s->hashed == HASHED_UNLESS_DEFAULT &&
                                       strcmp(s->fallback, value) != 0);
}

/* A plan of a million runs looks keys up a hundred million times, so they are
 * found by hash: row + 1 in the first free place from the key's own on.  Filled
 * once and constant from then on. */
#define PLACES 512
static unsigned char places[PLACES];
_Static_assert(2 * N_SETTINGS < PLACES, "half of the places stay free");
_Static_assert(N_SETTINGS < 255, "a row and one fit a byte");

/* FNV-1a. */
static unsigned place_of(const char *key)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * UINT32_C(16777619);
    return (hash ^ hash >> 16) % PLACES;
}

static void fill_places(void)
{
    for (int i = 0; i < N_SETTINGS; i++) {
        unsigned at = place_of(settings[i].key);

        while (places[at])
            at = (at + 1) % PLACES;
        places[at] = (unsigned char)(i + 1);
    }
}

const struct setting *setting_find(const char *key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, fill_places);
    for (unsigned at = place_of(key); places[at]; at = (at + 1) % PLACES) {
        const struct setting *s = &settings[places[at] - 1];

        if (s->key == key || strcmp(s->key, key) == 0)
            return s;
    }
    return NULL;
}

const char *const quant_sections[QUANT_SECTIONS] = { "quant.", "post." };

enum quant_section quant_section_of(const char *key)
{
    int i = 0;

    while (i < QUANT_SECTIONS && !text_has_prefix(key, quant_sections[i]))
        i++;
    return (enum quant_section)i;
}

char *setting_selector(const char *key)
{
    const enum quant_section section = quant_section_of(key);
    const char *last = strrchr(key, '.'), *start;

    if (section == QUANT_SECTIONS)
        return NULL;
    start = key + strlen(quant_sections[section]);
    return last > start ? mem_strndup(start, (size_t)(last - start)) : NULL;
}

static const struct setting *unknown(const char *key, struct err *err)
{
    const char *names[N_SETTINGS], *near;

    for (int i = 0; i < N_SETTINGS; i++)
        names[i] = settings[i].key;
    near = text_nearest(key, names, N_SETTINGS);
    if (near)
        err_set(err, ERR_CONFIG, "unknown key '%.80s', did you mean '%s'?", key,
                near);
    else
        err_set(err, ERR_CONFIG, "unknown key '%.80s' (qlaw keys lists them)",
                key);
    return NULL;
}

const struct setting *setting_find_any(const char *key, struct err *err)
{
    const struct setting *s = setting_find(key);
    char *plain, *selector = s ? NULL : setting_selector(key);

    if (s)
        return s;
    if (!selector)
        return unknown(key, err);
    plain = mem_printf("%s%s", quant_sections[quant_section_of(key)],
                       strrchr(key, '.') + 1);
    s = setting_find(plain);
    if (!s) {
        unknown(plain, err);
    } else if (!quant_is_by_layer(plain)) {
        err_set(err, ERR_CONFIG,
                "%.80s: %s is of the whole model, no layer has it to itself",
                key, plain);
        s = NULL;
    } else if (!selector_check(selector, err)) {
        s = NULL;
    }
    free(plain);
    free(selector);
    return s;
}

/* A text that ends in %KEY with the words of that table of the quantizer. */
static char *with_words(const char *text,
                        char *(*words)(enum quant_field field))
{
    const char *mark = strchr(text, '%');
    char *list, *whole;

    if (!mark)
        return mem_strdup(text);
    list = words(quant_field_find(mark + 1));
    whole = mem_printf("%.*s%s", (int)(mark - text), text, list);
    free(list);
    return whole;
}

char *setting_choices(const struct setting *s)
{
    return with_words(s->choices, quant_choices);
}

char *setting_help(const struct setting *s)
{
    return with_words(s->help, quant_prose);
}

/* --- one value ----------------------------------------------------------- */

static enum status wrong(const struct setting *s, const char *text,
                         const char *form, struct err *err)
{
    return err_set(err, ERR_CONFIG, "%s = %.60s: expected %s", s->key, text,
                   form);
}

static enum status check_range(const struct setting *s, const char *text,
                               double x, struct err *err)
{
    if (x >= s->min && x <= s->max)
        return OK;
    return err_set(err, ERR_CONFIG, "%s = %.60s is outside %g .. %g", s->key,
                   text, s->min, s->max);
}

static enum status canonical_number(char **out, const struct setting *s,
                                    const char *text, struct err *err)
{
    const bool duration = s->type == SETTING_DURATION;
    const char *end;
    char buf[32];
    double x;

    if (!text_read_number(&x, text, &end, duration) || *end)
        return wrong(s, text,
                     duration ? "a duration such as 30s, 10m or 2h"
                     : s->type == SETTING_INT
                         ? "a whole number (suffixes k M G Ki Mi Gi)"
                         : "a number",
                     err);
    if (s->type == SETTING_INT && (x != floor(x) || fabs(x) > 0x1p53))
        return wrong(s, text, "a whole number (suffixes k M G Ki Mi Gi)", err);
    if (check_range(s, text, x, err) != OK)
        return ERR_CONFIG;
    *out = mem_strdup(text_number(buf, x));
    return OK;
}

static enum status canonical_bool(char **out, const struct setting *s,
                                  const char *text, struct err *err)
{
    static const char *const words[2][4] = { { "no", "false", "off", "0" },
                                             { "yes", "true", "on", "1" } };

    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 4; i++)
            if (strcasecmp(words[value][i], text) == 0) {
                *out = mem_strdup(value ? "true" : "false");
                return OK;
            }
    return wrong(s, text, "yes or no", err);
}

#define MAX_CHOICES 64

/* One of "a|b|c", in lower case; a near miss is suggested. */
static enum status canonical_word(char **out, const struct setting *s,
                                  const char *text, struct err *err)
{
    char *choices = setting_choices(s), *copy = mem_strdup(choices);
    char *save = NULL, *word;
    const char *words[MAX_CHOICES], *near;
    size_t n = 0;
    enum status st = ERR_CONFIG;

    for (word = strtok_r(copy, "|", &save); word && n < MAX_CHOICES;
         word = strtok_r(NULL, "|", &save)) {
        words[n++] = word;
        if (strcasecmp(word, text) == 0) {
            *out = mem_strdup(word);
            st = OK;
        }
    }
    near = text_nearest(text, words, n);
    if (st != OK && near)
        err_set(err, ERR_CONFIG,
                "%s = %.60s: not one of %s; did you mean '%s'?", s->key, text,
                choices, near);
    else if (st != OK)
        err_set(err, ERR_CONFIG, "%s = %.60s: not one of %s", s->key, text,
                choices);
    free(copy);
    free(choices);
    return st;
}

/* Only the form is checked here: what the base keys fill in is known when the
 * configuration is resolved. */
static enum status canonical_quant(char **out, const struct setting *s,
                                   const char *text, struct err *err)
{
    const bool backward =
        strcmp(s->key, "quant.w_d") == 0 || strcmp(s->key, "quant.x_g") == 0;
    struct quant_words words;

    if (!(backward && strcmp(text, "forward") == 0) &&
        quant_read(&words, text, err) != OK) {
        err_prefix(err, "%s = %.60s: ", s->key, text);
        return ERR_CONFIG;
    }
    *out = mem_strdup(text);
    return OK;
}

enum status setting_canonical(char **out, const struct setting *s,
                              const char *text, struct err *err)
{
    switch (s->type) {
    case SETTING_INT:
    case SETTING_REAL:
    case SETTING_DURATION:
        return canonical_number(out, s, text, err);
    case SETTING_BOOL:
        return canonical_bool(out, s, text, err);
    case SETTING_WORD:
        return canonical_word(out, s, text, err);
    case SETTING_QUANT:
        return canonical_quant(out, s, text, err);
    case SETTING_TEXT:
        break;
    }
    *out = mem_strdup(text);
    return OK;
}
