/* config_json.c - configurations as JSON: identity, and all keys. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trainer/config_quant.h"

/* The object of a section, made on first use. */
static json_t *section_of(json_t *root, const char *key, const char **name)
{
    const char *dot = strchr(key, '.');
    char *section = mem_strndup(key, (size_t)(dot - key));
    json_t *object = json_object_get(root, section);

    if (!object) {
        object = json_object();
        json_object_set_new(root, section, object);
    }
    *name = dot + 1;
    free(section);
    return object;
}

static json_t *lines_to_array(const char *text)
{
    json_t *array = json_array();

    while (*text) {
        const size_t n = strcspn(text, "\n");

        json_array_append_new(array, json_stringn(text, n));
        text += n + (text[n] == '\n');
    }
    return array;
}

static json_t *typed(const struct config *c, int i)
{
    const struct setting *s = setting_at(i);
    const struct setting_value *v = config_value(c, (enum setting_id)i);

    if (s->list)
        return lines_to_array(v->text);
    switch (s->type) {
    case SETTING_INT:
        return json_integer((json_int_t)v->number);
    case SETTING_REAL:
    case SETTING_DURATION:
        return json_real(v->number);
    case SETTING_BOOL:
        return json_boolean(v->number != 0);
    default:
        return json_string(v->text);
    }
}

/* --- identity ------------------------------------------------------------ */

/* The operands of one layer that are quantized, canonical; a backward operand
 * says "none" only where its forward operand is quantized, and the gradient
 * and the product are named only where they are not the usual ones. */
static json_t *layer_identity(const struct layer_quant *q)
{
    json_t *object = json_object();

    for (int k = 0; k < OPERAND_COUNT; k++) {
        char buf[QUANT_TEXT];
        const bool bare = (k == OPERAND_W_D && !q->spec[OPERAND_W].on) ||
                          (k == OPERAND_X_G && !q->spec[OPERAND_X].on) ||
                          (k != OPERAND_W_D && k != OPERAND_X_G);

        if (q->reuse[k] || (bare && !q->spec[k].on))
            continue;
        json_object_set_new(object, quant_operands[k],
                            json_string(quant_print(buf, &q->spec[k])));
    }
    if (q->clip)
        json_object_set_new(object, "grad", json_string("clip"));
    if (q->fake)
        json_object_set_new(object, "gemm", json_string("fake"));
    return object;
}

/* One entry per kind: the operands, or a list with one element a block when
 * the blocks differ; kinds without any are left out. */
static void add_kind(json_t *quant, const struct quant_table *t, int n_layer,
                     enum layer_kind kind)
{
    json_t *list = json_array(), *first;
    bool same = true;
    int before = -1;

    for (int layer = 0; layer < n_layer; layer++) {
        const int row = quant_table_index(t, layer, kind);

        if (row != before)
            json_array_append_new(list,
                                  layer_identity(quant_table_row(t, row)));
        else
            json_array_append(list, json_array_get(list, (size_t)layer - 1));
        same = same && json_equal(json_array_get(list, 0),
                                  json_array_get(list, (size_t)layer));
        before = row;
    }
    first = json_array_get(list, 0);
    if (!same)
        json_object_set(quant, layer_rows[kind].name, list);
    else if (json_object_size(first) > 0)
        json_object_set(quant, layer_rows[kind].name, first);
    json_decref(list);
}

/* When every kind of the blocks is the same they are said once, flat. */
static void flatten(json_t *quant)
{
    json_t *first = json_object_get(quant, layer_rows[0].name);

    for (int kind = 0; kind < LAYER_HEAD; kind++) {
        json_t *one = json_object_get(quant, layer_rows[kind].name);

        if (!one || !json_is_object(one) || !json_equal(first, one))
            return;
    }
    json_object_update(quant, first);
    for (int kind = 0; kind < LAYER_HEAD; kind++)
        json_object_del(quant, layer_rows[kind].name);
}

static json_t *quant_identity(const struct config *c,
                              enum quant_section section)
{
    const struct quant_table *t = config_quant_table(c, section);
    const int n_layer = (int)config_model_n_layer(c);
    json_t *quant = json_object();

    for (int kind = 0; t && kind < LAYER_KINDS; kind++)
        add_kind(quant, t, kind == LAYER_HEAD ? 1 : n_layer,
                 (enum layer_kind)kind);
    flatten(quant);
    return quant;
}

/* Is a key of [post] one that quant_identity has looked at? */
static bool is_of_quantizers(int i)
{
    return i >= KEY_post_w && i <= KEY_post_round;
}

/* How often the validation loss is measured decides when a rule that reads it
 * ends a run. */
static bool identifies(const struct config *c, const struct setting *s,
                       const char *value)
{
    if (s->hashed != HASHED_WITH_VAL_LOSS)
        return setting_identifies(s, value);
    return strcmp(s->fallback, value) != 0 &&
           (strstr(config_stop_diverge(c), "val_loss") ||
            strstr(config_stop_early(c), "val_loss"));
}

/* The operands, with the keys that what is done reads: quantizers are said by
 * operand, and the rest counts as anywhere. */
static json_t *post_identity(const struct config *c)
{
    json_t *post = quant_identity(c, SECTION_POST);

    for (int i = KEY_post_fit; i <= KEY_post_damp; i++) {
        const struct setting *s = setting_at(i);

        if (!is_of_quantizers(i) &&
            setting_identifies(s, config_value(c, (enum setting_id)i)->text))
            json_object_set_new(post, strchr(s->key, '.') + 1, typed(c, i));
    }
    return post;
}

