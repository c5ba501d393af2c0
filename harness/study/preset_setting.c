#include "harness/study/preset_setting.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernels/quant.h"

struct list {
    char **text;
    int n;
};

static void add(struct list *l, char *text)
{
    l->text = mem_grow(l->text, (size_t)l->n + 1, sizeof *l->text);
    l->text[l->n++] = text;
}

/* Is every format of "e2m1", "e2m1/e2m1", "/e2m1" this element? */
static bool is_made_of(const char *value, size_t n, const char *elem)
{
    const size_t len = strlen(elem);
    int found = 0;

    for (const char *p = value; p < value + n; p++) {
        const char *slash = memchr(p, '/', (size_t)(value + n - p));
        const char *end = slash ? slash : value + n;

        if (end > p && ((size_t)(end - p) != len || memcmp(p, elem, len) != 0))
            return false;
        found += end > p;
        p = end;
    }
    return found > 0;
}

/* The one value of a grouped parameter that is the element alone, else the one
 * that is made of it; NULL: none, or several. */
static char *fitted_as(const struct model *m, const struct model_name *nm,
                       const char *elem)
{
    const char *found = NULL;
    size_t length = 0;
    int n = 0;

    for (int i = nm->first; i < nm->first + nm->count; i++) {
        const char *value = m->params[i].name + strlen(nm->name) + 1;
        const size_t len = strlen(value) - 1; /* the bracket */

        if (!is_made_of(value, len, elem))
            continue;
        if (len == strlen(elem))
            return mem_strdup(elem);
        found = value;
        length = len;
        n++;
    }
    return n == 1 ? mem_strndup(found, length) : NULL;
}

static const struct model_name *grouped_by(const struct model *m,
                                           const char *column)
{
    for (int i = 0; i < m->n_names; i++)
        if (m->names[i].column && strcmp(m->names[i].column, column) == 0)
            return &m->names[i];
    return NULL;
}

static bool was_fitted(const struct model *m, const struct model_name *nm,
                       const char *value)
{
    char *name = mem_printf("%s[%s]", nm->name, value);
    const bool found = model_find_param(m, name) >= 0;

    free(name);
    return found;
}

static bool is_set(char *const *settings, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (text_has_prefix(settings[i], name) &&
            settings[i][strlen(name)] == '=')
            return true;
    return false;
}

/* Numbers of the preset that the law has a variable for. */
static void add_numbers(struct list *out, const struct model *m,
                        const struct quant_spec *spec, char *const *settings,
                        int n)
{
    const struct {
        const char *name;
        int value;
    } numbers[] = {
        { "G", spec->group },         { "B", spec->group },
        { "E", spec->elem.exp_bits }, { "M", spec->elem.man_bits },
        { "P", spec->elem.bits },
    };

    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        for (int i = 0; i < m->n_names; i++)
            if (m->names[i].is_var &&
                strcmp(m->names[i].name, numbers[k].name) == 0 &&
                !is_set(settings, n, numbers[k].name))
                add(out,
                    mem_printf("%s=%d", numbers[k].name, numbers[k].value));
}

static bool is_preset(struct quant_spec *spec, const char *name)
{
    for (int i = 0; quant_preset_at(i); i++)
        if (strcmp(quant_preset_at(i)->name, name) == 0)
            return quant_parse(spec, name, NULL, NULL) == OK;
    return false;
}

static void add_one(struct list *out, const struct model *m, const char *text,
                    char *const *settings, int n)
{
    const char *equals = strchr(text, '=');
    char *column = equals ? mem_strndup(text, (size_t)(equals - text)) : NULL;
    const struct model_name *nm = column ? grouped_by(m, column) : NULL;
    const bool asked = nm || (column && strcmp(column, "fmt") == 0);
    struct quant_spec spec;
    char *value = NULL;

    if (!asked || !is_preset(&spec, equals + 1) ||
        (nm && was_fitted(m, nm, equals + 1))) {
        add(out, mem_strdup(text));
    } else {
        value = nm ? fitted_as(m, nm, spec.elem.name) : NULL;
        if (nm)
            add(out, mem_printf("%s=%s", column, value ? value : equals + 1));
        add_numbers(out, m, &spec, settings, n);
    }
    free(value);
    free(column);
}

char **preset_settings(int *n, const struct model *m, char *const *settings,
                       int count)
{
    struct list out = { NULL, 0 };

    for (int i = 0; i < count; i++)
        add_one(&out, m, settings[i], settings, count);
    *n = out.n;
    return out.text;
}
