#include "harness/grid_expand.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "harness/point_id.h"

#define BASELINE "baseline"

struct expansion {
    struct grid *g;
    struct grid_source *s;
    int *table; /* open addressing by id: point + 1, 0 empty */
    size_t table_size;
    struct point_ids *ids;
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

    while (x->table[i] &&
           strcmp(x->g->points[x->table[i] - 1].id, id) != 0)
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
        g->points = mem_grow(g->points,
                             g->n_points ? 2 * (size_t)g->n_points : 1,
                             sizeof *g->points);
    g->points[g->n_points] = *p;
    g->points[g->n_points].ordinal = g->n_points;
    *find_slot(x, p->id) = g->n_points + 1;
    return &g->points[g->n_points++];
}

/* --- seeds --------------------------------------------------------------- */

#define MAX_SEEDS 100000

/* Most points have the same seeds: one list serves them. */
static void set_seeds(struct grid *g, struct grid_point *p, uint64_t *list,
                      int n)
{
    struct grid_seeds *known = g->seed_lists;
    int i = 0;

    while (i < g->n_seed_lists &&
           (known[i].n != n ||
            memcmp(known[i].list, list, (size_t)n * sizeof *list) != 0))
        i++;
    if (i == g->n_seed_lists) {
        g->seed_lists = known =
            mem_grow(known, (size_t)i + 1, sizeof *known);
        known[i] = (struct grid_seeds){ list, n };
        g->n_seed_lists++;
    } else {
        free(list);
    }
    p->seeds = known[i].list;
    p->n_seeds = n;
}

static enum status bad_count(const struct expansion *x, double n)
{
    char buf[32];

    return ini_fail(x->err, x->s->count_rule.where,
                    "seeds.count = %s: expected a whole number from 1 to %d",
                    text_number(buf, n), MAX_SEEDS);
}

/* How many: repeat of the block, or the list's length, or [seeds] count. */
static enum status seed_count(const struct expansion *x, int *out,
                              struct made *m, int repeat,
                              const struct doc_values *list)
{
    double n = repeat;

    if (!repeat && list)
        n = list->list.n;
    else if (!repeat && formula_eval(&n, &x->s->count, x->s->names, &m->view,
                                     x->err) != OK)
        return ERR_CONFIG;
    if (n != floor(n) || n < 1 || n > MAX_SEEDS)
        return bad_count(x, n);
    if (list && (int)n > list->list.n)
        return ini_fail(x->err, list->where,
                        "seeds.list has %d seeds, but a block repeats its "
                        "points %d times",
                        list->list.n, (int)n);
    *out = (int)n;
    return OK;
}

static enum status give_seeds(struct expansion *x, struct grid_point *p,
                              struct made *m, int repeat)
{
    const struct doc_values *list = doc_find(x->s->doc, "seeds.list");
    const uint64_t first = (uint64_t)doc_number(x->s->doc, "seeds.first");
    uint64_t *seeds;
    int n = 0;

    if (seed_count(x, &n, m, repeat, list) != OK)
        return ERR_CONFIG;
    seeds = mem_array((size_t)n, sizeof *seeds);
    for (int i = 0; i < n; i++)
        seeds[i] = list ? strtoull(list->list.items[i].text, NULL, 10)
                        : first + (uint64_t)i;
    set_seeds(x->g, p, seeds, n);
    return OK;
}

