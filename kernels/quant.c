#include "kernels/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernels/num_table.h"
#include "kernels/quant_scale.h"

static const struct quant_scale *find_scale(const char *name)
{
    for (int i = 0; i < n_quant_scales; i++)
        if (strcmp(quant_scales[i].name, name) == 0)
            return &quant_scales[i];
    return NULL;
}

/* --- presets ----------------------------------------------------------- */

static const struct quant_preset presets[] = {
    { "mxfp8", "e4m3/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp8_e5m2", "e5m2/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp6", "e2m3/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp6_e3m2", "e3m2/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxfp4", "e2m1/g32/e8m0", "OCP MX v1.0, scale rounded up" },
    { "mxint8", "int8n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "mxint6", "int6n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "mxint4", "int4n/g32/e8m0", "arXiv 2510.25602 table 1" },
    { "nvfp4", "e2m1/g16/e4m3", "arXiv 2509.25149" },
    { "nvint4", "int4n/g16/e4m3", "arXiv 2510.25602 table 1" },
};
#define N_PRESETS (int)(sizeof presets / sizeof presets[0])

const struct quant_preset *quant_preset_at(int i)
{
    return i < N_PRESETS ? &presets[i] : NULL;
}

const struct quant_preset *quant_preset_of(const struct quant_spec *s)
{
    char text[NUM_NAME + 40];

    if (!s->on || !s->elem.scaled || s->gran != QUANT_GROUP || s->elem.table)
        return NULL;
    snprintf(text, sizeof text, "%s/g%d/%s", s->elem.name, s->group,
             s->scale->name);
    for (int i = 0; i < N_PRESETS; i++)
        if (strcmp(presets[i].text, text) == 0)
            return &presets[i];
    return NULL;
}

/* --- text -------------------------------------------------------------- */

static bool set_group(struct quant_spec *s, const char *text)
{
    char *end;
    long g;

    if (strcmp(text, "row") == 0 || strcmp(text, "tensor") == 0) {
        s->gran = *text == 'r' ? QUANT_ROW : QUANT_TENSOR;
        s->group = 0;
        return true;
    }
    text += *text == 'g';
    g = strtol(text, &end, 10);
    if (end == text || *end || g < 1 || g > 1 << 24)
        return false;
    s->gran = QUANT_GROUP;
    s->group = (int)g;
    return true;
}

static bool set_range(struct quant_spec *s, const char *text)
{
    const char *end;
    double p = 100;

    if (strcmp(text, "absmax") != 0 &&
        (!text_has_prefix(text, "pct:") ||
         !text_read_number(&p, text + 4, &end, false) || *end || p <= 0 ||
         p > 100))
        return false;
    s->range = p < 100 ? QUANT_PERCENTILE : QUANT_ABSMAX;
    s->percentile = p;
    return true;
}

static bool set_rounding(struct quant_spec *s, const char *text)
{
    if (strcmp(text, "nearest") != 0 && strcmp(text, "stochastic") != 0)
        return false;
    s->rounding = *text == 's' ? NUM_STOCHASTIC : NUM_NEAREST;
    return true;
}

static bool set_scale(struct quant_spec *s, const char *text)
{
    const struct quant_scale *scale = find_scale(text);

    s->scale = scale ? scale : s->scale;
    return scale != NULL;
}

/* Modifiers are told apart by their spelling. */
static enum status apply_modifier(struct quant_spec *s, const char *text,
                                  struct err *err)
{
    static const char *const words[] = {
        "row",        "tensor",     "fp32",       "bf16",
        "e8m0",       "e8m0-floor", "e8m0-round", "e4m3",
        "absmax",     "nearest",    "stochastic",
    };
    const char *near;

    if (set_scale(s, text) || set_group(s, text) || set_range(s, text) ||
        set_rounding(s, text))
        return OK;
    near = text_nearest(text, words, sizeof words / sizeof words[0]);
    return near ? err_set(err, ERR_CONFIG,
                          "unknown quantizer part '%.40s', did you mean "
                          "'%s'?",
                          text, near)
                : err_set(err, ERR_CONFIG,
                          "unknown quantizer part '%.40s': gN, row, tensor, a "
                          "scale format, absmax, pct:P, nearest or stochastic",
                          text);
}

static enum status apply_defaults(struct quant_spec *s,
                                  const struct quant_defaults *d,
                                  struct err *err)
{
    const char *group = d && d->group ? d->group : "32";
    const char *scale = d && d->scale ? d->scale : "fp32";
    const char *range = d && d->range ? d->range : "absmax";
    const char *round = d && d->round ? d->round : "nearest";

    if (!set_group(s, group))
        return err_set(err, ERR_CONFIG,
                       "group '%.40s' is not a number of elements, row or "
                       "tensor",
                       group);
    if (!set_scale(s, scale))
        return err_set(err, ERR_CONFIG, "unknown scale format '%.40s'", scale);
    if (!set_range(s, range))
        return err_set(err, ERR_CONFIG,
                       "range '%.40s' is not absmax or pct:P with 0 < P <= "
                       "100",
                       range);
    if (!set_rounding(s, round))
        return err_set(err, ERR_CONFIG,
                       "rounding '%.40s' is not nearest or stochastic", round);
    return OK;
}

/* An unscaled format has no parts: one spelling for all of them. */
static void normalize(struct quant_spec *s)
{
    if (s->elem.scaled)
        return;
    s->gran = QUANT_TENSOR;
    s->group = 0;
    s->scale = &quant_scales[0];
    s->range = QUANT_ABSMAX;
    s->percentile = 100;
}

/* num_find, with the presets among the suggestions. */
static enum status find_elem(struct num_format *out, const char *name,
                             struct err *err)
{
    const char *names[64], *near;
    struct num_format rows[64 - N_PRESETS];
    const enum status st = num_find(out, name, err);
    int n = 0;

