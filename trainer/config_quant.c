#include "trainer/config_quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The keys of a section, operands first; NULL where it has none. */
static const char *const keys[QUANT_SECTIONS][12] = {
    { "quant.w", "quant.x", "quant.dy_d", "quant.w_d", "quant.dy_g",
      "quant.x_g", "quant.group", "quant.scale", "quant.range", "quant.round",
      "quant.grad", "quant.gemm" },
    { "post.w", "post.x", NULL, NULL, NULL, NULL, "post.group", "post.scale",
      "post.range", "post.round", NULL, NULL }
};
#define N_NAMES (int)(sizeof keys[0] / sizeof keys[0][0])
enum {
    NAME_GROUP = OPERAND_COUNT,
    NAME_SCALE,
    NAME_RANGE,
    NAME_ROUND,
    NAME_GRAD,
    NAME_GEMM
};

const char *const quant_operands[OPERAND_COUNT] = { "w",   "x",    "dy_d",
                                                    "w_d", "dy_g", "x_g" };

/* The values for one layer; the pointers are those of the configuration, so
 * equal pointers are equal values. */
struct layer_values {
    const struct setting_value *v[N_NAMES];
};

struct quant_table {
    enum quant_section section;
    int refs, n_layer;
    int *index; /* of the row: [n_layer][LAYER_HEAD], then the head's */
    struct layer_quant *rows;
    int n_rows;
};

/* --- which text holds for which layer ------------------------------------ */

bool quant_is_by_layer(const char *key)
{
    for (int s = 0; s < QUANT_SECTIONS; s++)
        for (int i = 0; i < N_NAMES; i++)
            if (keys[s][i] && strcmp(keys[s][i], key) == 0)
                return true;
    return false;
}

static int name_of(const char *key)
{
    const char *name = strrchr(key, '.') + 1;

    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(keys[SECTION_QUANT][i] + strlen("quant."), name) == 0)
            return i;
    return -1;
}

/* What holds where nothing else is said.  The base section quantizes the
 * linear layers of the blocks; the head only when it is named.  A key that the
 * section does not have is at what changes nothing. */
static struct layer_values base_values(const struct config *c,
                                       enum quant_section section, bool head)
{
    static const struct quant_words none;
    static const struct setting_value off = { "none", 0, &none },
                                      open = { "forward", 0, NULL },
                                      ste = { "ste", 0, NULL },
                                      integer = { "integer", 0, NULL };
    static const struct setting_value *const usual[N_NAMES] = {
        &off, &off, &off, &open, &off, &open,
        NULL, NULL, NULL, NULL,  &ste, &integer
    };
    struct layer_values t;

    for (int i = 0; i < N_NAMES; i++)
        t.v[i] = !keys[section][i] || (head && i < OPERAND_COUNT)
                     ? usual[i]
                     : config_find(c, keys[section][i]);
    return t;
}

/* The key that says name of a layer: the last override that selects it, or the
 * base section's. */
static const char *key_of(const struct config *c, enum quant_section section,
                          int layer, enum layer_kind kind, int name)
{
    const int n_layer = (int)config_model_n_layer(c);
    const char *key, *found = keys[section][name];

    for (int i = 0; (key = config_override_at(c, i)); i++) {
        char *selector = setting_selector(key);

        if (quant_section_of(key) == section && name_of(key) == name &&
            selector_matches(selector, kind == LAYER_HEAD ? -1 : layer, n_layer,
                             kind))
            found = key;
        free(selector);
    }
    return found;
}

