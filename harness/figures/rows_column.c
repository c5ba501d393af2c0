/* rows_column.c - columns of a table as axes and as what tells points
 * apart. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/rows.h"

#define MOST_WORDS 24 /* on an axis */
#define LOG_FROM   8  /* a range of this factor gets a logarithmic axis */

/* --- words by how often they occur ----------------------------------------- */

struct word {
    const char *text;
    int n, first;
};

static int by_count(const void *a, const void *b)
{
    const struct word *x = a, *y = b;

    return x->n != y->n ? y->n - x->n : x->first - y->first;
}

/* The distinct texts of the model's rows, the most frequent first; the caller
 * frees the list. */
static struct word *words_of(int *n, const struct plot_rows *d,
                             const struct column *c)
{
    struct word *words = mem_array(d->m->rows + 1, sizeof *words);

    *n = 0;
    for (size_t i = 0; i < d->m->rows; i++) {
        const char *text = c->text[d->m->source_row[i]];
        int k = 0;

        while (k < *n && strcmp(words[k].text, text) != 0)
            k++;
        if (k == *n)
            words[(*n)++] = (struct word){ text, 0, (int)i };
        words[k].n++;
    }
    qsort(words, (size_t)*n, sizeof *words, by_count);
    return words;
}

const char *plot_rows_commonest(const struct plot_rows *d, const char *column)
{
    const int c = table_find(d->t, column);
    struct word *words;
    const char *text = "";
    int n;

    if (c >= 0) {
        words = words_of(&n, d, &d->t->cols[c]);
        text = n ? words[0].text : "";
        free(words);
    }
    return text;
}

static int word_place(const struct word *words, int n, const char *text)
{
    int k = 0;

    while (k < n && strcmp(words[k].text, text) != 0)
        k++;
    return k;
}

static bool is_numbers(const struct plot_rows *d, const struct column *c)
{
    for (size_t i = 0; i < d->m->rows; i++)
        if (!isfinite(c->num[d->m->source_row[i]]))
            return false;
    return true;
}

/* --- series -------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void add_range(struct row_series *s, double from, double to)
{
    char a[32], b[32];

    s->name[s->n++] = from == to ? mem_strdup(text_si(a, from, 3))
                                 : mem_printf("%s .. %s", text_si(a, from, 3),
                                              text_si(b, to, 3));
}

/* Each value of few numbers; of many, ranges with as many values in each. */
static void number_series(struct row_series *s, const struct plot_rows *d,
                          const struct column *c)
{
    const size_t rows = d->m->rows;
    double *sorted = mem_array(rows + 1, sizeof *sorted), start[ROWS_SERIES];
    size_t n = 0, parts;

    for (size_t i = 0; i < rows; i++)
        sorted[i] = c->num[d->m->source_row[i]];
    qsort(sorted, rows, sizeof *sorted, by_number);
    for (size_t i = 0; i < rows; i++)
        if (i == 0 || sorted[i] != sorted[n - 1])
            sorted[n++] = sorted[i];
    parts = n <= ROWS_SERIES ? n : 5;
    for (size_t k = 0; k < parts; k++) {
        start[k] = sorted[k * n / parts];
        add_range(s, start[k], sorted[(k + 1) * n / parts - 1]);
    }
    for (size_t i = 0; i < rows; i++)
        while (s->of[i] + 1 < s->n &&
               c->num[d->m->source_row[i]] >= start[s->of[i] + 1])
            s->of[i]++;
    s->is_number = true;
    free(sorted);
}

/* The most frequent words; the others share the last series. */
static void word_series(struct row_series *s, const struct plot_rows *d,
                        const struct column *c)
{
    int n;
    struct word *words = words_of(&n, d, c);
    const int most = n <= ROWS_SERIES ? n : ROWS_SERIES - 1;

    for (int k = 0; k < most; k++)
        s->name[s->n++] =
            mem_strdup(*words[k].text ? words[k].text : "(empty)");
    s->whole = n == most;
    if (n > most)
        s->name[s->n++] = mem_printf("%d others", n - most);
    for (size_t i = 0; i < d->m->rows; i++) {
        const int k = word_place(words, n, c->text[d->m->source_row[i]]);

        s->of[i] = k < most ? k : most;
    }
    free(words);
}

static const char *group_column(const struct model *m)
{
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].column)
            return m->names[k].column;
    return NULL;
}

enum status row_series_find(struct row_series *s, const struct plot_rows *d,
                            const char *column, struct err *err)
{
    const char *group = group_column(d->m);
    enum status st = OK;

    *s = (struct row_series){ .column = -1 };
    s->of = mem_array(d->m->rows + 1, sizeof *s->of);
    if (column)
        st = table_need(&s->column, d->t, "--by: ", column, err);
    else if (group)
        s->column = table_find(d->t, group);
    if (st != OK || s->column < 0)
        return st;
    if (is_numbers(d, &d->t->cols[s->column]))
        number_series(s, d, &d->t->cols[s->column]);
    else
        word_series(s, d, &d->t->cols[s->column]);
    s->is_group = !s->is_number && s->whole && group &&
                  strcmp(group, d->t->cols[s->column].name) == 0;
    return OK;
}

