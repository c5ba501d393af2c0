/* formats.c - [format "nf4"]: tables of codes, and what stands for them.
 *
 * A quantizer that names one is kept with its values ("nf4:-1:...:1/g32"), so
 * that every text of a configuration says all it means; people see the name. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/read.h"
#include "kernels/quant.h"

static struct doc_format *find(const struct doc *d, const char *name, size_t n)
{
    for (int i = 0; i < d->n_formats; i++)
        if (strlen(d->formats[i].name) == n &&
            memcmp(d->formats[i].name, name, n) == 0)
            return &d->formats[i];
    return NULL;
}

/* "nf4:-1:...:1" in canonical spelling. */
static enum status make_text(char **out, const char *name,
                             const struct value_list *values,
                             struct ini_where where, struct err *err)
{
    struct str text = { 0 };
    struct quant_spec spec = { 0 };
    char buf[NUM_TEXT];
    enum status st = OK;

    str_add(&text, name);
    for (int i = 0; i < values->n && st == OK; i++) {
        const char *item = values->items[i].text, *end;
        double x;

        if (!text_read_number(&x, item, &end, false) || *end)
            st = ini_fail(err, values->items[i].where,
                          "values of %s: '%.40s' is not a number", name, item);
        str_addf(&text, ":%s", item);
    }
    if (st == OK && quant_parse(&spec, str_text(&text), NULL, err) != OK) {
        ini_prefix(err, where);
        st = ERR_CONFIG;
    }
    *out = st == OK ? mem_strdup(num_print(buf, &spec.elem)) : NULL;
    str_release(&text);
    return st;
}

static enum status add(struct doc *d, const char *name, char *text,
                       struct ini_where where, struct err *err)
{
    struct doc_format *old = find(d, name, strlen(name));
    const bool same = old && strcmp(old->text, text) == 0;

    if (old) {
        free(text);
        return same ? OK
                    : ini_fail(err, where,
                               "[format \"%s\"] has other values at %s:%d",
                               name, old->where.file, old->where.line);
    }
    d->formats =
        mem_grow(d->formats, (size_t)d->n_formats + 1, sizeof *d->formats);
    d->formats[d->n_formats++] =
        (struct doc_format){ mem_strdup(name), text, where };
    return OK;
}

enum status doc_read_format(struct doc *d, const struct ini_section *s,
                            struct err *err)
{
    const struct ini_entry *e = s->n_entries ? &s->entries[0] : NULL;
    struct value_list values = { 0 };
    char *text = NULL;
    enum status st = OK;

    if (!s->label)
        return ini_fail(err, s->where,
                        "a format needs a name: [format \"nf4\"]");
    if (!e)
        return ini_fail(err, s->where, "[format \"%s\"] has no values",
                        s->label);
    for (int i = 0; i < s->n_entries && st == OK; i++)
        if (strcmp(s->entries[i].key, "values") != 0)
            st = ini_fail(err, s->entries[i].where,
                          "unknown key '%s' in [format]: it has values",
                          s->entries[i].key);
        else if (i > 0)
            st = ini_fail(err, s->entries[i].where,
                          "values is already set at %s:%d", e->where.file,
                          e->where.line);
    if (st == OK)
        st = value_split(&values, e, err);
    if (st == OK)
        st = value_generate(&values, VALUE_NUMBER, NULL, err);
    if (st == OK)
        st = make_text(&text, s->label, &values, e->where, err);
    if (st == OK)
        st = add(d, s->label, text, s->where, err);
    value_release(&values);
    return st;
}

char *doc_with_values(const struct doc *d, const char *text)
{
    const size_t n = strcspn(text, "/");
    const struct doc_format *f = find(d, text, n);

    return f ? mem_printf("%s%s", f->text, text + n) : mem_strdup(text);
}

char *doc_without_values(const struct doc *d, const char *text)
{
    const size_t n = strcspn(text, "/");

    for (int i = 0; i < d->n_formats; i++)
        if (strlen(d->formats[i].text) == n &&
            memcmp(d->formats[i].text, text, n) == 0)
            return mem_printf("%s%s", d->formats[i].name, text + n);
    return mem_strdup(text);
}