static void add_section(json_t *root, const char *name, json_t *section)
{
    if (json_object_size(section) > 0)
        json_object_set(root, name, section);
    json_decref(section);
}

json_t *config_identity(const struct config *c, enum identity what)
{
    json_t *root = json_object();

    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);
        const struct setting_value *v = config_value(c, (enum setting_id)i);
        const char *name;
        json_t *section;

        if (!identifies(c, s, v->text) ||
            quant_section_of(s->key) != QUANT_SECTIONS)
            continue;
        section = section_of(root, s->key, &name);
        json_object_set_new(section, name, typed(c, i));
    }
    if (what != IDENTITY_TWIN)
        add_section(root, "quant", quant_identity(c, SECTION_QUANT));
    if (what == IDENTITY_RUN && config_is_post(c))
        add_section(root, "post", post_identity(c));
    return root;
}

/* --- all keys ------------------------------------------------------------ */

/* "layers": [["fc2", {"x": "int8"}], ...] of one section. */
static json_t *layers_json(const struct config *c, enum quant_section section)
{
    json_t *layers = json_array();
    const char *key;

    for (int i = 0; (key = config_override_at(c, i)); i++) {
        json_t *pair = json_array(), *object = json_object();
        char *selector = setting_selector(key);

        json_object_set_new(object, strrchr(key, '.') + 1,
                            json_string(config_get(c, key)));
        json_array_append_new(pair, json_string(selector));
        json_array_append_new(pair, object);
        if (quant_section_of(key) == section)
            json_array_append(layers, pair);
        json_decref(pair);
        free(selector);
    }
    return layers;
}

json_t *config_json(const struct config *c)
{
    json_t *root = json_object();

    for (int i = 0; setting_at(i); i++) {
        const char *name;
        json_t *section = section_of(root, setting_at(i)->key, &name);

        json_object_set_new(section, name, typed(c, i));
    }
    for (int i = 0; i < QUANT_SECTIONS; i++) {
        json_t *layers = layers_json(c, (enum quant_section)i);
        const char *name;

        if (json_array_size(layers) > 0)
            json_object_set(section_of(root, quant_sections[i], &name),
                            "layers", layers);
        json_decref(layers);
    }
    return root;
}

/* The text of a JSON value as a person would write it in a grid. */
static char *plain_text(const json_t *value)
{
    struct str text = { 0 };

    if (json_is_string(value))
        return mem_strdup(json_string_value(value));
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            const char *item = json_string_value(json_array_get(value, i));

            str_addf(&text, "%s%s", i ? "\n" : "", item ? item : "");
        }
        return str_steal(&text);
    }
    return json_canonical_text(value);
}

static enum status set_from(struct config *c, const char *key,
                            const json_t *value, const char *name,
                            struct err *err)
{
    char *text = plain_text(value);
    const enum status st = config_set(c, key, text, err);

    if (st != OK)
        err_prefix(err, "%s: ", name);
    free(text);
    return st;
}

static enum status set_layers(struct config *c, const char *section,
                              const json_t *layers, const char *name,
                              struct err *err)
{
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *pair = json_array_get(layers, i);
        const char *selector = json_string_value(json_array_get(pair, 0));
        const char *key;
        json_t *value;

        if (!selector || !json_is_object(json_array_get(pair, 1)))
            return err_set(err, ERR_CONFIG,
                           "%s: %s.layers holds [selector, {key: value}] "
                           "pairs",
                           name, section);
        json_object_foreach(json_array_get(pair, 1), key, value)
        {
            char *full = mem_printf("%s.%s.%s", section, selector, key);
            const enum status st = set_from(c, full, value, name, err);

            free(full);
            if (st != OK)
                return st;
        }
    }
    return OK;
}

static enum status set_section(struct config *c, const char *section,
                               json_t *object, const char *name,
                               struct err *err)
{
    const char *key;
    json_t *value;
    enum status st = OK;

    json_object_foreach(object, key, value)
    {
        char *full = mem_printf("%s.%s", section, key);

        if (quant_section_of(full) != QUANT_SECTIONS &&
            strcmp(key, "layers") == 0)
            st = set_layers(c, section, value, name, err);
        else
            st = set_from(c, full, value, name, err);
        free(full);
        if (st != OK)
            return st;
    }
    return OK;
}

/* The file also holds the seeds, which the caller takes; anything else at the
 * top is a section. */
static enum status set_top(struct config *c, const char *key, json_t *value,
                           const char *name, struct err *err)
{
    if (json_is_object(value))
        return set_section(c, key, value, name, err);
    if (strcmp(key, "seed") != 0 && strcmp(key, "data_seed") != 0)
        return err_set(err, ERR_CONFIG,
                       "%s: '%.40s' is not a section; sections are objects",
                       name, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return OK;
    return err_set(err, ERR_CONFIG, "%s: %s: expected a whole number", name,
                   key);
}

enum status config_from_json(struct config **out, const json_t *json,
                             const char *name, struct err *err)
{
    struct config *c = config_new();
    const char *section;
    json_t *object;
    enum status st = OK;

    *out = NULL;
    if (!json_is_object(json))
        st = err_set(err, ERR_CONFIG, "%s: expected a JSON object", name);
    json_object_foreach((json_t *)json, section, object) if (st == OK) st =
        set_top(c, section, object, name, err);
    if (st == OK)
        *out = c;
    else
        config_free(c);
    return st;
}
