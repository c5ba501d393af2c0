/* text.c - the merged document as a grid file.
 *
 * Reading the printed text gives the same document again: values stand in
 * canonical spelling, generators are expanded, includes are inlined, and paths
 * lie beside the grid file or are absolute. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/grid/doc.h"

#define WIDTH 76

/* data.path is kept as seen from the working folder; a grid file names it as
 * seen from its own. */
static char *printed_path(const struct doc *d, const char *path)
{
    const char *slash = strrchr(d->path, '/');
    const size_t n = slash ? (size_t)(slash + 1 - d->path) : 0;
    char cwd[PATH_MAX];

    if (strncmp(path, d->path, n) == 0)
        return mem_strdup(path + n);
    if (path[0] == '/' || !getcwd(cwd, sizeof cwd))
        return mem_strdup(path);
    return mem_printf("%s/%s", cwd, path);
}

static bool needs_quotes(const char *text, bool raw)
{
    if (strchr(text, '"'))
        return false; /* cannot have been quoted */
    if (!*text)
        return !raw;
    return strchr("#; \t", text[0]) || strstr(text, " #") ||
           strstr(text, " ;") || strchr(" \t", text[strlen(text) - 1]) ||
           (!raw && strpbrk(text, ",(=[") != NULL);
}

static void add_text(struct str *out, const char *text, bool raw)
{
    str_addf(out, needs_quotes(text, raw) ? "\"%s\"" : "%s", text);
}

/* A list, broken into indented lines.  What holds a quote cannot stand between
 * quotes: it never begins a line, where it could be a section or another key,
 * and has no blank before it where that would make it a comment. */
static void add_items(struct str *out, const struct doc *d, const char *key,
                      const struct value_item *items, int n, bool raw)
{
    size_t column = out->len;
    const char *nl = out->data ? strrchr(out->data, '\n') : NULL;

    column -= nl ? (size_t)(nl + 1 - out->data) : 0;
    for (int i = 0; i < n; i++) {
        struct str text = { 0 };
        char *path = key_is_path(key) && *items[i].text
                         ? printed_path(d, items[i].text)
                         : doc_without_values(d, items[i].text);

        add_text(&text, path, raw);
        if (i > 0 && column + text.len > WIDTH && !strchr(path, '"')) {
            str_add(out, ",\n   ");
            column = 3;
        } else if (i > 0) {
            str_add_char(out, ',');
        }
        str_addf(out, "%s%s", strspn(str_text(&text), "#;") ? "" : " ",
                 str_text(&text));
        column += text.len + 2;
        free(path);
        str_release(&text);
    }
    str_add_char(out, '\n');
}

static void add_values(struct str *out, const struct doc *d, const char *name,
                       const struct doc_values *v)
{
    str_addf(out, "%s =", name);
    if (key_has_lines(v->setting)) {
        for (int i = 0; i < v->list.n; i++)
            str_addf(out, "%s%s\n", i ? "    " : " ", v->list.items[i].text);
        str_add(out, v->list.n ? "" : "\n");
        return;
    }
    add_items(out, d, v->key, v->list.items, v->list.n, key_is_raw(v->setting));
}

/* --- base sections ------------------------------------------------------- */

/* The part of a key before its last dot: "model", "quant.fc2". */
static size_t section_length(const char *key)
{
    return (size_t)(strrchr(key, '.') - key);
}

static void open_section(struct str *out, const char *key, char **section)
{
    const size_t n = section_length(key);
    const char *dot;

    if (*section && strlen(*section) == n && strncmp(*section, key, n) == 0)
        return;
    free(*section);
    *section = mem_strndup(key, n);
    dot = strchr(*section, '.');
    if (dot)
        str_addf(out, "\n[%.*s \"%s\"]\n", (int)(dot - *section), *section,
                 dot + 1);
    else
        str_addf(out, "\n[%s]\n", *section);
}

static void add_base(struct str *out, const struct doc *d, const char *key,
                     char **section)
{
    const struct doc_values *v = doc_find(d, key);

    if (!v)
        return;
    open_section(out, key, section);
    add_values(out, d, strrchr(key, '.') + 1, v);
}

/* In the order of the tables; layer overrides in the order they were set,
 * because later ones win; scratch keys at the end. */
