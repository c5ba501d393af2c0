/* table_expr.c - expressions over the columns: derived ones, conditions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr.h"
#include "base/str.h"
#include "fit/table.h"
#include "fit/table_running.h"

/* What the names of an expression are looked up in. */
struct names {
    const struct table *t;
    struct running running;
};

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

/* Columns are slots, and what looks back along runs comes behind them; another
 * name is a word when some cell holds it. */
static bool find_name(void *ctx, const char *name, struct expr_symbol *out)
{
    const struct names *all = ctx;
    const struct table *t = all->t;
    const bool quoted = *name == '\''; /* surely a word */
    const int i = quoted ? -1 : table_find(t, name);
    const int back = running_find(&all->running, name);

    if (back >= 0) {
        *out = (struct expr_symbol){ EXPR_SYM_SLOT, t->n_cols + back, 0 };
        return true;
    }
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
    const struct names *all = ctx;

    return table_nearest(all->t, name);
}

static void evaluate_rows(double *out, const struct names *names,
                          const struct expr *e)
{
    const struct table *t = names->t;
    const int n = t->n_cols + names->running.n;
    double *slots = mem_array((size_t)n, sizeof *slots);
    bool *words = mem_array((size_t)n, sizeof *words);

    for (int i = 0; i < t->n_cols; i++)
        words[i] = is_words(&t->cols[i], t->rows);
    for (size_t r = 0; r < t->rows; r++) {
        for (int i = 0; i < n; i++)
            slots[i] = i >= t->n_cols ? names->running.value[i - t->n_cols][r]
                       : words[i]     ? word_value(t->cols[i].text[r])
                                      : t->cols[i].num[r];
        out[r] = expr_eval(e, slots);
        /* A comparison with a missing number must not pass for false. */
        for (int i = 0; i < n; i++)
            if (isnan(slots[i]) && expr_uses(e, i))
                out[r] = (double)NAN;
    }
    free(slots);
    free(words);
}

/* *whole: all rows were taken for one run. */
static enum status evaluate(double **out, bool *whole, const struct table *t,
                            const char *text, struct err *err)
{
    struct names names = { .t = t };
    const struct expr_scope scope = { .find = find_name,
                                      .nearest = find_nearest,
                                      .ctx = &names };
    struct expr *e = NULL;
    enum status st = running_read(&names.running, t, text, err);

    if (st == OK)
        st = expr_parse(&e, names.running.text, &scope, err);
    if (st != OK)
        err->status = st = ERR_USAGE;
    *out = st == OK ? mem_array(t->rows, sizeof **out) : NULL;
    if (st == OK)
        evaluate_rows(*out, &names, e);
    expr_free(e);
    *whole = names.running.whole;
    running_release(&names.running);
    return st;
}

enum status table_evaluate(double **out, const struct table *t,
                           const char *text, struct err *err)
{
    bool whole;

    return evaluate(out, &whole, t, text, err);
}

static void note_replaced(struct table *t, const char *name)
{
    char *note = mem_printf("--derive takes the place of column %s", name);

    table_note(t, note);
    free(note);
}

enum status table_derive(struct table *t, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    char *name = equals ? mem_strndup(text, (size_t)(equals - text)) : NULL;
    double *num = NULL;
    enum status st = OK;
    bool whole = false;
    char buf[32];

    if (!name || !*text_trim(name))
        st = err_set(err, ERR_USAGE,
                     "'%s' is not a derived column: write NAME = EXPRESSION",
                     text);
    if (st == OK && (st = evaluate(&num, &whole, t, equals + 1, err)) != OK)
        err_prefix(err, "column %s: ", text_trim(name));
    if (st == OK) {
        const int old = table_find(t, text_trim(name));
        struct column *c;

        if (old < 0)
            table_add_column(t, text_trim(name));
        else
            note_replaced(t, text_trim(name));
        c = &t->cols[old < 0 ? t->n_cols - 1 : old];
        c->text = old < 0 ? mem_array(t->cap, sizeof *c->text) : c->text;
        for (size_t r = 0; r < t->rows; r++) {
            free(c->text[r]);
            c->text[r] = mem_strdup(text_number(buf, num[r]));
        }
        free(c->num);
        c->num = mem_grow(num, t->cap, sizeof *num);
    }
    if (st == OK && whole)
        table_note(t, "a sum or lag of --derive names no run ('by RUN'): all "
                      "rows were taken for one");
    free(name);
    return st;
}

/* Is a cell's text no name, so that an expression cannot hold it bare? */
static bool needs_quotes(const char *text)
{
    const size_t n =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                     "VWXYZ_0123456789");

    return text[0] && (text[n] || strchr("0123456789", text[0]));
}

/* A condition that does not parse and holds a label of a text column as people
 * write it, S-Base or 6E6D: how to write it. */
static void hint_quotes(const struct table *t, const char *condition,
                        struct err *err)
{
    const char *found = NULL;

    for (int i = 0; i < t->n_cols; i++)
        for (size_t r = 0; r < t->rows && is_words(&t->cols[i], t->rows); r++) {
            const char *text = t->cols[i].text[r];

            if (needs_quotes(text) && strstr(condition, text) &&
                (!found || strlen(text) > strlen(found)))
                found = text;
        }
    if (found)
        err_append(err, "; a label that is no plain word goes in quotes: '%s'",
                   found);
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
        hint_quotes(t, condition, err);
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
