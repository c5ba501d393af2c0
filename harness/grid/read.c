/* read.c - the sections of a file into the document. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/read.h"

void reading_keep_file(struct doc *d, struct ini *ini)
{
    d->files = mem_grow(d->files, (size_t)d->n_files + 1, sizeof *d->files);
    d->files[d->n_files++] = ini;
    d->layer = ++d->last_layer;
}

void reading_note(struct reading *r, enum status st)
{
    wrong_note(&r->wrong, st, r->err);
}

/* --- base values, sweeps, profiles --------------------------------------- */

enum status reading_value(struct reading *r, struct doc_values *v,
                          const char *key, const struct ini_entry *e, bool axis)
{
    bool ok;
    const struct setting *s = key_find(key, &ok, r->err);

    if (!ok) {
        ini_prefix(r->err, e->where);
        return ERR_CONFIG;
    }
    return doc_values_read(r->d, v, key, s, e, axis, r->err);
}

enum status reading_assign(struct reading *r, const char *key,
                           const struct ini_entry *e, enum doc_kind kind)
{
    struct doc_values v;

    if (reading_value(r, &v, key, e, kind == DOC_SWEEP) != OK)
        return ERR_CONFIG;
    return doc_assign(r->d, &v, kind, r->err);
}

static enum status read_base(struct reading *r, const struct ini_section *s)
{
    if (s->label && strcmp(s->name, "quant") != 0 &&
        strcmp(s->name, "post") != 0)
        return ini_fail(r->err, s->where, "[%s] takes no label", s->name);
    for (int i = 0; i < s->n_entries; i++) {
        char *key = mem_printf("%s.%s%s%s", s->name, s->label ? s->label : "",
                               s->label ? "." : "", s->entries[i].key);

        reading_note(r, reading_assign(r, key, &s->entries[i], DOC_BASE));
        free(key);
    }
    return OK;
}

static enum status read_sweep(struct reading *r, const struct ini_section *s)
{
    for (int i = 0; i < s->n_entries; i++)
        reading_note(
            r, reading_assign(r, s->entries[i].key, &s->entries[i], DOC_SWEEP));
    return OK;
}

/* A profile is only remembered, but its keys and values are checked. */
static enum status read_profile(struct reading *r, const struct ini_section *s)
{
    struct doc *d = r->d;

    for (int i = 0; i < s->n_entries; i++) {
        struct doc_values v;
        const enum status st =
            reading_value(r, &v, s->entries[i].key, &s->entries[i], false);

        reading_note(r, st);
        if (st == OK)
            doc_values_release(&v);
    }
    d->profiles =
        mem_grow(d->profiles, (size_t)d->n_profiles + 1, sizeof *d->profiles);
    d->profiles[d->n_profiles++] = (struct doc_profile){ s };
    return OK;
}

/* --- axes, blocks -------------------------------------------------------- */

static enum status read_axis(struct reading *r, const struct ini_section *s)
{
    struct doc_axis a;

    if (doc_axis_read(r->d, &a, s, r->err) != OK)
        return ERR_CONFIG;
    return doc_add_axis(r->d, &a, r->err);
}

/* repeat and priority of a block: plain whole numbers. */
static enum status read_block_number(struct reading *r, int *out,
                                     const struct ini_entry *e)
{
    char *key = mem_printf("block.%s", e->key), *value = ini_value(e);
    char *text = NULL;
    const enum status st =
        key_canonical(&text, key, grid_key_find(key), value, e->where, r->err);

    if (st == OK)
        *out = atoi(text);
    free(text);
    free(value);
    free(key);
    return st;
}