static void add_all_base(struct str *out, const struct doc *d)
{
    char *section = NULL;

    for (int i = 0; grid_key_at(i); i++)
        if (text_has_prefix(grid_key_at(i)->key, "grid."))
            add_base(out, d, grid_key_at(i)->key, &section);
    for (int i = 0; setting_at(i); i++)
        add_base(out, d, setting_at(i)->key, &section);
    for (int i = 0; i < d->n_base; i++)
        if (quant_section_of(d->base[i].key) != QUANT_SECTIONS &&
            !setting_find(d->base[i].key))
            add_base(out, d, d->base[i].key, &section);
    for (int i = 0; grid_key_at(i); i++)
        if (!text_has_prefix(grid_key_at(i)->key, "grid."))
            add_base(out, d, grid_key_at(i)->key, &section);
    free(section);
    section = NULL;
    for (int i = 0; i < d->n_base; i++)
        if (key_is_scratch(d->base[i].key))
            add_base(out, d, d->base[i].key, &section);
    free(section);
}

/* --- axes, blocks, rules ------------------------------------------------- */

/* The lines keys and values. */
static void add_zip(struct str *out, const struct doc *d,
                    const struct doc_axis *a)
{
    str_add(out, "keys =");
    for (int i = 0; i < a->n_keys; i++)
        str_addf(out, "%s %s", i ? "," : "", a->keys[i]);
    str_add(out, "\nvalues =");
    if (a->n_keys == 1) {
        add_items(out, d, a->keys[0], a->values.items, a->values.n, false);
        return;
    }
    for (int row = 0; row < a->n_rows; row++) {
        str_add(out, row ? "   " : "");
        for (int k = 0; k < a->n_keys; k++) {
            const struct value_item *item =
                &a->values.items[row * a->n_keys + k];
            char *path = key_is_path(a->keys[k]) && *item->text
                             ? printed_path(d, item->text)
                             : doc_without_values(d, item->text);

            str_add(out, k ? ", " : " ");
            add_text(out, path, false);
            free(path);
        }
        str_add_char(out, '\n');
    }
}

static void add_axes(struct str *out, const struct doc *d)
{
    bool in_sweep = false;

    for (int i = 0; i < d->n_axes; i++) {
        const struct doc_axis *a = &d->axes[i];

        if (!a->sweep) {
            str_addf(out, "\n[axis \"%s\"]\n", a->label);
            add_zip(out, d, a);
        } else {
            str_addf(out, "%s%s =", in_sweep ? "" : "\n[sweep]\n", a->keys[0]);
            add_items(out, d, a->keys[0], a->values.items, a->values.n, false);
        }
        in_sweep = a->sweep;
    }
}

static void add_blocks(struct str *out, const struct doc *d)
{
    for (int i = 0; i < d->n_blocks; i++) {
        const struct doc_block *b = &d->blocks[i];

        str_addf(out, "\n[block \"%s\"]\n", b->label);
        if (b->repeat)
            str_addf(out, "repeat = %d\n", b->repeat);
        if (b->priority)
            str_addf(out, "priority = %d\n", b->priority);
        if (b->zip.n_keys)
            add_zip(out, d, &b->zip);
        for (int k = 0; k < b->n_keys; k++) {
            str_addf(out, "%s =", b->keys[k].key);
            add_items(out, d, b->keys[k].key, b->keys[k].list.items,
                      b->keys[k].list.n, false);
        }
    }
}

static void add_rules(struct str *out, const char *section,
                      const struct doc_rule *rules, int n)
{
    if (n > 0)
        str_addf(out, "\n[%s]\n", section);
    for (int i = 0; i < n; i++)
        str_addf(out, "%s = %s\n", rules[i].key, rules[i].text);
}

/* Values in lines of a width that people can read. */
static void add_formats(struct str *out, const struct doc *d)
{
    for (int i = 0; i < d->n_formats; i++) {
        const char *p = strchr(d->formats[i].text, ':');
        int column = 8;

        str_addf(out, "\n[format \"%s\"]\nvalues =", d->formats[i].name);
        while (p) {
            const char *next = strchr(p + 1, ':');
            const int n = next ? (int)(next - p - 1) : (int)strlen(p + 1);

            if (column + n + 2 > WIDTH) {
                str_add(out, "\n   ");
                column = 3;
            }
            str_addf(out, " %.*s%s", n, p + 1, next ? "," : "\n");
            column += n + 2;
            p = next;
        }
    }
}

char *doc_print(const struct doc *d)
{
    struct str out = { 0 };
    char *text;

    add_all_base(&out, d);
    add_formats(&out, d);
    add_axes(&out, d);
    add_blocks(&out, d);
    add_rules(&out, "derive", d->derives, d->n_derives);
    add_rules(&out, "filter", d->filters, d->n_filters);
    text = mem_strdup(str_text(&out) + (out.len > 0)); /* the first newline */
    str_release(&out);
    return text;
}
