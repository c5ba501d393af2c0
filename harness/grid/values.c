/* values.c - one entry of a file as canonical values of its key. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/doc.h"

/* Replace an item by its canonical spelling, a format of the document by its
 * values.  Paths become paths from the
 * working folder, whatever file they were written in. */
static enum status canonical_item(const struct doc *d, const char *key,
                                  const struct setting *s,
                                  struct value_item *item, struct err *err)
{
    char *text;

    if (s && s->type == SETTING_QUANT) {
        text = doc_with_values(d, item->text);
        free(item->text);
        item->text = text;
    }
    if (key_is_path(key) && *item->text)
        text = ini_beside(item->where, item->text);
    else if (key_canonical(&text, key, s, item->text, item->where, err) != OK)
        return ERR_CONFIG;
    free(item->text);
    item->text = text;
    return OK;
}

/* Quotes around all of a text are taken off. */
static void add_raw(struct value_list *list, char *text, struct ini_where w)
{
    const size_t n = strlen(text);
    const bool quoted = n >= 2 && text[0] == '"' && text[n - 1] == '"' &&
                        !memchr(text + 1, '"', n - 2);

    if (quoted)
        text[n - 1] = '\0';
    value_add(list, text + quoted, w, quoted);
    free(text);
}

/* The whole value as one text. */
static void read_raw(struct value_list *list, const struct ini_entry *entry)
{
    add_raw(list, ini_value(entry),
            entry->n_pieces ? entry->pieces[0].where : entry->where);
}

/* Each line as a text. */
static void read_lines(struct value_list *list, const struct ini_entry *entry)
{
    for (int i = 0; i < entry->n_pieces; i++)
        add_raw(list, mem_strdup(entry->pieces[i].text),
                entry->pieces[i].where);
}

static enum value_type type_of(const struct setting *s)
{
    return !s                            ? VALUE_NUMBER
           : s->type == SETTING_INT      ? VALUE_WHOLE
           : s->type == SETTING_DURATION ? VALUE_TIME
                                         : VALUE_NUMBER;
}

/* --- commas that part nothing --------------------------------------------- */

/* What a number looks like between commas without white space around them. */
struct shape {
    size_t digits; /* before anything else */
    bool zero;     /* "003": no number begins like that */
    bool plain;    /* nothing but digits */
    bool point;
};

static struct shape shape_of(const char *text, size_t n)
{
    const size_t digits = strspn(text, "0123456789");
    struct shape s = { .digits = digits < n ? digits : n };

    s.plain = s.digits == n && n > 0;
    s.zero = s.digits > 1 && *text == '0';
    s.point = memchr(text, '.', n) != NULL;
    return s;
}

/* "3,5e-3" of a number, "1,500,250" of a whole one: lists, but perhaps not
 * meant as such.  16,128,256 is: it grows. */
static bool perhaps_one(const struct setting *s, const char *text)
{
    bool threes = true, grows = true;
    int n = 0;
    double last = 0;

    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        const struct shape shape = shape_of(p, len);

        if (shape.digits == 0 || shape.point || (n == 0 && !shape.plain))
            return false;
        threes &= shape.plain && (n == 0 ? len <= 3 : len == 3);
        grows &= n == 0 || strtod(p, NULL) > last;
        last = strtod(p, NULL);
        n++;
        p += len;
        if (!*p)
            break;
    }
    return s && s->type == SETTING_REAL
               ? n == 2
               : n > 1 && threes && (!grows || text[1] == ',');
}

static enum status check_commas(struct doc *d, const char *key,
                                const struct setting *s,
                                const struct ini_piece *piece, struct err *err)
{
    const char *text = piece->text;

    if ((s && s->type != SETTING_INT && s->type != SETTING_REAL) ||
        strpbrk(text, " \t(\"") || !strchr(text, ','))
        return OK;
    for (const char *p = strchr(text, ','); p; p = strchr(p + 1, ','))
        if (shape_of(p + 1, strcspn(p + 1, ",")).zero)
            return ini_fail(
                err, piece->where,
                "%s = %s: a comma parts values, and '%.*s' is none; "
                "the decimal sign is a point, and thousands are not "
                "parted",
                key, text, (int)strcspn(p + 1, ","), p + 1);
    if (perhaps_one(s, text))
        doc_note(d,
                 "%s:%d: %s = %s is a list of values; if it is one, the "
                 "decimal sign is a point and thousands are not parted",
                 piece->where.file, piece->where.line, key, text);
    return OK;
}

