/* point.c - a cell becomes one resolved configuration, or is left out. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "harness/grid/source.h"
#include "harness/proto/exec_trainer.h"
#include "trainer/run.h"

/* --- whose line is it? --------------------------------------------------- */

/* The place that gave a key its value in this cell; line 0 and no file when it
 * is at its default. */
static struct ini_where place_of(const struct grid_source *s, int block,
                                 uint64_t cell, const char *key)
{
    const struct cell_block *b = &s->blocks[block];
    const struct doc_values *v =
        b->block ? doc_block_line(b->block, key) : NULL;

    for (int i = 0; i < s->doc->n_derives; i++)
        if (strcmp(s->doc->derives[i].key, key) == 0)
            return s->doc->derives[i].where;
    for (int i = b->n_dims - 1; i >= 0; i--) { /* a block's own come last */
        const struct cell_dim *dim = &b->dims[i];
        const int row = cell_index(b, cell, i);
        const int k = dim->axis ? doc_axis_column(dim->axis, key) : -1;

        if (dim->line == v && v)
            return v->list.items[row].where;
        if (!v && k >= 0)
            return dim->axis->values.items[row * dim->axis->n_keys + k].where;
    }
    if (!v)
        v = doc_find(s->doc, key);
    return v ? v->list.items[0].where : (struct ini_where){ 0 };
}

/* Of the keys that a failure is about, the place of the first that is not at its
 * default. */
static struct ini_where blame(const struct grid_source *s, int block,
                              uint64_t cell, const struct err *err)
{
    struct ini_where w = { s->doc->path, 0, 0 };
    char **keys = words_split(err->about, &(char){ 0 });

    for (char **key = keys; key && *key; key++) {
        const struct ini_where at = place_of(s, block, cell, *key);

        if (!at.file)
            continue;
        w = at;
        break;
    }
    words_free(keys);
    return w;
}

static void add_cell(const struct grid_source *s, int block, uint64_t cell,
                     struct err *err)
{
    char *where = source_describe(s, block, cell);

    if (*where)
        err_append(err, " (at %s)", where);
    free(where);
}

/* Put the guilty line before a sentence about a whole configuration, and the
 * cell behind it. */
static enum status blame_cell(const struct grid_source *s, int block,
                              uint64_t cell, struct err *err)
{
    if (err)
        ini_prefix(err, blame(s, block, cell, err));
    add_cell(s, block, cell, err);
    return ERR_CONFIG;
}

/* --- derived keys -------------------------------------------------------- */

/* 0.1 * 3 is no 0.3, and another point; generators round, formulas do not,
 * because the points that they have made keep their identities.  It is said of
 * numbers that somebody may write elsewhere, of three digits at most. */
static void note_near(struct grid_source *s, struct formula *f, double x)
{
    char near[32], buf[32];
    double round;

    snprintf(near, sizeof near, "%.3g", x);
    round = strtod(near, NULL);
    if (x == round || fabs(x - round) > 8 * DBL_EPSILON * fabs(x) ||
        f->near_said)
        return;
    f->near_said = true;
    doc_note(s->doc,
             "%s:%d: %s becomes %s, which is another point than %s; a "
             "quotient of whole numbers (3/10) is the nearest number, "
             "a product (3*0.1) may not be",
             f->rule->where.file, f->rule->where.line, f->rule->key,
             text_number(buf, x), near);
}

static enum status derive_one(struct made *m, struct grid_source *s,
                              struct formula *f, struct err *err)
{
    const int scratch = names_scratch(s->names, f->rule->key);
    char buf[32];
    double x;

    if (formula_eval(&x, f, s->names, &m->view, err) != OK)
        return ERR_CONFIG;
    if (scratch >= 0) {
        m->scratch[scratch] = x;
        return OK;
    }
    view_reset(&m->view);
    note_near(s, f, x);
    if (config_set(m->config, f->rule->key, text_number(buf, x), err) == OK)
        return OK;
    ini_prefix(err, f->rule->where);
    return ERR_CONFIG;
}

static enum status derive(struct made *m, struct grid_source *s, int block,
                          uint64_t cell, struct err *err)
{
    for (int i = 0; i < s->n_derives; i++)
        if (derive_one(m, s, &s->derives[i], err) != OK) {
            add_cell(s, block, cell, err);
            return ERR_CONFIG;
        }
    return OK;
}

/* --- data ---------------------------------------------------------------- */

/* What decides on what the files hold; a longer context needs more of them. */
static const char *const data_keys[] = { "data.path",      "data.val",
                                         "data.probe",     "data.delimiter",
                                         "data.max_bytes", "trainer.kind" };
#define N_DATA_KEYS (sizeof data_keys / sizeof data_keys[0])

static bool same_data(const struct data_seen *d, const struct config *c)
{
    for (size_t i = 0; i < N_DATA_KEYS; i++)
        if (strcmp(config_get(d->config, data_keys[i]),
                   config_get(c, data_keys[i])) != 0)
            return false;
    return strcmp(d->kind_asked, config_data_kind(c)) == 0 &&
           config_model_seq_len(d->config) >= config_model_seq_len(c);
}

static const struct data_seen *seen(const struct grid_source *s,
                                    const struct config *c)
{
    for (int i = 0; i < s->n_data; i++)
        if (same_data(&s->data[i], c))
            return &s->data[i];
    return NULL;
}

