#include "fit/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    free(c->was);
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
        const char *last =
            strpbrk(t->cols[i].name, "./") ? t->cols[i].name : NULL;

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

/* The column that the file calls so, whatever it is called now. */
static int find_original(const struct table *t, const char *name)
{
    for (int i = 0; i < t->n_cols; i++)
        if (t->cols[i].was && strcmp(t->cols[i].was, name) == 0)
            return i;
    return table_find(t, name);
}

static void set_name(struct column *c, char *name)
{
    if (c->was)
        free(c->name);
    else
        c->was = c->name;
    c->name = name;
}

/* Out of the way of a column that takes the name. */
static void step_aside(struct table *t, int i)
{
    char *name = mem_printf("%s.was", t->cols[i].name);

    if (table_find(t, name) >= 0)
        step_aside(t, table_find(t, name));
    set_name(&t->cols[i], name);
}

enum status table_rename(struct table *t, const char *from, const char *to,
                         struct err *err)
{
    const int taken = table_find(t, to);
    int i = find_original(t, from);

    if (i < 0)
        return table_need(&i, t, "", from, err);
    if (taken == i)
        return OK;
    if (taken >= 0)
        step_aside(t, taken);
    set_name(&t->cols[i], mem_strdup(to));
    return OK;
}

void table_note_renamed(struct table *t)
{
    for (int i = 0; i < t->n_cols; i++) {
        const struct column *c = &t->cols[i];

        if (c->was && text_has_suffix(c->name, ".was")) {
            char *note =
                mem_printf("--map took the name of column %s, which is "
                           "called %s here",
                           c->was, c->name);

            table_note(t, note);
            free(note);
        }
    }
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
        out->cols[i].was = t->cols[i].was ? mem_strdup(t->cols[i].was) : NULL;
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