    for (int i = 0; st == OK && out->kind == NUM_TABLE && i < N_PRESETS; i++)
        if (strcmp(presets[i].name, out->name) == 0)
            return err_set(err, ERR_CONFIG, "format name '%s' is built in",
                           out->name);
    if (st == OK || num_is_table(name))
        return st;
    for (; n < N_PRESETS; n++)
        names[n] = presets[n].name;
    for (int i = 0; n < 64 && num_at(&rows[i], i); i++)
        names[n++] = rows[i].name;
    near = text_nearest(name, names, (size_t)n);
    return near ? err_set(err, ERR_CONFIG,
                          "unknown number format '%.60s', did you mean '%s'?",
                          name, near)
                : st;
}

static enum status parse_parts(struct quant_spec *s, char *text,
                               struct err *err)
{
    enum status st = OK;
    char *save = NULL, *part = strtok_r(text, "/", &save);

    for (int i = 0; part && st == OK; i++) {
        if (i > 0)
            st = apply_modifier(s, part, err);
        else if ((st = find_elem(&s->elem, part, err)) == OK)
            s->on = true;
        part = strtok_r(NULL, "/", &save);
    }
    return st;
}

enum status quant_parse(struct quant_spec *out, const char *text,
                        const struct quant_defaults *defaults,
                        struct err *err)
{
    const size_t head = strcspn(text, "/");
    char *copy = NULL;
    enum status st;

    *out = (struct quant_spec){ 0 };
    if (strcmp(text, "none") == 0 || strcmp(text, "fp32") == 0)
        return OK;
    if (head == 0)
        return err_set(err, ERR_CONFIG, "'%.40s': a number format is missing",
                       text);
    st = apply_defaults(out, defaults, err);
    for (int i = 0; i < N_PRESETS && !copy; i++)
        if (strlen(presets[i].name) == head &&
            memcmp(presets[i].name, text, head) == 0)
            copy = mem_printf("%s%s", presets[i].text, text + head);
    if (!copy)
        copy = mem_strdup(text);
    if (st == OK)
        st = parse_parts(out, copy, err);
    free(copy);
    if (st == OK)
        normalize(out);
    return st;
}

const char *quant_print(char buf[QUANT_TEXT], const struct quant_spec *s)
{
    static const char *const grans[] = { "", "row", "tensor" };
    char group[24], range[24] = "absmax", number[32], elem[NUM_TEXT];
    const char *rounding =
        s->rounding == NUM_STOCHASTIC ? "stochastic" : "nearest";

    if (!s->on)
        return strcpy(buf, "none");
    if (!s->elem.scaled) {
        snprintf(buf, QUANT_TEXT, "%s/%s", s->elem.name, rounding);
        return buf;
    }
    snprintf(group, sizeof group, s->gran == QUANT_GROUP ? "g%d" : "%.0d",
             s->group);
    if (s->range == QUANT_PERCENTILE)
        snprintf(range, sizeof range, "pct:%.16s",
                 text_number(number, s->percentile));
    snprintf(buf, QUANT_TEXT, "%s/%s%s/%s/%s/%s",
             num_print(elem, &s->elem), group,
             grans[s->gran], s->scale->name, range, rounding);
    return buf;
}

char *quant_brief(const char *text)
{
    const size_t name = strcspn(text, ":"), values = strcspn(text, "/");

    return num_is_table(text)
               ? mem_printf("%.*s%s", (int)name, text, text + values)
               : mem_strdup(text);
}

/* --- shape ------------------------------------------------------------- */

enum status quant_check(const struct quant_spec *s, int k, const char *what,
                        struct err *err)
{
    if (!s->on || s->gran != QUANT_GROUP || k % s->group == 0)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "%s: a group of %d does not divide the reduction axis of "
                   "%d",
                   what, s->group, k);
}

int quant_part_length(const struct quant_spec *s, int k)
{
    return s->gran == QUANT_GROUP && s->group < k ? s->group : k;
}

bool quant_has_int8(const struct quant_spec *s)
{
    return s->on && s->elem.scaled && s->elem.subnormals &&
           s->elem.max / s->elem.step_zero <= 127 &&
           s->elem.min_code / s->elem.step_zero >= -128;
}

bool quant_by_rows(const struct quant_spec *s)
{
    const bool whole = s->elem.scaled && (s->gran == QUANT_TENSOR ||
                                          s->scale->two_level);

    return !s->on || (!whole && s->rounding == NUM_NEAREST);
}

bool quant_is_bf16(const struct quant_spec *s)
{
    const struct num_format *f = &s->elem;
    const int significant = f->kind == NUM_INT ? f->bits : f->man_bits + 1;

    return s->on && f->scaled && f->kind != NUM_TABLE && significant <= 8 &&
           quant_scale_is_power(s->scale);
}

double quant_bits(const struct quant_spec *s, int k, int rows)
{
    const double n = (double)k * rows;
    double bits = s->elem.bits;

    if (!s->on)
        return 32;
    if (!s->elem.scaled)
        return bits;
    bits += s->gran == QUANT_TENSOR ? s->scale->bits / n
                                    : s->scale->bits / quant_part_length(s, k);
    return s->scale->two_level ? bits + 32 / n : bits;
}

int quant_parts(const struct quant_spec *s, int rows, int cols,
                enum quant_axis axis)
{
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    const int lines = axis == QUANT_ALONG_COLS ? rows : cols;
    const int length = quant_part_length(s, k);

    if (!s->elem.scaled)
        return 0;
    return s->gran == QUANT_TENSOR ? 1 : lines * ((k + length - 1) / length);
}
