#include "harness/grid/arm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trainer/layers.h"

#define MAX_SPECS 32 /* different quantizers of one operand that are counted */

/* How many weights see each quantizer of one operand. */
struct tally {
    struct quant_spec spec[MAX_SPECS];
    double weights[MAX_SPECS], inputs[MAX_SPECS];
    int n;
};

static void count(struct tally *t, const struct quant_spec *spec,
                  double weights, double input)
{
    int i = 0;

    while (i < t->n && !quant_equal(&t->spec[i], spec))
        i++;
    if (i == MAX_SPECS)
        return;
    if (i == t->n) {
        t->spec[i] = *spec;
        t->weights[i] = t->inputs[i] = 0;
        t->n++;
    }
    t->weights[i] += weights;
    t->inputs[i] += weights * input;
}

/* What a layer is quantized by: after training, where anything is done then. */
static void spec_of(struct quant_spec *out, const struct config *c, int layer,
                    enum layer_kind kind, enum quant_operand operand)
{
    const struct layer_quant *q = config_is_post(c)
                                      ? config_post_layer(c, layer, kind)
                                      : config_layer(c, layer, kind);

    *out = q ? q->spec[operand] : (struct quant_spec){ 0 };
    if (q && q->reuse[operand])
        out->on = false;
}

static void tally_operand(struct tally *t, const struct config *c,
                          enum quant_operand operand, bool head)
{
    const struct model_dims shape = model_dims_of(c);
    const int layers = head ? 1 : shape.n_layer;
    const enum layer_kind first = head ? LAYER_HEAD : LAYER_QKV;
    const enum layer_kind last = head ? LAYER_HEAD : LAYER_FC2;

    t->n = 0;
    for (int l = 0; l < layers; l++)
        for (enum layer_kind k = first; k <= last; k++) {
            struct quant_spec spec;

            spec_of(&spec, c, l, k, operand);
            count(t, &spec, (double)layer_weights(&shape, k),
                  layer_in(&shape, k));
        }
}

/* The one that most weights see, those that are on before those that are
 * not; -1: none is on. */
static int most(const struct tally *t)
{
    int best = -1;

    for (int i = 0; i < t->n; i++)
        if (t->spec[i].on && (best < 0 || t->weights[i] > t->weights[best]))
            best = i;
    return best;
}

static double group_of(const struct tally *t, int i)
{
    const struct quant_spec *s = &t->spec[i];

    if (!s->elem.scaled || s->gran == QUANT_TENSOR)
        return NAN;
    return s->gran == QUANT_GROUP  ? s->group
           : s->gran == QUANT_TILE ? (double)s->group * s->group
                                   : t->inputs[i] / t->weights[i];
}

static void read_side(struct arm *out, const struct config *c, bool head)
{
    struct tally t;

    for (int k = 0; k < OPERAND_COUNT; k++) {
        int i;

        tally_operand(&t, c, (enum quant_operand)k, head);
        i = most(&t);
        out->spec[k] = t.spec[i < 0 ? 0 : i];
        if (i < 0 || out->lead >= 0)
            continue;
        out->lead = k;
        out->group = group_of(&t, i);
    }
}

void arm_read(struct arm *out, const struct config *c)
{
    *out = (struct arm){ .lead = -1, .group = NAN };
    read_side(out, c, false);
    if (out->lead < 0) /* perhaps the head alone */
        read_side(out, c, true);
}

const char *arm_gran(const struct arm *a)
{
    return a->lead >= 0 && a->spec[a->lead].elem.scaled
               ? quant_grans[a->spec[a->lead].gran].kind
               : NULL;
}

/* --- for people -------------------------------------------------------------- */

static const char *const short_names[OPERAND_COUNT] = { "W",  "A",   "dYd",
                                                        "Wd", "dYg", "Ag" };

/* What an operand's quantizer is called: by its preset or its element. */
static const char *name_of(const struct quant_spec *s, bool presets)
{
    const struct quant_preset *p = presets ? quant_preset_of(s) : NULL;

    return p ? p->name : s->elem.name;
}

static bool all_alike(const struct arm *a)
{
    bool alike = true;

    for (int k = 0; k < OPERAND_COUNT; k++)
        alike = alike &&
                (!a->spec[k].on || quant_equal(&a->spec[k], &a->spec[a->lead]));
    return alike;
}

/* Do the names alone say the groups and scales of all that is on? */
static bool all_presets(const struct arm *a)
{
    for (int k = 0; k < OPERAND_COUNT; k++)
        if (a->spec[k].on && !quant_preset_of(&a->spec[k]))
            return false;
    return true;
}

/* What of an operand is not as the lead's, which stands at the end for all:
 * "/row", "/g16/static".  A preset's name says group and scale. */
