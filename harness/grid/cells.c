/* cells.c - blocks x axes as numbered cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/grid/source.h"
#include "harness/grid/wrong.h"

/* --- values -------------------------------------------------------------- */

/* All items of a key that takes a list, as one text. */
static char *joined(const struct value_list *list)
{
    struct str text = { 0 };

    for (int i = 0; i < list->n; i++)
        str_addf(&text, "%s%s", i ? "\n" : "", list->items[i].text);
    return str_steal(&text);
}

static enum status put(const struct grid_source *s, struct config *c,
                       double *scratch, const char *key,
                       const struct value_item *item, struct err *err)
{
    const int i = names_scratch(s->names, key);

    if (i >= 0) {
        scratch[i] = strtod(item->text, NULL);
        return OK;
    }
    if (config_set(c, key, item->text, err) != OK) {
        ini_prefix(err, item->where);
        return ERR_CONFIG;
    }
    return OK;
}

static double *scratch_new(const struct names *n, const double *from)
{
    const int count = names_n_scratch(n);
    double *scratch = mem_array((size_t)count, sizeof *scratch);

    for (int i = 0; i < count; i++)
        scratch[i] = from ? from[i] : NAN;
    return scratch;
}

/* Base values: those of the grid language itself are not part of a run. */
static enum status make_base(struct grid_source *s, double *scratch,
                             struct err *err)
{
    const struct doc *d = s->doc;

    s->base = config_new();
    if (!doc_bool(d,
                  "seeds.pair")) /* which a data.order of the file overrides */
        config_set(s->base, "data.order", "point", NULL);
    for (int i = 0; i < d->n_base; i++) {
        const struct doc_values *v = &d->base[i];
        struct value_item item = v->list.items[0];
        enum status st;

        if (grid_key_find(v->key))
            continue;
        item.text = joined(&v->list);
        st = put(s, s->base, scratch, v->key, &item, err);
        free(item.text);
        if (st != OK)
            return st;
    }
    return OK;
}

/* --- blocks -------------------------------------------------------------- */

static bool block_sets_all(const struct doc_block *block,
                           const struct doc_axis *axis)
{
    for (int i = 0; i < axis->n_keys; i++)
        if (!block || !doc_block_sets(block, axis->keys[i]))
            return false;
    return true;
}

static void add_dim(struct cell_block *b, const struct doc_axis *axis,
                    const struct doc_values *line, int n)
{
    b->dims = mem_grow(b->dims, (size_t)b->n_dims + 1, sizeof *b->dims);
    b->dims[b->n_dims++] = (struct cell_dim){
        axis, line, n,
        mem_array((size_t)n * (size_t)(axis ? axis->n_keys : 1),
                  sizeof(struct config_value *))
    };
}

static enum status fill_block(struct grid_source *s, struct cell_block *b,
                              const double *scratch, struct err *err)
{
    const struct doc *d = s->doc;

    b->label = b->block ? b->block->label : "";
    b->base = config_copy(s->base);
    b->scratch = scratch_new(s->names, scratch);
    for (int i = 0; i < d->n_axes; i++)
        if (!block_sets_all(b->block, &d->axes[i]))
            add_dim(b, &d->axes[i], NULL, d->axes[i].n_rows);
    if (b->block && b->block->zip.n_keys)
        add_dim(b, &b->block->zip, NULL, b->block->zip.n_rows);
    for (int i = 0; b->block && i < b->block->n_keys; i++) {
        const struct doc_values *line = &b->block->keys[i];

        if (line->list.n > 1)
            add_dim(b, NULL, line, line->list.n);
        else if (put(s, b->base, b->scratch, line->key, &line->list.items[0],
                     err) != OK)
            return ERR_CONFIG;
    }
    b->cells = 1;
    for (int i = 0; i < b->n_dims; i++)
        if (__builtin_mul_overflow(b->cells, (uint64_t)b->dims[i].n, &b->cells))
            b->cells = UINT64_MAX;
    if (__builtin_add_overflow(s->cells, b->cells, &s->cells))
        s->cells = UINT64_MAX;
    return OK;
}

static enum status make_blocks(struct grid_source *s, struct err *err)
{
    const int n = s->doc->n_blocks ? s->doc->n_blocks : 1;
    double *scratch = scratch_new(s->names, NULL);
    enum status st = make_base(s, scratch, err);

    s->blocks = mem_array((size_t)n, sizeof *s->blocks);
    for (int i = 0; i < n && st == OK; i++) {
        s->n_blocks++;
        if (s->doc->n_blocks)
            s->blocks[i].block = &s->doc->blocks[i];
        st = fill_block(s, &s->blocks[i], scratch, err);
    }
    free(scratch);
    return st;
}

