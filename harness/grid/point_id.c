#include "harness/grid/point_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "trainer/branch.h"

char *point_canonical(const struct config *c, bool with_quant)
{
    json_t *identity = config_identity(c, with_quant);
    char *text = json_canonical_text(identity);

    json_decref(identity);
    return text;
}

void point_id(char id[HASH_ID], const struct config *c, bool with_quant)
{
    char *text = point_canonical(c, with_quant);

    hash_id(id, text, strlen(text));
    free(text);
}

uint64_t point_own_order(const char *id, uint64_t seed)
{
    /* 53 bits, because SQLite and JSON readers keep integers as doubles. */
    return rng_key(seed, RNG_DATA, strtoull(id, NULL, 16)) >> 11;
}

static bool is_quant(const char *key)
{
    return strncmp(key, "quant.", strlen("quant.")) == 0;
}

struct config *point_twin_config(const struct config *c)
{
    const bool overrides = config_override_at(c, 0) != NULL;
    struct config *twin = overrides ? config_new() : config_copy(c);

    /* Overrides cannot be taken back, so a new one is filled then. */
    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);

        if (overrides && !is_quant(s->key))
            config_set(twin, s->key, config_get(c, s->key), NULL);
        else if (!overrides && is_quant(s->key))
            config_set(twin, s->key, s->fallback, NULL);
    }
    return twin;
}

/* --- many ---------------------------------------------------------------- */

#define CACHE 4096 /* of each kind; a new one takes an old one's place */

/* What came of the values of one half of the keys. */
struct part {
    char *values;     /* all values of that half, the look-up key */
    char *text;       /* quant: its JSON or ""; other: the JSON without quant */
    size_t split;     /* other: where the quant object belongs */
    int operands;     /* quant: GEMM operands of fc1 that are quantized */
    char id[HASH_ID]; /* other: of the twin */
    uint64_t beginning; /* other: 0 until it is asked for */
    uint64_t serial;    /* a number of its own */
};

/* What the memory of a run depends on beside its quantizers. */
static const char *const memory_keys[] = { "model.n_layer", "model.d_model",
                                           "model.n_head",  "model.n_kv_head",
                                           "model.d_ff",    "model.vocab",
                                           "model.seq_len", "train.batch",
                                           "run.threads" };
#define N_MEMORY (int)(sizeof memory_keys / sizeof memory_keys[0])

struct memory {
    int64_t key[N_MEMORY + 4]; /* values, words, serial of the quantizers */
    int64_t bytes;
};

struct point_ids {
    struct part quant[CACHE], other[CACHE];
    struct memory memory[CACHE];
    struct str values, text; /* scratch */
    uint64_t n_parts;        /* made so far */
};

struct point_ids *point_ids_new(void)
{
    return mem_alloc(sizeof(struct point_ids));
}

void point_ids_free(struct point_ids *ids)
{
    if (!ids)
        return;
    for (int i = 0; i < CACHE; i++) {
        free(ids->quant[i].values);
        free(ids->quant[i].text);
        free(ids->other[i].values);
        free(ids->other[i].text);
    }
    str_release(&ids->values);
    str_release(&ids->text);
    free(ids);
}

/* What a quantizer is made of also depends on the number of blocks, which
 * selectors count from. */
static void add_values(struct str *out, const struct config *c, bool quant)
{
    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);

        if (!s->hashed || is_quant(s->key) != quant)
            continue;
        str_add(out, config_value(c, (enum setting_id)i)->text);
        str_add_char(out, '\n');
    }
    for (int i = 0; quant && config_override_at(c, i); i++)
        str_addf(out, "%s=%s\n", config_override_at(c, i),
                 config_get(c, config_override_at(c, i)));
    if (quant)
        str_add(out, config_value(c, KEY_model_n_layer)->text);
}

static uint64_t fnv1a(uint64_t h, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    return h;
}

#define FNV_START 14695981039346656037u

