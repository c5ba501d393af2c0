#include "harness/grid/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct computed_name computed_names[] = {
    [C_N] = { "N", ON_MODEL },
    [C_BODY] = { "N_body", ON_MODEL },
    [C_EMBED] = { "N_embed", ON_MODEL },
    [C_HEAD] = { "N_head", ON_MODEL },
    [C_OTHER] = { "N_other", ON_MODEL },
    [C_TOTAL] = { "N_total", ON_MODEL },
    [C_D] = { "D", ON_MODEL | ON_TOKENS },
    [C_STEPS] = { "steps", ON_MODEL | ON_TOKENS },
    [C_FLOPS] = { "flops", ON_MODEL | ON_TOKENS },
    [C_MEM] = { "mem", ON_MODEL | ON_TOKENS | ON_QUANT },
    [C_BITS] = { "bits", ON_QUANT },
    [C_EXP] = { "exp_bits", ON_QUANT },
    [C_MAN] = { "man_bits", ON_QUANT },
    [C_GMSE] = { "gmse", ON_QUANT },
};
const int n_computed_names =
    (int)(sizeof computed_names / sizeof computed_names[0]);

static void add_scratch(struct names *n, const char *key)
{
    if (!key_is_scratch(key) || names_scratch(n, key) >= 0)
        return;
    n->scratch =
        mem_grow(n->scratch, (size_t)n->n_scratch + 1, sizeof *n->scratch);
    n->scratch[n->n_scratch++] = mem_strdup(key);
}

struct names *names_new(const struct doc *d)
{
    struct names *n = mem_alloc(sizeof *n);

    n->doc = d;
    for (int i = 0; i < d->n_base; i++)
        add_scratch(n, d->base[i].key);
    for (int i = 0; i < d->n_axes; i++)
        for (int k = 0; k < d->axes[i].n_keys; k++)
            add_scratch(n, d->axes[i].keys[k]);
    for (int i = 0; i < d->n_blocks; i++) {
        const struct doc_block *b = &d->blocks[i];

        for (int k = 0; k < b->zip.n_keys; k++)
            add_scratch(n, b->zip.keys[k]);
        for (int k = 0; k < b->n_keys; k++)
            add_scratch(n, b->keys[k].key);
    }
    for (int i = 0; i < d->n_derives; i++)
        add_scratch(n, d->derives[i].key);
    return n;
}

void names_free(struct names *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->n_slots; i++)
        free(n->slots[i].key);
    for (int i = 0; i < n->n_scratch; i++)
        free(n->scratch[i]);
    for (int i = 0; i < n->n_words; i++)
        free(n->words[i]);
    free(n->slots);
    free(n->scratch);
    free(n->words);
    free(n);
}

int names_scratch(const struct names *n, const char *key)
{
    for (int i = 0; i < n->n_scratch; i++)
        if (strcmp(n->scratch[i], key) == 0)
            return i;
    return -1;
}

int names_n_scratch(const struct names *n)
{
    return n->n_scratch;
}

double names_word(struct names *n, const char *word)
{
    for (int i = 0; i < n->n_words; i++)
        if (strcmp(n->words[i], word) == 0)
            return i;
    n->words = mem_grow(n->words, (size_t)n->n_words + 1, sizeof *n->words);
    n->words[n->n_words] = mem_strdup(word);
    return n->n_words++;
}

static int add_slot(struct names *n, enum slot_kind kind, int index,
                    const char *key)
{
    for (int i = 0; i < n->n_slots; i++)
        if (n->slots[i].kind == kind && n->slots[i].index == index &&
            (!key || strcmp(n->slots[i].key, key) == 0))
            return i;
    n->slots = mem_grow(n->slots, (size_t)n->n_slots + 1, sizeof *n->slots);
    n->slots[n->n_slots] = (struct slot){ .kind = kind, .index = index };
    n->slots[n->n_slots].key = key ? mem_strdup(key) : NULL;
    return n->n_slots++;
}

static bool find_key(struct names *n, const char *name, struct expr_symbol *out)
{
    const struct setting *s = setting_find_any(name, NULL);
    enum slot_kind kind;
    bool word = false;

    if (!s)
        return false;
    if (s == setting_at(KEY_quant_group) || s == setting_at(KEY_post_group))
        kind = SLOT_GROUP;
    else if (s->type == SETTING_BOOL)
        kind = SLOT_BOOL;
    else if (s->type == SETTING_QUANT)
        kind = SLOT_QUANT;
    else if (s->type == SETTING_WORD || s == setting_at(KEY_quant_range) ||
             s == setting_at(KEY_post_range))
        kind = SLOT_WORD;
    else if (s->type == SETTING_TEXT)
        return false;
    else
        kind = SLOT_NUMBER;
    word = kind == SLOT_QUANT || kind == SLOT_WORD;
    out->kind = word ? EXPR_SYM_WORD_SLOT : EXPR_SYM_SLOT;
    out->slot = add_slot(n, kind, 0, name);
    n->slots[out->slot].instead = s->key;
    return true;
}

