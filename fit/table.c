#include "fit/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/expr.h"
#include "base/odd.h"
#include "base/str.h"

struct table *table_new(const char *source, const char *noun)
{
    struct table *t = mem_alloc(sizeof *t);

    t->source = mem_strdup(source);
    t->noun = noun;
    return t;
}

static void free_column(struct column *c, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        free(c->text[r]);
    free(c->text);
    free(c->num);
    free(c->name);
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->n_cols; i++)
        free_column(&t->cols[i], t->rows);
    for (size_t r = 0; r < t->rows; r++)
        free(t->trouble[r]);
    for (int i = 0; i < t->n_notes; i++)
        free(t->notes[i]);
    free(t->notes);
    free(t->cols);
    free(t->number);
    free(t->trouble);
    free(t->source);
    free(t);
}

#define MOST_NOTES 12

void table_note(struct table *t, const char *text)
{
    if (t->n_notes == MOST_NOTES)
        return;
    t->notes = mem_grow(t->notes, (size_t)t->n_notes + 1, sizeof *t->notes);
    t->notes[t->n_notes++] = mem_strdup(text);
}

void table_add_column(struct table *t, const char *name)
{
    t->cols = mem_grow(t->cols, (size_t)t->n_cols + 1, sizeof *t->cols);
    t->cols[t->n_cols++] = (struct column){ .name = mem_strdup(name) };
}

static void grow_rows(struct table *t)
{
    t->cap = t->cap * 2 + 64;
    t->number = mem_grow(t->number, t->cap, sizeof *t->number);
    t->trouble = mem_grow(t->trouble, t->cap, sizeof *t->trouble);
    for (int i = 0; i < t->n_cols; i++) {
        struct column *c = &t->cols[i];

        c->num = mem_grow(c->num, t->cap, sizeof *c->num);
        c->text = mem_grow(c->text, t->cap, sizeof *c->text);
    }
}

static double cell_number(const char *text)
{
    const char *end;
    double x;

    return text_read_number(&x, text, &end, false) && !*end ? x : (double)NAN;
}

void table_add_row(struct table *t, int64_t number, const char *const *cells)
{
    if (t->rows == t->cap)
        grow_rows(t);
    for (int i = 0; i < t->n_cols; i++) {
        t->cols[i].text[t->rows] = mem_strdup(cells[i] ? cells[i] : "");
        t->cols[i].num[t->rows] = cell_number(cells[i] ? cells[i] : "");
    }
    t->number[t->rows] = number;
    t->trouble[t->rows++] = NULL;
}

char *table_cell_trouble(const struct column *c, size_t row)
{
    char *odd = text_odd(c->text[row]);
    char *why = mem_printf("%s is '%.24s', not a finite number%s", c->name,
                           c->text[row], odd);

    free(odd);
    return why;
}

int table_find(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_cols; i++)
        if (strcmp(t->cols[i].name, name) == 0)
            return i;
    return -1;
}

const char *table_nearest(const struct table *t, const char *name)
{
    const char **names, *near;

    for (int i = 0; i < t->n_cols; i++) {
        const char *last = strpbrk(t->cols[i].name, "./")
                               ? t->cols[i].name
                               : NULL;

        while (last && strpbrk(last, "./"))
            last = strpbrk(last, "./") + 1;
        if (last && strcasecmp(last, name) == 0)
            return t->cols[i].name;
    }
    names = mem_array((size_t)t->n_cols, sizeof *names);
    for (int i = 0; i < t->n_cols; i++)
        names[i] = t->cols[i].name;
    near = text_nearest(name, names, (size_t)t->n_cols);
    free(names);
    return near;
}

enum status table_need(int *out, const struct table *t, const char *option,
                       const char *name, struct err *err)
{
    const char *near;

    *out = table_find(t, name);
    if (*out >= 0)
        return OK;
    near = table_nearest(t, name);
    return err_set(err, ERR_USAGE, "%s%s has no column '%s'%s%s%s", option,
                   t->source, name, near ? ", did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

enum status table_drop(struct table *t, const char *name, struct err *err)
{
    int i;

    if (table_need(&i, t, "", name, err) != OK)
        return ERR_USAGE;
    free_column(&t->cols[i], t->rows);
    memmove(&t->cols[i], &t->cols[i + 1],
            (size_t)(t->n_cols - i - 1) * sizeof *t->cols);
    t->n_cols--;
    return OK;
}

enum status table_rename(struct table *t, const char *from, const char *to,
                         struct err *err)
{
    const int taken = table_find(t, to);
    int i;

    if (table_need(&i, t, "", from, err) != OK)
        return ERR_USAGE;
    if (taken >= 0 && taken != i)
        return err_set(err, ERR_USAGE, "%s already has a column '%s'",
                       t->source, to);
    free(t->cols[i].name);
    t->cols[i].name = mem_strdup(to);
    return OK;
}

struct table *table_select(const struct table *t, const bool *keep)
{
    struct table *out = table_new(t->source, t->noun);
    const char **cells = mem_array((size_t)t->n_cols, sizeof *cells);

    for (int i = 0; i < t->n_notes; i++)
        table_note(out, t->notes[i]);
    for (int i = 0; i < t->n_cols; i++) {
        table_add_column(out, t->cols[i].name);
        out->cols[i].settled = t->cols[i].settled;
    }
    for (size_t r = 0; r < t->rows; r++) {
        if (!keep[r])
            continue;
        for (int i = 0; i < t->n_cols; i++)
            cells[i] = t->cols[i].text[r];
        table_add_row(out, t->number[r], cells);
        for (int i = 0; i < t->n_cols; i++) /* derived columns have no text */
            out->cols[i].num[out->rows - 1] = t->cols[i].num[r];
        if (t->trouble[r])
            out->trouble[out->rows - 1] = mem_strdup(t->trouble[r]);
    }
    free(cells);
    return out;
}

/* --- expressions over the columns ---------------------------------------- */

/* A column without any number is one of words.  A word's value is 53 bits of
 * its hash (Fowler, Noll and Vo's FNV-1a), which tells words apart. */
static bool is_words(const struct column *c, size_t rows)
{
    bool some = false;

    for (size_t r = 0; r < rows; r++) {
        if (!isnan(c->num[r]))
            return false;
        some = some || c->text[r][0];
    }
    return some;
}

static double word_value(const char *word)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *word; word++)
        h = (h ^ (unsigned char)*word) * 0x100000001b3u;
    return (double)(h >> 11);
}

