/* spec.c - the text of a quantizer: its fields, each a word of a table. */
#include "kernels/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernels/quant/fields.h"
#include "kernels/quant/num_table.h"

/* Modifiers are told apart by their spelling. */
static bool read_modifier(struct quant_words *w, const char *text)
{
    for (int f = 0; f < QUANT_FIELDS; f++)
        if (quant_fields[f].read(&w->spec, text)) {
            w->said[f] = true;
            return true;
        }
    return false;
}

/* "gN, row, tensor, a scale format, absmax, pct:P, nearest or stochastic" */
static void add_forms(struct str *out)
{
    const struct quant_word *w;
    const char *before = "";

    for (int f = 0; f < QUANT_FIELDS; f++) {
        const struct quant_field_row *row = &quant_fields[f];

        if (row->kind)
            str_addf(out, "%sa %s", before, row->kind);
        for (int i = 0; !row->kind && (w = row->at(i)); i++) {
            const bool last = f == QUANT_FIELDS - 1 && !row->at(i + 1);

            str_add(out, last ? " or " : before);
            quant_word_form(out, w);
            before = ", ";
        }
    }
}

static enum status unknown_part(const char *text, struct err *err)
{
    const char *words[64], *near;
    const struct quant_word *w;
    struct str forms = { 0 };
    size_t n = 0;

    for (int f = 0; f < QUANT_FIELDS; f++)
        for (int i = 0; (w = quant_fields[f].at(i)) && n < 64; i++)
            if (!w->param[0].before)
                words[n++] = w->name;
    near = text_nearest(text, words, n);
    if (near)
        return err_set(err, ERR_CONFIG,
                       "unknown quantizer part '%.40s', did you mean '%s'?",
                       text, near);
    add_forms(&forms);
    err_set(err, ERR_CONFIG, "unknown quantizer part '%.40s': %s", text,
            str_text(&forms));
    str_release(&forms);
    return ERR_CONFIG;
}

/* "rounding 'up' is not nearest or stochastic" */
static enum status unknown_default(const struct quant_field_row *row,
                                   const char *text, struct err *err)
{
    struct str words = { 0 };
    const struct quant_word *w;

    if (row->kind)
        return err_set(err, ERR_CONFIG, "unknown %s '%.40s'", row->kind, text);
    for (int i = 0; (w = row->at(i)); i++) {
        if (i > 0)
            str_add(&words, row->at(i + 1) ? ", " : " or ");
        quant_word_spell(&words, w);
    }
    err_set(err, ERR_CONFIG, "%s '%.40s' is not %s", row->noun, text,
            str_text(&words));
    str_release(&words);
    return ERR_CONFIG;
}

/* What the field is where a text says nothing of it. */
static const char *default_of(const struct quant_defaults *d,
                              enum quant_field field)
{
    const char *const said[QUANT_FIELDS] = {
        [QUANT_FIELD_GRAN] = d ? d->group : NULL,
        [QUANT_FIELD_SCALE] = d ? d->scale : NULL,
        [QUANT_FIELD_RANGE] = d ? d->range : NULL,
        [QUANT_FIELD_ROUND] = d ? d->round : NULL,
    };

    return said[field] ? said[field] : quant_fields[field].fallback;
}

enum status quant_check_defaults(enum quant_field *wrong,
                                 const struct quant_defaults *defaults,
                                 struct err *err)
{
    struct quant_spec any = { 0 };

    for (int f = 0; f < QUANT_FIELDS; f++) {
        *wrong = (enum quant_field)f;
        if (!quant_fields[f].read(&any, default_of(defaults, *wrong)))
            return unknown_default(&quant_fields[f],
                                   default_of(defaults, *wrong), err);
    }
    return OK;
}

/* An unscaled format has no parts: one spelling for all of them. */
static void normalize(struct quant_spec *s)
{
    for (int f = 0; f < QUANT_FIELDS && !s->elem.scaled; f++)
        if (quant_fields[f].cast)
            quant_fields[f].read(s, quant_fields[f].cast);
}

#define MAX_NAMES 64

/* The error of num_find, or a better one, with the presets among what might
 * have been meant. */
static enum status unknown_elem(const char *name, enum status st,
                                struct err *err)
{
    const char *names[MAX_NAMES], *near;
    struct num_format rows[MAX_NAMES];
    int n = 0;

    for (; n < MAX_NAMES && quant_preset_at(n); n++)
        names[n] = quant_preset_at(n)->name;
    for (int i = 0; n < MAX_NAMES && num_at(&rows[i], i); i++)
        names[n++] = rows[i].name;
    near = text_nearest(name, names, (size_t)n);
    return near ? err_set(err, ERR_CONFIG,
                          "unknown number format '%.60s', did you mean '%s'?",
                          name, near)
                : st;
}

/* num_find, which does not know the presets. */
static enum status find_elem(struct num_format *out, const char *name,
                             struct err *err)
{
    const enum status st = num_find(out, name, err);

    if (st != OK)
        return num_is_table(name) ? st : unknown_elem(name, st, err);
    for (int i = 0; out->kind == NUM_TABLE && quant_preset_at(i); i++)
        if (strcmp(quant_preset_at(i)->name, out->name) == 0)
            return err_set(err, ERR_CONFIG, "format name '%s' is built in",
                           out->name);
    return OK;
}

