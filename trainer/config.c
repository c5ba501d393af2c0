#include "trainer/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trainer/config_quant.h"

/* Values are shared between copies, because a grid makes many of them. */
struct value {
    int refs;
    struct setting_value v;
    struct quant_words quant;
    char text[];
};

struct override {
    char *key; /* quant.SELECTOR.KEY */
    struct value *value;
};

struct config {
    struct value *value[N_SETTINGS];
    struct override *overrides;
    int n_overrides;
    struct quant_table *quant[QUANT_SECTIONS]; /* of these values, or NULL */
};

/* Of a canonical text. */
static struct value *value_new(const struct setting *s, const char *text)
{
    struct value *v = mem_alloc(sizeof *v + strlen(text) + 1);

    v->refs = 1;
    v->v.text = strcpy(v->text, text);
    if (s->type == SETTING_BOOL)
        v->v.number = strcmp(text, "true") == 0;
    else if (s->type == SETTING_INT || s->type == SETTING_REAL ||
             s->type == SETTING_DURATION)
        v->v.number = strtod(text, NULL);
    else if (s->type == SETTING_QUANT &&
             quant_read(&v->quant, text, NULL) == OK)
        v->v.quant = &v->quant;
    return v;
}

static struct value *value_share(struct value *v)
{
    v->refs++;
    return v;
}

static void value_drop(struct value *v)
{
    if (v && --v->refs == 0)
        free(v);
}

/* --- life ---------------------------------------------------------------- */

static struct value *default_of(int i)
{
    const struct setting *s = setting_at(i);
    char *canonical = NULL;
    struct value *v;

    setting_canonical(&canonical, s, s->fallback, NULL);
    v = value_new(s, canonical ? canonical : "");
    free(canonical);
    return v;
}

struct config *config_new(void)
{
    struct config *c = mem_alloc(sizeof *c);

    for (int i = 0; i < N_SETTINGS; i++)
        c->value[i] = default_of(i);
    return c;
}

struct config *config_copy(const struct config *from)
{
    struct config *c = mem_alloc(sizeof *c);

    for (int i = 0; i < N_SETTINGS; i++)
        c->value[i] = value_share(from->value[i]);
    c->n_overrides = from->n_overrides;
    c->overrides = mem_array((size_t)c->n_overrides, sizeof *c->overrides);
    for (int i = 0; i < c->n_overrides; i++) {
        c->overrides[i].key = mem_strdup(from->overrides[i].key);
        c->overrides[i].value = value_share(from->overrides[i].value);
    }
    for (int i = 0; i < QUANT_SECTIONS; i++)
        c->quant[i] = quant_table_share(from->quant[i]);
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (int i = 0; i < N_SETTINGS; i++)
        value_drop(c->value[i]);
    for (int i = 0; i < c->n_overrides; i++) {
        free(c->overrides[i].key);
        value_drop(c->overrides[i].value);
    }
    for (int i = 0; i < QUANT_SECTIONS; i++)
        quant_table_drop(c->quant[i]);
    free(c->overrides);
    free(c);
}

/* --- values -------------------------------------------------------------- */

static int index_of(const char *key)
{
    const struct setting *s = setting_find(key);

    return s ? (int)(s - setting_at(0)) : -1;
}

static struct override *find_override(const struct config *c, const char *key)
{
    for (int i = 0; i < c->n_overrides; i++)
        if (strcmp(c->overrides[i].key, key) == 0)
            return &c->overrides[i];
    return NULL;
}

static void set_override(struct config *c, const char *key, struct value *value)
{
    struct override *o = find_override(c, key);

    if (o) {
        value_drop(o->value);
        o->value = value;
        return;
    }
    c->overrides = mem_grow(c->overrides, (size_t)c->n_overrides + 1,
                            sizeof *c->overrides);
    c->overrides[c->n_overrides++] =
        (struct override){ mem_strdup(key), value };
}

struct config_value {
    char *key;
    int index; /* of the setting, -1: an override */
    struct value *value;
    bool of_quant; /* quantizers depend on it */
};

/* A configuration is JSON when it is hashed and kept, and JSON holds nothing but
 * UTF-8: two values that differ in other bytes would be one there. */
static enum status check_utf8(const char *key, const char *text,
                              struct err *err)
{
    size_t n;

    for (const char *p = text; *p; p += n)
        if (text_decode(p, &n) == TEXT_NOT_UTF8)
            return err_set(err, ERR_CONFIG,
                           "%s: '%s' is not UTF-8 at byte %d: write it so, or "
                           "rename what it names",
                           key, text, (int)(p - text) + 1);
    return OK;
}