/* Put one override where its selector says; a later one wins. */
static enum status apply_override(struct layer_values *all,
                                  const struct config *c, const char *key,
                                  int n_layer, struct err *err)
{
    const int name = name_of(key);
    char *selector = setting_selector(key);
    bool any = false;

    for (int i = 0; i <= n_layer * LAYER_HEAD; i++) {
        const int layer = i / LAYER_HEAD;
        const bool head = layer == n_layer;

        if (selector_matches(selector, head ? -1 : layer, n_layer,
                             head ? LAYER_HEAD
                                  : (enum layer_kind)(i % LAYER_HEAD))) {
            all[i].v[name] = config_find(c, key);
            any = true;
        }
    }
    free(selector);
    if (any)
        return OK;
    err_set(err, ERR_CONFIG,
            "%s selects no layer: model.n_layer = %d, blocks count from 0", key,
            n_layer);
    return err_about(err, ERR_CONFIG, "model.n_layer");
}

/* --- texts to quantizers ------------------------------------------------- */

/* "quant.w of qkv in block 0" */
static const char *place(char buf[64], enum quant_section section,
                         enum quant_operand operand, int layer,
                         enum layer_kind kind)
{
    const int n = snprintf(buf, 64, "%s%s of ", quant_sections[section],
                           quant_operands[operand]);

    if (kind == LAYER_HEAD)
        snprintf(buf + n, 64 - (size_t)n, "the head");
    else
        snprintf(buf + n, 64 - (size_t)n, "%s in block %d",
                 layer_rows[kind].name, layer);
    return buf;
}

/* Who has ranges measured before: the input of what is rounded after training.
 * A weight is there as a whole, whenever its range is taken. */
static enum status check_static(const struct quant_spec *s,
                                enum quant_section section,
                                enum quant_operand operand, struct err *err)
{
    if (s->when == QUANT_DYNAMIC ||
        (section == SECTION_POST && operand == OPERAND_X))
        return OK;
    return err_set(err, ERR_CONFIG,
                   "static: ranges that calibration measures are post.x's "
                   "alone");
}

static enum status parse_layer(struct layer_quant *out,
                               const struct layer_values *t,
                               const struct config *c,
                               enum quant_section section, int layer,
                               enum layer_kind kind, struct err *err)
{
    const struct quant_defaults d = {
        .group = t->v[NAME_GROUP]->text,
        .scale = t->v[NAME_SCALE]->text,
        .range = t->v[NAME_RANGE]->text,
        .round = t->v[NAME_ROUND]->text,
    };
    enum quant_field wrong;
    char buf[64];

    /* What the base keys say is checked even where nothing uses it. */
    if (quant_check_defaults(&wrong, &d, err) != OK) {
        err_prefix(err, "%.*s: ", (int)strlen(quant_sections[section]) - 1,
                   quant_sections[section]);
        return err_about(
            err, ERR_CONFIG, "%s",
            key_of(c, section, layer, kind, NAME_GROUP + (int)wrong));
    }
    for (int k = 0; k < OPERAND_COUNT; k++) {
        const struct quant_words *words = t->v[k]->quant;

        out->reuse[k] = !words;
        if (!words)
            words = t->v[k == OPERAND_W_D ? OPERAND_W : OPERAND_X]->quant;
        if (quant_settle(&out->spec[k], words, &d, err) != OK ||
            (!out->reuse[k] &&
             check_static(&out->spec[k], section, (enum quant_operand)k, err) !=
                 OK)) {
            err_prefix(err, "%s: ",
                       place(buf, section, (enum quant_operand)k, layer, kind));
            return err_about(err, ERR_CONFIG, "%s",
                             key_of(c, section, layer, kind, k));
        }
    }
    /* Nothing is clipped where nothing of the forward pass is quantized. */
    out->clip = strcmp(t->v[NAME_GRAD]->text, "clip") == 0 &&
                (out->spec[OPERAND_W].on || out->spec[OPERAND_X].on);
    if (out->clip)
        for (int k = 0; k < 2; k++)
            if (out->spec[k].on && out->spec[k].transform != QUANT_PLAIN) {
                err_set(
                    err, ERR_CONFIG,
                    "%s: quant.grad = clip: what is clipped after a "
                    "rotation is no single input",
                    place(buf, section, (enum quant_operand)k, layer, kind));
                return err_about(err, ERR_CONFIG, "quant.grad %s",
                                 key_of(c, section, layer, kind, k));
            }
    out->exact = strcmp(t->v[NAME_GEMM]->text, "integer") == 0;
    out->integer = out->exact && quant_has_int8(&out->spec[OPERAND_W]) &&
                   quant_has_int8(&out->spec[OPERAND_X]);
    out->fake = !out->integer && quant_has_int8(&out->spec[OPERAND_W]) &&
                quant_has_int8(&out->spec[OPERAND_X]);
    return OK;
}

