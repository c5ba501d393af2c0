#include "harness/study/predictions_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text_table.h"
#include "base/wrap.h"

#define NAMED 5 /* rows without an answer that a sentence names */

enum status predictions_format_parse(enum predictions_format *out,
                                     const char *text, struct err *err)
{
    static const char *const names[] = { "table", "csv", "json", "md" };
    const char *near;

    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], text) == 0) {
            *out = (enum predictions_format)i;
            return OK;
        }
    near = text_nearest(text, names, 4);
    return err_set(err, ERR_USAGE,
                   "--format '%.20s' is not table, csv, json or md%s%s%s", text,
                   near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

/* --- columns ------------------------------------------------------------- */

/* Names for programs, and for people, who have less room. */
static const struct {
    const char *name, *brief;
} bands[] = {
    { "mean_lo95", "lo95" },
    { "mean_hi95", "hi95" },
    { "run_lo95", "run_lo95" },
    { "run_hi95", "run_hi95" },
};

static bool for_people(const struct predictions *p)
{
    return p->format == PREDICTIONS_TABLE || p->format == PREDICTIONS_MD;
}

static void add_head(struct predictions *p, const char *name, bool words)
{
    const size_t n = (size_t)p->columns + 1;

    p->head = mem_grow(p->head, n, sizeof *p->head);
    p->is_words = mem_grow(p->is_words, n, sizeof *p->is_words);
    p->is_words[p->columns] = words;
    p->head[p->columns++] = mem_strdup(name);
}

static void add_answer_heads(struct predictions *p)
{
    add_head(p, "value", false);
    for (int i = 0; i < (p->what ? 2 : BANDS); i++)
        add_head(p, p->what || for_people(p) ? bands[i].brief : bands[i].name,
                 false);
    for (int i = 0; i < p->terms; i++) {
        struct str name = { 0 };

        predict_term_name(&name, p->m, i);
        add_head(p, str_text(&name), false);
        str_release(&name);
    }
    if (!p->what)
        add_head(p, for_people(p) ? "beyond" : "extrapolation", false);
}

/* Rows of which the law's variable is no number are left out. */
static bool is_words(const struct column *c, const struct model *m, size_t rows)
{
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].is_var && strcmp(m->names[k].name, c->name) == 0)
            return false;
    for (size_t r = 0; r < rows; r++)
        if (*c->text[r] && !isfinite(c->num[r]))
            return true;
    return false;
}

static bool is_taken(const struct predictions *p, int col)
{
    for (int k = 0; k < p->columns; k++)
        if (k != col && strcmp(p->head[k], p->head[col]) == 0)
            return true;
    return false;
}

/* Two columns of one name are none that anybody can use. */
static void tell_apart(struct predictions *p)
{
    for (int c = 0; c < p->settings; c++)
        while (is_taken(p, c)) {
            char *name = mem_printf("%s.was", p->head[c]);

            free(p->head[c]);
            p->head[c] = name;
        }
}

struct predictions *predictions_new(const struct settings *s,
                                    const struct model *m, const char *what,
                                    enum predictions_format format)
{
    struct predictions *p = mem_alloc(sizeof *p);
    struct expr *term;

    *p = (struct predictions){
        .s = s, .m = m, .what = what, .format = format, .most_beyond = 1
    };
    while (!what && p->terms < PREDICT_TERMS &&
           (term = expr_term(m->expr, p->terms))) {
        expr_free(term);
        p->terms++;
    }
    p->terms = p->terms > 1 ? p->terms : 0;
    for (int c = 0; s->table && c < s->table->n_cols; c++)
        add_head(p, s->table->cols[c].name,
                 is_words(&s->table->cols[c], m, s->table->rows));
    for (int k = 0; k < s->n_lists; k++)
        add_head(p, s->lists[k].name, false);
    p->settings = p->columns;
    for (int k = 0; k < s->n_lists; k++)
        for (int v = 0; v < s->lists[k].n; v++)
            p->is_words[p->settings - s->n_lists + k] |=
                !text_is_number(s->lists[k].value[v]);
    add_answer_heads(p);
    tell_apart(p);
    return p;
}

