/* contrast_keys.c - keys in which configurations differ. */
#include <stdlib.h>
#include <string.h>

#include "harness/study/contrast.h"

#define SEVERAL "(several)"

static void add_key(struct contrast *c, const char *name, const char *a,
                    const char *b)
{
    for (int i = 0; i < c->n_keys; i++) {
        struct contrast_key *k = &c->keys[i];

        if (strcmp(k->name, name) != 0)
            continue;
        if (strcmp(k->a ? k->a : "", a ? a : "") != 0) {
            free(k->a);
            k->a = mem_strdup(SEVERAL);
        }
        if (strcmp(k->b ? k->b : "", b ? b : "") != 0) {
            free(k->b);
            k->b = mem_strdup(SEVERAL);
        }
        return;
    }
    c->keys = mem_grow(c->keys, (size_t)c->n_keys + 1, sizeof *c->keys);
    c->keys[c->n_keys++] = (struct contrast_key){
        mem_strdup(name),
        a ? mem_strdup(a) : NULL,
        b ? mem_strdup(b) : NULL,
    };
}

static char *value_text(const json_t *v)
{
    return !v                  ? NULL
           : json_is_string(v) ? mem_strdup(json_string_value(v))
                               : json_canonical_text(v);
}

/* Keys of one section in either configuration. */
static void compare_section(struct contrast *c, const char *section,
                            const json_t *a, const json_t *b, bool second)
{
    const char *key;
    json_t *value;

    if (!second && a && !json_is_object(a)) {
        char *ta = value_text(a), *tb = value_text(b);

        if (!tb || strcmp(ta, tb) != 0)
            add_key(c, section, ta, tb);
        free(ta);
        free(tb);
    }
    json_object_foreach((json_t *)(second ? b : a), key, value)
    {
        const json_t *va = json_object_get(a, key),
                     *vb = json_object_get(b, key);
        char *ta = value_text(va), *tb = value_text(vb);
        char *name = mem_printf("%s.%s", section, key);

        if ((!second || !va) && (!ta || !tb || strcmp(ta, tb) != 0))
            add_key(c, name, ta, tb);
        free(ta);
        free(tb);
        free(name);
    }
}

static void compare_configs(struct contrast *c, const json_t *a,
                            const json_t *b)
{
    const char *section;
    json_t *value;

    json_object_foreach((json_t *)a, section, value)
    {
        const json_t *other = json_object_get(b, section);

        compare_section(c, section, value, other, false);
        compare_section(c, section, value, other, true);
    }
    json_object_foreach((json_t *)b, section,
                        value) if (!json_object_get(a, section))
        compare_section(c, section, NULL, value, true);
}

enum status contrast_add_keys(struct contrast *c, const char *a, const char *b,
                              struct err *err)
{
    json_t *ja = NULL, *jb = NULL;
    enum status st = json_parse(&ja, a, "point.config", err);

    if (st == OK)
        st = json_parse(&jb, b, "point.config", err);
    if (st == OK)
        compare_configs(c, ja, jb);
    json_decref(ja);
    json_decref(jb);
    return st;
}
