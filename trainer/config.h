/* config.h - what a run is: every declared key, in one table.
 *
 * settings.def has one row for each key: type, section, name, default, range,
 * unit, whether it is part of a run's identity, and help.  The struct member,
 * the reader, the canonical text and `qlaw keys` come from these rows.
 *
 * Keys of [quant "SELECTOR"] sections (layer overrides) are the keys of
 * [quant] spelled quant.SELECTOR.KEY; so are those of [post "SELECTOR"].
 *
 * A configuration with a [post] section is that of a post-training run: its
 * parent is the same configuration without it, the training that comes before;
 * its twin is the same without [post] and [quant]. */
#ifndef TRAINER_CONFIG_H
#define TRAINER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "kernels/quant.h"
#include "trainer/layers.h"

enum setting_type {
    SETTING_INT,      /* int64_t, suffixes k M G Ki Mi Gi */
    SETTING_REAL,     /* double */
    SETTING_BOOL,     /* yes no true false on off */
    SETTING_WORD,     /* one of choices, lower case */
    SETTING_TEXT,     /* any text */
    SETTING_DURATION, /* double, seconds, suffixes s m h d */
    SETTING_QUANT,    /* a quantizer spec (quant.h), "forward" or "none" */
};

/* Is it part of a run's identity? */
enum hashed {
    HASHED_NO = false,
    HASHED_YES = true,
    HASHED_UNLESS_DEFAULT, /* younger than the first databases */
    HASHED_WITH_VAL_LOSS   /* not at its default, where [stop] reads val_loss */
};

struct setting {
    const char *key; /* "model.n_layer" */
    enum setting_type type;
    const char *fallback; /* default, as text */
    double min, max;
    const char *unit, *choices; /* as setting_choices spells out */
    enum hashed hashed;
    bool list;        /* a repeated key appends (data.path) */
    const char *help; /* as setting_help spells out */
};

/* "cosine|wsd|constant", and what the key means, with the words of the
 * quantizer's tables where the row refers to one; the caller frees. */
char *setting_choices(const struct setting *s);
char *setting_help(const struct setting *s);

/* May its values alone make other runs? */
bool setting_varies(const struct setting *s);

/* Does this value of s always belong in the identity? */
bool setting_identifies(const struct setting *s, const char *value);

/* The table; NULL past the end.  setting_find returns NULL for an unknown
 * key (also for layer overrides: see setting_find_any). */
const struct setting *setting_at(int i);
const struct setting *setting_find(const char *key);

/* Also accepts quant.SELECTOR.KEY, returning the row of quant.KEY; on failure
 * NULL and a sentence with a suggestion. */
const struct setting *setting_find_any(const char *key, struct err *err);

/* The sections whose keys say how layers are quantized, with their dots: in
 * training, and after it. */
enum quant_section { SECTION_QUANT, SECTION_POST, QUANT_SECTIONS };
extern const char *const quant_sections[QUANT_SECTIONS];
enum quant_section quant_section_of(const char *key); /* QUANT_SECTIONS: none */

/* SELECTOR of quant.SELECTOR.KEY, which the caller frees; NULL: it has none. */
char *setting_selector(const char *key);

/* May a key of such a section be said of some layers: "quant.w", "post.group"; not
 * "post.fit"? */
bool quant_is_by_layer(const char *key);

/* Check text against the row and write its canonical spelling, which the
 * caller frees: "1e-3" -> "0.001", "16Ki" -> "16384", "On" -> "true". */
enum status setting_canonical(char **out, const struct setting *s,
                              const char *text, struct err *err);

/* The rows of the table by name: KEY_model_n_layer, .. */
enum setting_id {
#define SETTING(type, section, name, ...) KEY_##section##_##name,
#include "trainer/settings.def"
#undef SETTING
    N_SETTINGS
};

/* A value, read once where it came in; members that its type does not have are
 * 0.  It lives as long as a configuration that has it. */
struct setting_value {
    const char *text;                /* canonical */
    double number;                   /* INT, REAL, DURATION; BOOL: 0 or 1 */
    const struct quant_words *quant; /* QUANT; NULL: "forward" */
};

/* A set of assignments, key -> value; the common currency of grid reader and
 * trainer.  Order of keys is the order of the table, overrides after them in
 * the order they were first set. */
struct config; /* opaque */

struct config *config_new(void); /* every key at its default */
struct config *config_copy(const struct config *c);
void config_free(struct config *c);
enum status config_set(struct config *c, const char *key, const char *text,
                       struct err *err);

/* One assignment, checked once and put into many configurations. */
struct config_value; /* opaque */
enum status config_value_new(struct config_value **out, const char *key,
                             const char *text, struct err *err);
void config_value_free(struct config_value *v);
void config_put(struct config *c, const struct config_value *v);

/* A setting's value by its row, for those who ask for one they know: each row
 * makes a function of its type, config_train_lr(c), config_run_threads(c). */
const struct setting_value *config_value(const struct config *c,
                                         enum setting_id id);