/* The entry of these values; filled when they are new. */
static struct part *find_part(struct part *cache, struct point_ids *ids,
                              const struct config *c, bool quant, bool *found)
{
    struct part *p;
    uint64_t h;

    str_clear(&ids->values);
    add_values(&ids->values, c, quant);
    h = fnv1a(FNV_START, ids->values.data, ids->values.len);
    p = &cache[(h ^ h >> 32) % CACHE];
    *found = p->values && strcmp(p->values, str_text(&ids->values)) == 0;
    if (*found)
        return p;
    free(p->values);
    free(p->text);
    *p = (struct part){ .values = mem_strdup(str_text(&ids->values)),
                        .serial = ++ids->n_parts };
    return p;
}

static int count_operands(const struct config *c)
{
    int n = 0;

    for (int k = 0; k < OPERAND_COUNT; k++) {
        struct quant_spec spec;
        bool reuse;

        config_quant(&spec, &reuse, c, 0, LAYER_FC1, (enum quant_operand)k);
        n += spec.on && !reuse;
    }
    return n;
}

static const struct part *quant_part(struct point_ids *ids,
                                     const struct config *c)
{
    bool found;
    struct part *p = find_part(ids->quant, ids, c, true, &found);
    json_t *identity, *quant;

    if (found)
        return p;
    identity = config_identity(c, true);
    quant = json_object_get(identity, "quant");
    p->text = quant ? json_canonical_text(quant) : mem_strdup("");
    p->operands = count_operands(c);
    json_decref(identity);
    return p;
}

/* The text without quant, and where in it the quant object would stand: after
 * "data" and "model", which every run has. */
static struct part *other_part(struct point_ids *ids, const struct config *c)
{
    bool found;
    struct part *p = find_part(ids->other, ids, c, false, &found);
    json_t *identity, *value, *before;
    const char *key;

    if (found)
        return p;
    identity = config_identity(c, false);
    before = json_object();
    json_object_foreach(identity, key, value) if (strcmp(key, "quant") < 0)
        json_object_set(before, key, value);
    p->text = json_canonical_text(before);
    p->split = strlen(p->text) - 1; /* before the closing brace */
    free(p->text);
    p->text = json_canonical_text(identity);
    hash_id(p->id, p->text, strlen(p->text));
    json_decref(before);
    json_decref(identity);
    return p;
}

void point_ids_of(char id[HASH_ID], char twin[HASH_ID], int *operands,
                  struct point_ids *ids, const struct config *c)
{
    const struct part *quant = quant_part(ids, c);
    const struct part *other = other_part(ids, c);
    const char *rest = other->text + other->split; /* ",..." or "}" */

    *operands = quant->operands;
    memcpy(twin, other->id, HASH_ID);
    if (!*quant->text) {
        memcpy(id, twin, HASH_ID);
        return;
    }
    str_clear(&ids->text);
    str_add_n(&ids->text, other->text, other->split);
    str_addf(&ids->text, ",\"quant\":%s", quant->text);
    str_add(&ids->text, rest);
    hash_id(id, str_text(&ids->text), ids->text.len);
}

uint64_t point_beginning(struct point_ids *ids, const struct config *c)
{
    const struct part *quant = quant_part(ids, c);
    struct part *other = other_part(ids, c);

    if (!other->beginning) {
        char *text = branch_identity(c, false);

        other->beginning = fnv1a(FNV_START, text, strlen(text));
        free(text);
    }
    return fnv1a(other->beginning, quant->text, strlen(quant->text));
}

struct model_size point_size(struct point_ids *ids, const struct config *c)
{
    struct model_size size = config_counts(c);
    struct memory want = { 0 }, *known;
    uint64_t h;

    for (int i = 0; i < N_MEMORY; i++)
        want.key[i] = (int64_t)config_number(c, memory_keys[i]);
    want.key[N_MEMORY] = config_model_tied(c);
    want.key[N_MEMORY + 1] = strcmp(config_train_compute(c), "bf16") == 0;
    want.key[N_MEMORY + 2] = config_is_exec(c);
    want.key[N_MEMORY + 3] = (int64_t)quant_part(ids, c)->serial;
    h = fnv1a(FNV_START, (const char *)want.key, sizeof want.key);
    known = &ids->memory[(h ^ h >> 32) % CACHE];
    if (memcmp(known->key, want.key, sizeof want.key) != 0) {
        want.bytes = config_memory(c);
        *known = want;
    }
    size.memory_bytes = known->bytes;
    return size;
}