static enum status read_items(struct doc *d, struct value_list *list,
                              const char *key, const struct setting *s,
                              const struct ini_entry *entry, struct err *err)
{
    int merged = 0;
    enum status st = OK;

    for (int i = 0; i < entry->n_pieces && st == OK; i++)
        st = check_commas(d, key, s, &entry->pieces[i], err);
    if (st == OK)
        st = value_split(list, entry, err);
    if (st == OK)
        st = value_generate(list, type_of(s), &merged, err);
    if (st == OK && merged)
        doc_note(d,
                 "%s:%d: %d value%s of %s fell together after rounding to "
                 "whole numbers",
                 entry->where.file, entry->where.line, merged,
                 merged == 1 ? "" : "s", key);
    if (st == OK && list->n == 0)
        st = ini_fail(err, entry->where, "%s has no value", key);
    return st;
}

enum status doc_values_read(struct doc *d, struct doc_values *out,
                            const char *key, const struct setting *s,
                            const struct ini_entry *entry, bool axis,
                            struct err *err)
{
    enum status st = OK;

    *out = (struct doc_values){ .key = mem_strdup(key),
                                .setting = s,
                                .where = entry->where,
                                .entry = (struct ini_entry *)entry,
                                .layer = d->layer };
    if (!axis && key_has_lines(s))
        read_lines(&out->list, entry);
    else if (!axis && key_is_raw(s))
        read_raw(&out->list, entry);
    else
        st = read_items(d, &out->list, key, s, entry, err);
    for (int i = 0; i < out->list.n && st == OK; i++)
        st = canonical_item(d, key, s, &out->list.items[i], err);
    if (st != OK)
        doc_values_release(out);
    return st;
}

/* --- axes ---------------------------------------------------------------- */

static enum status tuple_length(struct err *err, const char *section,
                                const struct doc_axis *a,
                                const struct ini_piece *piece, int n)
{
    struct str names = { 0 };

    for (int i = 0; i < a->n_keys; i++)
        str_addf(&names, "%s%s", i ? ", " : "", a->keys[i]);
    ini_fail(err, piece->where,
             "this tuple has %d value%s, but [%s \"%s\"] has %d keys (%s)", n,
             n == 1 ? "" : "s", section, a->label, a->n_keys, str_text(&names));
    str_release(&names);
    return ERR_CONFIG;
}

/* With several keys each line is a tuple. */
static enum status read_tuples(const struct doc *d, struct doc_axis *a,
                               const char *section,
                               const struct ini_entry *entry, struct err *err)
{
    for (int i = 0; i < entry->n_pieces; i++) {
        const int before = a->values.n;

        if (value_split_piece(&a->values, &entry->pieces[i], err) != OK)
            return ERR_CONFIG;
        if (a->values.n - before != a->n_keys)
            return tuple_length(err, section, a, &entry->pieces[i],
                                a->values.n - before);
        for (int k = 0; k < a->n_keys; k++)
            if (canonical_item(d, a->keys[k], a->settings[k],
                               &a->values.items[before + k], err) != OK)
                return ERR_CONFIG;
    }
    a->n_rows = entry->n_pieces;
    return OK;
}

static enum status add_axis_key(struct doc_axis *a,
                                const struct value_item *item, struct err *err)
{
    bool ok;
    const struct setting *s = key_find(item->text, &ok, err);

    if (!ok) {
        ini_prefix(err, item->where);
        return ERR_CONFIG;
    }
    if (!key_can_vary(item->text, s))
        return ini_fail(err, item->where,
                        "%s does not change a result, so it cannot be an axis",
                        item->text);
    if (doc_axis_column(a, item->text) >= 0)
        return ini_fail(err, item->where, "%s is named twice", item->text);
    a->keys = mem_grow(a->keys, (size_t)a->n_keys + 1, sizeof *a->keys);
    a->settings =
        mem_grow(a->settings, (size_t)a->n_keys + 1, sizeof *a->settings);
    a->settings[a->n_keys] = s;
    a->keys[a->n_keys++] = mem_strdup(item->text);
    return OK;
}

