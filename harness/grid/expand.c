#include "harness/grid/expand.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/grid/point_id.h"
#include "trainer/branch.h"

#define BASELINE  "baseline"
#define MAX_CELLS 100000000 /* whatever the budget says */

struct expansion {
    struct grid *g;
    struct grid_source *s;
    int *table; /* open addressing by id: point + 1, 0 empty */
    size_t table_size;
    struct point_ids *ids;
    bool keep; /* configurations, as they are made */
    struct err *err;
};

/* --- points by identity -------------------------------------------------- */

static uint64_t id_number(const char *id)
{
    return strtoull(id, NULL, 16);
}

static int *find_slot(const struct expansion *x, const char *id)
{
    size_t i = id_number(id) & (x->table_size - 1);

    while (x->table[i] && strcmp(x->g->points[x->table[i] - 1].id, id) != 0)
        i = (i + 1) & (x->table_size - 1);
    return &x->table[i];
}

static void grow_table(struct expansion *x)
{
    const int n = x->g->n_points;

    if ((size_t)n * 2 < x->table_size)
        return;
    free(x->table);
    x->table_size = x->table_size ? x->table_size * 2 : 64;
    x->table = mem_array(x->table_size, sizeof *x->table);
    for (int i = 0; i < n; i++)
        *find_slot(x, x->g->points[i].id) = i + 1;
}

/* Room for points by doubling. */
static struct grid_point *add_point(struct expansion *x,
                                    const struct grid_point *p)
{
    struct grid *g = x->g;

    if ((g->n_points & (g->n_points - 1)) == 0)
        g->points =
            mem_grow(g->points, g->n_points ? 2 * (size_t)g->n_points : 1,
                     sizeof *g->points);
    g->points[g->n_points] = *p;
    g->points[g->n_points].ordinal = g->n_points;
    *find_slot(x, p->id) = g->n_points + 1;
    return &g->points[g->n_points++];
}

/* --- points that come twice ----------------------------------------------- */

static void join_point(struct grid *g, struct grid_point *p,
                       const struct grid_point *from)
{
    grid_join_seeds(g, p, from);
    p->chosen |= from->chosen;
    if (from->priority > p->priority)
        p->priority = from->priority;
}

/* --- cells --------------------------------------------------------------- */

/* A point with its configuration; one that is already there is joined. */
static void take_point(struct expansion *x, const struct grid_point *p,
                       struct config *c, int block)
{
    struct grid_block *b = &x->g->blocks[block];
    struct grid_point *fresh;
    int *slot;

    grow_table(x);
    slot = find_slot(x, p->id);
    if (*slot) {
        join_point(x->g, &x->g->points[*slot - 1], p);
        config_free(c);
        b->duplicates++;
        x->g->duplicates++;
        return;
    }
    b->points++;
    fresh = add_point(x, p);
    if (x->keep)
        fresh->config = c;
    else
        config_free(c);
}

static void fill_point(struct expansion *x, struct grid_point *p,
                       const struct config *c)
{
    struct point_names names;

    point_ids_of(&names, x->ids, c);
    memcpy(p->id, names.id, HASH_ID);
    memcpy(p->parent, names.parent, HASH_ID);
    memcpy(p->twin, names.twin, HASH_ID);
    p->operands = (unsigned char)names.operands;
    p->is_base = strcmp(p->id, p->twin) == 0;
    p->is_post = strcmp(p->id, p->parent) != 0;
    p->own_order = strcmp(config_data_order(c), "point") == 0;
    p->size = point_size(x->ids, c);
    p->branch_step = branch_step(c);
    p->beginning = p->branch_step > 0 ? point_beginning(x->ids, c) : 0;
}

static enum status expand_cell(struct expansion *x, int block, uint64_t cell)
{
    const struct doc_block *of = x->s->blocks[block].block;
    struct grid_point p = { .block = x->s->blocks[block].label,
                            .priority = of ? of->priority : 0,
                            .source_block = block,
                            .source_cell = cell };
    struct made m = { 0 };
    int removed_by;
    enum status st = source_make(&m, &removed_by, x->s, block, cell, x->err);

