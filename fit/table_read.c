/* table_read.c - separated text into a table. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "fit/table.h"

#define MAX_TABLE (size_t)(1 << 30)

struct reader {
    const char *p;
    const char *source;
    char separator;
    int64_t line;
    struct str cell;
    char **cells; /* of the line being read */
    int n, cap;
};

static void keep_cell(struct reader *rd, bool quoted)
{
    char *text = str_steal(&rd->cell);

    if (rd->n == rd->cap) {
        rd->cap = rd->cap * 2 + 16;
        rd->cells = mem_grow(rd->cells, (size_t)rd->cap, sizeof *rd->cells);
    }
    rd->cells[rd->n++] =
        quoted ? mem_strdup(text) : mem_strdup(text_trim(text));
    free(text);
}

static void drop_cells(struct reader *rd)
{
    for (int i = 0; i < rd->n; i++)
        free(rd->cells[i]);
    rd->n = 0;
}

/* A quote only opens at the start of a cell; inside, two stand for one. */
static enum status read_quoted(struct reader *rd, struct err *err)
{
    const int64_t opened = rd->line;

    for (rd->p++; *rd->p; rd->p++) {
        if (*rd->p == '"' && rd->p[1] != '"') {
            rd->p++;
            return OK;
        }
        if (*rd->p == '"')
            rd->p++;
        if (*rd->p == '\n')
            rd->line++;
        str_add_char(&rd->cell, *rd->p);
    }
    return err_set(err, ERR_CONFIG, "%s:%lld: a quote that never closes",
                   rd->source, (long long)opened);
}

/* Read the cells of one line; p ends behind its line break. */
static enum status read_line(struct reader *rd, struct err *err)
{
    for (;;) {
        bool quoted = false;

        while (*rd->p == ' ')
            rd->p++;
        if (*rd->p == '"') {
            enum status st = read_quoted(rd, err);

            if (st != OK)
                return st;
            quoted = true;
        }
        while (*rd->p && *rd->p != rd->separator && *rd->p != '\n') {
            if (!quoted && *rd->p != '\r')
                str_add_char(&rd->cell, *rd->p);
            rd->p++;
        }
        keep_cell(rd, quoted);
        if (*rd->p != rd->separator)
            break;
        rd->p++;
    }
    if (*rd->p)
        rd->p++;
    return OK;
}

/* The separator is the one that occurs most often in the header line, outside
 * of quotes. */
static char find_separator(const char *line)
{
    static const char candidates[] = ",;\t";
    char best = ',';
    int most = 0;

    for (const char *c = candidates; *c; c++) {
        bool quoted = false;
        int n = 0;

        for (size_t i = 0; line[i] && (quoted || line[i] != '\n'); i++) {
            quoted ^= line[i] == '"';
            n += !quoted && line[i] == *c;
        }
        if (n > most) {
            most = n;
            best = *c;
        }
    }
    return best;
}

static bool skip_empty(struct reader *rd)
{
    const char *p = rd->p + strspn(rd->p, " \t\r");

    if (*p != '\n' && *p != '#')
        return false;
    rd->p += strcspn(rd->p, "\n");
    if (*rd->p)
        rd->p++;
    rd->line++;
    return true;
}

static enum status read_header(struct table *t, struct reader *rd,
                               struct err *err)
{
    enum status st = read_line(rd, err);

    for (int i = 0; st == OK && i < rd->n; i++) {
        if (!*rd->cells[i])
            st = err_set(err, ERR_CONFIG, "%s:%lld: column %d has no name",
                         rd->source, (long long)rd->line, i + 1);
        else if (table_find(t, rd->cells[i]) >= 0)
            st = err_set(err, ERR_CONFIG, "%s:%lld: two columns are named '%s'",
                         rd->source, (long long)rd->line, rd->cells[i]);
        else
            table_add_column(t, rd->cells[i]);
    }
    drop_cells(rd);
    rd->line++;
    return st;
}

static enum status read_row(struct table *t, struct reader *rd, struct err *err)
{
    const int64_t line = rd->line;
    enum status st = read_line(rd, err);
    int n = rd->n;

    if (st == OK) {
        while (rd->n < t->n_cols)
            keep_cell(rd, false);
        table_add_row(t, line, (const char *const *)rd->cells);
        if (n != t->n_cols)
            t->trouble[t->rows - 1] =
                mem_printf("%d cells where the header has %d", n, t->n_cols);
    }
    drop_cells(rd);
    rd->line++;
    return st;
}

enum status table_parse(struct table **out, const char *text,
                        const char *source, struct err *err)
{
    struct reader rd = { .p = text, .source = source, .line = 1 };
    struct table *t = table_new(source, "line");
    enum status st = OK;

    if (text_has_prefix(rd.p, "\xef\xbb\xbf"))
        rd.p += 3;
    while (*rd.p && skip_empty(&rd))
        ;
    rd.separator = find_separator(rd.p);
    if (!*rd.p)
        st = err_set(err, ERR_CONFIG, "%s is empty: it needs a header line",
                     source);
    else
        st = read_header(t, &rd, err);
    while (st == OK && *rd.p)
        if (!skip_empty(&rd))
            st = read_row(t, &rd, err);
    if (st == OK && t->rows == 0)
        st = err_set(err, ERR_CONFIG, "%s has a header but no rows", source);
    str_release(&rd.cell);
    drop_cells(&rd);
    free(rd.cells);
    if (st != OK) {
        table_free(t);
        t = NULL;
    }
    *out = t;
    return st;
}

enum status table_read(struct table **out, const char *path, struct err *err)
{
    struct str text = { 0 };
    enum status st = file_read(&text, path, MAX_TABLE, err);

    *out = NULL;
    if (st == OK && strlen(str_text(&text)) != text.len)
        st = err_set(err, ERR_CONFIG, "%s is not text: it holds a zero byte",
                     path);
    if (st == OK)
        st = text_has_suffix(path, ".jsonl")
                 ? table_parse_lines(out, str_text(&text), path, err)
                 : table_parse(out, str_text(&text), path, err);
    str_release(&text);
    return st;
}
