#include "harness/grid_expand.h"

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

static enum status bad_count(const struct expansion *x, double n)
{
    char buf[32];

    return ini_fail(x->err, x->s->count_rule.where,
                    "seeds.count = %s: expected a whole number from 1 to %d",
                    text_number(buf, n), MAX_SEEDS);
}

/* The seeds of a point: the list, or count numbers from first; repeat of its
 * block stands for count. */
static enum status give_seeds(struct expansion *x, struct grid_point *p,
                              struct made *m, int repeat)
{
    const struct doc_values *list = doc_find(x->s->doc, "seeds.list");
    const uint64_t first = (uint64_t)doc_number(x->s->doc, "seeds.first");
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
    p->n_seeds = (int)n;
    p->seeds = mem_array((size_t)p->n_seeds, sizeof *p->seeds);
    for (int i = 0; i < p->n_seeds; i++)
        p->seeds[i] = list ? strtoull(list->list.items[i].text, NULL, 10)
                           : first + (uint64_t)i;
    return OK;
}

/* Add the seeds of from that p does not have. */
static void join_seeds(struct grid_point *p, const struct grid_point *from)
{
    for (int i = 0; i < from->n_seeds; i++) {
        int k = 0;

        while (k < p->n_seeds && p->seeds[k] != from->seeds[i])
            k++;
        if (k < p->n_seeds)
            continue;
        p->seeds =
            mem_grow(p->seeds, (size_t)p->n_seeds + 1, sizeof *p->seeds);
        p->seeds[p->n_seeds++] = from->seeds[i];
    }
}

static void join_point(struct grid_point *p, const struct grid_point *from)
{
    join_seeds(p, from);
    if (from->priority > p->priority)
        p->priority = from->priority;
}

static void release_point(struct grid_point *p)
{
    config_free(p->config);
    free(p->seeds);
}

/* --- cells --------------------------------------------------------------- */

static void take_point(struct expansion *x, struct grid_point *p, int block)
{
    struct grid_block *b = &x->g->blocks[block];
    int *slot;

    grow_table(x);
    slot = find_slot(x, p->id);
    if (*slot) {
        join_point(&x->g->points[*slot - 1], p);
        release_point(p);
        b->duplicates++;
        x->g->duplicates++;
        return;
    }
    b->points++;
    add_point(x, p);
}

static enum status expand_cell(struct expansion *x, int block, uint64_t cell)
{
    const struct doc_block *of = x->s->blocks[block].block;
    struct grid_point p = { .block = x->s->blocks[block].label,
                            .priority = of ? of->priority : 0 };
    struct made m = { 0 };
    int removed_by;
    enum status st = source_make(&m, &removed_by, x->s, block, cell, x->err);

    if (st == OK && removed_by >= 0) {
        x->g->filters[removed_by].removed++;
    } else if (st == OK) {
        point_id(p.id, m.config, true);
        point_id(p.twin, m.config, false);
        p.is_base = strcmp(p.id, p.twin) == 0;
        p.size = config_size(m.config);
        st = give_seeds(x, &p, &m, of ? of->repeat : 0);
        if (st == OK) {
            p.config = m.config;
            m.config = NULL;
            take_point(x, &p, block);
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
    struct grid_point twin = { .block = x->g->blocks[block].label,
                               .priority = x->g->points[of].priority,
                               .is_base = true };

    twin.config = point_twin_config(x->g->points[of].config);
    if (config_resolve(twin.config, x->err) != OK) {
        config_free(twin.config);
        return ERR_CONFIG;
    }
    memcpy(twin.id, x->g->points[of].twin, POINT_ID);
    memcpy(twin.twin, twin.id, POINT_ID);
    twin.size = config_size(twin.config);
    x->g->blocks[block].points++;
    join_seeds(&twin, &x->g->points[of]);
    grow_table(x);
    add_point(x, &twin);
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
            join_point(&x->g->points[at - 1], p);
            continue;
        }
        if (block < 0)
            block = twin_block(x);
        st = add_twin(x, i, block);
    }
    return st;
}

/* --- order --------------------------------------------------------------- */

/* What qsort compares, worked out beforehand. */
struct rank {
    int priority, index;
    bool is_base;
    double key;
};

static int by_rank(const void *va, const void *vb)
{
    const struct rank *a = va, *b = vb;

    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->is_base != b->is_base)
        return a->is_base ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static double order_key(const struct grid *g, const char *by, uint64_t key,
                        int i)
{
    const struct grid_point *p = &g->points[i];

    if (strcmp(by, "flops") == 0)
        return p->size.flops_per_token * (double)p->size.tokens;
    if (strcmp(by, "random") == 0)
        return rng_f64(key, id_number(p->id) >> 2);
    return 0; /* file, priority */
}

static void put_in_order(struct grid *g, const struct doc *d)
{
    const char *by = doc_text(d, "order.by");
    const uint64_t key =
        rng_key((uint64_t)doc_number(d, "order.seed"), RNG_DATA, UINT64_MAX);
    struct rank *ranks = mem_array((size_t)g->n_points, sizeof *ranks);
    struct grid_point *sorted =
        mem_array((size_t)g->n_points, sizeof *sorted);

    if (!by)
        by = grid_key_find("order.by")->fallback;
    for (int i = 0; i < g->n_points; i++)
        ranks[i] = (struct rank){ g->points[i].priority, i,
                                  g->points[i].is_base,
                                  order_key(g, by, key, i) };
    qsort(ranks, (size_t)g->n_points, sizeof *ranks, by_rank);
    for (int i = 0; i < g->n_points; i++) {
        sorted[i] = g->points[ranks[i].index];
        sorted[i].ordinal = i;
    }
    free(g->points);
    g->points = sorted;
    free(ranks);
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
    struct expansion x = { .g = g, .s = g->source, .err = err };
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
    if (st == OK) {
        put_in_order(g, x.s->doc);
        count_runs(g);
    }
    free(x.table);
    return st;
}
