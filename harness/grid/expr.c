#include "harness/grid/expr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/grid/names.h"
#include "harness/grid/point_id.h"

/* --- what a point is ----------------------------------------------------- */

static double total(const struct model_size *s)
{
    return (double)(s->body + s->embed + s->head + s->other);
}

static bool format_of(struct num_format *out, const char *text)
{
    struct quant_spec spec;

    if (!text || strcmp(text, "forward") == 0 ||
        quant_parse(&spec, text, NULL, NULL) != OK || !spec.on)
        return false;
    *out = spec.elem;
    return true;
}

/* The first operand of [quant] that is quantized, else the first override.
 * Read from the text, because a filter must be able to judge a configuration
 * that does not fit together. */
static bool first_format(struct num_format *out, const struct config *c)
{
    for (int k = 0; k < OPERAND_COUNT; k++) {
        char key[16];

        snprintf(key, sizeof key, "quant.%s", quant_operands[k]);
        if (format_of(out, config_get(c, key)))
            return true;
    }
    for (int i = 0; config_override_at(c, i); i++) {
        const char *key = config_override_at(c, i);
        const struct setting *s = setting_find_any(key, NULL);

        if (s && s->type == SETTING_QUANT &&
            quant_section_of(key) == SECTION_QUANT &&
            format_of(out, config_get(c, key)))
            return true;
    }
    return false;
}

static double size_value(enum computed_id id, const struct model_size *s)
{
    switch (id) {
    case C_N:
    case C_BODY:
        return (double)s->body;
    case C_EMBED:
        return (double)s->embed;
    case C_HEAD:
        return (double)s->head;
    case C_OTHER:
        return (double)s->other;
    case C_TOTAL:
        return total(s);
    case C_D:
        return (double)s->tokens;
    case C_STEPS:
        return (double)s->steps;
    case C_FLOPS:
        return s->flops;
    default:
        return (double)s->memory_bytes;
    }
}

static double format_value(enum computed_id id, const struct config *c)
{
    struct num_format f;

    if (!first_format(&f, c))
        return id == C_BITS ? 32 : id == C_EXP ? 8 : id == C_MAN ? 23 : 0;
    switch (id) {
    case C_BITS:
        return f.bits;
    case C_EXP:
        return f.exp_bits;
    case C_MAN:
        return f.man_bits;
    default:
        return num_gaussian_mse(&f);
    }
}

void view_reset(struct point_view *v)
{
    v->sized = false;
}

enum status view_size(struct point_view *v, struct err *err)
{
    struct config *copy;
    enum status st;

    if (v->sized)
        return OK;
    copy = v->resolved ? NULL : config_copy(v->config);
    st = copy ? config_resolve(copy, NULL) : OK;
    if (st != OK) {
        /* A quantizer that does not fit is for filters to judge; a shape that
         * does not fit has no size. */
        struct config *twin = config_base(v->config, IDENTITY_TWIN);

        config_free(copy);
        copy = twin;
        st = config_resolve(copy, err);
    }
    if (st == OK)
        v->size = config_size(copy ? copy : v->config);
    v->sized = st == OK;
    config_free(copy);
    return st;
}

/* --- formulas ------------------------------------------------------------ */

/* "column 9: what" of the parser becomes "file:line:column: key: what". */
static void place_error(const struct doc_rule *rule, struct err *err)
{
    const int column = err ? err->column : 0;
    char text[sizeof err->text];
    struct ini_where w = rule->where;

    if (!column)
        return;
    snprintf(text, sizeof text, "%s",
             err->text + snprintf(NULL, 0, "column %d: ", column));
    if (rule->entry) {
        w = ini_locate(rule->entry, column);
        err_set(err, ERR_CONFIG, "%s:%d:%d: %s: %s", w.file, w.line, w.column,
                rule->key, text);
    } else {
        err_set(err, ERR_CONFIG, "column %d of '%s': %s", column, rule->text,
                text);
        ini_prefix(err, w);
    }
}

