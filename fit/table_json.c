/* table_json.c - JSON lines into a table. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fit/table.h"

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
    return mem_strdup("");
}

/* Parse one line and note the keys that are new. */
static enum status read_object(json_t **out, struct table *t, const char *line,
                               const char *source, int64_t number,
                               struct err *err)
{
    char *name = mem_printf("%s, line %lld", source, (long long)number);
    enum status st = json_parse(out, line, name, err);
    const char *key;
    json_t *value;

    if (st == OK && !json_is_object(*out))
        st = err_set(err, ERR_CONFIG, "%s: not an object", name);
    if (st == OK && json_object_get(*out, ""))
        st = err_set(err, ERR_CONFIG, "%s: a key without a name", name);
    if (st == OK)
        json_object_foreach(*out, key, value) if (table_find(t, key) < 0)
            table_add_column(t, key);
    free(name);
    return st;
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

enum status table_parse_lines(struct table **out, const char *text,
                              const char *source, struct err *err)
{
    struct table *t = table_new(source, "line");
    json_t **objects = NULL;
    int64_t *numbers = NULL, number = 1;
    size_t n = 0;
    enum status st = OK;

    for (const char *p = text; *p && st == OK; number++) {
        const size_t len = strcspn(p, "\n");
        char *line = mem_strndup(p, len);

        if (*text_trim(line)) {
            objects = mem_grow(objects, n + 1, sizeof *objects);
            numbers = mem_grow(numbers, n + 1, sizeof *numbers);
            numbers[n] = number;
            objects[n] = NULL;
            st = read_object(&objects[n++], t, line, source, number, err);
        }
        free(line);
        p += len + (p[len] == '\n');
    }
    if (st == OK && n == 0)
        st = err_set(err, ERR_CONFIG, "%s is empty", source);
    if (st == OK && t->n_cols == 0)
        st = err_set(err, ERR_CONFIG, "%s has objects without keys only",
                     source);
    for (size_t i = 0; i < n; i++) {
        if (st == OK)
            add_object(t, objects[i], numbers[i]);
        json_decref(objects[i]);
    }
    free(objects);
    free(numbers);
    if (st != OK) {
        table_free(t);
        t = NULL;
    }
    *out = t;
    return st;
}