/* The row that another layer with the same texts already has, or a new one. */
static enum status add_row(struct quant_table *t, struct layer_values *seen,
                           const struct layer_values *all,
                           const struct config *c, int i, struct err *err)
{
    const int layer = i / LAYER_HEAD;
    const bool head = layer == t->n_layer;

    for (int r = 0; r < t->n_rows; r++)
        if (memcmp(&seen[r], &all[i], sizeof *all) == 0) {
            t->index[i] = r;
            return OK;
        }
    t->rows = mem_grow(t->rows, (size_t)t->n_rows + 1, sizeof *t->rows);
    seen[t->n_rows] = all[i];
    t->index[i] = t->n_rows++;
    return parse_layer(&t->rows[t->n_rows - 1], &all[i], c, t->section, layer,
                       head ? LAYER_HEAD : (enum layer_kind)(i % LAYER_HEAD),
                       err);
}

enum status quant_table_new(struct quant_table **out, const struct config *c,
                            enum quant_section section, struct err *err)
{
    struct quant_table *t = mem_alloc(sizeof *t);
    const int n_layer = (int)config_model_n_layer(c);
    const int n = n_layer * LAYER_HEAD + 1;
    struct layer_values *all = mem_array((size_t)n, sizeof *all);
    struct layer_values *seen = mem_array((size_t)n, sizeof *seen);
    const struct layer_values blocks = base_values(c, section, false);
    enum status st = OK;

    t->refs = 1;
    t->section = section;
    t->n_layer = n_layer;
    t->index = mem_array((size_t)n, sizeof *t->index);
    for (int i = 0; i < n; i++)
        all[i] = i < n - 1 ? blocks : base_values(c, section, true);
    for (int i = 0; st == OK && config_override_at(c, i); i++)
        if (quant_section_of(config_override_at(c, i)) == section)
            st = apply_override(all, c, config_override_at(c, i), n_layer, err);
    for (int i = 0; st == OK && i < n; i++)
        st = add_row(t, seen, all, c, i, err);
    free(all);
    free(seen);
    *out = st == OK ? t : NULL;
    if (st != OK)
        quant_table_drop(t);
    return st;
}

struct quant_table *quant_table_inputs(const struct quant_table *from)
{
    struct quant_table *t = mem_alloc(sizeof *t);
    const int n = from->n_layer * LAYER_HEAD;

    *t = (struct quant_table){ .section = from->section,
                               .refs = 1,
                               .n_layer = from->n_layer,
                               .n_rows = n + 1 };
    t->index = mem_array((size_t)n + 1, sizeof *t->index);
    t->rows = mem_array((size_t)n + 1, sizeof *t->rows);
    for (int i = 0; i <= n; i++) {
        t->index[i] = i;
        t->rows[i] = from->rows[from->index[i]];
        if (i < n) {
            t->rows[i].spec[OPERAND_W] = (struct quant_spec){ 0 };
            t->rows[i].integer = false;
        }
    }
    return t;
}

struct quant_table *quant_table_share(struct quant_table *t)
{
    if (t)
        t->refs++;
    return t;
}

void quant_table_drop(struct quant_table *t)
{
    if (!t || --t->refs > 0)
        return;
    free(t->index);
    free(t->rows);
    free(t);
}