    if (st == OK && removed_by >= 0) {
        x->g->filters[removed_by].removed++;
    } else if (st == OK) {
        fill_point(x, &p, m.config);
        p.chosen = m.chosen;
        p.data_tokens = m.data_tokens;
        st = grid_give_seeds(x->g, &p, &m, of ? of->repeat : 0, x->err);
        if (st == OK) {
            take_point(x, &p, m.config, block);
            m.config = NULL;
        }
    }
    made_release(&m);
    return st;
}

static enum status too_many(const struct expansion *x, int64_t n,
                            const char *what, const char *unit)
{
    return err_set(x->err, ERR_CONFIG,
                   "%s: the %s %lld %s, more than %d; if that is meant, say "
                   "[budget] max_runs = %lld",
                   x->g->path, what, (long long)n, unit, GRID_FREE_CELLS,
                   (long long)n);
}

static enum status check_size(const struct expansion *x)
{
    const uint64_t cells = x->s->cells;
    const double allowed = doc_number(x->s->doc, "budget.max_runs");

    if (cells <= GRID_FREE_CELLS || (double)cells <= allowed)
        return OK;
    if (cells > MAX_CELLS)
        return err_set(x->err, ERR_CONFIG,
                       "%s: the lists multiply to %.3g cells: too many",
                       x->g->path,
                       cells == UINT64_MAX ? 0x1p64 : (double)cells);
    return too_many(x, (int64_t)cells, "lists multiply to", "cells");
}

/* --- twins and parents --------------------------------------------------- */

/* Points that others need and that no block of the file gives have one of their
 * own. */
struct added {
    enum identity what;
    const char *label, *values;
    int block; /* -1: there is none yet */
};

static const char *name_of(const struct grid_point *p, enum identity what)
{
    return what == IDENTITY_TWIN ? p->twin : p->parent;
}

static enum status add_base(struct expansion *x, int of, const struct added *a)
{
    struct grid_point base = x->g->points[of];
    struct config *full = grid_config(x->g, of);
    struct config *c = config_base(full, a->what);
    const enum status st = config_resolve(c, x->err);

    config_free(full);
    if (st != OK) {
        config_free(c);
        return st;
    }
    base.config = NULL;
    base.added = true;
    base.added_as = a->what;
    base.block = x->g->blocks[a->block].label;
    fill_point(x, &base, c);
    assert(strcmp(base.id, name_of(&x->g->points[of], a->what)) == 0);
    take_point(x, &base, c, a->block);
    return OK;
}

static int add_block(struct grid *g, const struct added *a)
{
    g->blocks = mem_grow(g->blocks, (size_t)g->n_blocks + 1, sizeof *g->blocks);
    g->blocks[g->n_blocks] =
        (struct grid_block){ .label = a->label,
                             .values = mem_strdup(a->values) };
    return g->n_blocks++;
}

static enum status add_bases(struct expansion *x, struct added *a)
{
    const int n = x->g->n_points;
    enum status st = OK;

    for (int i = 0; i < n && st == OK; i++) {
        const struct grid_point *p = &x->g->points[i];
        const char *name = name_of(p, a->what);
        const int at = strcmp(p->id, name) == 0 ? 0 : *find_slot(x, name);

        if (strcmp(p->id, name) == 0)
            continue;
        if (at) {
            join_point(x->g, &x->g->points[at - 1], p);
            continue;
        }
        if (a->block < 0)
            a->block = add_block(x->g, a);
        st = add_base(x, i, a);
    }
    return st;
}

/* A parent that is a twin, too, is listed among the twins. */
static enum status add_all_bases(struct expansion *x)
{
    struct added twins = { IDENTITY_TWIN, BASELINE, "unquantized twins", -1 };
    struct added parents = { IDENTITY_PARENT, "parents",
                             "the training before post", -1 };
    enum status st = OK;

