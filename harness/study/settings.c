#include "harness/study/settings.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "fit/predict.h"
#include "harness/study/preset_setting.h"
#include "harness/study/table_options.h"

#define MOST_TEXT  (size_t)(1 << 30)
#define MOST_ASKED 10000000.0

/* --- lists --------------------------------------------------------------- */

/* Is the whole text one of the values that a grouped parameter was fitted for?
 * Those may hold commas. */
static bool is_group(const struct model *m, const char *name, const char *text)
{
    bool found = false;

    for (int k = 0; k < m->n_names && !found; k++) {
        char *param;

        if (!m->names[k].column || strcmp(m->names[k].column, name) != 0)
            continue;
        param = mem_printf("%s[%s]", m->names[k].name, text);
        found = model_find_param(m, param) >= 0;
        free(param);
    }
    return found;
}

/* "000": a part of 7,000,000. */
static bool is_part(const char *text)
{
    return text[0] == '0' && isdigit((unsigned char)text[1]);
}

static enum status split(struct setting_list *l, const char *text,
                         struct err *err)
{
    char *copy = mem_strdup(text), *next = copy, *word;
    enum status st = OK;

    while (st == OK && (word = strsep(&next, ","))) {
        word = text_trim(word);
        if (!*word)
            st = err_set(err, ERR_USAGE, "%s=%s: a value is missing", l->name,
                         text);
        else if (l->n > 0 && is_part(word))
            st = err_set(err, ERR_USAGE,
                         "%s=%s: commas part the values of a list; write a "
                         "number without them, or as 7M",
                         l->name, text);
        l->value = mem_grow(l->value, (size_t)l->n + 1, sizeof *l->value);
        l->value[l->n++] = mem_strdup(word);
    }
    free(copy);
    return st;
}

static enum status add_list(struct settings *s, const struct model *m,
                            const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    struct setting_list *l;

    if (!equals || equals == text)
        return err_set(err, ERR_USAGE, "'%s' is not NAME=VALUE", text);
    s->lists = mem_grow(s->lists, (size_t)s->n_lists + 1, sizeof *s->lists);
    l = &s->lists[s->n_lists++];
    *l = (struct setting_list){
        .name = mem_strndup(text, (size_t)(equals - text)),
    };
    for (int i = 0; i < s->n_lists - 1; i++)
        if (strcmp(s->lists[i].name, l->name) == 0)
            return err_set(err, ERR_USAGE,
                           "%s is given twice; a list has commas: %s=%s,%s",
                           l->name, l->name, s->lists[i].value[0], equals + 1);
    if (!is_group(m, l->name, equals + 1))
        return split(l, equals + 1, err);
    l->value = mem_array(1, sizeof *l->value);
    l->value[l->n++] = mem_strdup(equals + 1);
    return OK;
}

/* --- the table ----------------------------------------------------------- */

static enum status read_input(struct table **out, struct err *err)
{
    struct str text = { 0 };
    char buf[65536];
    ssize_t n;
    enum status st = OK;

    while ((n = read(STDIN_FILENO, buf, sizeof buf)) > 0 &&
           text.len < MOST_TEXT)
        str_add_n(&text, buf, (size_t)n);
    if (n < 0)
        st = err_errno(err, ERR_IO, "standard input");
    else if (n > 0)
        st = err_set(err, ERR_IO, "standard input is too long for a table");
    if (st == OK)
        st = table_from(out, &text, "standard input", TABLE_ANY, err);
    str_release(&text);
    return st;
}

/* The names of --map are meant for the rows of the fit; a table of settings
 * may share them. */
static enum status map_columns(struct table *t, const struct texts *map,
                               struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < map->n; i++) {
        char *copy = mem_strdup(map->text[i]), *next = copy, *word;

        while (st == OK && (word = strsep(&next, ","))) {
            char *equals = strchr(word, '=');
            char *name = mem_strndup(word, strcspn(word, "="));

            if (equals && table_find(t, text_trim(name)) < 0 &&
                table_find(t, text_trim(equals + 1)) >= 0)
                st = table_map(t, word, NULL, err);
            free(name);
        }
        free(copy);
    }
    return st;
}

static enum status read_table(struct settings *s,
                              const struct settings_source *from,
                              const struct model *m, const char *needs,
                              struct err *err)
{
    const char *path = from->at;
    enum status st = strcmp(path, "-") == 0 ? read_input(&s->table, err)
                                            : table_read(&s->table, path, err);

    if (st == OK)
        st = map_columns(s->table, from->map, err);
    if (st != OK)
        return st;
    s->asked = mem_array((size_t)s->table->n_cols, sizeof *s->asked);
    for (int c = 0; c < s->table->n_cols; c++) {
        const char *name = s->table->cols[c].name;

        s->asked[c] = predict_knows(m, name) || strcmp(name, "fmt") == 0 ||
                      (needs && strcmp(name, needs) == 0);
        for (int i = 0; i < s->n_lists; i++)
            if (strcmp(s->lists[i].name, name) == 0)
                return err_set(err, ERR_USAGE,
                               "%s is given twice: as %s=%s, and as a column "
                               "of %s",
                               name, name, s->lists[i].value[0],
                               s->table->source);
    }
    return OK;
}

