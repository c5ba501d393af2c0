#include "kernels/quant/fields.h"

#include <string.h>

/* The row whose word a text is, with its parameters; -1: none. */
static int match(double param[QUANT_PARAMS],
                 const struct quant_word *(*at)(int i), const char *text)
{
    const struct quant_word *w;

    for (int i = 0; (w = at(i)); i++)
        if (quant_word_read(param, w, text))
            return i;
    return -1;
}

/* --- granularity ------------------------------------------------------- */

static const struct quant_word *gran_at(int i)
{
    return i < QUANT_GRANS ? &quant_grans[i].word : NULL;
}

/* A number alone is a group too. */
static bool read_gran(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    int i = match(param, gran_at, text);

    param[0] = i == QUANT_GROUP || i == QUANT_TILE ? param[0] : 0;
    if (i < 0 && quant_params_read(param, gran_at(QUANT_GROUP), text))
        i = QUANT_GROUP;
    if (i < 0)
        return false;
    s->gran = (enum quant_gran)i;
    s->group = (int)param[0];
    return true;
}

static int gran_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    param[0] = s->group;
    return (int)s->gran;
}

/* --- scale ------------------------------------------------------------- */

static const struct quant_word *scale_at(int i)
{
    return i < n_quant_scales ? &quant_scales[i].word : NULL;
}

static bool read_scale(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, scale_at, text);

    if (i >= 0)
        s->scale = &quant_scales[i];
    return i >= 0;
}

static int scale_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    (void)param;
    return (int)(s->scale - quant_scales);
}

/* --- range ------------------------------------------------------------- */

static const struct quant_word *range_at(int i)
{
    return i < n_quant_ranges ? &quant_ranges[i].word : NULL;
}

static bool read_range(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, range_at, text);
    const struct quant_range *r = i < 0 ? NULL : &quant_ranges[i];

    if (!r)
        return false;
    if (r->ends_at_absmax && param[0] == r->word.param[0].most)
        return read_range(s, quant_ranges[0].word.name);
    s->range = r;
    memcpy(s->range_param, param, sizeof param);
    return true;
}

static int range_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    memcpy(param, s->range_param, sizeof s->range_param);
    return (int)(s->range - quant_ranges);
}

/* --- rounding ---------------------------------------------------------- */

static const struct quant_word *round_at(int i)
{
    return i < n_num_roundings ? &num_roundings[i].word : NULL;
}

static bool read_round(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, round_at, text);

    if (i >= 0)
        s->rounding = &num_roundings[i];
    return i >= 0;
}

static int round_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    (void)param;
    return (int)(s->rounding - num_roundings);
}

/* --- zero point -------------------------------------------------------- */

static const struct quant_word *zero_at(int i)
{
    return i < QUANT_ZEROS ? &quant_zeros[i].word : NULL;
}

static bool read_zero(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, zero_at, text);

    if (i >= 0)
        s->zero = (enum quant_zero)i;
    return i >= 0;
}

static int zero_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    (void)param;
    return (int)s->zero;
}

/* --- transform --------------------------------------------------------- */

static const struct quant_word *transform_at(int i)
{
    return i < QUANT_TRANSFORMS ? &quant_transforms[i] : NULL;
}

static bool read_transform(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, transform_at, text), n = (int)param[0];

    if (i < 0 || (n & (n - 1)) != 0)
        return false;
    s->transform = (enum quant_transform)i;
    s->rotated = i == QUANT_HADAMARD ? n : 0;
    return true;
}

static int transform_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    param[0] = s->rotated;
    return (int)s->transform;
}

/* --- when ranges are measured ------------------------------------------ */

static const struct quant_word *when_at(int i)
{
    return i < QUANT_WHENS ? &quant_whens[i] : NULL;
}

static bool read_when(struct quant_spec *s, const char *text)
{
    double param[QUANT_PARAMS];
    const int i = match(param, when_at, text);

    if (i >= 0)
        s->when = (enum quant_when)i;
    return i >= 0;
}

static int when_row(const struct quant_spec *s, double param[QUANT_PARAMS])
{
    (void)param;
    return (int)s->when;
}

/* --- the table --------------------------------------------------------- */

const struct quant_field_row quant_fields[QUANT_FIELDS] = {
    [QUANT_FIELD_GRAN] = { "group", "group", NULL, NULL, "g32", false, "tensor",
                           read_gran, gran_row, gran_at },
    [QUANT_FIELD_SCALE] = { "scale", "scale", "scale format", "SCALE", "fp32",
                            false, "fp32", read_scale, scale_row, scale_at },
    [QUANT_FIELD_RANGE] = { "range", "range", NULL, NULL, "absmax", false,
                            "absmax", read_range, range_row, range_at },
    [QUANT_FIELD_ROUND] = { "round", "rounding", NULL, NULL, "nearest", false,
                            NULL, read_round, round_row, round_at },
    [QUANT_FIELD_ZERO] = { "zero", "zero point", NULL, NULL, "sym", true, "sym",
                           read_zero, zero_row, zero_at },
    [QUANT_FIELD_TRANSFORM] = { "transform", "transform", NULL, NULL, "plain",
                                true, "plain", read_transform, transform_row,
                                transform_at },
    [QUANT_FIELD_WHEN] = { "when", "time of ranges", NULL, NULL, "dynamic",
                           true, "dynamic", read_when, when_row, when_at },
};

const struct quant_word *quant_word_at(enum quant_field field, int i)
{
    return quant_fields[field].at(i);
}

enum quant_field quant_field_find(const char *key)
{
    int f = 0;

    while (f < QUANT_FIELDS && strcmp(quant_fields[f].key, key) != 0)
        f++;
    return (enum quant_field)f;
}

const char *quant_print_field(char buf[QUANT_WORD],
                              const struct quant_spec *spec,
                              enum quant_field field, bool brief)
{
    const struct quant_field_row *f = &quant_fields[field];
    double param[QUANT_PARAMS];
    const int row = f->row(spec, param);

    return quant_word_print(buf, f->at(row), param, brief);
}

bool quant_is_usual(const struct quant_spec *spec, enum quant_field field)
{
    double param[QUANT_PARAMS];

    return quant_fields[field].row(spec, param) == 0;
}

/* --- for people -------------------------------------------------------- */

char *quant_choices(enum quant_field field)
{
    const struct quant_word *w;
    struct str s = { 0 };

    for (int i = 0; (w = quant_word_at(field, i)); i++) {
        str_add(&s, i ? "|" : "");
        quant_word_form(&s, w);
    }
    return str_steal(&s);
}

/* The first, which is the usual one, is not explained. */
char *quant_prose(enum quant_field field)
{
    const struct quant_word *w;
    struct str s = { 0 };

    for (int i = 0; (w = quant_word_at(field, i)); i++) {
        str_add(&s, i ? ", or " : "");
        quant_word_form(&s, w);
        if (i > 0)
            str_addf(&s, ", %s", w->help);
    }
    return str_steal(&s);
}

char *quant_syntax(enum quant_field field)
{
    const struct quant_field_row *f = &quant_fields[field];
    const struct quant_word *w;
    struct str s = { 0 };

    str_addf(&s, "[/%s", f->symbol ? f->symbol : "");
    for (int i = 0; !f->symbol && (w = f->at(i)); i++) {
        str_add(&s, i ? "|/" : "");
        quant_word_form(&s, w);
    }
    str_add_char(&s, ']');
    return str_steal(&s);
}