static enum status read_parts(struct quant_words *w, char *text,
                              struct err *err)
{
    enum status st = OK;
    char *save = NULL, *part = strtok_r(text, "/", &save);

    for (int i = 0; part && st == OK; i++) {
        if (i > 0)
            st = read_modifier(w, part) ? OK : unknown_part(part, err);
        else if ((st = find_elem(&w->spec.elem, part, err)) == OK)
            w->spec.on = true;
        part = strtok_r(NULL, "/", &save);
    }
    return st;
}

/* The text with what a preset at its head stands for; the caller frees. */
static char *spelled_out(const char *text, size_t head)
{
    const struct quant_preset *p;

    for (int i = 0; (p = quant_preset_at(i)); i++)
        if (strncmp(p->name, text, head) == 0 && !p->name[head])
            return mem_printf("%s%s", p->text, text + head);
    return mem_strdup(text);
}

/* A zero point is one of whole steps. */
static enum status check_together(const struct quant_spec *s, struct err *err)
{
    if (s->zero == QUANT_SYM || s->elem.kind == NUM_INT)
        return OK;
    return err_set(err, ERR_CONFIG,
                   "%s: a zero point is for integers, which %s is not",
                   quant_zeros[s->zero].word.name, s->elem.name);
}

/* A part of all rows is no row's own and no square, and a channel is nothing
 * else. */
static enum status check_parts(const struct quant_spec *s, struct err *err)
{
    if (s->when == QUANT_STATIC &&
        (s->gran == QUANT_ROW || s->gran == QUANT_TILE))
        return err_set(err, ERR_CONFIG,
                       "static: all rows have the same scales: gN, tensor or "
                       "chan, not %s",
                       quant_grans[s->gran].word.name);
    if (s->when == QUANT_DYNAMIC && s->gran == QUANT_CHANNEL)
        return err_set(err, ERR_CONFIG,
                       "chan: a channel's scale is that of all rows: it wants "
                       "static");
    return OK;
}

static bool is_none(const char *text)
{
    return strcmp(text, "none") == 0 || strcmp(text, "fp32") == 0;
}

enum status quant_read(struct quant_words *out, const char *text,
                       struct err *err)
{
    const size_t head = strcspn(text, "/");
    char *copy;
    enum status st;

    *out = (struct quant_words){ 0 };
    if (is_none(text))
        return OK;
    if (head == 0)
        return err_set(err, ERR_CONFIG, "'%.40s': a number format is missing",
                       text);
    copy = spelled_out(text, head);
    st = read_parts(out, copy, err);
    free(copy);
    return st == OK ? check_together(&out->spec, err) : st;
}

enum status quant_settle(struct quant_spec *out, const struct quant_words *w,
                         const struct quant_defaults *defaults, struct err *err)
{
    *out = w->spec;
    if (!out->on)
        return OK;
    for (int f = 0; f < QUANT_FIELDS; f++) {
        const char *text = default_of(defaults, (enum quant_field)f);

        if (!w->said[f] && !quant_fields[f].read(out, text))
            return unknown_default(&quant_fields[f], text, err);
    }
    normalize(out);
    return check_parts(out, err);
}

enum status quant_parse(struct quant_spec *out, const char *text,
                        const struct quant_defaults *defaults, struct err *err)
{
    struct quant_words w;
    enum quant_field wrong;
    enum status st = OK;

    *out = (struct quant_spec){ 0 };
    if (!is_none(text) && *text && *text != '/')
        st = quant_check_defaults(&wrong, defaults, err);
    if (st == OK)
        st = quant_read(&w, text, err);
    return st == OK ? quant_settle(out, &w, defaults, err) : st;
}

const char *quant_print(char buf[QUANT_TEXT], const struct quant_spec *s)
{
    char word[QUANT_WORD];
    size_t n;

    if (!s->on)
        return strcpy(buf, "none");
    n = strlen(num_print(buf, &s->elem));
    for (int f = 0; f < QUANT_FIELDS; f++)
        if ((s->elem.scaled || !quant_fields[f].cast) &&
            !(quant_fields[f].silent && quant_is_usual(s, (enum quant_field)f)))
            n += (size_t)snprintf(
                buf + n, QUANT_TEXT - n, "/%s",
                quant_print_field(word, s, (enum quant_field)f, false));
    return buf;
}

bool quant_equal(const struct quant_spec *a, const struct quant_spec *b)
{
    bool same = a->on == b->on;

    if (!same || !a->on)
        return same;
    for (int i = 0; i < QUANT_PARAMS; i++)
        same = same && a->range_param[i] == b->range_param[i];
    return same && strcmp(a->elem.name, b->elem.name) == 0 &&
           a->elem.table == b->elem.table && a->gran == b->gran &&
           a->group == b->group && a->scale == b->scale &&
           a->range == b->range && a->rounding == b->rounding &&
           a->zero == b->zero && a->transform == b->transform &&
           a->rotated == b->rotated && a->when == b->when;
}

char *quant_brief(const char *text)
{
    const size_t name = strcspn(text, ":"), values = strcspn(text, "/");

    return name < values && num_is_table(text)
               ? mem_printf("%.*s%s", (int)name, text, text + values)
               : mem_strdup(text);
}