static enum status read_block_line(struct reading *r, struct doc_block *b,
                                   const struct ini_entry *e)
{
    struct doc_values v, *old;
    bool zipped;

    if (strcmp(e->key, "keys") == 0 || strcmp(e->key, "values") == 0)
        return OK; /* read before the lines, by doc_zip_read */
    if (strcmp(e->key, "repeat") == 0)
        return read_block_number(r, &b->repeat, e);
    if (strcmp(e->key, "priority") == 0)
        return read_block_number(r, &b->priority, e);
    if (reading_value(r, &v, e->key, e, true) != OK)
        return ERR_CONFIG;
    old = doc_block_line(b, e->key);
    zipped = doc_axis_column(&b->zip, e->key) >= 0;
    if (old || zipped || !key_can_vary(v.key, v.setting)) {
        if (old || zipped)
            ini_fail(r->err, e->where, "%s is already set at %s:%d", e->key,
                     old ? old->where.file : b->zip.where.file,
                     old ? old->where.line : b->zip.where.line);
        else
            ini_fail(r->err, e->where,
                     "%s does not change a result, so a block cannot set it",
                     e->key);
        doc_values_release(&v);
        return ERR_CONFIG;
    }
    b->keys = mem_grow(b->keys, (size_t)b->n_keys + 1, sizeof *b->keys);
    b->keys[b->n_keys++] = v;
    return OK;
}

static enum status read_block(struct reading *r, const struct ini_section *s)
{
    struct doc_block b = { .where = s->where, .layer = r->d->layer };
    const int before = r->wrong.n;

    b.label = mem_strdup(s->label ? s->label : "");
    if (!s->label)
        reading_note(r, ini_fail(r->err, s->where,
                                 "a block needs a label: [block \"int4\"]"));
    reading_note(r, doc_zip_read(r->d, &b.zip, s, r->err));
    for (int i = 0; i < s->n_entries; i++)
        reading_note(r, read_block_line(r, &b, &s->entries[i]));
    if (r->wrong.n > before) {
        doc_block_release(&b);
        return OK; /* noted */
    }
    return doc_add_block(r->d, &b, r->err);
}

/* --- formulas ------------------------------------------------------------ */

static struct doc_rule rule_from(const struct doc *d, const struct ini_entry *e)
{
    return (struct doc_rule){ mem_strdup(e->key), ini_value(e),
                              (struct ini_entry *)e, e->where, d->layer };
}

static enum status read_derive_line(struct reading *r,
                                    const struct ini_entry *e)
{
    struct doc_rule rule;
    bool ok;
    const struct setting *row = key_find(e->key, &ok, r->err);

    if (!ok) {
        ini_prefix(r->err, e->where);
        return ERR_CONFIG;
    }
    if (row && (!setting_varies(row) || row->type == SETTING_WORD ||
                row->type == SETTING_QUANT || row->list))
        return ini_fail(r->err, e->where,
                        "%s cannot be derived: only numbers that change a "
                        "result and x.* can",
                        e->key);
    if (e->n_pieces == 0)
        return ini_fail(r->err, e->where, "%s has no expression", e->key);
    rule = rule_from(r->d, e);
    return doc_add_derive(r->d, &rule, r->err);
}

static enum status read_derive(struct reading *r, const struct ini_section *s)
{
    for (int i = 0; i < s->n_entries; i++)
        reading_note(r, read_derive_line(r, &s->entries[i]));
    return OK;
}

enum status reading_filter(struct reading *r, const struct ini_entry *e)
{
    static const char *const known[] = { "exclude", "keep" };
    const char *near = text_nearest(e->key, known, 2);
    struct doc_rule rule;

    if (strcmp(e->key, "exclude") != 0 && strcmp(e->key, "keep") != 0)
        return near ? ini_fail(r->err, e->where,
                               "unknown key '%s' in [filter], did you mean "
                               "'%s'?",
                               e->key, near)
                    : ini_fail(r->err, e->where,
                               "unknown key '%s' in [filter]: it has exclude "
                               "and keep",
                               e->key);
    if (e->n_pieces == 0)
        return ini_fail(r->err, e->where, "%s has no expression", e->key);
    rule = rule_from(r->d, e);
    doc_add_filter(r->d, &rule);
    return OK;
}

static enum status read_filter(struct reading *r, const struct ini_section *s)
{
    for (int i = 0; i < s->n_entries; i++)
        reading_note(r, reading_filter(r, &s->entries[i]));
    return OK;
}

/* --- files --------------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
    char *x = realpath(a, NULL), *y = realpath(b, NULL);
    const bool same = x && y && strcmp(x, y) == 0;

    free(x);
    free(y);
    return same;
}

/* An include that leads back to a file being read; the sentence shows how. */
static enum status check_cycle(struct reading *r, const char *path,
                               struct ini_where where)
{
    struct str chain = { 0 };
    bool cycle = false;

