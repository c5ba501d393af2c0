/* table_read.c - separated text into a table. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/odd.h"
#include "fit/table_text.h"

#define MAX_TABLE (size_t)(1 << 30)

struct reader {
    const char *p;
    const char *source;
    char separator;
    int64_t line;
    struct str cell;
    char **cells; /* of the line being read */
    int n, cap;
    int n_cells; /* of the header */
    bool *used;  /* of them: has a name */
    bool noted;
    int remarks; /* lines of # below the header */
    int64_t first_remark;
};

static void keep_cell(struct reader *rd, bool quoted)
{
    char *text = str_steal(&rd->cell);

    if (rd->n == rd->cap) {
        rd->cap = rd->cap * 2 + 16;
        rd->cells = mem_grow(rd->cells, (size_t)rd->cap, sizeof *rd->cells);
    }
    rd->cells[rd->n++] =
        quoted ? mem_strdup(text) : mem_strdup(text_trim_blanks(text));
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

/* Blanks that part nothing. */
static void skip_blanks(struct reader *rd)
{
    while (*rd->p == ' ' || *rd->p == '\r' ||
           (*rd->p == '\t' && rd->separator != '\t'))
        rd->p++;
}

static bool at_end(const struct reader *rd)
{
    return *rd->p == '\0' || *rd->p == '\n';
}

static bool at_separator(const struct reader *rd)
{
    return *rd->p == rd->separator || (rd->separator == ' ' && *rd->p == '\t');
}

static enum status read_cell(struct reader *rd, struct err *err)
{
    const bool quoted = *rd->p == '"';
    enum status st = quoted ? read_quoted(rd, err) : OK;

    if (st != OK)
        return st;
    while (!quoted && !at_end(rd) && !at_separator(rd))
        str_add_char(&rd->cell, *rd->p++);
    keep_cell(rd, quoted);
    if (rd->separator != ' ' || *rd->p == '\r')
        skip_blanks(rd);
    if (!at_end(rd) && !at_separator(rd))
        return err_set(err, ERR_CONFIG,
                       "%s:%lld: text behind the closing quote of \"%.40s\"",
                       rd->source, (long long)rd->line, rd->cells[rd->n - 1]);
    return OK;
}

/* Read the cells of one line; p ends behind its line break.  Of blanks that
 * part cells, several are one and those at the ends none. */
static enum status read_line(struct reader *rd, struct err *err)
{
    enum status st = OK;

    for (;;) {
        skip_blanks(rd);
        if (rd->separator == ' ' && rd->n > 0 && at_end(rd))
            break;
        st = read_cell(rd, err);
        if (st != OK || at_end(rd))
            break;
        rd->p++;
    }
    if (*rd->p)
        rd->p++;
    return st;
}

/* The separator is the one that occurs most often in the header line, outside
 * of quotes; blanks where there is none. */
static char find_separator(const char *line)
{
    static const char candidates[] = ",;\t|";
    char best = ' ';
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

static void skip_line(struct reader *rd)
{
    rd->p += strcspn(rd->p, "\n");
    if (*rd->p)
        rd->p++;
    rd->line++;
}

static bool is_blank_line(const char *p)
{
    p += strspn(p, " \t\r");
    return *p == '\n' || *p == '\0';
}

/* --- the header -------------------------------------------------------------- */

/* A spreadsheet's own first line, "sep=;". */
static bool read_sep(struct reader *rd)
{
    if (!text_has_prefix(rd->p, "sep=") || !rd->p[4] ||
        !is_blank_line(rd->p + 5))
        return false;
    rd->separator = rd->p[4];
    skip_line(rd);
    return true;
}

/* Pass over what stands above the header.  Where it ends, *remark is the last
 * line that began with #, or NULL. */
static void skip_preamble(struct reader *rd, const char **remark)
{
    *remark = NULL;
    while (*rd->p) {
        const char *p = rd->p + strspn(rd->p, " \t\r");

        if (*p == '#')
            *remark = p + 1;
        else if (!is_blank_line(p) && !read_sep(rd))
            return;
        if (*p == '#' || is_blank_line(p))
            skip_line(rd);
    }
}

static bool all_numbers(const struct reader *rd)
{
    const char *end;
    double x;

    for (int i = 0; i < rd->n; i++)
        if (!text_read_number(&x, rd->cells[i], &end, false) || *end)
            return false;
    return rd->n > 0;
}

/* The line of names into rd->cells: the first, or the remark above it when it
 * holds only numbers. */
static enum status read_names(struct reader *rd, const char *remark,
                              struct err *err)
{
    const struct reader before = *rd;
    const char *line = rd->p;
    enum status st;
    int n;

    if (!rd->separator)
        rd->separator = find_separator(line);
    st = read_line(rd, err);
    if (st != OK || !all_numbers(rd)) {
        rd->line++;
        return st;
    }
    n = rd->n;
    drop_cells(rd);
    rd->p = remark ? remark : "";
    rd->line = before.line - 1;
    st = read_line(rd, err);
    rd->p = line;
    rd->line = before.line;
    if (st == OK && rd->n != n)
        st = err_set(err, ERR_CONFIG,
                     "%s:%lld: the first line holds only numbers: a table "
                     "needs a header line with the names of its columns",
                     rd->source, (long long)rd->line);
    return st;
}

/* Does the line at p look like names rather than values? */
static bool is_names(const struct reader *at)
{
    struct reader rd = { .p = at->p, .source = "", .separator = at->separator };
    struct err err;
    const char *end;
    double x;
    bool names = read_line(&rd, &err) == OK && rd.n > 1;

    for (int i = 0; i < rd.n && names; i++)
        names =
            rd.cells[i][0] && !text_read_number(&x, rd.cells[i], &end, false);
    str_release(&rd.cell);
    drop_cells(&rd);
    free(rd.cells);
    return names;
}

/* Columns without a name, as an index or a separator at the ends of lines
 * leaves them, are not read. */
static enum status read_header(struct table *t, struct reader *rd,
                               const char *remark, struct err *err)
{
    enum status st = read_names(rd, remark, err);
    const long long line = rd->line - 1;

    rd->n_cells = rd->n;
    rd->used = mem_array((size_t)rd->n + 1, sizeof *rd->used);
    for (int i = 0; st == OK && i < rd->n; i++) {
        rd->used[i] = *rd->cells[i] != '\0';
        if (rd->used[i] && table_find(t, rd->cells[i]) >= 0)
            st = err_set(err, ERR_CONFIG, "%s:%lld: two columns are named '%s'",
                         rd->source, line, rd->cells[i]);
        else if (rd->used[i])
            table_add_column(t, rd->cells[i]);
        else if (is_names(rd))
            st = err_set(err, ERR_CONFIG,
                         "%s:%lld: two lines of names: take out the one that "
                         "only groups the columns",
                         rd->source, line);
    }
    if (st == OK && t->n_cols == 0)
        st = err_set(err, ERR_CONFIG, "%s:%lld: no column has a name",
                     rd->source, line);
    drop_cells(rd);
    return st;
}

/* --- rows ---------------------------------------------------------------------- */

/* "|---|:--:|" under the header of a table in Markdown. */
static bool is_rule(const struct reader *rd)
{
    bool dashes = false;

    for (int i = 0; i < rd->n; i++) {
        const char *c = rd->cells[i];

        if (c[strspn(c, "-:")])
            return false;
        dashes = dashes || strchr(c, '-');
    }
    return dashes && rd->separator == '|';
}

/* Leave out cells under columns without a name; note when they held anything. */
static void drop_nameless(struct table *t, struct reader *rd)
{
    int n = 0;

    for (int i = 0; i < rd->n; i++)
        if (i >= rd->n_cells || rd->used[i]) {
            rd->cells[n++] = rd->cells[i];
        } else {
            if (*rd->cells[i] && !rd->noted) {
                char *text =
                    mem_printf("column %d has no name and is not read", i + 1);

                table_note(t, text);
                free(text);
                rd->noted = true;
            }
            free(rd->cells[i]);
        }
    rd->n = n;
}

static enum status read_row(struct table *t, struct reader *rd, struct err *err)
{
    const int64_t line = rd->line;
    const bool hash = rd->p[strspn(rd->p, " \t\r")] == '#';
    enum status st = read_line(rd, err);
    int n;

    while (rd->n > rd->n_cells && !*rd->cells[rd->n - 1])
        free(rd->cells[--rd->n]);
    n = rd->n;
    rd->line++;
    if (st == OK && hash && n != rd->n_cells) {
        if (rd->remarks++ == 0)
            rd->first_remark = line;
    } else if (st == OK && !is_rule(rd)) {
        while (rd->n < rd->n_cells)
            keep_cell(rd, false);
        drop_nameless(t, rd);
        table_add_row(t, line, (const char *const *)rd->cells);
        if (n != rd->n_cells)
            t->trouble[t->rows - 1] =
                mem_printf("%d cells where the header has %d", n, rd->n_cells);
    }
    drop_cells(rd);
    return st;
}

static void note_remarks(struct table *t, const struct reader *rd)
{
    char *text;

    if (rd->remarks == 0)
        return;
    text = mem_printf(
        "%d line%s below the header begin%s with # and %s passed "
        "over, the first is line %lld",
        rd->remarks, rd->remarks > 1 ? "s" : "", rd->remarks > 1 ? "" : "s",
        rd->remarks > 1 ? "are" : "is", (long long)rd->first_remark);
    table_note(t, text);
    free(text);
}

enum status table_parse(struct table **out, const char *text,
                        const char *source, struct err *err)
{
    struct reader rd = { .p = text, .source = source, .line = 1 };
    struct table *t = table_new(source, "line");
    const char *remark;
    enum status st = OK;

    if (text_has_prefix(rd.p, "\xef\xbb\xbf"))
        rd.p += 3;
    skip_preamble(&rd, &remark);
    if (!*rd.p)
        st = err_set(err, ERR_CONFIG, "%s is empty: it needs a header line",
                     source);
    else
        st = read_header(t, &rd, remark, err);
    while (st == OK && *rd.p)
        if (is_blank_line(rd.p))
            skip_line(&rd);
        else
            st = read_row(t, &rd, err);
    if (st == OK && t->rows == 0)
        st = err_set(err, ERR_CONFIG, "%s has a header but no rows", source);
    if (st == OK)
        st = table_numbers(t, err);
    note_remarks(t, &rd);
    str_release(&rd.cell);
    drop_cells(&rd);
    free(rd.cells);
    free(rd.used);
    if (st != OK) {
        table_free(t);
        t = NULL;
    }
    *out = t;
    return st;
}

enum status table_from(struct table **out, struct str *text, const char *path,
                       enum table_kind kind, struct err *err)
{
    int64_t odd_line;
    enum status st = table_text(&odd_line, text, path, err);
    const char *p = str_text(text);

    *out = NULL;
    p += text_has_prefix(p, "\xef\xbb\xbf") ? 3 : 0;
    p += strspn(p, " \t\r\n");
    if (kind == TABLE_ANY)
        kind = *p == '{' || *p == '[' || text_has_suffix(path, ".jsonl")
                   ? TABLE_JSON
                   : TABLE_SEPARATED;
    if (st == OK)
        st = kind == TABLE_JSON ? table_parse_json(out, p, path, err)
                                : table_parse(out, str_text(text), path, err);
    if (st == OK && odd_line) {
        char *note = mem_printf("line %lld is not UTF-8; the file is read as "
                                "Latin-1",
                                (long long)odd_line);

        table_note(*out, note);
        free(note);
    }
    return st;
}

enum status table_read(struct table **out, const char *path, struct err *err)
{
    struct str text = { 0 };
    enum status st = file_read(&text, path, MAX_TABLE, err);

    *out = NULL;
    if (st == OK)
        st = table_from(out, &text, path, TABLE_ANY, err);
    str_release(&text);
    return st;
}