/* --- formulas ------------------------------------------------------------ */

static enum status dependency_cycle(const struct grid_source *s,
                                    const int *path, int n, int at,
                                    struct err *err)
{
    struct str chain = { 0 };
    const struct doc_rule *rule = &s->doc->derives[at];
    int from = 0;

    while (from < n && path[from] != at)
        from++;
    for (int i = from; i < n; i++)
        str_addf(&chain, "%s -> ", s->doc->derives[path[i]].key);
    ini_fail(err, rule->where, "derived keys depend on each other: %s%s",
             str_text(&chain), rule->key);
    str_release(&chain);
    return ERR_CONFIG;
}

struct sorting {
    struct grid_source *s;
    struct formula *in;
    char *mark; /* 1: on the path, 2: placed */
    int *path, depth;
    struct err *err;
};

/* Depth first: what a formula reads is placed before it. */
static enum status place(struct sorting *w, int i)
{
    struct grid_source *s = w->s;

    if (w->mark[i] == 2)
        return OK;
    if (w->mark[i] == 1)
        return dependency_cycle(s, w->path, w->depth, i, w->err);
    w->mark[i] = 1;
    w->path[w->depth++] = i;
    for (int k = 0; k < s->doc->n_derives; k++)
        if (formula_reads(&w->in[i], s->names, s->doc->derives[k].key) &&
            place(w, k) != OK)
            return ERR_CONFIG;
    w->depth--;
    w->mark[i] = 2;
    s->derives[s->n_derives++] = w->in[i];
    w->in[i] = (struct formula){ 0 };
    return OK;
}

static enum status make_derives(struct grid_source *s, struct err *err)
{
    const int n = s->doc->n_derives;
    struct sorting w = { .s = s, .err = err };
    struct wrong wrong = { .n = 0 };
    enum status st;

    w.in = mem_array((size_t)n, sizeof *w.in);
    w.mark = mem_array((size_t)n, 1);
    w.path = mem_array((size_t)n, sizeof *w.path);
    s->derives = mem_array((size_t)n, sizeof *s->derives);
    for (int i = 0; i < n; i++)
        wrong_note(&wrong,
                   formula_parse(&w.in[i], s->names, &s->doc->derives[i], err),
                   err);
    st = wrong_end(&wrong, err);
    for (int i = 0; i < n && st == OK; i++)
        st = place(&w, i);
    for (int i = 0; i < n; i++)
        formula_release(&w.in[i]);
    free(w.in);
    free(w.mark);
    free(w.path);
    return st;
}

static enum status make_rules(struct formula **out, int *n_out,
                              const struct grid_source *s,
                              struct doc_rule *rules, int n, struct err *err)
{
    struct formula *list = mem_array((size_t)n, sizeof *list);
    struct wrong wrong = { .n = 0 };

    *out = list;
    for (int i = 0; i < n; i++)
        wrong_note(&wrong, formula_parse(&list[i], s->names, &rules[i], err),
                   err);
    *n_out = n;
    return wrong_end(&wrong, err);
}

static enum status make_count(struct grid_source *s, struct err *err)
{
    const struct doc_values *v = doc_find(s->doc, "seeds.count");
    const char *text =
        v ? v->list.items[0].text : grid_key_find("seeds.count")->fallback;

    s->count_rule.key = mem_strdup("count");
    s->count_rule.text = mem_strdup(text);
    if (v) {
        s->count_rule.where = v->list.items[0].where;
        s->count_rule.entry = v->entry;
    }
    return formula_parse(&s->count, s->names, &s->count_rule, err);
}

/* --- life ---------------------------------------------------------------- */

enum status source_new(struct grid_source **out, struct doc *d, struct err *err)
{
    struct grid_source *s = mem_alloc(sizeof *s);
    struct wrong wrong = { .n = 0 };
    enum status st;

    s->doc = d;
    s->folder = getcwd(NULL, 0);
    s->names = names_new(d);
    wrong_note(&wrong, make_derives(s, err), err);
    wrong_note(&wrong,
               make_rules(&s->filters, &s->n_filters, s, d->filters,
                          d->n_filters, err),
               err);
    wrong_note(&wrong,
               make_rules(&s->choices, &s->n_choices, s, d->choices,
                          d->n_choices, err),
               err);
    wrong_note(&wrong, make_count(s, err), err);
    st = wrong_end(&wrong, err);
    if (st == OK)
        st = make_blocks(s, err);
    *out = st == OK ? s : NULL;
    if (st != OK)
        source_free(s);
    return st;
}

