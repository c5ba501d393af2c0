#include "harness/study/options.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"

#define SCHEMA "qlaw/fit-request/1"

#define AT(member) offsetof(struct fit_options, member)

static const struct fit_option rows[] = {
    { "law", FIT_TEXT, AT(law), 0, 0 },
    { "formula", FIT_LIST, AT(formula), 0, 0 },
    { "paired", FIT_FLAG, AT(paired), 0, 0 },
    { "data", FIT_TEXT, AT(data), 0, 0 },
    { "where", FIT_LIST, AT(where), 0, 0 },
    { "map", FIT_LIST, AT(map), 0, 0 },
    { "derive", FIT_LIST, AT(derive), 0, 0 },
    { "best", FIT_TEXT, AT(best), 0, 0 },
    { "by", FIT_TEXT, AT(by), 0, 0 },
    { "base", FIT_TEXT, AT(base), 0, 0 },
    { "n-def", FIT_TEXT, AT(n_def), 0, 0 },
    { "space", FIT_TEXT, AT(space), 0, 0 },
    { "loss", FIT_TEXT, AT(loss), 0, 0 },
    { "weight-sigma", FIT_TEXT, AT(weight_sigma), 0, 0 },
    { "start", FIT_LIST, AT(start), 0, 0 },
    { "start-only", FIT_FLAG, AT(start_only), 0, 0 },
    { "bound", FIT_LIST, AT(bound), 0, 0 },
    { "fix", FIT_LIST, AT(fix), 0, 0 },
    { "group-param", FIT_LIST, AT(group_param), 0, 0 },
    { "cluster", FIT_TEXT, AT(cluster), 0, 0 },
    { "bootstrap", FIT_NUMBER, AT(bootstrap), 0, 1e7 },
    { "profile", FIT_FLAG, AT(profile), 0, 0 },
    { "seed", FIT_NUMBER, AT(seed), 0, 0x1p53 },
    { "strict", FIT_FLAG, AT(strict), 0, 0 },
};
#define N_ROWS (int)(sizeof rows / sizeof rows[0])

const struct fit_option *fit_option_at(int i)
{
    return i < N_ROWS ? &rows[i] : NULL;
}

static void *place(struct fit_options *o, const struct fit_option *row)
{
    return (char *)o + row->offset;
}

void fit_options_init(struct fit_options *o)
{
    *o = (struct fit_options){ .bootstrap = (double)NAN, .seed = (double)NAN };
}

void fit_options_release(struct fit_options *o)
{
    for (int i = 0; i < N_ROWS; i++)
        if (rows[i].kind == FIT_TEXT)
            free(*(char **)place(o, &rows[i]));
        else if (rows[i].kind == FIT_LIST)
            texts_release(place(o, &rows[i]));
    texts_release(&o->compare);
    free(o->grid);
    free(o->isoflop);
    free(o->envelope);
    fit_options_init(o);
}

enum status fit_options_set(struct fit_options *o, const struct fit_option *row,
                            const char *value, struct err *err)
{
    void *at = place(o, row);

    switch (row->kind) {
    case FIT_TEXT:
        free(*(char **)at);
        *(char **)at = mem_strdup(value);
        return OK;
    case FIT_LIST:
        texts_add(at, value);
        return OK;
    case FIT_FLAG:
        *(bool *)at = true;
        return OK;
    case FIT_NUMBER:
        return text_number_in(at, row->key, value, false, row->min, row->max,
                              err);
    }
    return OK;
}

/* --- as JSON ------------------------------------------------------------- */

static void add_list(struct str *out, const char *key, const struct texts *list)
{
    str_addf(out, ",\"%s\":[", key);
    for (int i = 0; i < list->n; i++) {
        str_add(out, i ? "," : "");
        json_quote(out, list->text[i]);
    }
    str_add(out, "]");
}

void fit_options_json(struct str *out, const struct fit_options *o)
{
    str_add(out, "{\"schema\":\"" SCHEMA "\"");
    if (o->grid)
        json_add_text(out, "grid", o->grid);
    for (int i = 0; i < N_ROWS; i++) {
        const char *key = rows[i].key;
        const void *at = (const char *)o + rows[i].offset;

        if (rows[i].kind == FIT_TEXT && *(char *const *)at)
            json_add_text(out, key, *(char *const *)at);
        else if (rows[i].kind == FIT_LIST && ((const struct texts *)at)->n > 0)
            add_list(out, key, at);
        else if (rows[i].kind == FIT_FLAG && *(const bool *)at)
            str_addf(out, ",\"%s\":true", key);
        else if (rows[i].kind == FIT_NUMBER && !isnan(*(const double *)at))
            json_add_number(out, key, *(const double *)at);
    }
    str_add(out, "}");
}