    if (doc_bool(x->s->doc, "grid.twins"))
        st = add_bases(x, &twins);
    if (st == OK && doc_bool(x->s->doc, "grid.parents"))
        st = add_bases(x, &parents);
    return st;
}

/* --- what to say --------------------------------------------------------- */

/* A delimiter that is not found cuts nothing, and a line of it that has more on
 * it is text. */
static void note_delimiters(struct doc *d, const struct grid_source *s)
{
    for (int i = 0; i < s->n_data; i++) {
        const struct data_facts *f = &s->data[i].facts;
        const char *delimiter = config_data_delimiter(s->data[i].config);

        if (f->near_cuts > 0)
            doc_note(d,
                     "data.delimiter %s stands alone on %lld lines; %lld "
                     "lines have blanks or a carriage return behind it and "
                     "are not cut",
                     delimiter, (long long)f->cuts, (long long)f->near_cuts);
        else if (f->within > f->cuts)
            doc_note(d,
                     "data.delimiter %s stands alone on %lld lines; %lld "
                     "times it stands within a line and cuts nothing",
                     delimiter, (long long)f->cuts,
                     (long long)(f->within - f->cuts));
        else if (f->cuts == 0 && f->tokens == f->bytes && *delimiter &&
                 strcmp(delimiter, setting_find("data.delimiter")->fallback) !=
                     0)
            doc_note(d, "data.delimiter %s is on no line of the data",
                     delimiter);
    }
}

static void add_notes(struct expansion *x)
{
    struct grid *g = x->g;
    struct doc *d = x->s->doc;

    note_delimiters(d, x->s);
    for (int i = 0; i < g->n_filters; i++)
        if (g->filters[i].removed == 0 && g->filters[i].line)
            doc_note(d, "%s:%d: the filter removes nothing: %s = %s",
                     g->filters[i].file, g->filters[i].line,
                     g->filters[i].keep ? "keep" : "exclude",
                     g->filters[i].text);
    for (int i = 0; i < x->s->n_blocks; i++)
        if (g->blocks[i].points == 0 && g->blocks[i].duplicates > 0)
            doc_note(d, "%s:%d: [block \"%s\"] adds no new point",
                     d->blocks[i].where.file, d->blocks[i].where.line,
                     g->blocks[i].label);
}

static enum status nothing_left(const struct expansion *x)
{
    const struct grid_filter *worst = NULL;

    for (int i = 0; i < x->g->n_filters; i++)
        if (x->g->filters[i].removed > 0)
            worst = &x->g->filters[i]; /* the one that took the last */
    if (!worst)
        return err_set(x->err, ERR_CONFIG, "%s: the grid is empty", x->g->path);
    return ini_fail(x->err, (struct ini_where){ worst->file, worst->line, 0 },
                    "the filters leave no point; the last ones went by "
                    "%s = %s",
                    worst->keep ? "keep" : "exclude", worst->text);
}

static void add_shown(struct str *out, const struct doc *d, const char *text)
{
    char *value = doc_without_values(d, text);

    str_add(out, value);
    free(value);
}

/* "quant.w, quant.group = (int4, 32) (int3, 16)": what moves together. */
static void add_zip(struct str *out, const struct doc *d,
                    const struct doc_axis *zip)
{
    for (int k = 0; k < zip->n_keys; k++)
        str_addf(out, "%s%s", k ? ", " : "", zip->keys[k]);
    str_add(out, " =");
    for (int i = 0; i < zip->values.n; i++) {
        const int k = i % zip->n_keys;

        str_add(out, k ? ", " : zip->n_keys > 1 ? " (" : " ");
        add_shown(out, d, zip->values.items[i].text);
        str_add(out, k && k == zip->n_keys - 1 ? ")" : "");
    }
}