void predictions_free(struct predictions *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n * (size_t)p->columns; i++)
        free(p->cells[i]);
    for (int i = 0; i < p->columns; i++)
        free(p->head[i]);
    for (int i = 0; i < p->n_missing; i++)
        free(p->missing[i].why);
    free(p->missing);
    free(p->cells);
    free(p->head);
    free(p->is_words);
    free(p->at);
    free(p->beyond_what);
    free(p);
}

/* --- rows ---------------------------------------------------------------- */

/* A setting as it was written, or as a number that everybody reads. */
static char *setting_cell(const struct predictions *p, size_t i, int col)
{
    const int carried = p->settings - p->s->n_lists;
    const char *text;
    double x = (double)NAN;
    char buf[32];

    if (col < carried) {
        const struct column *c = &p->s->table->cols[col];
        const size_t row = settings_row(p->s, i);

        text = c->text[row];
        x = c->num[row];
    } else {
        text = settings_value(p->s, i, col - carried);
        table_number(&x, text);
    }
    return mem_strdup(!for_people(p) && !p->is_words[col] && isfinite(x)
                          ? text_number(buf, x)
                          : text);
}

static void put_number(struct predictions *p, char **cell, double x, int digits)
{
    char buf[32];

    if (isnan(x))
        *cell = mem_strdup("");
    else if (for_people(p))
        *cell = mem_printf("%.*g", digits, x);
    else
        *cell = mem_strdup(text_number(buf, x));
}

static char **new_row(struct predictions *p, size_t i)
{
    const size_t width = (size_t)p->columns;

    if (p->n == p->cap) {
        p->cap = 2 * p->cap + 64;
        p->cells = mem_grow(p->cells, p->cap * width, sizeof *p->cells);
        p->at = mem_grow(p->at, p->cap, sizeof *p->at);
    }
    p->at[p->n] = i;
    return p->cells + p->n++ * width;
}

void predictions_add(struct predictions *p, size_t i,
                     const struct prediction *a)
{
    const double ends[BANDS] = { a->mean_lo, a->mean_hi, a->run_lo, a->run_hi };
    char **cell = new_row(p, i);

    for (int c = 0; c < p->settings; c++)
        *cell++ = setting_cell(p, i, c);
    put_number(p, cell++, a->value, 5);
    for (int k = 0; k < (p->what ? 2 : BANDS); k++)
        put_number(p, cell++, ends[k], 5);
    for (int k = 0; k < p->terms; k++)
        put_number(p, cell++, a->term[k], 4);
    if (!p->what)
        put_number(p, cell, a->beyond, 2);
    p->has_interval = p->has_interval || !isnan(a->mean_lo);
    if (a->beyond > p->most_beyond) {
        p->most_beyond = a->beyond;
        free(p->beyond_what);
        p->beyond_what = a->beyond_what ? mem_strdup(a->beyond_what) : NULL;
    }
}

void predictions_leave_out(struct predictions *p, size_t i, const char *why)
{
    p->missing =
        mem_grow(p->missing, (size_t)p->n_missing + 1, sizeof *p->missing);
    p->missing[p->n_missing++] = (struct missing){ i, mem_strdup(why) };
}

void predictions_name(struct str *out, const struct predictions *p, size_t i)
{
    const struct settings *s = p->s;

    if (s->table)
        str_addf(out, "%s %lld", s->table->noun,
                 (long long)s->table->number[settings_row(s, i)]);
    for (int k = 0; k < s->n_lists; k++)
        str_addf(out, "%s%s=%s", k || s->table ? ", " : "", s->lists[k].name,
                 settings_value(s, i, k));
}

enum status predictions_missing(const struct predictions *p, struct err *err)
{
    struct str text = { 0 };
    enum status st;

    if (p->n_missing == 0)
        return OK;
    for (int k = 0; k < p->n_missing && k < NAMED; k++) {
        str_add(&text, k ? "; " : "");
        predictions_name(&text, p, p->missing[k].i);
        str_addf(&text, ": %s", p->missing[k].why);
    }
    if (p->n_missing > NAMED)
        str_addf(&text, "; and %d more, which --json names",
                 p->n_missing - NAMED);
    st = err_set(err, p->s->table ? ERR_CONFIG : ERR_USAGE,
                 "%d of %zu settings %s no prediction: %s", p->n_missing,
                 p->s->count, p->n_missing == 1 ? "has" : "have",
                 str_text(&text));
    str_release(&text);
    return st;
}
