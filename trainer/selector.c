#include "trainer/selector.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct selector {
    bool any_block;
    enum { RANGE, FIRST, LAST } how;
    int a, b; /* RANGE a-b; FIRST, LAST: b blocks */
    int kind; /* -1: every kind of the block */
};

static int find_kind(const char *text)
{
    const enum layer_kind kind = layer_find(text);

    return kind == LAYER_KINDS ? -1 : (int)kind;
}

static bool read_count(const char **p, int *out)
{
    char *end;
    const long v = strtol(*p, &end, 10);

    if (end == *p || **p == '-' || **p == '+' || v < 0 || v > 100000)
        return false;
    *out = (int)v;
    *p = end;
    return true;
}

static bool read_blocks(struct selector *s, const char **p)
{
    if (text_has_prefix(*p, "first:") || text_has_prefix(*p, "last:")) {
        s->how = **p == 'f' ? FIRST : LAST;
        *p = strchr(*p, ':') + 1;
        return read_count(p, &s->b) && s->b > 0;
    }
    s->how = RANGE;
    if (!read_count(p, &s->a))
        return false;
    s->b = s->a;
    if (**p != '-')
        return true;
    (*p)++;
    return read_count(p, &s->b) && s->b >= s->a;
}

static bool parse(struct selector *s, const char *text)
{
    const char *p = text;

    *s = (struct selector){ .kind = find_kind(text) };
    s->any_block = s->kind >= 0;
    if (s->any_block)
        return true;
    if (!read_blocks(s, &p))
        return false;
    if (*p == '\0')
        return true;
    s->kind = *p == '.' ? find_kind(p + 1) : -1;
    return s->kind >= 0 && s->kind != LAYER_HEAD;
}

bool selector_check(const char *text, struct err *err)
{
    struct selector s;
    const char *dot = strrchr(text, '.');
    const char *near, *names[LAYER_KINDS];
    struct str all = { 0 };

    if (parse(&s, text))
        return true;
    for (int k = 0; k < LAYER_KINDS; k++) {
        names[k] = layer_rows[k].name;
        str_addf(&all, "%s, ", names[k]);
    }
    near = text_nearest(dot ? dot + 1 : text, names, LAYER_KINDS);
    if (near)
        err_set(err, ERR_CONFIG,
                "'%.60s' selects no layer, did you mean '%.*s%s'?", text,
                dot ? (int)(dot - text) + 1 : 0, text, near);
    else
        err_set(err, ERR_CONFIG,
                "'%.60s' selects no layer: %s3, 0-3, first:N, last:N or blocks "
                "and kind as in 0-3.fc2",
                text, str_text(&all));
    str_release(&all);
    return false;
}

bool selector_matches(const char *text, int layer, int n_layer,
                      enum layer_kind kind)
{
    struct selector s;

    if (!parse(&s, text) || (s.kind >= 0 && s.kind != (int)kind))
        return false;
    if (s.any_block)
        return true;
    if (kind == LAYER_HEAD)
        return false;
    switch (s.how) {
    case RANGE:
        return layer >= s.a && layer <= s.b;
    case FIRST:
        return layer < s.b;
    default:
        return layer >= n_layer - s.b;
    }
}