static enum status read_axis_keys(struct doc_axis *a,
                                  const struct ini_entry *entry,
                                  struct err *err)
{
    struct value_list names = { 0 };
    enum status st = value_split(&names, entry, err);

    for (int i = 0; i < names.n && st == OK; i++)
        st = add_axis_key(a, &names.items[i], err);
    if (st == OK && names.n == 0)
        st = ini_fail(err, entry->where, "keys names no key");
    value_release(&names);
    return st;
}

static enum status read_axis_values(struct doc *d, struct doc_axis *a,
                                    const char *section,
                                    const struct ini_entry *entry,
                                    struct err *err)
{
    struct doc_values v;

    if (entry->n_pieces == 0)
        return ini_fail(err, entry->where, "[%s \"%s\"] has no values", section,
                        a->label);
    if (a->n_keys > 1)
        return read_tuples(d, a, section, entry, err);
    if (doc_values_read(d, &v, a->keys[0], a->settings[0], entry, true, err) !=
        OK)
        return ERR_CONFIG;
    a->values = v.list;
    a->n_rows = v.list.n;
    free(v.key);
    return OK;
}

static const struct ini_entry *find_entry(const struct ini_section *s,
                                          const char *key)
{
    for (int i = 0; i < s->n_entries; i++)
        if (strcmp(s->entries[i].key, key) == 0)
            return &s->entries[i];
    return NULL;
}

static enum status check_axis_entries(const struct ini_section *s,
                                      struct err *err)
{
    static const char *const known[] = { "keys", "values" };

    for (int i = 0; i < s->n_entries; i++) {
        const struct ini_entry *e = &s->entries[i];
        const char *near = text_nearest(e->key, known, 2);

        if (strcmp(e->key, "keys") != 0 && strcmp(e->key, "values") != 0)
            return near ? ini_fail(err, e->where,
                                   "unknown key '%s' in [axis], did you mean "
                                   "'%s'?",
                                   e->key, near)
                        : ini_fail(err, e->where,
                                   "unknown key '%s' in [axis]: it has keys "
                                   "and values",
                                   e->key);
    }
    return OK;
}

static enum status check_once(const struct ini_section *s, const char *key,
                              struct err *err)
{
    const struct ini_entry *first = find_entry(s, key);

    for (int i = 0; i < s->n_entries; i++)
        if (strcmp(s->entries[i].key, key) == 0 && &s->entries[i] != first)
            return ini_fail(err, s->entries[i].where,
                            "%s is already set at %s:%d", key,
                            first->where.file, first->where.line);
    return OK;
}

enum status doc_zip_read(struct doc *d, struct doc_axis *out,
                         const struct ini_section *s, struct err *err)
{
    const struct ini_entry *keys = find_entry(s, "keys");
    const struct ini_entry *values = find_entry(s, "values");
    enum status st = check_once(s, "keys", err);

    *out = (struct doc_axis){ .where = s->where, .layer = d->layer };
    out->label = mem_strdup(s->label ? s->label : "");
    if (st == OK)
        st = check_once(s, "values", err);
    if (st == OK && !keys != !values)
        st = ini_fail(err, s->where, "[%s \"%s\"] has no '%s' line", s->name,
                      out->label, keys ? "values" : "keys");
    if (st == OK && keys)
        st = read_axis_keys(out, keys, err);
    if (st == OK && keys)
        st = read_axis_values(d, out, s->name, values, err);
    if (st != OK)
        doc_axis_release(out);
    return st;
}

enum status doc_axis_read(struct doc *d, struct doc_axis *out,
                          const struct ini_section *s, struct err *err)
{
    enum status st = check_axis_entries(s, err);

    if (st == OK && !s->label)
        st = ini_fail(err, s->where, "an axis needs a label: [axis \"size\"]");
    if (st == OK)
        st = doc_zip_read(d, out, s, err);
    if (st == OK && out->n_keys == 0) {
        st = ini_fail(err, s->where, "[axis \"%s\"] has no 'keys' line",
                      s->label);
        doc_axis_release(out);
    }
    return st;
}
