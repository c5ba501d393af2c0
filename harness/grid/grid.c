#include "harness/grid/grid.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "harness/grid/expand.h"
#include "harness/grid/point_id.h"
#include "harness/grid/slurm_keys.h"
#include "harness/proto/exec_trainer.h"

/* "quickstart" of "experiments/quickstart.ini". */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_strdup(slash ? slash + 1 : path);

    if (text_has_suffix(name, ".ini"))
        name[strlen(name) - 4] = '\0';
    return name;
}

static char *text_or(const struct doc *d, const char *key, char *fallback)
{
    const char *text = doc_text(d, key);

    if (!text || !*text)
        return fallback;
    free(fallback);
    return mem_strdup(text);
}

/* "(2, 16, 2) (2, 24, 2)" or "16384 49152". */
static char *axis_values(const struct doc *d, const struct doc_axis *a)
{
    struct str text = { 0 };

    for (int row = 0; row < a->n_rows; row++) {
        str_add(&text, row ? " " : "");
        str_add(&text, a->n_keys > 1 ? "(" : "");
        for (int k = 0; k < a->n_keys; k++) {
            char *value = doc_without_values(
                d, a->values.items[row * a->n_keys + k].text);

            str_addf(&text, "%s%s", k ? ", " : "", value);
            free(value);
        }
        str_add(&text, a->n_keys > 1 ? ")" : "");
    }
    return str_steal(&text);
}

static void list_axes(struct grid *g, const struct doc *d)
{
    g->n_axes = d->n_axes;
    g->axes = mem_array((size_t)d->n_axes, sizeof *g->axes);
    for (int i = 0; i < d->n_axes; i++)
        g->axes[i] = (struct grid_axis){ d->axes[i].label, d->axes[i].n_rows,
                                         axis_values(d, &d->axes[i]) };
}

/* The document's notes become the grid's. */
static void take_notes(struct grid *g, struct doc *d)
{
    g->notes = d->notes;
    g->n_notes = d->n_notes;
    d->notes = NULL;
    d->n_notes = 0;
}

/* The options that choose, as they may be typed. */
static char *choice_of(const struct doc *d)
{
    struct str text = { 0 };

    for (int i = 0; i < d->n_choices; i++)
        str_addf(&text, "%s%s '%s'", i ? " " : "", d->choices[i].where.file,
                 d->choices[i].text);
    return d->n_choices ? str_steal(&text) : NULL;
}

static void describe(struct grid *g, const struct grid_source *s)
{
    const struct doc *d = s->doc;

    g->name = text_or(d, "grid.name", name_of(g->path));
    g->description = text_or(d, "grid.description", mem_strdup(""));
    g->law = text_or(d, "grid.law", NULL);
    g->choice = choice_of(d);
    g->text = doc_print(d);
    hash_bytes(g->sha256, g->text, strlen(g->text));
    g->base = config_copy(s->base);
    list_axes(g, d);
}

/* A command that could not be started is better known now, and a script that
 * Slurm would not take. */
static enum status check_commands(const struct grid *g, struct err *err)
{
    const struct exec_job job = { .dir = "" };
    char **argv = NULL;
    enum status st = OK;

    if (config_is_exec(g->base))
        st = exec_trainer_argv(&argv, g->base, &job, err);
    if (st == OK)
        st = slurm_keys_check(g->base, err);
    if (st != OK)
        err_prefix(err, "%s: ", g->path);
    words_free(argv);
    return st;
}

enum status grid_load(struct grid **out, const char *path,
                      const struct grid_options *options, struct err *err)
{
    struct grid *g = mem_alloc(sizeof *g);
    struct doc *d;
    enum status st = doc_read(&d, path, options, err);

    *out = NULL;
    g->path = mem_strdup(path);
    g->kept_configs = options && options->kept_configs ? options->kept_configs
                                                       : GRID_KEPT_CONFIGS;
    if (st == OK)
        st = source_new(&g->source, d, err);
    if (st == OK) {
        describe(g, g->source);
        st = check_commands(g, err);
    }
    if (st == OK) {
        st = grid_expand(g, err);
        take_notes(g, d);
    }
    if (st == OK) {
        *out = g;
        g = NULL;
    }
    grid_free(g);
    return st;
}

void grid_free(struct grid *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_points; i++)
        config_free(g->points[i].config);
    for (int i = 0; i < g->n_seed_lists; i++)
        free(g->seed_lists[i].list);
    for (int i = 0; i < g->n_axes; i++)
        free(g->axes[i].values);
    for (int i = 0; i < g->n_blocks; i++)
        free(g->blocks[i].values);
    for (int i = 0; i < g->n_notes; i++)
        free(g->notes[i]);
    free(g->points);
    free(g->seed_lists);
    free(g->axes);
    free(g->blocks);
    free(g->filters);
    free(g->notes);
    free(g->name);
    free(g->description);
    free(g->law);
    free(g->choice);
    free(g->text);
    free(g->path);
    config_free(g->base);
    source_free(g->source);
    free(g);
}

struct config *grid_config(const struct grid *g, int point)
{
    const struct grid_point *p = &g->points[point];
    struct made m = { 0 };
    struct config *c;
    int removed_by;
    enum status st = OK;

    if (p->config)
        return config_copy(p->config);
    /* It was made before, so it can be made again. */
    st = source_make(&m, &removed_by, g->source, p->source_block,
                     p->source_cell, NULL);
    assert(st == OK && removed_by < 0);
    c = p->added ? config_base(m.config, p->added_as) : config_copy(m.config);
    if (p->added)
        st = config_resolve(c, NULL);
    assert(st == OK);
    made_release(&m);
    return c;
}

uint64_t grid_data_seed(const struct grid_point *p, uint64_t seed)
{
    return p->own_order ? point_own_order(p->parent, seed) : seed;
}