/* A run may be started in any folder, so its paths are absolute. */
static enum status absolute_path(struct config *c, const char *key,
                                 const char *folder, struct err *err)
{
    struct str text = { 0 };
    enum status st = OK;

    for (const char *p = config_get(c, key); *p;) {
        const size_t n = strcspn(p, "\n");

        str_addf(&text, "%s%s%s%.*s", text.len ? "\n" : "",
                 *p == '/' ? "" : folder, *p == '/' ? "" : "/", (int)n, p);
        p += n + (p[n] == '\n');
    }
    if (strcmp(str_text(&text), config_get(c, key)) != 0)
        st = config_set(c, key, str_text(&text), err);
    str_release(&text);
    return st;
}

static enum status absolute_paths(struct config *c, const char *folder,
                                  struct err *err)
{
    enum status st = OK;

    for (int i = 0; path_keys[i] && st == OK; i++)
        st = absolute_path(c, path_keys[i], folder, err);
    return st;
}

/* Take over what is known of the files, unless c wants something else. */
static bool take_known(struct config *c, const struct data_seen *d)
{
    static const char *const keys[] = { "data.sha256", "data.val_sha256" };

    for (int i = 0; i < 2; i++)
        if (*config_get(c, keys[i]) &&
            strcmp(config_get(c, keys[i]), config_get(d->config, keys[i])))
            return false;
    for (int i = 0; i < 2; i++)
        config_set(c, keys[i], config_get(d->config, keys[i]), NULL);
    config_set(c, "data.kind", config_data_kind(d->config), NULL);
    return true;
}

static struct ini_where data_place(const struct grid_source *s, int block,
                                   uint64_t cell)
{
    struct ini_where where = place_of(s, block, cell, "data.path");

    if (!where.file)
        where.file = s->doc->path;
    return where;
}

/* Every file is hashed once, however many points read it. */
static enum status identify_data(struct made *m, struct grid_source *s,
                                 int block, uint64_t cell, struct err *err)
{
    struct config *c = m->config;
    const struct data_seen *known;
    struct data_seen fresh;
    enum status st = OK;

    if (!*config_data_path(c) && config_is_exec(c))
        return OK; /* it has data of its own */
    if (!*config_data_path(c))
        return ini_fail(err, data_place(s, block, cell),
                        "data.path is not set: name one or more "
                        "text files in [data]");
    known = seen(s, c);
    if (!known || !take_known(c, known)) {
        fresh.kind_asked = mem_strdup(config_data_kind(c));
        st = data_identify(c, &fresh.facts, err);
        fresh.config = config_copy(c);
        s->data = mem_grow(s->data, (size_t)s->n_data + 1, sizeof *s->data);
        s->data[s->n_data] = fresh;
        known = &s->data[s->n_data++];
    }
    if (st == OK)
        st = data_fits(c, &known->facts, err);
    if (st != OK) {
        ini_prefix(err, data_place(s, block, cell));
        return ERR_CONFIG;
    }
    if (!config_is_exec(c))
        m->data_tokens =
            (double)known->facts.tokens *
            (*config_data_val(c) ? 1 : 1 - config_data_val_fraction(c));
    return OK;
}

/* --- filters ------------------------------------------------------------- */

/* The first rule that says no, or -1. */
static enum status ask_rules(int *refused_by, struct made *m,
                             const struct formula *rules, int n,
                             struct grid_source *s, struct err *err)
{
    *refused_by = -1;
    for (int i = 0; i < n; i++) {
        const bool keep = strcmp(rules[i].rule->key, "keep") == 0;
        double x;

        if (formula_eval(&x, &rules[i], s->names, &m->view, err) != OK)
            return ERR_CONFIG;
        if ((x != 0) == keep)
            continue;
        *refused_by = i;
        break;
    }
    return OK;
}

static enum status filter(int *removed_by, struct made *m,
                          struct grid_source *s, struct err *err)
{
    int not_chosen_by = -1;
    enum status st = ask_rules(removed_by, m, s->filters, s->n_filters, s, err);

    if (st == OK && *removed_by < 0)
        st = ask_rules(&not_chosen_by, m, s->choices, s->n_choices, s, err);
    m->chosen = not_chosen_by < 0;
    return st;
}

enum status source_make(struct made *m, int *removed_by, struct grid_source *s,
                        int block, uint64_t cell, struct err *err)
{
    struct err shape = { 0 };
    enum status st = source_assign(m, s, block, cell, err);

    if (st == OK)
        st = derive(m, s, block, cell, err);
    if (st == OK)
        st = identify_data(m, s, block, cell, err);
    if (st == OK)
        st = absolute_paths(m->config, s->folder, err);
    if (st != OK)
        return st;
    /* A point that does not fit together may be one that a filter leaves
     * out, so filters are asked first. */
    view_reset(&m->view);
    m->view.resolved = config_resolve(m->config, &shape) == OK;
    st = filter(removed_by, m, s, err);
    if (st != OK) {
        add_cell(s, block, cell, err);
        return st;
    }
    if (*removed_by < 0 && !m->view.resolved) {
        if (err)
            *err = shape;
        return blame_cell(s, block, cell, err);
    }
    return OK;
}
