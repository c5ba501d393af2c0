#include "trainer/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trainer/config_quant.h"

/* Values are shared between copies, because a grid makes many of them. */
struct text {
    int refs;
    char s[];
};

struct override {
    char *key; /* quant.SELECTOR.KEY */
    struct text *value;
};

struct config {
    int n; /* settings */
    struct text **value;
    struct override *overrides;
    int n_overrides;
    struct quant_table *quant; /* of these values, or NULL */
};

static struct text *text_new(const char *s)
{
    struct text *t = mem_alloc(sizeof *t + strlen(s) + 1);

    t->refs = 1;
    strcpy(t->s, s);
    return t;
}

static struct text *text_share(struct text *t)
{
    t->refs++;
    return t;
}

static void text_drop(struct text *t)
{
    if (t && --t->refs == 0)
        free(t);
}

/* --- life ---------------------------------------------------------------- */

struct config *config_new(void)
{
    struct config *c = mem_alloc(sizeof *c);

    while (setting_at(c->n))
        c->n++;
    c->value = mem_array((size_t)c->n, sizeof *c->value);
    for (int i = 0; i < c->n; i++) {
        char *canonical = NULL;

        setting_canonical(&canonical, setting_at(i), setting_at(i)->fallback,
                          NULL);
        c->value[i] = text_new(canonical ? canonical : "");
        free(canonical);
    }
    return c;
}

struct config *config_copy(const struct config *from)
{
    struct config *c = mem_alloc(sizeof *c);

    c->n = from->n;
    c->value = mem_array((size_t)c->n, sizeof *c->value);
    for (int i = 0; i < c->n; i++)
        c->value[i] = text_share(from->value[i]);
    c->n_overrides = from->n_overrides;
    c->overrides = mem_array((size_t)c->n_overrides, sizeof *c->overrides);
    for (int i = 0; i < c->n_overrides; i++) {
        c->overrides[i].key = mem_strdup(from->overrides[i].key);
        c->overrides[i].value = text_share(from->overrides[i].value);
    }
    c->quant = quant_table_share(from->quant);
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n; i++)
        text_drop(c->value[i]);
    for (int i = 0; i < c->n_overrides; i++) {
        free(c->overrides[i].key);
        text_drop(c->overrides[i].value);
    }
    quant_table_drop(c->quant);
    free(c->overrides);
    free(c->value);
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

static void set_override(struct config *c, const char *key, struct text *value)
{
    struct override *o = find_override(c, key);

    if (o) {
        text_drop(o->value);
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
    struct text *text;
    bool of_quant; /* the quantizers depend on it */
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
    v->text = text_new(canonical);
    v->of_quant =
        text_has_prefix(key, "quant.") || strcmp(key, "model.n_layer") == 0;
    free(canonical);
    *out = v;
    return OK;
}

void config_value_free(struct config_value *v)
{
    if (!v)
        return;
    text_drop(v->text);
    free(v->key);
    free(v);
}

void config_put(struct config *c, const struct config_value *v)
{
    if (v->of_quant) {
        quant_table_drop(c->quant);
        c->quant = NULL;
    }
    if (v->index < 0) {
        set_override(c, v->key, text_share(v->text));
        return;
    }
    text_drop(c->value[v->index]);
    c->value[v->index] = text_share(v->text);
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
    if (strcmp(c->value[i]->s, buf) == 0)
        return; /* copies go on sharing it */
    text_drop(c->value[i]);
    c->value[i] = text_new(buf);
}

const char *config_get(const struct config *c, const char *key)
{
    const int i = index_of(key);
    const struct override *o = i < 0 ? find_override(c, key) : NULL;

    return i >= 0 ? c->value[i]->s : o ? o->value->s : NULL;
}

const char *config_at(const struct config *c, int i)
{
    return c->value[i]->s;
}

const char *config_override_at(const struct config *c, int i)
{
    return i < c->n_overrides ? c->overrides[i].key : NULL;
}

/* Most numbers are short and whole, and strtod takes its time. */
static double number_of(const char *text)
{
    int64_t x = 0;
    int n = 0;

    for (; text[n] >= '0' && text[n] <= '9' && n < 15; n++)
        x = 10 * x + (text[n] - '0');
    return n > 0 && !text[n] ? (double)x : strtod(text, NULL);
}

double config_number(const struct config *c, const char *key)
{
    const char *text = config_get(c, key);

    return text ? number_of(text) : NAN;
}

int64_t config_int(const struct config *c, const char *key)
{
    return (int64_t)config_number(c, key);
}

const struct quant_table *config_quant_table(const struct config *c)
{
    return c->quant;
}

bool config_bool(const struct config *c, const char *key)
{
    const char *text = config_get(c, key);

    return text && strcmp(text, "true") == 0;
}

bool config_is_exec(const struct config *c)
{
    return strcmp(config_get(c, "trainer.kind"), "exec") == 0;
}

enum status config_settle_quant(struct config *c, struct err *err)
{
    enum status st = c->quant ? OK : quant_table_new(&c->quant, c, err);

    return st == OK ? quant_table_check(c->quant, c, err) : st;
}
