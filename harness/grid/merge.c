/* merge.c - merging layers by the rules of grid/doc.h. */
#include <stdlib.h>
#include <string.h>

#include "harness/grid/doc.h"
#include "harness/grid/wrong.h"

/* Append room for one element to a counted array. */
#define GROW(array, n)                                                         \
    ((array) = mem_grow((array), (size_t)(n) + 1, sizeof *(array)))

/* --- small steps --------------------------------------------------------- */

static void remove_axis(struct doc *d, struct doc_axis *a)
{
    const int at = (int)(a - d->axes);

    doc_axis_release(a);
    memmove(a, a + 1, (size_t)(d->n_axes - at - 1) * sizeof *a);
    d->n_axes--;
}

static void copy_list(struct value_list *to, const struct value_list *from)
{
    value_release(to);
    for (int i = 0; i < from->n; i++)
        value_add(to, from->items[i].text, from->items[i].where,
                  from->items[i].quoted);
}

static void set_base(struct doc *d, struct doc_values *v)
{
    struct doc_values *old = (struct doc_values *)doc_find(d, v->key);

    if (old) {
        doc_values_release(old);
        *old = *v;
    } else {
        GROW(d->base, d->n_base);
        d->base[d->n_base++] = *v;
    }
    *v = (struct doc_values){ 0 };
}

/* An axis with one key, from the values of that key. */
static struct doc_axis axis_from(struct doc_values *v, enum doc_kind kind)
{
    struct doc_axis a = { .sweep = true,
                          .from_base = kind == DOC_BASE,
                          .n_keys = 1,
                          .n_rows = v->list.n,
                          .values = v->list,
                          .where = v->where,
                          .layer = v->layer };

    a.label = mem_strdup(v->key);
    a.keys = mem_array(1, sizeof *a.keys);
    a.keys[0] = v->key;
    a.settings = mem_array(1, sizeof *a.settings);
    a.settings[0] = v->setting;
    *v = (struct doc_values){ 0 };
    return a;
}

static enum status twice(struct err *err, struct ini_where now,
                         const char *what, struct ini_where before)
{
    return ini_fail(err, now, "%s is already set at %s:%d", what, before.file,
                    before.line);
}

static void drop_derive(struct doc *d, const char *key, int layer)
{
    for (int i = 0; i < d->n_derives; i++) {
        if (strcmp(d->derives[i].key, key) != 0 || d->derives[i].layer == layer)
            continue;
        doc_rule_release(&d->derives[i]);
        memmove(&d->derives[i], &d->derives[i + 1],
                (size_t)(d->n_derives - i - 1) * sizeof *d->derives);
        d->n_derives--;
        i--;
    }
}

/* A key that moves together with others cannot be changed without them.
 * section: where it does, "axis" or "block". */
static enum status moves_together(struct err *err, struct ini_where now,
                                  const char *key, const char *section,
                                  const struct doc_axis *a, const char *what)
{
    return ini_fail(err, now,
                    "%s moves together with other keys in [%s \"%s\"] "
                    "(%s:%d) and cannot be %s alone",
                    key, section, a->label, a->where.file, a->where.line, what);
}

/* Replace the key's values in the blocks of earlier layers. */
static enum status replace_in_blocks(struct doc *d, const struct doc_values *v,
                                     struct err *err)
{
    for (int i = 0; i < d->n_blocks; i++) {
        struct doc_block *b = &d->blocks[i];
        struct doc_values *line = doc_block_line(b, v->key);
        const bool zipped = doc_axis_column(&b->zip, v->key) >= 0;

        if (b->layer == v->layer)
            continue;
        if (zipped && b->zip.n_keys > 1)
            return moves_together(err, v->where, v->key, "block", &b->zip,
                                  "replaced");
        if (line) {
            copy_list(&line->list, &v->list);
            line->where = v->where;
        } else if (zipped) {
            copy_list(&b->zip.values, &v->list);
            b->zip.n_rows = v->list.n;
            b->zip.where = v->where;
        }
    }
    return OK;
}