enum status settings_read(struct settings *s,
                          const struct settings_source *from,
                          const struct model *m, const char *needs,
                          struct err *err)
{
    double count = 1;
    enum status st = OK;

    *s = (struct settings){ .lists = NULL };
    for (int i = 0; i < from->n && st == OK; i++)
        st = add_list(s, m, from->texts[i], err);
    if (st == OK && from->at)
        st = read_table(s, from, m, needs, err);
    if (st != OK)
        return st;
    for (int i = 0; i < s->n_lists; i++)
        count *= s->lists[i].n;
    count *= s->table ? (double)s->table->rows : 1;
    if (count > MOST_ASKED)
        return err_set(err, ERR_USAGE, "%.3g combinations are too many", count);
    s->count = (size_t)count;
    return OK;
}

void settings_release(struct settings *s)
{
    for (int i = 0; i < s->n_lists; i++) {
        settings_free(s->lists[i].value, s->lists[i].n);
        free(s->lists[i].name);
    }
    free(s->lists);
    free(s->asked);
    table_free(s->table);
    *s = (struct settings){ .lists = NULL };
}

static bool is_given(const struct settings *s, const char *name)
{
    for (int i = 0; i < s->n_lists; i++)
        if (strcmp(s->lists[i].name, name) == 0)
            return true;
    return s->table && table_find(s->table, name) >= 0;
}

/* A preset of fmt sets the numbers of a format. */
enum status settings_complete(const struct settings *s, const struct model *m,
                              struct err *err)
{
    for (int k = 0; k < m->n_names && s->table; k++) {
        const struct model_name *nm = &m->names[k];
        const char *name = nm->is_var ? nm->name : nm->column, *near;

        if (!name || (nm->is_var && !isnan(nm->constant)) ||
            is_given(s, name) || (nm->is_var && is_given(s, "fmt")))
            continue;
        near = table_nearest(s->table, name);
        return err_set(err, ERR_USAGE,
                       "%s has no column %s%s%s%s: rename one, or give "
                       "%s=VALUE for all",
                       s->table->source, name, near ? " (but '" : "",
                       near ? near : "", near ? "')" : "", name);
    }
    return OK;
}

/* --- a combination ------------------------------------------------------- */

size_t settings_row(const struct settings *s, size_t i)
{
    for (int k = 0; k < s->n_lists; k++)
        i /= (size_t)s->lists[k].n;
    return i;
}

const char *settings_value(const struct settings *s, size_t i, int list)
{
    for (int k = s->n_lists - 1; k > list; k--)
        i /= (size_t)s->lists[k].n;
    return s->lists[list].value[i % (size_t)s->lists[list].n];
}

static bool is_variable(const struct model *m, const char *name)
{
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].is_var && strcmp(m->names[k].name, name) == 0)
            return true;
    return false;
}

/* What a cell gives the law: numbers as the table read them, words as they
 * stand. */
static char *from_cell(char **why, const struct settings *s,
                       const struct model *m, int col, size_t row)
{
    const struct column *c = &s->table->cols[col];
    char buf[32];

    if (!is_variable(m, c->name) && predict_knows(m, c->name))
        return mem_printf("%s=%s", c->name, c->text[row]);
    if (isfinite(c->num[row]))
        return mem_printf("%s=%s", c->name, text_number(buf, c->num[row]));
    if (strcmp(c->name, "fmt") == 0)
        return mem_printf("fmt=%s", c->text[row]);
    *why = table_cell_trouble(c, row);
    return NULL;
}

/* Take out what a table says of a format and this law does not ask. */
static void drop_unknown(char **texts, int *n, const struct model *m)
{
    int kept = 0;

    for (int i = 0; i < *n; i++)
        if (text_has_prefix(texts[i], "fmt=") && !predict_knows(m, "fmt"))
            free(texts[i]);
        else
            texts[kept++] = texts[i];
    *n = kept;
}

void settings_free(char **texts, int n)
{
    for (int i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

char **settings_at(int *n, char **why, const struct settings *s,
                   const struct model *m, size_t i)
{
    const size_t row = settings_row(s, i);
    const int most = s->n_lists + (s->table ? s->table->n_cols : 0);
    char **raw = mem_array((size_t)most + 1, sizeof *raw), **out = NULL;
    int count = 0;

    *n = 0;
    *why = s->table && s->table->trouble[row]
               ? mem_strdup(s->table->trouble[row])
               : NULL;
    for (int c = 0; s->table && c < s->table->n_cols && !*why; c++)
        if (s->asked[c] && (raw[count] = from_cell(why, s, m, c, row)))
            count++;
    for (int k = 0; k < s->n_lists && !*why; k++)
        raw[count++] =
            mem_printf("%s=%s", s->lists[k].name, settings_value(s, i, k));
    if (!*why) {
        out = preset_settings(n, m, raw, count);
        if (s->table && table_find(s->table, "fmt") >= 0)
            drop_unknown(out, n, m);
    }
    settings_free(raw, count);
    return out;
}