static bool is_a_cell(const struct table *t, const char *word)
{
    for (int i = 0; i < t->n_cols; i++)
        for (size_t r = 0; r < t->rows; r++)
            if (strcmp(t->cols[i].text[r], word) == 0)
                return true;
    return false;
}

/* Columns are slots; another name is a word when some cell holds it. */
static bool find_name(void *ctx, const char *name, struct expr_symbol *out)
{
    const struct table *t = ctx;
    const bool quoted = *name == '\''; /* surely a word */
    const int i = quoted ? -1 : table_find(t, name);

    name += quoted;
    if (i < 0 && !is_a_cell(t, name))
        return false;
    out->kind = i < 0                            ? EXPR_SYM_WORD
                : is_words(&t->cols[i], t->rows) ? EXPR_SYM_WORD_SLOT
                                                 : EXPR_SYM_SLOT;
    out->slot = i;
    out->value = word_value(name);
    return true;
}

static const char *find_nearest(void *ctx, const char *name)
{
    return table_nearest(ctx, name);
}

static void evaluate_rows(double *out, const struct table *t,
                          const struct expr *e)
{
    double *slots = mem_array((size_t)t->n_cols, sizeof *slots);
    bool *words = mem_array((size_t)t->n_cols, sizeof *words);

    for (int i = 0; i < t->n_cols; i++)
        words[i] = is_words(&t->cols[i], t->rows);
    for (size_t r = 0; r < t->rows; r++) {
        for (int i = 0; i < t->n_cols; i++)
            slots[i] =
                words[i] ? word_value(t->cols[i].text[r]) : t->cols[i].num[r];
        out[r] = expr_eval(e, slots);
        /* A comparison with a missing number must not pass for false. */
        for (int i = 0; i < t->n_cols; i++)
            if (isnan(slots[i]) && expr_uses(e, i))
                out[r] = (double)NAN;
    }
    free(slots);
    free(words);
}

enum status table_evaluate(double **out, const struct table *t,
                           const char *text, struct err *err)
{
    const struct expr_scope names = { find_name, find_nearest, (void *)t };
    struct expr *e;
    enum status st = expr_parse(&e, text, &names, err);

    if (st != OK)
        err->status = st = ERR_USAGE;
    *out = st == OK ? mem_array(t->rows, sizeof **out) : NULL;
    if (st == OK)
        evaluate_rows(*out, t, e);
    expr_free(e);
    return st;
}

enum status table_derive(struct table *t, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    char *name = equals ? mem_strndup(text, (size_t)(equals - text)) : NULL;
    double *num = NULL;
    enum status st = OK;
    char buf[32];

    if (!name || !*text_trim(name))
        st = err_set(err, ERR_USAGE,
                     "'%s' is not a derived column: write NAME = EXPRESSION",
                     text);
    if (st == OK && (st = table_evaluate(&num, t, equals + 1, err)) != OK)
        err_prefix(err, "column %s: ", text_trim(name));
    if (st == OK) {
        const int old = table_find(t, text_trim(name));
        struct column *c;

        if (old < 0)
            table_add_column(t, text_trim(name));
        c = &t->cols[old < 0 ? t->n_cols - 1 : old];
        c->text = old < 0 ? mem_array(t->cap, sizeof *c->text) : c->text;
        for (size_t r = 0; r < t->rows; r++) {
            free(c->text[r]);
            c->text[r] = mem_strdup(text_number(buf, num[r]));
        }
        free(c->num);
        c->num = mem_grow(num, t->cap, sizeof *num);
    }
    free(name);
    return st;
}

enum status table_filter(struct table *t, const char *condition,
                         struct err *err)
{
    double *truth;
    enum status st = table_evaluate(&truth, t, condition, err);
    bool *keep;
    struct table *kept, swap;

    if (st != OK) {
        err_prefix(err, "--where: ");
        return st;
    }
    keep = mem_array(t->rows, sizeof *keep);
    for (size_t r = 0; r < t->rows; r++)
        keep[r] = truth[r] != 0;
    kept = table_select(t, keep);
    swap = *t;
    *t = *kept;
    *kept = swap;
    table_free(kept);
    free(keep);
    free(truth);
    return OK;
}