    for (int i = 0; i < r->depth; i++) {
        cycle = cycle || same_file(r->stack[i], path);
        if (cycle)
            str_addf(&chain, "%s -> ", r->stack[i]);
    }
    if (cycle)
        ini_fail(r->err, where, "include cycle: %s%s", str_text(&chain), path);
    else if (r->depth == MAX_DEPTH)
        ini_fail(r->err, where, "includes are nested more than %d deep",
                 MAX_DEPTH);
    else if (r->d->n_files >= MAX_FILES) /* files that multiply */
        ini_fail(r->err, where, "more than %d files are included", MAX_FILES);
    str_release(&chain);
    return cycle || r->depth == MAX_DEPTH || r->d->n_files >= MAX_FILES
               ? ERR_CONFIG
               : OK;
}

static enum status include_one(struct reading *r, const struct value_item *item)
{
    char *path = ini_beside(item->where, item->text);
    const int layer = r->d->layer, depth = r->depth;
    enum status st = check_cycle(r, path, item->where);

    if (st == OK) {
        st = reading_file(r, path);
        /* A file that cannot be opened says nothing of who wanted it. */
        if (st == ERR_IO) {
            ini_prefix(r->err, item->where);
            st = ERR_CONFIG;
        }
    }
    r->d->layer = layer;
    r->depth = depth;
    free(path);
    return st;
}

static enum status include_line(struct reading *r, const struct ini_entry *e)
{
    struct value_list paths = { 0 };
    enum status st;

    if (strcmp(e->key, "path") != 0)
        return ini_fail(r->err, e->where,
                        "unknown key '%s' in [include], did you mean 'path'?",
                        e->key);
    st = value_split(&paths, e, r->err);
    if (st == OK && paths.n == 0)
        st = ini_fail(r->err, e->where, "path has no value");
    for (int k = 0; k < paths.n && st == OK; k++)
        reading_note(r, include_one(r, &paths.items[k]));
    value_release(&paths);
    return st;
}

static enum status read_include(struct reading *r, const struct ini_section *s)
{
    for (int i = 0; i < s->n_entries; i++)
        reading_note(r, include_line(r, &s->entries[i]));
    return OK;
}

/* Read before the others, see reading_file. */
static enum status read_format(struct reading *r, const struct ini_section *s)
{
    (void)r;
    (void)s;
    return OK;
}

static const struct {
    const char *name;
    bool label;
    enum status (*read)(struct reading *r, const struct ini_section *s);
} sections[] = {
    { "format", true, read_format },    { "axis", true, read_axis },
    { "include", false, read_include }, { "sweep", false, read_sweep },
    { "block", true, read_block },      { "derive", false, read_derive },
    { "filter", false, read_filter },   { "profile", true, read_profile },
};

static enum status read_section(struct reading *r, const struct ini_section *s)
{
    char near[SECTION_NAME];

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(sections[i].name, s->name) != 0)
            continue;
        if (s->label && !sections[i].label)
            return ini_fail(r->err, s->where, "[%s] takes no label", s->name);
        return sections[i].read(r, s);
    }
    if (section_is_base(s->name))
        return read_base(r, s);
    return section_nearest(near, s->name)
               ? ini_fail(r->err, s->where,
                          "unknown section [%s], did you mean [%s]?", s->name,
                          near)
               : ini_fail(r->err, s->where, "unknown section [%s]", s->name);
}

/* Formats are known in the whole file, wherever they stand. */
static void read_formats(struct reading *r, const struct ini *ini)
{
    for (int i = 0; i < ini->n_sections; i++)
        if (strcmp(ini->sections[i].name, "format") == 0)
            reading_note(r, doc_read_format(r->d, &ini->sections[i], r->err));
}

enum status reading_file(struct reading *r, const char *path)
{
    struct ini *ini;
    enum status st = ini_read(&ini, path, r->err);

    if (st != OK)
        return st;
    reading_keep_file(r->d, ini);
    r->stack[r->depth++] = ini->path;
    read_formats(r, ini);
    for (int i = 0; i < ini->n_sections; i++)
        reading_note(r, read_section(r, &ini->sections[i]));
    return OK;
}