enum status formula_parse(struct formula *f, struct names *n,
                          const struct doc_rule *rule, struct err *err)
{
    const struct expr_scope scope = { names_find, names_nearest, n,
                                      .same_bits = true };
    enum status st = expr_parse(&f->expr, rule->text, &scope, err);

    f->rule = rule;
    f->slots = NULL;
    f->n_slots = 0;
    if (st != OK) {
        place_error(rule, err);
        return st;
    }
    f->slots = mem_array((size_t)expr_max_slot(f->expr) + 1, sizeof(int));
    for (int i = 0; i <= expr_max_slot(f->expr); i++)
        if (expr_uses(f->expr, i))
            f->slots[f->n_slots++] = i;
    return OK;
}

void formula_release(struct formula *f)
{
    expr_free(f->expr);
    free(f->slots);
    *f = (struct formula){ 0 };
}

static double quant_word(struct names *n, const char *text)
{
    struct quant_spec spec;

    if (strcmp(text, "forward") == 0 ||
        quant_parse(&spec, text, NULL, NULL) != OK)
        return names_word(n, text);
    return names_word(n, spec.on ? spec.elem.name : "none");
}

static double group_value(const char *text)
{
    return strcmp(text, "row") == 0      ? GROUP_ROW
           : strcmp(text, "tensor") == 0 ? GROUP_TENSOR
                                         : strtod(text, NULL);
}

/* The part of a word before a colon: pct:99 is pct. */
static double plain_word(struct names *n, const char *text)
{
    char *word = mem_strndup(text, strcspn(text, ":"));
    const double value = names_word(n, word);

    free(word);
    return value;
}

static double key_value(struct names *n, const struct slot *s,
                        const struct config *c)
{
    const char *text = config_get(c, s->key);

    if (!text)
        text = config_get(c, s->instead);
    switch (s->kind) {
    case SLOT_BOOL:
        return strcmp(text, "true") == 0;
    case SLOT_WORD:
        return plain_word(n, text);
    case SLOT_QUANT:
        return quant_word(n, text);
    case SLOT_GROUP:
        return group_value(text);
    default:
        return strtod(text, NULL);
    }
}

static enum status slot_value(double *out, struct names *n, int i,
                              const struct formula *f, struct point_view *v,
                              struct err *err)
{
    const struct slot *s = &n->slots[i];

    if (s->kind == SLOT_COMPUTED && s->index >= C_BITS) {
        *out = format_value((enum computed_id)s->index, v->config);
        return OK;
    }
    if (s->kind == SLOT_COMPUTED) {
        if (view_size(v, err) != OK)
            return ERR_CONFIG;
        *out = size_value((enum computed_id)s->index, &v->size);
        return OK;
    }
    if (s->kind != SLOT_SCRATCH) {
        *out = key_value(n, s, v->config);
        return OK;
    }
    *out = v->scratch[s->index];
    if (isnan(*out))
        return ini_fail(err, f->rule->where, "%s: %s has no value",
                        f->rule->key, n->scratch[s->index]);
    return OK;
}

enum status formula_eval(double *out, const struct formula *f, struct names *n,
                         struct point_view *v, struct err *err)
{
    double small[32], *values = small;
    const int max = expr_max_slot(f->expr);
    enum status st = OK;

    if (max >= 32)
        values = mem_array((size_t)max + 1, sizeof *values);
    for (int i = 0; i < f->n_slots && st == OK; i++)
        st = slot_value(&values[f->slots[i]], n, f->slots[i], f, v, err);
    if (st == OK) {
        *out = expr_eval(f->expr, values);
        if (!isfinite(*out))
            st = ini_fail(err, f->rule->where, "%s = %s has no finite value",
                          f->rule->key, f->rule->text);
    }
    if (values != small)
        free(values);
    return st;
}

static bool computed_reads(int i, const char *key)
{
    const unsigned on = computed_names[i].on;

    return ((on & ON_MODEL) && text_has_prefix(key, "model.")) ||
           ((on & ON_QUANT) && text_has_prefix(key, "quant.")) ||
           ((on & ON_TOKENS) && (strcmp(key, "train.tokens") == 0 ||
                                 strcmp(key, "train.batch") == 0));
}

bool formula_reads(const struct formula *f, const struct names *n,
                   const char *key)
{
    for (int i = 0; i < f->n_slots; i++) {
        const struct slot *s = &n->slots[f->slots[i]];

        if (s->kind == SLOT_COMPUTED  ? computed_reads(s->index, key)
            : s->kind == SLOT_SCRATCH ? strcmp(n->scratch[s->index], key) == 0
                                      : strcmp(s->key, key) == 0)
            return true;
    }
    return false;
}
