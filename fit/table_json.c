/* table_json.c - JSON into a table: a list of objects, or one object a line. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fit/table_text.h"

#define MOST_DEPTH 8

struct objects {
    json_t **object;
    int64_t *number; /* line, or place in the list */
    size_t n;
};

static char *cell_of(const json_t *value)
{
    char buf[32];

    if (json_is_string(value))
        return mem_strdup(json_string_value(value));
    if (json_is_integer(value))
        return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return mem_strdup(text_number(buf, json_real_value(value)));
    if (json_is_boolean(value))
        return mem_strdup(json_is_true(value) ? "1" : "0");
    if (json_is_array(value) || json_is_object(value))
        return json_canonical_text(value);
    return mem_strdup("");
}

/* What is in an object inside stands as "config.lr".  Another of that name is a
 * cell that says two things. */
static enum status flatten(json_t *out, const json_t *object,
                           const char *prefix, int depth, const char *where,
                           struct err *err)
{
    enum status st = OK;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        char *name = mem_printf("%s%s%s", prefix, *prefix ? "." : "", key);

        if (st == OK && json_is_object(value) && json_object_size(value) > 0 &&
            depth < MOST_DEPTH)
            st = flatten(out, value, name, depth + 1, where, err);
        else if (st == OK && json_object_get(out, name))
            st = err_set(err, ERR_CONFIG, "%s: the key %.80s comes twice",
                         where, name);
        else if (st == OK)
            json_object_set(out, name, value);
        free(name);
    }
    return st;
}

static enum status keep_object(struct objects *all, struct table *t,
                               json_t *object, const char *name, int64_t number,
                               struct err *err)
{
    enum status st;
    json_t *flat;
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return err_set(err, ERR_CONFIG, "%s: not an object", name);
    if (json_object_get(object, ""))
        return err_set(err, ERR_CONFIG, "%s: a key without a name", name);
    flat = json_object();
    st = flatten(flat, object, "", 0, name, err);
    if (st != OK) {
        json_decref(flat);
        return st;
    }
    json_object_foreach(flat, key, value) if (table_find(t, key) < 0)
        table_add_column(t, key);
    all->object = mem_grow(all->object, all->n + 1, sizeof(json_t *));
    all->number = mem_grow(all->number, all->n + 1, sizeof *all->number);
    all->number[all->n] = number;
    all->object[all->n++] = flat;
    return OK;
}

static enum status read_list(struct objects *all, struct table *t,
                             const char *text, struct err *err)
{
    json_t *list, *item;
    size_t i;
    enum status st = json_parse_loose(&list, text, t->source, err);

    if (st != OK)
        return st;
    t->noun = "item";
    json_array_foreach(list, i, item)
    {
        char *name = mem_printf("%s, item %zu", t->source, i + 1);

        if (st == OK)
            st = keep_object(all, t, item, name, (int64_t)i + 1, err);
        free(name);
    }
    json_decref(list);
    return st;
}

static enum status read_one(struct objects *all, struct table *t,
                            const char *line, int64_t number, struct err *err)
{
    char *name = mem_printf("%s, line %lld", t->source, (long long)number);
    json_t *object = NULL;
    enum status st = json_parse_loose(&object, line, name, err);

    if (st == OK)
        st = keep_object(all, t, object, name, number, err);
    json_decref(object);
    free(name);
    return st;
}

static enum status read_lines(struct objects *all, struct table *t,
                              const char *text, struct err *err)
{
    int64_t number = 1;
    enum status st = OK;

    for (const char *p = text; *p && st == OK; number++) {
        const size_t len = strcspn(p, "\n");
        char *line = mem_strndup(p, len);

        if (*text_trim(line))
            st = read_one(all, t, line, number, err);
        free(line);
        p += len + (p[len] == '\n');
    }
    return st;
}

/* One object over several lines is no table. */
static enum status one_object(struct table *t, const char *text,
                              struct err *err)
{
    json_t *object = NULL;
    struct err why;
    const char *more = text + strcspn(text, "\n");
    const bool whole = *text == '{' && more[strspn(more, " \t\r\n")] &&
                       json_parse_loose(&object, text, t->source, &why) == OK;

    json_decref(object);
    return whole ? err_set(err, ERR_CONFIG,
                           "%s is one JSON object; a table is a list of "
                           "objects, or one object a line (pandas: "
                           "orient=\"records\")",
                           t->source)
                 : err->status;
}

static void add_object(struct table *t, const json_t *object, int64_t number)
{
    char **cells = mem_array((size_t)t->n_cols, sizeof *cells);

    for (int i = 0; i < t->n_cols; i++)
        cells[i] = cell_of(json_object_get(object, t->cols[i].name));
    table_add_row(t, number, (const char *const *)cells);
    for (int i = 0; i < t->n_cols; i++)
        free(cells[i]);
    free(cells);
}

enum status table_parse_json(struct table **out, const char *text,
                             const char *source, struct err *err)
{
    struct table *t = table_new(source, "line");
    struct objects all = { .n = 0 };
    enum status st = *text == '[' ? read_list(&all, t, text, err)
                                  : read_lines(&all, t, text, err);

    if (st != OK)
        st = one_object(t, text, err);
    if (st == OK && all.n == 0)
        st = err_set(err, ERR_CONFIG, "%s is empty", source);
    if (st == OK && t->n_cols == 0)
        st = err_set(err, ERR_CONFIG, "%s has objects without keys only",
                     source);
    for (size_t i = 0; i < all.n; i++) {
        if (st == OK)
            add_object(t, all.object[i], all.number[i]);
        json_decref(all.object[i]);
    }
    if (st == OK)
        st = table_numbers(t, err);
    free(all.object);
    free(all.number);
    if (st != OK) {
        table_free(t);
        t = NULL;
    }
    *out = t;
    return st;
}