static void add_differences(struct str *s, const struct quant_spec *own,
                            const struct quant_spec *lead, bool presets)
{
    char a[QUANT_WORD], b[QUANT_WORD];
    const int first = presets ? QUANT_FIELD_RANGE : QUANT_FIELD_GRAN;

    for (int f = first; f < QUANT_FIELDS && own->elem.scaled; f++) {
        const char *word = quant_print_field(a, own, (enum quant_field)f, true);

        if (!lead->elem.scaled
                ? !quant_is_usual(own, (enum quant_field)f)
                : strcmp(word, quant_print_field(b, lead, (enum quant_field)f,
                                                 true)) != 0)
            str_addf(s, "/%s", word);
    }
}

/* "int4 W+A" when all that is on is alike, else each with its format. */
static void add_operands(struct str *s, const struct arm *a, bool presets,
                         bool differences)
{
    const bool alike = all_alike(a);
    int n = 0;

    if (alike)
        str_addf(s, "%s ", name_of(&a->spec[a->lead], presets));
    for (int k = 0; k < OPERAND_COUNT; k++) {
        if (!a->spec[k].on)
            continue;
        str_addf(s, "%s%s", n++ ? "+" : "", short_names[k]);
        if (alike)
            continue;
        str_addf(s, ":%s", name_of(&a->spec[k], presets));
        if (differences)
            add_differences(s, &a->spec[k], &a->spec[a->lead], presets);
    }
}

static void add_field(struct str *s, const struct quant_spec *spec,
                      enum quant_field field)
{
    char word[QUANT_WORD];

    str_addf(s, " %s", quant_print_field(word, spec, field, true));
}

void arm_add_parts(struct str *s, const struct quant_spec *lead)
{
    add_field(s, lead, QUANT_FIELD_GRAN);
    if (!quant_is_usual(lead, QUANT_FIELD_SCALE))
        add_field(s, lead, QUANT_FIELD_SCALE);
}

static void add_rest(struct str *s, const struct quant_spec *lead)
{
    for (int f = QUANT_FIELD_RANGE; f < QUANT_FIELDS; f++)
        if (lead->elem.scaled && !quant_is_usual(lead, (enum quant_field)f))
            add_field(s, lead, (enum quant_field)f);
}

/* " fc2.x=int8": the overrides of a section. */
static void add_overrides(struct str *s, const struct config *c,
                          enum quant_section section)
{
    const char *key;

    for (int i = 0; (key = config_override_at(c, i)); i++) {
        char *value = quant_brief(config_get(c, key));

        if (quant_section_of(key) == section)
            str_addf(s, " %s=%s", key + strlen(quant_sections[section]), value);
        free(value);
    }
}

static void add_quantizers(struct str *s, const struct arm *a, bool presets)
{
    const struct quant_spec *lead = &a->spec[a->lead];

    /* Older databases have neither names of presets nor differences. */
    const bool differences = presets;

    presets = presets && all_presets(a);
    add_operands(s, a, presets, differences);
    if (lead->elem.scaled && !presets)
        arm_add_parts(s, lead);
    add_rest(s, lead);
}

/* How it was trained. */
static void add_training(struct str *s, const struct config *c, bool presets)
{
    struct arm a;

    arm_read(&a, c);
    if (a.lead < 0) {
        str_add(s, "unquantized");
        return;
    }
    add_quantizers(s, &a, presets);
    if (strcmp(config_quant_grad(c), "ste") != 0)
        str_addf(s, " %s", config_quant_grad(c));
    add_overrides(s, c, SECTION_QUANT);
}

/* What was done then: "PTQ int3 W g32 gptq".  What of its settings is not the
 * usual one is said, so that two arms are two texts. */
static void add_post(struct str *s, const struct config *c, bool presets)
{
    struct arm a;

    arm_read(&a, c);
    str_add(s, "PTQ ");
    if (a.lead >= 0)
        add_quantizers(s, &a, presets);
    else
        str_add(s, "unquantized");
    str_addf(s, " %s", config_post_fit(c));
    for (int i = KEY_post_fold; i <= KEY_post_damp; i++)
        if (setting_identifies(setting_at(i),
                               config_value(c, (enum setting_id)i)->text))
            str_addf(s, " %s=%s", strchr(setting_at(i)->key, '.') + 1,
                     config_value(c, (enum setting_id)i)->text);
    add_overrides(s, c, SECTION_POST);
}

char *arm_text(const struct config *c, bool presets)
{
    struct str s = { 0 };
    struct config *parent;

    if (!config_is_post(c)) {
        add_training(&s, c, presets);
        return str_steal(&s);
    }
    parent = config_base(c, IDENTITY_PARENT);
    add_training(&s, parent, presets);
    if (strcmp(str_text(&s), "unquantized") == 0)
        str_clear(&s);
    else
        str_add(&s, ", ");
    config_free(parent);
    add_post(&s, c, presets);
    return str_steal(&s);
}