int quant_table_index(const struct quant_table *t, int layer,
                      enum layer_kind kind)
{
    return t->index[kind == LAYER_HEAD ? t->n_layer * LAYER_HEAD
                                       : layer * LAYER_HEAD + (int)kind];
}

const struct layer_quant *quant_table_row(const struct quant_table *t,
                                          int index)
{
    return &t->rows[index];
}

/* --- shapes -------------------------------------------------------------- */

/* The reduction axis of an operand: forward x, w over inputs; dy_d, w_d over
 * outputs; dy_g, x_g over the tokens of a step. */
static int reduction_length(const struct model_dims *s, enum layer_kind kind,
                            enum quant_operand operand)
{
    if (operand == OPERAND_W || operand == OPERAND_X)
        return layer_in(s, kind);
    return operand == OPERAND_DY_D || operand == OPERAND_W_D
               ? layer_out(s, kind)
               : s->bt;
}

/* The place is put into words only where a check fails: a plan of a million
 * runs makes half a billion of them. */
static enum status check_layer(const struct layer_quant *row,
                               enum quant_section section,
                               const struct config *c,
                               const struct model_dims *s, int layer,
                               enum layer_kind kind, struct err *err)
{
    char buf[64];

    for (int k = 0; k < OPERAND_COUNT; k++) {
        const enum quant_operand operand = (enum quant_operand)k;
        const int length = reduction_length(s, kind, operand);

        if (!row->reuse[k] &&
            quant_check(&row->spec[k], length, "", NULL) != OK)
            return err_about(
                err,
                quant_check(&row->spec[k], length,
                            place(buf, section, operand, layer, kind), err),
                "%s %s", key_of(c, section, layer, kind, NAME_GROUP),
                key_of(c, section, layer, kind, k));
    }
    return OK;
}

enum status quant_table_check(const struct quant_table *t,
                              const struct config *c, struct err *err)
{
    const struct model_dims s = model_dims_of(c);

    for (int i = 0; i <= t->n_layer * LAYER_HEAD; i++) {
        const int layer = i / LAYER_HEAD;
        const enum layer_kind kind = layer == t->n_layer
                                         ? LAYER_HEAD
                                         : (enum layer_kind)(i % LAYER_HEAD);

        if (check_layer(&t->rows[t->index[i]], t->section, c, &s, layer, kind,
                        err) != OK)
            return ERR_CONFIG;
    }
    return OK;
}

/* --- the public questions ------------------------------------------------ */

static const struct layer_quant *layer_of(const struct quant_table *t,
                                          int layer, enum layer_kind kind)
{
    if (!t || (kind != LAYER_HEAD && (layer < 0 || layer >= t->n_layer)))
        return NULL;
    return quant_table_row(t, quant_table_index(t, layer, kind));
}

const struct layer_quant *config_layer(const struct config *c, int layer,
                                       enum layer_kind kind)
{
    return layer_of(config_quant_table(c, SECTION_QUANT), layer, kind);
}

const struct layer_quant *config_post_layer(const struct config *c, int layer,
                                            enum layer_kind kind)
{
    return layer_of(config_quant_table(c, SECTION_POST), layer, kind);
}

bool config_post_calibrates(const struct config *c)
{
    const struct quant_table *t = config_quant_table(c, SECTION_POST);

    for (int i = 0; t && i < t->n_rows; i++)
        if (t->rows[i].spec[OPERAND_X].when == QUANT_STATIC)
            return true;
    return strcmp(config_post_fit(c), "gptq") == 0;
}

void config_quant(struct quant_spec *out, bool *reuse, const struct config *c,
                  int layer, enum layer_kind kind, enum quant_operand operand)
{
    const struct layer_quant *row = config_layer(c, layer, kind);

    *out = row ? row->spec[operand] : (struct quant_spec){ 0 };
    *reuse = row && row->reuse[operand];
}