/* Add the seeds of from that p does not have. */
static void join_seeds(struct grid *g, struct grid_point *p,
                       const struct grid_point *from)
{
    uint64_t *all;
    int n = p->n_seeds;

    if (p->seeds == from->seeds)
        return;
    all = mem_array((size_t)(p->n_seeds + from->n_seeds), sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = p->seeds[i];
    for (int i = 0; i < from->n_seeds; i++) {
        int k = 0;

        while (k < n && all[k] != from->seeds[i])
            k++;
        if (k == n)
            all[n++] = from->seeds[i];
    }
    set_seeds(g, p, all, n);
}

static void join_point(struct grid *g, struct grid_point *p,
                       const struct grid_point *from)
{
    join_seeds(g, p, from);
    if (from->priority > p->priority)
        p->priority = from->priority;
}

/* --- cells --------------------------------------------------------------- */

/* Keep the configuration of a new point as long as there are few. */
static void keep_config(struct grid *g, struct grid_point *p,
                        struct config *c)
{
    if (g->n_points <= g->kept_configs) {
        p->config = c;
        return;
    }
    config_free(c);
    for (int i = 0; i < g->n_points && g->points[i].config; i++) {
        config_free(g->points[i].config);
        g->points[i].config = NULL;
    }
}

/* A point with its configuration; one that is already there is joined. */
static void take_point(struct expansion *x, const struct grid_point *p,
                       struct config *c, int block)
{
    struct grid_block *b = &x->g->blocks[block];
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
    keep_config(x->g, add_point(x, p), c);
}

static void fill_point(struct expansion *x, struct grid_point *p,
                       const struct config *c)
{
    int operands;

    point_ids_of(p->id, p->twin, &operands, x->ids, c);
    p->operands = (unsigned char)operands;
    p->is_base = strcmp(p->id, p->twin) == 0;
    p->size = config_size(c);
}

static enum status expand_cell(struct expansion *x, int block, uint64_t cell)
{
    const struct doc_block *of = x->s->blocks[block].block;
    struct grid_point p = { .block = x->s->blocks[block].label,
                            .priority = of ? of->priority : 0,
                            .source_block = block, .source_cell = cell };
    struct made m = { 0 };
    int removed_by;
    enum status st = source_make(&m, &removed_by, x->s, block, cell, x->err);

    if (st == OK && removed_by >= 0) {
        x->g->filters[removed_by].removed++;
    } else if (st == OK) {
        fill_point(x, &p, m.config);
        st = give_seeds(x, &p, &m, of ? of->repeat : 0);
        if (st == OK) {
            take_point(x, &p, m.config, block);
            m.config = NULL;
        }
    }
    made_release(&m);
    return st;
}

static enum status check_size(const struct expansion *x)
{
    const uint64_t cells = x->s->cells;
    const double allowed = doc_number(x->s->doc, "budget.max_runs");

    if (cells <= GRID_FREE_CELLS || (double)cells <= allowed)
        return OK;
    if (cells == UINT64_MAX || cells > 100000000)
        return err_set(x->err, ERR_CONFIG,
                       "%s: the lists multiply to %.3g cells: too many",
                       x->g->path,
                       cells == UINT64_MAX ? 0x1p64 : (double)cells);
    return err_set(x->err, ERR_CONFIG,
                   "%s: the lists multiply to %llu cells, more than %d; if "
                   "that is meant, say [budget] max_runs = %llu",
                   x->g->path, (unsigned long long)cells, GRID_FREE_CELLS,
                   (unsigned long long)cells);
}

/* --- twins --------------------------------------------------------------- */

static enum status add_twin(struct expansion *x, int of, int block)
{
    struct grid_point twin = x->g->points[of];
    struct config *quantized = grid_config(x->g, of);
    struct config *c = point_twin_config(quantized);
    const enum status st = config_resolve(c, x->err);

    config_free(quantized);
    if (st != OK) {
        config_free(c);
        return st;
    }
    twin.config = NULL;
    twin.added = true;
    twin.block = x->g->blocks[block].label;
    fill_point(x, &twin, c);
    assert(twin.is_base && strcmp(twin.id, x->g->points[of].twin) == 0);
    take_point(x, &twin, c, block);
    return OK;
}

/* A block for the twins that no block of the file gives. */
static int twin_block(struct expansion *x)
{
    struct grid *g = x->g;

    g->blocks = mem_grow(g->blocks, (size_t)g->n_blocks + 1,
                         sizeof *g->blocks);
    g->blocks[g->n_blocks] = (struct grid_block){
        .label = BASELINE, .values = mem_strdup("unquantized twins")
    };
    return g->n_blocks++;
}

static enum status add_twins(struct expansion *x)
{
    const int n = x->g->n_points;
    int block = -1;
    enum status st = OK;

    for (int i = 0; i < n && st == OK; i++) {
        const struct grid_point *p = &x->g->points[i];
        const int at = p->is_base ? 0 : *find_slot(x, p->twin);

        if (p->is_base)
            continue;
        if (at) {
            join_point(x->g, &x->g->points[at - 1], p);
            continue;
        }
        if (block < 0)
            block = twin_block(x);
        st = add_twin(x, i, block);
    }
    return st;
}

/* --- order --------------------------------------------------------------- */

struct ordering {
    const struct grid *g;
    const char *by;
    uint64_t key; /* of the random order */
};

static double order_key(const struct ordering *o, const struct grid_point *p)
{
    if (strcmp(o->by, "flops") == 0)
        return p->size.flops_per_token * (double)p->size.tokens;
    if (strcmp(o->by, "random") == 0)
        return rng_f64(o->key, id_number(p->id) >> 2);
    return 0; /* file, priority */
}

static int by_order(const void *va, const void *vb, void *ctx)
{
    const struct ordering *o = ctx;
    const int i = *(const int *)va, k = *(const int *)vb;
    const struct grid_point *a = &o->g->points[i], *b = &o->g->points[k];
    const double x = order_key(o, a), y = order_key(o, b);

    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    if (x != y)
        return x < y ? -1 : 1;
    if (a->is_base != b->is_base)
        return a->is_base ? -1 : 1;
    return i < k ? -1 : i > k;
}

/* Move every point to its place, following the cycles of the permutation:
 * a second array of a million points would be too much. */
static void permute(struct grid *g, int *from_of)
{
    for (int i = 0; i < g->n_points; i++) {
        struct grid_point first = g->points[i];
        int at = i;

        while (from_of[at] != i && from_of[at] >= 0) {
            const int from = from_of[at];

            g->points[at] = g->points[from];
            from_of[at] = -1;
            at = from;
        }
        if (from_of[at] == i) {
            g->points[at] = first;
            from_of[at] = -1;
        }
    }
    for (int i = 0; i < g->n_points; i++)
        g->points[i].ordinal = i;
}

static void put_in_order(struct grid *g, const struct doc *d)
{
    struct ordering o = { .g = g, .by = doc_text(d, "order.by") };
    int *from_of = mem_array((size_t)g->n_points, sizeof *from_of);

    if (!o.by)
        o.by = grid_key_find("order.by")->fallback;
    o.key =
        rng_key((uint64_t)doc_number(d, "order.seed"), RNG_DATA, UINT64_MAX);
    for (int i = 0; i < g->n_points; i++)
        from_of[i] = i;
    qsort_r(from_of, (size_t)g->n_points, sizeof *from_of, by_order, &o);
    permute(g, from_of);
    free(from_of);
}

/* --- what to say --------------------------------------------------------- */

static void add_notes(struct expansion *x)
{
    struct grid *g = x->g;
    struct doc *d = x->s->doc;

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
        return err_set(x->err, ERR_CONFIG, "%s: the grid is empty",
                       x->g->path);
    return ini_fail(x->err, (struct ini_where){ worst->file, worst->line, 0 },
                    "the filters leave no point; the last ones went by "
                    "%s = %s",
                    worst->keep ? "keep" : "exclude", worst->text);
}

/* What a block sets by itself, on one line. */
static char *block_values(const struct doc_block *b)
{
    struct str text = { 0 };

    for (int i = 0; b && i < b->n_keys; i++) {
        str_addf(&text, "%s%s =", i ? "; " : "", b->keys[i].key);
        for (int k = 0; k < b->keys[i].list.n; k++)
            str_addf(&text, " %s", b->keys[i].list.items[k].text);
    }
    return str_steal(&text);
}

static void list_blocks(struct grid *g, const struct grid_source *s)
{
    g->n_blocks = s->n_blocks;
    g->blocks = mem_array((size_t)g->n_blocks, sizeof *g->blocks);
    for (int i = 0; i < g->n_blocks; i++)
        g->blocks[i] = (struct grid_block){
            .label = s->blocks[i].label,
            .cells = (int64_t)s->blocks[i].cells,
            .values = block_values(s->blocks[i].block)
        };
}

static void list_filters(struct grid *g, const struct grid_source *s)
{
    g->n_filters = s->n_filters;
    g->filters = mem_array((size_t)g->n_filters, sizeof *g->filters);
    for (int i = 0; i < g->n_filters; i++) {
        const struct doc_rule *rule = s->filters[i].rule;

        g->filters[i] = (struct grid_filter){
            .text = rule->text, .file = rule->where.file,
            .line = rule->where.line, .keep = strcmp(rule->key, "keep") == 0
        };
    }
}

static void count_runs(struct grid *g)
{
    g->n_runs = 0;
    for (int i = 0; i < g->n_points; i++) {
        g->n_runs += g->points[i].n_seeds;
        for (int b = 0; b < g->n_blocks; b++)
            if (g->blocks[b].label == g->points[i].block)
                g->blocks[b].runs += g->points[i].n_seeds;
    }
}

enum status grid_expand(struct grid *g, struct err *err)
{
    struct expansion x = { .g = g, .s = g->source,
                           .ids = point_ids_new(), .err = err };
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
    if (st == OK && doc_bool(x.s->doc, "grid.twins"))
        st = add_twins(&x);
    free(x.table);
    point_ids_free(x.ids);
    if (st == OK) {
        put_in_order(g, x.s->doc);
        count_runs(g);
    }
    return st;
}
