#include "base/text_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/wrap.h"

#define NARROWEST 8  /* columns that a cell of words keeps */
#define NAMES     30 /* columns of the names of records */

struct cells {
    char *const *cells;
    int n, columns;
};

bool text_is_number(const char *text)
{
    const char *end;
    double x;

    return *text && text_read_number(&x, text, &end, false) && !*end;
}

static void put_padded(struct str *out, const char *text, size_t width)
{
    struct str cell = { 0 };
    size_t pad;

    str_add_label(&cell, text, width);
    pad = width - text_columns(str_text(&cell));
    if (text_is_number(text))
        str_addf(out, "%*s%s", (int)pad, "", str_text(&cell));
    else
        str_addf(out, "%s%*s", str_text(&cell), (int)pad, "");
    str_release(&cell);
}

/* Columns of each column, and below which it does not go: numbers are never
 * cut, of words something must be left. */
static void measure(const struct cells *s, size_t *width, size_t *least)
{
    for (int i = 0; i < s->n; i++) {
        const size_t w = text_columns(s->cells[i]);
        const size_t keep =
            text_is_number(s->cells[i]) || w < NARROWEST ? w : NARROWEST;
        const int c = i % s->columns;

        width[c] = w > width[c] ? w : width[c];
        least[c] = keep > least[c] ? keep : least[c];
    }
}

/* Take from the widest of the columns that can give until a row fits; false:
 * it never does. */
static bool narrow(const struct cells *s, size_t *width, const size_t *least)
{
    size_t all = 2 * (size_t)(s->columns - 1);

    for (int c = 0; c < s->columns; c++)
        all += width[c];
    for (; all > TEXT_COLUMNS; all--) {
        int widest = -1;

        for (int c = 0; c < s->columns; c++)
            if (width[c] > least[c] && (widest < 0 || width[c] > width[widest]))
                widest = c;
        if (widest < 0)
            return false;
        width[widest]--;
    }
    return true;
}

static void put_rows(struct str *out, const struct cells *s,
                     const size_t *width)
{
    for (int i = 0; i < s->n; i++) {
        const int c = i % s->columns;

        put_padded(out, s->cells[i], width[c]);
        str_add(out, c + 1 < s->columns ? "  " : "\n");
        if (i + 1 == s->columns) {
            for (int k = 0; k < s->columns; k++) {
                for (size_t w = 0; w < width[k]; w++)
                    str_add_char(out, '-');
                str_add(out, k + 1 < s->columns ? "  " : "\n");
            }
        }
    }
}

/* Rows that no terminal holds: each as lines of name and value. */
static void put_records(struct str *out, const struct cells *s)
{
    size_t name = 0;

    for (int c = 0; c < s->columns; c++)
        if (text_columns(s->cells[c]) > name)
            name = text_columns(s->cells[c]);
    name = name < NAMES ? name : NAMES;
    for (int i = s->columns; i < s->n; i++) {
        struct str line = { 0 };

        if (i > s->columns && i % s->columns == 0)
            str_add(&line, "\n");
        str_add_cell(&line, s->cells[i % s->columns], name);
        str_add(&line, "  ");
        str_add_shown(&line, s->cells[i], SIZE_MAX);
        str_add(&line, "\n");
        str_add_wrapped(out, str_text(&line), name + 2);
        str_release(&line);
    }
}

/* The names of columns without rows. */
static void put_names(struct str *out, const struct cells *s)
{
    struct str line = { 0 };

    for (int c = 0; c < s->columns; c++) {
        str_add(&line, c > 0 ? "  " : "");
        str_add_shown(&line, s->cells[c], SIZE_MAX);
    }
    str_add_wrapped(out, str_text(&line), TEXT_HANG);
    str_add(out, "\n");
    str_release(&line);
}

void text_table(struct str *out, char *const *cells, int n, int columns)
{
    const struct cells s = { cells, n, columns };
    size_t *width = mem_array((size_t)columns + 1, sizeof *width);
    size_t *least = mem_array((size_t)columns + 1, sizeof *least);

    measure(&s, width, least);
    if (narrow(&s, width, least))
        put_rows(out, &s, width);
    else if (n > columns)
        put_records(out, &s);
    else
        put_names(out, &s);
    free(width);
    free(least);
}

bool text_table_fits(char *const *cells, int n, int columns)
{
    const struct cells s = { cells, n, columns };
    size_t *width = mem_array((size_t)columns + 1, sizeof *width);
    size_t *least = mem_array((size_t)columns + 1, sizeof *least);
    bool fits;

    measure(&s, width, least);
    fits = narrow(&s, width, least);
    free(width);
    free(least);
    return fits;
}

void text_markdown(struct str *out, char *const *cells, int n, int columns)
{
    for (int i = 0; i < n; i++) {
        str_add(out, i % columns ? " " : "| ");
        for (const char *p = cells[i]; *p; p++) {
            if (strchr("|\\`*_<>[]", *p))
                str_add_char(out, '\\');
            str_add_char(out, (unsigned char)*p < ' ' ? ' ' : *p);
        }
        str_add(out, (i + 1) % columns ? " |" : " |\n");
        if (i + 1 == columns) {
            str_add(out, "|");
            for (int k = 0; k < columns; k++)
                str_add(out, "---|");
            str_add(out, "\n");
        }
    }
}

static void add_quoted(struct str *out, const char *before, const char *text)
{
    str_addf(out, "\"%s", before);
    str_add_doubled(out, text);
    str_add_char(out, '"');
}

void text_csv(struct str *out, const char *text, bool number)
{
    if (!number && *text && strchr("=+-@\t\r", *text))
        add_quoted(out, "'", text);
    else if (strpbrk(text, ",\"\r\n"))
        add_quoted(out, "", text);
    else
        str_add(out, text);
}

void text_csv_exact(struct str *out, const char *text)
{
    if (!*text || strpbrk(text, ",\"\r\n"))
        add_quoted(out, "", text);
    else
        str_add(out, text);
}