#define CONFIG_INT(value)      (int64_t)(value)->number
#define CONFIG_REAL(value)     (value)->number
#define CONFIG_DURATION(value) (value)->number
#define CONFIG_BOOL(value)     (value)->number != 0
#define CONFIG_WORD(value)     (value)->text
#define CONFIG_TEXT(value)     (value)->text
#define CONFIG_QUANT(value)    (value)->text
typedef int64_t config_INT;
typedef double config_REAL, config_DURATION;
typedef bool config_BOOL;
typedef const char *config_WORD, *config_TEXT, *config_QUANT;
#define SETTING(type, section, name, ...)                                      \
    static inline config_##type config_##section##_##name(                     \
        const struct config *c)                                                \
    {                                                                          \
        return CONFIG_##type(config_value(c, KEY_##section##_##name));         \
    }
#include "trainer/settings.def"
#undef SETTING

/* Of a key that is a variable; NULL: unknown, or an override that is not
 * there. */
const struct setting_value *config_find(const struct config *c,
                                        const char *key);
const char *config_get(const struct config *c, const char *key);
double config_number(const struct config *c, const char *key); /* or NaN */

/* The keys of the layer overrides in the order they were set; NULL past the
 * end. */
const char *config_override_at(const struct config *c, int i);

/* Set a key whose spelling the program itself guarantees; what is there already
 * goes on being shared with copies. */
void config_set_number(struct config *c, const char *key, double x);

/* Is it for a trainer of the user's own? */
bool config_is_exec(const struct config *c);

/* Is something done to the model after its training? */
bool config_is_post(const struct config *c);

/* What of a configuration counts. */
enum identity {
    IDENTITY_RUN,    /* everything that can change a loss */
    IDENTITY_PARENT, /* without post: the training that comes before */
    IDENTITY_TWIN    /* without post and quant */
};

/* A new configuration of c's parent or twin: the keys that do not count are at
 * their defaults.  Not resolved when c is not; a twin never is. */
struct config *config_base(const struct config *c, enum identity what);

/* A new configuration of the model that c, a resolved post-training run, ends
 * with: its own quantizers are those of [post], but for the weights of the
 * blocks, which are rounded once and for all. */
struct config *config_infer(const struct config *c);

/* Resolve what depends on several keys (d_ff = 0, n_kv_head = 0, warm-up as a
 * share, quantizer defaults) and check the shape: heads divide the width,
 * groups divide the axis they cut, tokens hold at least one step, ...  The
 * sentence names the keys.  Quantizer texts stay as written; what a layer
 * really uses is config_quant's answer. */
enum status config_resolve(struct config *c, struct err *err);

/* Canonical nested JSON of the hashed keys of a resolved configuration:
 * {"data":{...},"model":{...},"quant":{...},"train":{...},...}.  data.path is
 * left out, data.sha256 stands for it.  "quant" holds what the layers really
 * use, so that equal numerics are one identity: {"w":"int4/g32/...","x":...}
 * when all linear layers of the blocks agree, else one entry a kind ("qkv",
 * "o", "fc1", "fc2", "head"), a list when blocks differ; it is absent when
 * nothing is quantized.  "post" says the same of what follows training, with
 * the keys that its fitter reads. */
json_t *config_identity(const struct config *c, enum identity what);

/* All keys, hashed or not, for the trainer and for a person. */
json_t *config_json(const struct config *c);
enum status config_from_json(struct config **out, const json_t *json,
                             const char *name, struct err *err);

/* The quantizers of one layer after overrides.  A backward operand that says
 * "forward" has reuse set and the forward operand's spec. */
enum quant_operand {
    OPERAND_W,
    OPERAND_X, /* forward: Y = X W^T */
    OPERAND_DY_D,
    OPERAND_W_D, /* input gradient: dX = dY W */
    OPERAND_DY_G,
    OPERAND_X_G, /* weight gradient: dW = dY^T X */
    OPERAND_COUNT
};
extern const char *const quant_operands[OPERAND_COUNT]; /* "w", "x", ... */

struct layer_quant {
    struct quant_spec spec[OPERAND_COUNT];
    bool reuse[OPERAND_COUNT];
    bool clip;    /* no gradient where the forward quantizer clipped */
    bool exact;   /* other instructions where they have the same bits */
    bool integer; /* the forward product is an integer one (kernels.h) */
    bool fake;    /* it could be, but the f32 product is asked for */
};

/* layer is ignored for the head.  NULL for a configuration that is not resolved
 * and for a layer it does not have. */
const struct layer_quant *config_layer(const struct config *c, int layer,
                                       enum layer_kind kind);

/* The same of what follows training: w and x; NULL also where nothing does. */
const struct layer_quant *config_post_layer(const struct config *c, int layer,
                                            enum layer_kind kind);

/* Does what follows training look at what layers are given: its fitter, or a
 * static input (of the blocks or the head)?  c is resolved. */
bool config_post_calibrates(const struct config *c);

/* One operand of it; "none" where config_layer is NULL. */
void config_quant(struct quant_spec *out, bool *reuse, const struct config *c,
                  int layer, enum layer_kind kind, enum quant_operand operand);

#endif