void row_series_add(const struct row_series *s, struct picture *p,
                    const struct plot_rows *d)
{
    for (int k = 0; k < s->n; k++)
        if (s->is_number)
            picture_step(p, s->name[k], k, s->n);
        else
            picture_series(p, s->name[k], k);
    if (s->n)
        picture_say(&p->key_title, "%s", d->t->cols[s->column].name);
    else
        p->no_key = picture_series(p, "rows", 0) == 0;
}

void row_series_release(struct row_series *s)
{
    for (int k = 0; k < s->n; k++)
        free(s->name[k]);
    free(s->of);
    *s = (struct row_series){ .column = -1 };
}

/* --- axes ---------------------------------------------------------------- */

static void measure(struct row_axis *a, size_t rows)
{
    a->lo = HUGE_VAL;
    a->hi = -HUGE_VAL;
    for (size_t i = 0; i < rows; i++) {
        a->lo = isfinite(a->value[i]) ? fmin(a->lo, a->value[i]) : a->lo;
        a->hi = isfinite(a->value[i]) ? fmax(a->hi, a->value[i]) : a->hi;
    }
    a->log = a->n_words == 0 && a->lo > 0 && a->hi > LOG_FROM * a->lo;
}

static enum status column_axis(struct row_axis *a, const struct plot_rows *d,
                               const struct column *c, struct err *err)
{
    struct word *words;
    int n;

    if (is_numbers(d, c)) {
        for (size_t i = 0; i < d->m->rows; i++)
            a->value[i] = c->num[d->m->source_row[i]];
        return OK;
    }
    words = words_of(&n, d, c);
    if (n <= MOST_WORDS) {
        a->words = mem_array((size_t)n + 1, sizeof *a->words);
        for (; a->n_words < n; a->n_words++)
            a->words[a->n_words] = mem_strdup(words[a->n_words].text);
    }
    for (size_t i = 0; i < d->m->rows; i++)
        a->value[i] = 1 + word_place(words, n, c->text[d->m->source_row[i]]);
    free(words);
    return n <= MOST_WORDS
               ? OK
               : err_set(err, ERR_USAGE,
                         "--x: %s has %d different words, too many for an axis",
                         c->name, n);
}

static void variable_axis(struct row_axis *a, const struct plot_rows *d,
                          int slot)
{
    const struct model_name *nm = &d->m->names[slot];

    a->name = nm->name;
    a->slot = slot;
    for (size_t i = 0; i < d->m->rows; i++)
        a->value[i] = nm->values ? nm->values[i] : nm->constant;
}

enum status row_axis_find(struct row_axis *a, const struct plot_rows *d,
                          const char *name, struct err *err)
{
    enum status st = OK;
    int column;

    *a = (struct row_axis){ .name = name, .slot = -1 };
    a->value = mem_array(d->m->rows + 1, sizeof *a->value);
    for (int k = 0; k < d->m->n_names && a->slot < 0; k++)
        if (d->m->names[k].is_var && strcmp(d->m->names[k].name, name) == 0)
            variable_axis(a, d, k);
    if (a->slot < 0)
        st = table_need(&column, d->t, "--x: ", name, err);
    if (st == OK && a->slot < 0)
        st = column_axis(a, d, &d->t->cols[column], err);
    measure(a, d->m->rows);
    if (st == OK && !(a->hi > a->lo))
        st = err_set(err, ERR_USAGE, "--x: all rows have the same %s", name);
    return st;
}

void row_axis_of_law(struct row_axis *a, const struct plot_rows *d)
{
    *a = (struct row_axis){ .name = "predicted", .slot = -1 };
    a->value = mem_array(d->m->rows + 1, sizeof *a->value);
    memcpy(a->value, d->f->mu, d->m->rows * sizeof *a->value);
    measure(a, d->m->rows);
    a->log = false;
}

int *row_axis_variables(int *n, const struct plot_rows *d)
{
    int *slots = mem_array((size_t)d->m->n_names + 1, sizeof *slots);

    *n = 0;
    for (int k = 0; k < d->m->n_names; k++) {
        const double *v = d->m->names[k].values;
        bool differs = false;

        for (size_t i = 1; v && i < d->m->rows && !differs; i++)
            differs = v[i] != v[0];
        if (d->m->names[k].is_var && differs)
            slots[(*n)++] = k;
    }
    return slots;
}

void row_axis_tics(const struct row_axis *a, struct picture_axis *axis)
{
    for (int k = 0; k < a->n_words; k++)
        picture_tic(axis, k + 1, a->words[k]);
    if (a->n_words)
        picture_range(axis, 0.5, a->n_words + 0.5);
}

void row_axis_release(struct row_axis *a)
{
    for (int k = 0; k < a->n_words; k++)
        free(a->words[k]);
    free(a->words);
    free(a->value);
    *a = (struct row_axis){ .slot = -1 };
}
