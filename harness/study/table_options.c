#include "harness/study/table_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status map_one(struct table *t, const char *text,
                           enum status (*may_name)(const char *, struct err *),
                           struct err *err)
{
    const char *equals = strchr(text, '=');
    char *name;
    enum status st = OK;

    if (!equals || equals == text || !equals[1])
        return err_set(err, ERR_USAGE, "--map '%s' is not NAME=COLUMN", text);
    name = mem_strndup(text, (size_t)(equals - text));
    if (may_name)
        st = may_name(name, err);
    if (st == OK)
        st = table_rename(t, equals + 1, name, err);
    free(name);
    return st;
}

enum status table_map(struct table *t, const char *text,
                      enum status (*may_name)(const char *, struct err *),
                      struct err *err)
{
    const char *equals = strchr(text, '=');
    char *copy = mem_strdup(text), *next = copy, *word;
    enum status st = OK;

    if (equals && table_find(t, equals + 1) >= 0)
        st = map_one(t, text, may_name, err);
    else
        while (st == OK && (word = strsep(&next, ",")))
            st = map_one(t, text_trim(word), may_name, err);
    free(copy);
    return st;
}

enum status table_drop_list(struct table *t, const char *text, struct err *err)
{
    char *copy = mem_strdup(text), *next = copy, *word;
    enum status st = OK;

    while (st == OK && (word = strsep(&next, ",")))
        st = table_drop(t, text_trim(word), err);
    free(copy);
    return st;
}

/* --- the best of each cell ------------------------------------------------- */

struct cell_row {
    char *key; /* what it is told apart by */
    double value;
    size_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct cell_row *x = a, *y = b;
    const int c = strcmp(x->key, y->key);

    return c                      ? c
           : x->value != y->value ? (x->value > y->value ? 1 : -1)
                                  : (x->row > y->row) - (x->row < y->row);
}

/* Numbers by value, so that 1e6 and 1000000 are one. */
static char *key_of(const struct table *t, const int *cols, int n, size_t row)
{
    struct str key = { 0 };

    for (int i = 0; i < n; i++) {
        const struct column *c = &t->cols[cols[i]];
        char buf[32];

        str_addf(&key, "%s\x1f",
                 isfinite(c->num[row]) ? text_number(buf, c->num[row])
                                       : c->text[row]);
    }
    return str_steal(&key);
}

static enum status find_columns(int **cols, int *n, const struct table *t,
                                const char *by, struct err *err)
{
    char *copy = mem_strdup(by), *next = copy, *word;
    enum status st = OK;

    *n = 0;
    *cols = NULL;
    while (st == OK && (word = strsep(&next, ","))) {
        *cols = mem_grow(*cols, (size_t)*n + 1, sizeof **cols);
        st = table_need(&(*cols)[(*n)++], t, "--by: ", text_trim(word), err);
    }
    free(copy);
    return st;
}

/* Mark the rows that stay; the number of cells. */
static int choose(bool *keep, const struct table *t, int best, const int *cols,
                  int n)
{
    struct cell_row *rows = mem_array(t->rows + 1, sizeof *rows);
    size_t count = 0;
    int cells = 0;

    for (size_t r = 0; r < t->rows; r++) {
        keep[r] = !isfinite(t->cols[best].num[r]) || t->trouble[r];
        if (!keep[r])
            rows[count++] = (struct cell_row){ key_of(t, cols, n, r),
                                               t->cols[best].num[r], r };
    }
    if (count)
        qsort(rows, count, sizeof *rows, by_key);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(rows[i].key, rows[i - 1].key) != 0) {
            keep[rows[i].row] = true;
            cells++;
        }
    for (size_t i = 0; i < count; i++)
        free(rows[i].key);
    free(rows);
    return cells;
}

enum status table_best(struct table *t, const char *column, const char *by,
                       struct err *err)
{
    bool *keep;
    int *cols = NULL, n = 0, best, cells;
    struct table *kept, swap;
    char *text;
    enum status st = OK;

    if (!by)
        return err_set(err, ERR_USAGE,
                       "--best %s needs --by: the columns that make a cell, as "
                       "in --by N,D",
                       column);
    st = table_need(&best, t, "--best: ", column, err);
    if (st == OK)
        st = find_columns(&cols, &n, t, by, err);
    if (st == OK) {
        keep = mem_array(t->rows + 1, sizeof *keep);
        cells = choose(keep, t, best, cols, n);
        kept = table_select(t, keep);
        text = mem_printf("the row with the least %s of each of %d cells (%s), "
                          "of %zu rows",
                          column, cells, by, t->rows);
        table_note(kept, text);
        swap = *t;
        *t = *kept;
        *kept = swap;
        table_free(kept);
        free(text);
        free(keep);
    }
    free(cols);
    return st;
}