/* --- assignments --------------------------------------------------------- */

static enum status check_may_vary(const struct doc_values *v, struct err *err)
{
    if (key_can_vary(v->key, v->setting))
        return OK;
    return ini_fail(err, v->where,
                    "%s does not change a result, so it cannot take several "
                    "values",
                    v->key);
}

/* Within a layer a key is said once; a list key of a base section may be
 * repeated and grows.  *done is set when v was merged. */
static enum status check_repeat(struct doc *d, struct doc_values *v,
                                enum doc_kind kind, bool *done, struct err *err)
{
    struct doc_values *old = (struct doc_values *)doc_find(d, v->key);
    const struct doc_axis *axis = doc_axis_of(d, v->key);

    *done = false;
    if (axis && axis->layer == v->layer &&
        (kind == DOC_SWEEP || axis->from_base || v->list.n > 1))
        return twice(err, v->where, v->key, axis->where);
    if (kind == DOC_SWEEP || !old || old->layer != v->layer)
        return OK;
    if (!v->setting || !v->setting->list)
        return twice(err, v->where, v->key, old->where);
    for (int i = 0; i < v->list.n; i++)
        value_add(&old->list, v->list.items[i].text, v->list.items[i].where,
                  v->list.items[i].quoted);
    *done = true;
    return OK;
}

/* Put v in the place of the axis an earlier layer gave its key. */
static enum status replace_axis(struct doc *d, struct doc_axis *a,
                                struct doc_values *v, enum doc_kind kind,
                                struct err *err)
{
    if (a->n_keys > 1)
        return moves_together(err, v->where, v->key, "axis", a, "replaced");
    if (kind == DOC_BASE && v->list.n == 1) {
        remove_axis(d, a);
        set_base(d, v);
        return OK;
    }
    value_release(&a->values);
    a->values = v->list;
    a->n_rows = v->list.n;
    a->where = v->where;
    a->layer = v->layer;
    v->list = (struct value_list){ 0 };
    return OK;
}

static enum status assign(struct doc *d, struct doc_values *v,
                          enum doc_kind kind, struct err *err)
{
    const bool list_key = v->setting && v->setting->list;
    const bool several = kind == DOC_SWEEP || (v->list.n > 1 && !list_key);
    struct doc_axis *axis = doc_axis_of(d, v->key);
    bool done;

    if (several && check_may_vary(v, err) != OK)
        return ERR_CONFIG;
    if (check_repeat(d, v, kind, &done, err) != OK)
        return ERR_CONFIG;
    if (done)
        return OK;
    drop_derive(d, v->key, v->layer);
    if (replace_in_blocks(d, v, err) != OK)
        return ERR_CONFIG;
    if (axis && axis->layer != v->layer)
        return replace_axis(d, axis, v, kind, err);
    if (several) {
        GROW(d->axes, d->n_axes);
        d->axes[d->n_axes++] = axis_from(v, kind);
    } else if (!several) {
        set_base(d, v);
    }
    return OK;
}

enum status doc_assign(struct doc *d, struct doc_values *v, enum doc_kind kind,
                       struct err *err)
{
    const enum status st = assign(d, v, kind, err);

    doc_values_release(v);
    return st;
}

#define MOST_PLACES 64

/* The lists of a block that a key's values can be appended to. */
static enum status block_places(struct value_list **to, int *n,
                                struct doc_block *b, const struct doc_values *v,
                                struct err *err)
{
    struct doc_values *line = doc_block_line(b, v->key);
    const bool zipped = doc_axis_column(&b->zip, v->key) >= 0;

    if (zipped && b->zip.n_keys > 1)
        return moves_together(err, v->where, v->key, "block", &b->zip,
                              "appended to");
    if (line && *n < MOST_PLACES)
        to[(*n)++] = &line->list;
    if (zipped && *n < MOST_PLACES)
        to[(*n)++] = &b->zip.values;
    return OK;
}

