/* args.c - overlays, profiles and -s: what the command line adds. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/read.h"

static enum status unknown_profile(struct doc *d, const char *label,
                                   struct err *err)
{
    const char *names[64], *near;
    int n = 0;

    for (int i = 0; i < d->n_profiles && n < 64; i++)
        if (d->profiles[i].section->label)
            names[n++] = d->profiles[i].section->label;
    near = text_nearest(label, names, (size_t)n);
    if (near)
        return err_set(err, ERR_CONFIG,
                       "%s: no [profile \"%s\"], did you "
                       "mean '%s'?",
                       d->path, label, near);
    return err_set(err, ERR_CONFIG, "%s: no [profile \"%s\"]", d->path, label);
}

static enum status apply_profile(struct reading *r, const char *label)
{
    bool found = false;

    for (int i = 0; i < r->d->n_profiles; i++) {
        const struct ini_section *s = r->d->profiles[i].section;

        if (!s->label || strcmp(s->label, label) != 0)
            continue;
        found = true;
        r->d->layer = ++r->d->last_layer;
        for (int k = 0; k < s->n_entries; k++)
            reading_note(r, reading_assign(r, s->entries[k].key, &s->entries[k],
                                           DOC_BASE));
    }
    return found ? OK : unknown_profile(r->d, label, r->err);
}

/* An argument as a file of one entry, so that places can point into it. */
static struct ini_entry *argument(struct doc *d, const char *text)
{
    struct ini *ini = mem_alloc(sizeof *ini);
    struct ini_section *s = mem_alloc(sizeof *s);
    struct ini_entry *e = mem_alloc(sizeof *e);
    const char *eq = strchr(text, '=');
    const size_t n = eq ? (size_t)(eq - text) : strlen(text);
    char *value = mem_strdup(eq ? eq + 1 : "");

    ini->path = mem_printf("-s '%s'", text);
    ini->sections = s;
    ini->n_sections = 1;
    *s = (struct ini_section){ .name = mem_strdup(""),
                               .entries = e,
                               .n_entries = 1 };
    e->where.file = ini->path;
    e->key = mem_strndup(text, n - (n > 0 && text[n - 1] == '+'));
    if (*text_trim(value)) {
        e->pieces = mem_alloc(sizeof *e->pieces);
        e->pieces[0] =
            (struct ini_piece){ mem_strdup(text_trim(value)), e->where };
        e->n_pieces = 1;
    }
    free(value);
    reading_keep_file(d, ini);
    return e;
}

#define FILTER "filter."

/* A filter is one more, whatever the files have. */
static enum status apply_filter(struct reading *r, struct ini_entry *e)
{
    char *key = e->key + strlen(FILTER);

    memmove(e->key, key, strlen(key) + 1);
    return reading_filter(r, e);
}

static enum status apply_set(struct reading *r, const char *text)
{
    struct ini_entry *e = argument(r->d, text);
    const char *eq = strchr(text, '=');
    struct doc_values v;

    if (text[0] == '!')
        return doc_remove(r->d, text + 1, e->where, r->err);
    if (!eq || eq == text)
        return ini_fail(r->err, e->where,
                        "expected key=value, key+=value or !key");
    memmove(e->key, text_trim(e->key), strlen(text_trim(e->key)) + 1);
    if (text_has_prefix(e->key, FILTER))
        return apply_filter(r, e);
    if (eq[-1] != '+')
        return reading_assign(r, e->key, e, DOC_BASE);
    if (reading_value(r, &v, e->key, e, true) != OK)
        return ERR_CONFIG;
    return doc_append(r->d, &v, r->err);
}

static void add_choice(struct doc *d, const char *key, const char *text)
{
    struct doc_rule rule = { .key = mem_strdup(key), .text = mem_strdup(text) };

    rule.where.file = strcmp(key, "keep") == 0 ? "--only" : "--skip";
    doc_add_choice(d, &rule);
}

static void apply_options(struct reading *r, const struct grid_options *o)
{
    for (int i = 0; i < o->n_overlays; i++) {
        r->depth = 0;
        reading_note(r, reading_file(r, o->overlays[i]));
    }
    /* Names that stood in a line with a mistake are not missing. */
    for (int i = 0; i < o->n_profiles && r->wrong.n == 0; i++)
        reading_note(r, apply_profile(r, o->profiles[i]));
    for (int i = 0; i < o->n_sets; i++)
        if (r->wrong.n == 0 || o->sets[i][0] != '!')
            reading_note(r, apply_set(r, o->sets[i]));
    if (o->only)
        add_choice(r->d, "keep", o->only);
    if (o->skip)
        add_choice(r->d, "exclude", o->skip);
}

enum status doc_read(struct doc **out, const char *path,
                     const struct grid_options *options, struct err *err)
{
    struct doc *d = mem_alloc(sizeof *d);
    struct err own;
    struct reading r = { .d = d, .err = err ? err : &own };
    enum status st;

    *out = NULL;
    d->path = mem_strdup(path);
    reading_note(&r, reading_file(&r, path));
    if (options)
        apply_options(&r, options);
    st = wrong_end(&r.wrong, err);
    if (st == OK)
        st = doc_check(d, err);
    if (st == OK)
        *out = d;
    else
        doc_free(d);
    return st;
}
