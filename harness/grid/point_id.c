#include "harness/grid/point_id.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "trainer/branch.h"

char *point_canonical(const struct config *c, enum identity what)
{
    json_t *identity = config_identity(c, what);
    char *text = json_canonical_text(identity);

    json_decref(identity);
    return text;
}

void point_id(char id[HASH_ID], const struct config *c, enum identity what)
{
    char *text = point_canonical(c, what);

    hash_id(id, text, strlen(text));
    free(text);
}

uint64_t point_own_order(const char *id, uint64_t seed)
{
    /* 53 bits, because SQLite and JSON readers keep integers as doubles. */
    return rng_key(seed, RNG_DATA, strtoull(id, NULL, 16)) >> 11;
}

/* --- many ---------------------------------------------------------------- */

#define CACHE 4096 /* of each kind; a new one takes an old one's place */

/* The keys are parted by their section; the last are all others. */
#define OTHER QUANT_SECTIONS
#define PARTS (QUANT_SECTIONS + 1)

/* What came of the values of one part of the keys. */
struct part {
    char *values; /* all values of that part, the look-up key */
    char *text;   /* a section: its JSON or ""; OTHER: the JSON of the rest */
    size_t split; /* OTHER: where the objects of the sections belong */
    int operands; /* quant: GEMM operands of fc1 that are quantized */
    char id[HASH_ID];   /* OTHER: of the twin */
    uint64_t beginning; /* OTHER: 0 until it is asked for */
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
    int64_t key[N_MEMORY + 5]; /* values, words, serial of the quantizers */
    int64_t bytes;
};

struct point_ids {
    struct part part[PARTS][CACHE];
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
    for (int i = 0; i < PARTS * CACHE; i++) {
        free(ids->part[i / CACHE][i % CACHE].values);
        free(ids->part[i / CACHE][i % CACHE].text);
    }
    str_release(&ids->values);
    str_release(&ids->text);
    free(ids);
}

/* What a quantizer is made of also depends on the number of blocks, which
 * selectors count from. */
static void add_values(struct str *out, const struct config *c, int part)
{
    const char *key;

    for (int i = 0; setting_at(i); i++) {
        const struct setting *s = setting_at(i);

        if (!s->hashed || (int)quant_section_of(s->key) != part)
            continue;
        str_add(out, config_value(c, (enum setting_id)i)->text);
        str_add_char(out, '\n');
    }
    for (int i = 0; (key = config_override_at(c, i)); i++)
        if ((int)quant_section_of(key) == part)
            str_addf(out, "%s=%s\n", key, config_get(c, key));
    if (part != OTHER)
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
static struct part *find_part(struct point_ids *ids, const struct config *c,
                              int part, bool *found)
{
    struct part *p;
    uint64_t h;

    str_clear(&ids->values);
    add_values(&ids->values, c, part);
    h = fnv1a(FNV_START, ids->values.data, ids->values.len);
    p = &ids->part[part][(h ^ h >> 32) % CACHE];
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

static const struct part *section_part(struct point_ids *ids,
                                       const struct config *c,
                                       enum quant_section section)
{
    bool found;
    struct part *p = find_part(ids, c, (int)section, &found);
    json_t *identity, *object;

    if (found)
        return p;
    identity = config_identity(c, IDENTITY_RUN);
    object =
        json_object_get(identity, section == SECTION_QUANT ? "quant" : "post");
    p->text = object ? json_canonical_text(object) : mem_strdup("");
    p->operands = count_operands(c);
    json_decref(identity);
    return p;
}

/* The text without the sections, and where in it their objects would stand:
 * after "data" and "model", which every run has. */
static struct part *other_part(struct point_ids *ids, const struct config *c)
{
    bool found;
    struct part *p = find_part(ids, c, OTHER, &found);
    json_t *identity, *value, *before;
    const char *key;

    if (found)
        return p;
    identity = config_identity(c, IDENTITY_TWIN);
    before = json_object();
    json_object_foreach(identity, key, value) if (strcmp(key, "post") < 0)
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

/* The identity of the rest with the objects of sections, "" for none; keys
 * stand in the order of the alphabet. */
static void hash_parts(char id[HASH_ID], struct point_ids *ids,
                       const struct part *other, const char *post,
                       const char *quant)
{
    str_clear(&ids->text);
    str_add_n(&ids->text, other->text, other->split);
    if (*post)
        str_addf(&ids->text, ",\"post\":%s", post);
    if (*quant)
        str_addf(&ids->text, ",\"quant\":%s", quant);
    str_add(&ids->text, other->text + other->split); /* ",..." or "}" */
    hash_id(id, str_text(&ids->text), ids->text.len);
}

void point_ids_of(struct point_names *out, struct point_ids *ids,
                  const struct config *c)
{
    const struct part *quant = section_part(ids, c, SECTION_QUANT);
    const struct part *other = other_part(ids, c);

    out->operands = quant->operands;
    memcpy(out->twin, other->id, HASH_ID);
    if (*quant->text)
        hash_parts(out->parent, ids, other, "", quant->text);
    else
        memcpy(out->parent, out->twin, HASH_ID);
    if (config_is_post(c))
        hash_parts(out->id, ids, other,
                   section_part(ids, c, SECTION_POST)->text, quant->text);
    else
        memcpy(out->id, out->parent, HASH_ID);
}

uint64_t point_beginning(struct point_ids *ids, const struct config *c)
{
    const struct part *quant = section_part(ids, c, SECTION_QUANT);
    struct part *other = other_part(ids, c);

    if (!other->beginning) {
        char *text = branch_identity(c, IDENTITY_TWIN);

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
    want.key[N_MEMORY + 3] =
        (int64_t)section_part(ids, c, SECTION_QUANT)->serial;
    want.key[N_MEMORY + 4] = !config_is_post(c) ? -1
                             : !config_post_calibrates(c)
                                 ? 0
                                 : config_post_calib(c);
    h = fnv1a(FNV_START, (const char *)want.key, sizeof want.key);
    known = &ids->memory[(h ^ h >> 32) % CACHE];
    if (memcmp(known->key, want.key, sizeof want.key) != 0) {
        want.bytes = config_memory(c);
        *known = want;
    }
    size.memory_bytes = known->bytes;
    return size;
}