enum status doc_append(struct doc *d, struct doc_values *v, struct err *err)
{
    struct doc_axis *a = doc_axis_of(d, v->key);
    struct doc_values *base = (struct doc_values *)doc_find(d, v->key);
    struct value_list *to[MOST_PLACES] = { NULL };
    enum status st = OK;
    int n = 0;

    if (a && a->n_keys > 1)
        st = moves_together(err, v->where, v->key, "axis", a, "appended to");
    else if (a)
        to[n++] = &a->values;
    for (int i = 0; i < d->n_blocks && st == OK; i++)
        st = block_places(to, &n, &d->blocks[i], v, err);
    if (n == 0 && base)
        to[n++] = &base->list;
    if (st == OK && n == 0)
        st = ini_fail(err, v->where,
                      "nothing sets %s, so nothing can be "
                      "appended to it",
                      v->key);
    for (int k = 0; st == OK && k < n; k++)
        for (int i = 0; i < v->list.n; i++)
            value_add(to[k], v->list.items[i].text, v->where, false);
    if (st == OK && a)
        a->n_rows = a->values.n;
    for (int i = 0; i < d->n_blocks; i++)
        if (d->blocks[i].zip.n_keys == 1)
            d->blocks[i].zip.n_rows = d->blocks[i].zip.values.n;
    /* A base value that got company is an axis now. */
    if (st == OK && base && to[0] == &base->list &&
        !(base->setting && base->setting->list)) {
        struct doc_values whole = *base;

        st = check_may_vary(base, err);
        if (st == OK) {
            *base = d->base[--d->n_base];
            GROW(d->axes, d->n_axes);
            d->axes[d->n_axes++] = axis_from(&whole, DOC_BASE);
        }
    }
    doc_values_release(v);
    return st;
}

static void remove_column(struct doc_axis *a, int column)
{
    struct value_list left = { 0 };

    for (int i = 0; i < a->values.n; i++)
        if (i % a->n_keys != column)
            value_add(&left, a->values.items[i].text, a->values.items[i].where,
                      a->values.items[i].quoted);
    value_release(&a->values);
    a->values = left;
    free(a->keys[column]);
    for (int i = column; i < a->n_keys - 1; i++) {
        a->keys[i] = a->keys[i + 1];
        a->settings[i] = a->settings[i + 1];
    }
    a->n_keys--;
}

enum status doc_remove(struct doc *d, const char *key, struct ini_where where,
                       struct err *err)
{
    struct doc_axis *a = doc_axis_of(d, key);
    bool found = a != NULL;

    if (a && a->n_keys == 1)
        remove_axis(d, a);
    else if (a)
        remove_column(a, doc_axis_column(a, key));
    for (int i = 0; i < d->n_blocks; i++) {
        struct doc_block *b = &d->blocks[i];
        struct doc_values *line = doc_block_line(b, key);
        const int column = doc_axis_column(&b->zip, key);

        found = found || line || column >= 0;
        if (column >= 0)
            remove_column(&b->zip, column);
        if (!line)
            continue;
        doc_values_release(line);
        *line = b->keys[--b->n_keys];
    }
    return found ? OK
                 : ini_fail(err, where, "%s is in no axis and no block", key);
}

/* --- axes, blocks, rules ------------------------------------------------- */

/* Axes of earlier layers give way: the one with the same label, and those of
 * one key.  place: where the new one goes. */
static enum status make_way(struct doc *d, const struct doc_axis *axis,
                            int *place, struct err *err)
{
    *place = -1;
    for (int i = 0; i < d->n_axes; i++) {
        struct doc_axis *old = &d->axes[i];
        const bool same = !old->sweep && strcmp(old->label, axis->label) == 0;
        const char *shared = NULL;

        for (int k = 0; k < axis->n_keys; k++)
            if (doc_axis_column(old, axis->keys[k]) >= 0)
                shared = axis->keys[k];
        if (!same && !shared)
            continue;
        if (old->layer == axis->layer && same)
            return ini_fail(err, axis->where,
                            "[axis \"%s\"] is already at %s:%d", axis->label,
                            old->where.file, old->where.line);
        if (old->layer == axis->layer)
            return twice(err, axis->where, shared, old->where);
        if (!same && old->n_keys > 1)
            return moves_together(err, axis->where, shared, "axis", old,
                                  "replaced");
        remove_axis(d, old);
        *place = *place < 0 ? i : *place;
        i--;
    }
    return OK;
}