/* What a block sets by itself, on one line. */
static char *block_values(const struct doc *d, const struct doc_block *b)
{
    struct str text = { 0 };

    if (b && b->zip.n_keys)
        add_zip(&text, d, &b->zip);
    for (int i = 0; b && i < b->n_keys; i++) {
        str_addf(&text, "%s%s =", text.len ? "; " : "", b->keys[i].key);
        for (int k = 0; k < b->keys[i].list.n; k++) {
            str_add_char(&text, ' ');
            add_shown(&text, d, b->keys[i].list.items[k].text);
        }
    }
    return str_steal(&text);
}

static void list_blocks(struct grid *g, const struct grid_source *s)
{
    g->n_blocks = s->n_blocks;
    g->blocks = mem_array((size_t)g->n_blocks, sizeof *g->blocks);
    for (int i = 0; i < g->n_blocks; i++)
        g->blocks[i] =
            (struct grid_block){ .label = s->blocks[i].label,
                                 .cells = (int64_t)s->blocks[i].cells,
                                 .values =
                                     block_values(s->doc, s->blocks[i].block) };
}

static void list_filters(struct grid *g, const struct grid_source *s)
{
    g->n_filters = s->n_filters;
    g->filters = mem_array((size_t)g->n_filters, sizeof *g->filters);
    for (int i = 0; i < g->n_filters; i++) {
        const struct doc_rule *rule = s->filters[i].rule;

        g->filters[i] =
            (struct grid_filter){ .text = rule->text,
                                  .file = rule->where.file,
                                  .line = rule->where.line,
                                  .keep = strcmp(rule->key, "keep") == 0 };
    }
}

static enum status count_runs(const struct expansion *x)
{
    struct grid *g = x->g;
    const double allowed = doc_number(x->s->doc, "budget.max_runs");
    int64_t n = 0, chosen = 0;

    for (int i = 0; i < g->n_points; i++) {
        n += g->points[i].n_seeds;
        chosen += g->points[i].chosen ? g->points[i].n_seeds : 0;
        for (int b = 0; b < g->n_blocks; b++)
            if (g->blocks[b].label == g->points[i].block)
                g->blocks[b].runs += g->points[i].n_seeds;
    }
    if (n > INT_MAX || (n > GRID_FREE_CELLS && (double)n > allowed))
        return too_many(x, n, "points and seeds make", "runs");
    g->n_runs = (int)n;
    g->n_chosen = (int)chosen;
    if (chosen == 0)
        return err_set(x->err, ERR_CONFIG,
                       "%s: %s chooses none of the %d "
                       "points",
                       g->path, g->choice, g->n_points);
    return OK;
}

/* Filters may have left few of many cells, and twins made many of few. */
static void settle_configs(struct grid *g)
{
    const bool keep = g->n_points <= g->kept_configs;

    for (int i = 0; i < g->n_points; i++) {
        struct grid_point *p = &g->points[i];

        if (keep && !p->config) {
            p->config = grid_config(g, i);
        } else if (!keep) {
            config_free(p->config);
            p->config = NULL;
        }
    }
}

enum status grid_expand(struct grid *g, struct err *err)
{
    struct expansion x = { .g = g,
                           .s = g->source,
                           .ids = point_ids_new(),
                           .keep =
                               g->source->cells <= (uint64_t)g->kept_configs,
                           .err = err };
    enum status st = check_size(&x);

    list_blocks(g, x.s);
    list_filters(g, x.s);
    for (int b = 0; b < x.s->n_blocks && st == OK; b++)
        for (uint64_t c = 0; c < x.s->blocks[b].cells && st == OK; c++)
            st = expand_cell(&x, b, c);
    if (st == OK && g->n_points == 0)
        st = nothing_left(&x);
    if (st == OK)
        add_notes(&x);
    if (st == OK)
        st = add_all_bases(&x);
    free(x.table);
    point_ids_free(x.ids);
    if (st == OK) {
        grid_put_in_order(g);
        settle_configs(g);
        st = count_runs(&x);
    }
    return st;
}