enum status config_value_new(struct config_value **out, const char *key,
                             const char *text, struct err *err)
{
    const struct setting *s = setting_find_any(key, err);
    struct config_value *v;
    char *canonical = NULL;

    *out = NULL;
    if (!s || check_utf8(key, text, err) != OK ||
        setting_canonical(&canonical, s, text, err) != OK)
        return ERR_CONFIG;
    v = mem_alloc(sizeof *v);
    v->key = mem_strdup(key);
    v->index = index_of(key);
    v->value = value_new(s, canonical);
    v->of_quant = quant_section_of(key) != QUANT_SECTIONS ||
                  v->index == KEY_model_n_layer;
    free(canonical);
    *out = v;
    return OK;
}

void config_value_free(struct config_value *v)
{
    if (!v)
        return;
    value_drop(v->value);
    free(v->key);
    free(v);
}

void config_put(struct config *c, const struct config_value *v)
{
    for (int i = 0; i < QUANT_SECTIONS && v->of_quant; i++) {
        quant_table_drop(c->quant[i]);
        c->quant[i] = NULL;
    }
    if (v->index < 0) {
        set_override(c, v->key, value_share(v->value));
        return;
    }
    value_drop(c->value[v->index]);
    c->value[v->index] = value_share(v->value);
}

enum status config_set(struct config *c, const char *key, const char *text,
                       struct err *err)
{
    struct config_value *v;

    if (config_value_new(&v, key, text, err) != OK)
        return ERR_CONFIG;
    config_put(c, v);
    config_value_free(v);
    return OK;
}

void config_set_number(struct config *c, const char *key, double x)
{
    char buf[32];
    const int i = index_of(key);

    text_number(buf, x);
    if (strcmp(c->value[i]->text, buf) == 0)
        return; /* copies go on sharing it */
    value_drop(c->value[i]);
    c->value[i] = value_new(setting_at(i), buf);
}

const struct setting_value *config_value(const struct config *c,
                                         enum setting_id id)
{
    return &c->value[id]->v;
}

const char *config_override_at(const struct config *c, int i)
{
    return i < c->n_overrides ? c->overrides[i].key : NULL;
}

const struct setting_value *config_find(const struct config *c, const char *key)
{
    const int i = index_of(key);
    const struct override *o = i < 0 ? find_override(c, key) : NULL;

    return i >= 0 ? &c->value[i]->v : o ? &o->value->v : NULL;
}

const char *config_get(const struct config *c, const char *key)
{
    const struct setting_value *v = config_find(c, key);

    return v ? v->text : NULL;
}

double config_number(const struct config *c, const char *key)
{
    const struct setting_value *v = config_find(c, key);

    return v ? v->number : (double)NAN;
}

const struct quant_table *config_quant_table(const struct config *c,
                                             enum quant_section section)
{
    return c->quant[section];
}

bool config_is_exec(const struct config *c)
{
    return strcmp(config_trainer_kind(c), "exec") == 0;
}

bool config_is_post(const struct config *c)
{
    return strcmp(config_post_fit(c), "none") != 0;
}

enum status config_settle_quant(struct config *c, struct err *err)
{
    const int sections = config_is_post(c) ? QUANT_SECTIONS : SECTION_POST;
    enum status st = OK;

    for (int i = 0; i < sections && st == OK; i++) {
        if (!c->quant[i])
            st = quant_table_new(&c->quant[i], c, (enum quant_section)i, err);
        if (st == OK)
            st = quant_table_check(c->quant[i], c, err);
    }
    return st;
}

/* --- others that come of one --------------------------------------------- */

/* Does a key not count for what? */
static bool is_left_out(const char *key, enum identity what)
{
    const enum quant_section section = quant_section_of(key);

    return (section == SECTION_POST && what != IDENTITY_RUN) ||
           (section == SECTION_QUANT && what == IDENTITY_TWIN);
}

static void leave_out_overrides(struct config *c, enum identity what)
{
    int kept = 0;

    for (int i = 0; i < c->n_overrides; i++) {
        struct override *o = &c->overrides[i];

        if (!is_left_out(o->key, what)) {
            c->overrides[kept++] = *o;
            continue;
        }
        value_drop(o->value);
        free(o->key);
    }
    c->n_overrides = kept;
}

struct config *config_base(const struct config *from, enum identity what)
{
    struct config *c = config_copy(from);

    for (int i = 0; i < N_SETTINGS; i++)
        if (is_left_out(setting_at(i)->key, what)) {
            value_drop(c->value[i]);
            c->value[i] = default_of(i);
        }
    leave_out_overrides(c, what);
    for (int i = 0; i < QUANT_SECTIONS; i++)
        if (is_left_out(quant_sections[i], what)) {
            quant_table_drop(c->quant[i]);
            c->quant[i] = NULL;
        }
    return c;
}

struct config *config_infer(const struct config *from)
{
    struct config *c = config_base(from, IDENTITY_TWIN);

    c->quant[SECTION_QUANT] = quant_table_inputs(from->quant[SECTION_POST]);
    return c;
}