enum status doc_add_axis(struct doc *d, struct doc_axis *axis, struct err *err)
{
    int place;
    const enum status st = make_way(d, axis, &place, err);

    if (st != OK) {
        doc_axis_release(axis);
        return st;
    }
    for (int i = 0; i < axis->n_keys; i++)
        drop_derive(d, axis->keys[i], axis->layer);
    GROW(d->axes, d->n_axes);
    if (place < 0)
        place = d->n_axes;
    memmove(&d->axes[place + 1], &d->axes[place],
            (size_t)(d->n_axes - place) * sizeof *d->axes);
    d->axes[place] = *axis;
    d->n_axes++;
    *axis = (struct doc_axis){ 0 };
    return OK;
}

enum status doc_add_block(struct doc *d, struct doc_block *block,
                          struct err *err)
{
    for (int i = 0; i < d->n_blocks; i++) {
        struct doc_block *old = &d->blocks[i];

        if (strcmp(old->label, block->label) != 0)
            continue;
        if (old->layer == block->layer) {
            ini_fail(err, block->where, "[block \"%s\"] is already at %s:%d",
                     block->label, old->where.file, old->where.line);
            doc_block_release(block);
            return ERR_CONFIG;
        }
        doc_block_release(old);
        *old = *block;
        return OK;
    }
    GROW(d->blocks, d->n_blocks);
    d->blocks[d->n_blocks++] = *block;
    return OK;
}

enum status doc_add_derive(struct doc *d, struct doc_rule *rule,
                           struct err *err)
{
    for (int i = 0; i < d->n_derives; i++)
        if (strcmp(d->derives[i].key, rule->key) == 0 &&
            d->derives[i].layer == rule->layer) {
            twice(err, rule->where, rule->key, d->derives[i].where);
            doc_rule_release(rule);
            return ERR_CONFIG;
        }
    drop_derive(d, rule->key, rule->layer);
    GROW(d->derives, d->n_derives);
    d->derives[d->n_derives++] = *rule;
    return OK;
}

void doc_add_filter(struct doc *d, struct doc_rule *rule)
{
    GROW(d->filters, d->n_filters);
    d->filters[d->n_filters++] = *rule;
}

void doc_add_choice(struct doc *d, struct doc_rule *rule)
{
    GROW(d->choices, d->n_choices);
    d->choices[d->n_choices++] = *rule;
}

static enum status derived_too(struct err *err, const struct doc_rule *rule,
                               const char *what, struct ini_where other)
{
    return ini_fail(err, rule->where,
                    "%s is derived here, but also %s at %s:%d", rule->key, what,
                    other.file, other.line);
}

static enum status check_derive(const struct doc *d,
                                const struct doc_rule *rule, struct err *err)
{
    const struct doc_axis *axis = doc_axis_of(d, rule->key);

    if (axis)
        return derived_too(err, rule, "an axis", axis->where);
    for (int b = 0; b < d->n_blocks; b++) {
        const struct doc_values *line =
            doc_block_line(&d->blocks[b], rule->key);

        if (doc_block_sets(&d->blocks[b], rule->key))
            return derived_too(err, rule, "set in a block",
                               line ? line->where : d->blocks[b].zip.where);
    }
    return OK;
}

enum status doc_check(const struct doc *d, struct err *err)
{
    struct wrong wrong = { .n = 0 };

    for (int i = 0; i < d->n_derives; i++)
        wrong_note(&wrong, check_derive(d, &d->derives[i], err), err);
    return wrong_end(&wrong, err);
}
