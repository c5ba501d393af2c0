#include "plots/svg.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MAX_COLOURS 256

/* An attribute's value in the light picture and in the dark one. */
struct pair {
    const char *name; /* "fill" */
    char *light, *dark;
};

struct pairs {
    struct pair items[MAX_COLOURS];
    int n;
};

static const char *const attributes[] = { "fill", "stroke", "color",
                                          "flood-color" };

/* The attribute that starts at text (with the space before it), or NULL;
 * *value is its first character behind the quote. */
static const char *find_attribute(const char *text, const char **value)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        const size_t n = strlen(attributes[i]);

        if (*text == ' ' && strncmp(text + 1, attributes[i], n) == 0 &&
            text[n + 1] == '=' && (text[n + 2] == '"' || text[n + 2] == '\'')) {
            *value = text + n + 3;
            return attributes[i];
        }
    }
    return NULL;
}

/* False when a colour would need two others, or there are too many. */
static bool remember(struct pairs *p, const char *name, const char *light,
                     size_t n_light, const char *dark, size_t n_dark)
{
    for (int i = 0; i < p->n; i++) {
        const struct pair *q = &p->items[i];

        if (q->name == name && strlen(q->light) == n_light &&
            memcmp(q->light, light, n_light) == 0)
            return strlen(q->dark) == n_dark &&
                   memcmp(q->dark, dark, n_dark) == 0;
    }
    if (p->n == MAX_COLOURS)
        return false;
    p->items[p->n++] = (struct pair){ name, mem_strndup(light, n_light),
                                      mem_strndup(dark, n_dark) };
    return true;
}

static bool compare(struct pairs *p, const char *a, const char *b)
{
    while (*a && *b) {
        const char *va, *vb, *name = find_attribute(a, &va);

        if (name && find_attribute(b, &vb) == name) {
            const size_t na = strcspn(va, "\"'<>"), nb = strcspn(vb, "\"'<>");

            if (!remember(p, name, va, na, vb, nb))
                return false;
            a = va + na;
            b = vb + nb;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static void add_rules(struct str *out, const struct pairs *p)
{
    str_add(out, "<style>@media (prefers-color-scheme:dark){");
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->items[i].light, p->items[i].dark) != 0)
            str_addf(out, "[%s=\"%s\"]{%s:%s}", p->items[i].name,
                     p->items[i].light, p->items[i].name, p->items[i].dark);
    str_add(out, "}</style>");
}

char *svg_for_both(const char *light, const char *dark)
{
    struct pairs p = { .n = 0 };
    struct str out = { 0 };
    const char *tag = strstr(light, "<svg"),
               *end = tag ? strchr(tag, '>') : NULL;

    if (end && compare(&p, light, dark)) {
        str_add_n(&out, light, (size_t)(end + 1 - light));
        add_rules(&out, &p);
        str_add(&out, end + 1);
    }
    for (int i = 0; i < p.n; i++) {
        free(p.items[i].light);
        free(p.items[i].dark);
    }
    return out.len ? str_steal(&out) : NULL;
}