static const struct fit_option *find(const char *key, size_t n)
{
    for (int i = 0; i < N_ROWS; i++)
        if (strlen(rows[i].key) == n && memcmp(rows[i].key, key, n) == 0)
            return &rows[i];
    return NULL;
}

/* "--law=chinchilla", "--profile", or the name of the grid. */
static bool take_word(struct fit_options *o, const char *word)
{
    const char *name = word + 2, *equals = strchr(word, '=');
    const size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct fit_option *row;

    if (!text_has_prefix(word, "--")) {
        free(o->grid);
        o->grid = mem_strdup(word);
        return true;
    }
    row = find(name, n);
    return row && (row->kind == FIT_FLAG) == !equals &&
           fit_options_set(o, row, equals ? equals + 1 : NULL, NULL) == OK;
}

/* Words as they were kept before: "qlaw", "fit", then the options. */
static enum status from_words(struct fit_options *o, const json_t *words,
                              struct err *err)
{
    const size_t n = json_array_size(words);

    if (n < 2)
        return err_set(err, ERR_DB,
                       "what made this fit is not stored; it "
                       "cannot be made again");
    for (size_t i = 2; i < n; i++) {
        const char *word = json_string_value(json_array_get(words, i));

        if (!word) /* a database that others wrote, or damage */
            return err_set(err, ERR_DB,
                           "what made this fit is not stored as words; it "
                           "cannot be made again");
        if (!take_word(o, word))
            return err_set(err, ERR_DB,
                           "'%s' is not what a fit can be asked with; it "
                           "cannot be made again",
                           word);
    }
    return OK;
}

static bool take_list(struct texts *list, const json_t *from)
{
    const size_t n = json_array_size(from);

    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(from, i));

        if (!text)
            return false;
        texts_add(list, text);
    }
    return json_is_array(from);
}

static bool take_value(struct fit_options *o, const struct fit_option *row,
                       const json_t *from)
{
    const double x = json_number_value(from);

    switch (row->kind) {
    case FIT_TEXT:
        return json_is_string(from) &&
               fit_options_set(o, row, json_string_value(from), NULL) == OK;
    case FIT_LIST:
        return take_list(place(o, row), from);
    case FIT_FLAG:
        *(bool *)place(o, row) = json_is_true(from);
        return json_is_boolean(from);
    case FIT_NUMBER:
        *(double *)place(o, row) = x;
        return json_is_number(from) && x >= row->min && x <= row->max;
    }
    return false;
}

enum status fit_options_from_json(struct fit_options *o, const json_t *from,
                                  struct err *err)
{
    const json_t *schema = json_object_get(from, "schema"), *value;
    const json_t *grid = json_object_get(from, "grid");

    fit_options_init(o);
    if (!schema)
        return from_words(o, json_object_get(from, "argv"), err);
    if (!json_is_string(schema) ||
        strcmp(json_string_value(schema), SCHEMA) != 0)
        return err_set(err, ERR_DB,
                       "what made this fit is stored in a way that this qlaw "
                       "does not know; it cannot be made again");
    if (json_is_string(grid))
        o->grid = mem_strdup(json_string_value(grid));
    for (int i = 0; i < N_ROWS; i++)
        if ((value = json_object_get(from, rows[i].key)) &&
            !take_value(o, &rows[i], value))
            return err_set(err, ERR_DB,
                           "\"%s\" of what made this fit is not as it is "
                           "stored; it cannot be made again",
                           rows[i].key);
    return OK;
}

/* --- as a command -------------------------------------------------------- */

static void add_word(struct str *out, const char *word)
{
    str_add(out, " ");
    words_add_quoted(out, word);
}

static void add_option(struct str *out, const char *key, const char *value)
{
    char *word = mem_printf("--%s=%s", key, value);

    add_word(out, word);
    free(word);
}

void fit_options_command(struct str *out, const struct fit_options *o)
{
    char number[32];

    str_add(out, "qlaw fit");
    if (o->grid)
        add_word(out, o->grid);
    for (int i = 0; i < N_ROWS; i++) {
        const char *key = rows[i].key;
        const void *at = (const char *)o + rows[i].offset;
        const struct texts *list = at;

        if (rows[i].kind == FIT_TEXT && *(char *const *)at)
            add_option(out, key, *(char *const *)at);
        for (int k = 0; rows[i].kind == FIT_LIST && k < list->n; k++)
            add_option(out, key, list->text[k]);
        if (rows[i].kind == FIT_FLAG && *(const bool *)at)
            str_addf(out, " --%s", key);
        if (rows[i].kind == FIT_NUMBER && !isnan(*(const double *)at))
            add_option(out, key, text_number(number, *(const double *)at));
    }
}
