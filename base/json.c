#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_quote(struct str *out, const char *text)
{
    size_t n;

    str_add_char(out, '"');
    for (const char *p = text; *p; p += n) {
        const uint32_t c = text_decode(p, &n);

        if (c == TEXT_NOT_UTF8)
            str_add(out, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            str_addf(out, "\\%c", (char)c);
        else if (c == '\n')
            str_add(out, "\\n");
        else if (c == '\t')
            str_add(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            str_addf(out, "\\u%04x", c);
        else
            str_add_n(out, p, n);
    }
    str_add_char(out, '"');
}

static void add_real(struct str *out, double x)
{
    char buf[32];

    str_add(out, isfinite(x) ? text_number(buf, x) : "null");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_object(struct str *out, const json_t *object)
{
    const size_t n = json_object_size(object);
    const char **keys = mem_array(n, sizeof *keys);
    const char *key;
    json_t *value;
    size_t i = 0;

    json_object_foreach((json_t *)object, key, value) keys[i++] = key;
    qsort(keys, n, sizeof *keys, by_name);
    str_add_char(out, '{');
    for (i = 0; i < n; i++) {
        if (i)
            str_add_char(out, ',');
        json_quote(out, keys[i]);
        str_add_char(out, ':');
        json_canonical(out, json_object_get(object, keys[i]));
    }
    str_add_char(out, '}');
    free(keys);
}

void json_canonical(struct str *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add_object(out, value);
        break;
    case JSON_ARRAY:
        str_add_char(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i)
                str_add_char(out, ',');
            json_canonical(out, json_array_get(value, i));
        }
        str_add_char(out, ']');
        break;
    case JSON_STRING:
        json_quote(out, json_string_value(value));
        break;
    case JSON_INTEGER:
        str_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        str_add(out, "true");
        break;
    case JSON_FALSE:
        str_add(out, "false");
        break;
    case JSON_NULL:
        str_add(out, "null");
        break;
    }
}

char *json_canonical_text(const json_t *value)
{
    struct str out = { 0 };

    json_canonical(&out, value);
    return str_steal(&out);
}

static void add_key(struct str *out, const char *key)
{
    const char last = out->len ? out->data[out->len - 1] : '{';

    if (last != '{' && last != '[')
        str_add_char(out, ',');
    if (key) {
        json_quote(out, key);
        str_add_char(out, ':');
    }
}

void json_add_number(struct str *out, const char *key, double x)
{
    add_key(out, key);
    add_real(out, x);
}

void json_add_text(struct str *out, const char *key, const char *text)
{
    add_key(out, key);
    json_quote(out, text);
}

static enum status load(json_t **out, const char *text, size_t flags,
                        const char *name, bool *too_big, struct err *err)
{
    json_error_t e;

    *out = json_loads(text, JSON_REJECT_DUPLICATES | flags, &e);
    *too_big = !*out && json_error_code(&e) == json_error_numeric_overflow;
    if (*out)
        return OK;
    return err_set(err, ERR_CONFIG, "%s:%d:%d: not valid JSON: %s", name,
                   e.line, e.column, e.text);
}

enum status json_parse(json_t **out, const char *text, const char *name,
                       struct err *err)
{
    bool too_big;

    return load(out, text, 0, name, &too_big, err);
}

/* Bytes of a number at p that is none in JSON. */
static size_t odd_number(const char *p)
{
    static const char *const words[] = { "NaN", "-NaN", "Infinity",
                                         "-Infinity" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_has_prefix(p, words[i]))
            return strlen(words[i]);
    return 0;
}

enum status json_parse_loose(json_t **out, const char *text, const char *name,
                             struct err *err)
{
    struct str plain = { 0 };
    bool inside = false, too_big;
    enum status st;

    for (const char *p = text; *p; p++) {
        const size_t n = inside ? 0 : odd_number(p);

        if (n) {
            str_addf(&plain, "\"%.*s\"", (int)n, p);
            p += n - 1;
            continue;
        }
        if (inside && *p == '\\' && p[1])
            str_add_char(&plain, *p++);
        else if (*p == '"')
            inside = !inside;
        str_add_char(&plain, *p);
    }
    st = load(out, str_text(&plain), 0, name, &too_big, err);
    if (too_big)
        st = load(out, str_text(&plain), JSON_DECODE_INT_AS_REAL, name,
                  &too_big, err);
    str_release(&plain);
    return st;
}