static bool is_choice(const char *choices, const char *word)
{
    const size_t len = strlen(word);

    for (const char *p = choices; *p;) {
        const size_t n = strcspn(p, "|");

        if (n == len && strncmp(p, word, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* A word that a key of a quantizer's parts takes; of groups it is row or
 * tensor, which are numbers here. */
static bool is_quant_word(const char *word)
{
    const struct quant_word *w;

    for (int f = QUANT_FIELD_SCALE; f < QUANT_FIELDS; f++)
        for (int i = 0; (w = quant_word_at((enum quant_field)f, i)); i++)
            if (strcmp(w->name, word) == 0)
                return true;
    return false;
}

static bool is_format(const struct doc *d, const char *name)
{
    for (int i = 0; i < d->n_formats; i++)
        if (strcmp(d->formats[i].name, name) == 0)
            return true;
    return false;
}

static bool find_word(struct names *n, const char *name,
                      struct expr_symbol *out)
{
    static const char *const others[] = { "none", "forward" };
    struct num_format format;
    char *word = mem_strdup(name);
    bool found = false;

    for (char *p = word; *p; p++)
        *p = *p == '_' ? '-' : *p;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        found = found || strcmp(others[i], word) == 0;
    found = found || is_quant_word(word);
    for (int i = 0; setting_at(i) && !found; i++)
        found = is_choice(setting_at(i)->choices, word);
    *out = (struct expr_symbol){ .kind = EXPR_SYM_WORD };
    if (found)
        out->value = names_word(n, word);
    else if (is_format(n->doc, name)) {
        found = true;
        out->value = names_word(n, name);
    } else if (num_find(&format, word, NULL) == OK) {
        found = true;
        out->value = names_word(n, format.name);
    }
    free(word);
    return found;
}

static bool find_constant(const char *name, struct expr_symbol *out)
{
    static const struct {
        const char *name;
        double value;
    } constants[] = {
        { "row", GROUP_ROW }, { "tensor", GROUP_TENSOR },
        { "true", 1 },        { "yes", 1 },
        { "false", 0 },       { "no", 0 },
    };

    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (strcmp(constants[i].name, name) == 0) {
            *out = (struct expr_symbol){ .kind = EXPR_SYM_CONST,
                                         .value = constants[i].value };
            return true;
        }
    return false;
}

bool names_find(void *ctx, const char *name, struct expr_symbol *out)
{
    struct names *n = ctx;
    const int scratch = names_scratch(n, name);

    *out = (struct expr_symbol){ .kind = EXPR_SYM_SLOT };
    for (int i = 0; i < n_computed_names; i++)
        if (strcmp(computed_names[i].name, name) == 0) {
            out->slot = add_slot(n, SLOT_COMPUTED, i, NULL);
            return true;
        }
    if (scratch >= 0) {
        out->slot = add_slot(n, SLOT_SCRATCH, scratch, NULL);
        return true;
    }
    return (strchr(name, '.') && find_key(n, name, out)) ||
           find_constant(name, out) || find_word(n, name, out);
}

/* --- suggestions --------------------------------------------------------- */

#define MAX_NAMES 512

/* A preset is not an element format; what it is made of is. */
static bool preset_element(char hint[64], const char *name)
{
    for (int i = 0; quant_preset_at(i); i++) {
        struct quant_spec spec;

        if (strcmp(quant_preset_at(i)->name, name) != 0 ||
            quant_parse(&spec, name, NULL, NULL) != OK)
            continue;
        snprintf(hint, 64, "%s", spec.elem.name);
        return true;
    }
    return false;
}

const char *names_nearest(void *ctx, const char *name)
{
    struct names *n = ctx;
    struct num_format formats[64];
    const char *all[MAX_NAMES], *near;
    int count = 0;

    if (preset_element(n->hint, name))
        return n->hint;
    for (int i = 0; i < n_computed_names; i++)
        all[count++] = computed_names[i].name;
    for (int i = 0; i < 64 && num_at(&formats[i], i); i++)
        all[count++] = formats[i].name;
    for (int i = 0; setting_at(i) && count < MAX_NAMES; i++)
        all[count++] = setting_at(i)->key;
    for (int i = 0; i < n->n_scratch && count < MAX_NAMES; i++)
        all[count++] = n->scratch[i];
    near = text_nearest(name, all, (size_t)count);
    for (int i = 0; !near && setting_at(i); i++)
        if (strcmp(strchr(setting_at(i)->key, '.') + 1, name) == 0)
            near = setting_at(i)->key;
    if (near)
        snprintf(n->hint, sizeof n->hint, "%s", near);
    return near ? n->hint : NULL;
}