static void release_block(struct cell_block *b)
{
    for (int i = 0; i < b->n_dims; i++) {
        const struct cell_dim *dim = &b->dims[i];
        const int columns = dim->axis ? dim->axis->n_keys : 1;

        for (int k = 0; k < dim->n * columns; k++)
            config_value_free(dim->values[k]);
        free(dim->values);
    }
    free(b->dims);
    free(b->scratch);
    config_free(b->base);
}

void source_free(struct grid_source *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_derives; i++)
        formula_release(&s->derives[i]);
    for (int i = 0; i < s->n_filters; i++)
        formula_release(&s->filters[i]);
    for (int i = 0; i < s->n_choices; i++)
        formula_release(&s->choices[i]);
    formula_release(&s->count);
    doc_rule_release(&s->count_rule);
    for (int i = 0; i < s->n_blocks; i++)
        release_block(&s->blocks[i]);
    for (int i = 0; i < s->n_data; i++) {
        config_free(s->data[i].config);
        free(s->data[i].kind_asked);
    }
    free(s->derives);
    free(s->filters);
    free(s->choices);
    free(s->blocks);
    free(s->data);
    free(s->folder);
    config_free(s->base);
    names_free(s->names);
    doc_free(s->doc);
    free(s);
}

/* --- cells --------------------------------------------------------------- */

int cell_index(const struct cell_block *b, uint64_t cell, int dim)
{
    for (int i = b->n_dims - 1; i > dim; i--)
        cell /= (uint64_t)b->dims[i].n;
    return (int)(cell % (uint64_t)b->dims[dim].n);
}

static void describe_item(struct str *out, const struct doc *d, const char *key,
                          const struct value_item *item)
{
    char *text = doc_without_values(d, item->text);

    str_addf(out, "%s%s = %s", out->len ? ", " : "", key, text);
    free(text);
}

char *source_describe(const struct grid_source *s, int block, uint64_t cell)
{
    const struct cell_block *b = &s->blocks[block];
    struct str text = { 0 };

    if (b->label[0])
        str_addf(&text, "block %s", b->label);
    for (int i = 0; i < b->n_dims; i++) {
        const struct cell_dim *dim = &b->dims[i];
        const int row = cell_index(b, cell, i);

        for (int k = 0; dim->axis && k < dim->axis->n_keys; k++)
            describe_item(
                &text, s->doc, dim->axis->keys[k],
                &dim->axis->values.items[row * dim->axis->n_keys + k]);
        if (!dim->axis)
            describe_item(&text, s->doc, dim->line->key,
                          &dim->line->list.items[row]);
    }
    return str_steal(&text);
}

void made_release(struct made *m)
{
    config_free(m->config);
    free(m->scratch);
    *m = (struct made){ 0 };
}

/* Like put, but a value that many cells have is read once. */
static enum status put_known(struct made *m, const struct grid_source *s,
                             struct config_value **value, const char *key,
                             const struct value_item *item, struct err *err)
{
    if (!*value && names_scratch(s->names, key) >= 0)
        return put(s, m->config, m->scratch, key, item, err);
    if (!*value && config_value_new(value, key, item->text, err) != OK) {
        ini_prefix(err, item->where);
        return ERR_CONFIG;
    }
    config_put(m->config, *value);
    return OK;
}

/* A block's own values win: an axis of the grid leaves out the keys that the
 * block sets. */
static enum status assign_axis(struct made *m, const struct grid_source *s,
                               const struct cell_block *b,
                               const struct cell_dim *dim, int row,
                               struct err *err)
{
    const struct doc_axis *a = dim->axis;

    for (int k = 0; k < a->n_keys; k++) {
        const int i = row * a->n_keys + k;

        if (b->block && a != &b->block->zip &&
            doc_block_sets(b->block, a->keys[k]))
            continue;
        if (put_known(m, s, &dim->values[i], a->keys[k], &a->values.items[i],
                      err) != OK)
            return ERR_CONFIG;
    }
    return OK;
}

enum status source_assign(struct made *m, const struct grid_source *s,
                          int block, uint64_t cell, struct err *err)
{
    const struct cell_block *b = &s->blocks[block];
    enum status st = OK;

    *m = (struct made){ .config = config_copy(b->base),
                        .scratch = scratch_new(s->names, b->scratch) };
    m->view.config = m->config;
    m->view.scratch = m->scratch;
    for (int i = b->n_dims - 1; i >= 0 && st == OK; i--) {
        const struct cell_dim *dim = &b->dims[i];
        const int row = (int)(cell % (uint64_t)dim->n);

        cell /= (uint64_t)dim->n;
        if (dim->axis)
            st = assign_axis(m, s, b, dim, row, err);
        else
            st = put_known(m, s, &dim->values[row], dim->line->key,
                           &dim->line->list.items[row], err);
    }
    return st;
}
