/* predictions_text.c - predictions as a table, CSV, JSON or Markdown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text_table.h"
#include "base/wrap.h"
#include "harness/study/predictions_parts.h"

static bool is_empty(const struct predictions *p, int col)
{
    for (size_t r = 0; r < p->n; r++)
        if (*p->cells[r * (size_t)p->columns + (size_t)col])
            return false;
    return true;
}

/* The head and the rows of the columns that are shown; the caller frees the
 * list alone. */
static char **choose(int *n, int *columns, const struct predictions *p,
                     const bool *shown)
{
    char **out = mem_array((p->n + 1) * (size_t)p->columns + 1, sizeof *out);

    *n = *columns = 0;
    for (int c = 0; c < p->columns; c++)
        if (shown[c]) {
            out[(*n)++] = p->head[c];
            ++*columns;
        }
    for (size_t r = 0; r < p->n; r++)
        for (int c = 0; c < p->columns; c++)
            if (shown[c])
                out[(*n)++] = p->cells[r * (size_t)p->columns + (size_t)c];
    return out;
}

/* Terms in a table of their own when a terminal is too narrow for all, beside
 * the settings; false when even that is. */
static bool add_two_tables(struct str *out, const struct predictions *p,
                           const bool *shown)
{
    const int first = p->settings + 1 + BANDS;
    bool *part = mem_array((size_t)p->columns, sizeof *part);
    struct str text = { 0 };
    bool fits = p->terms > 0;

    for (int k = 0; k < 2 && fits; k++) {
        int n, columns;
        char **cells;

        for (int c = 0; c < p->columns; c++) {
            const bool term = c >= first && c < first + p->terms;

            part[c] = shown[c] && (c <= p->settings || term == (k == 1));
        }
        cells = choose(&n, &columns, p, part);
        fits = text_table_fits(cells, n, columns);
        str_add(&text, k ? "\n" : "");
        text_table(&text, cells, n, columns);
        free(cells);
    }
    if (fits)
        str_add(out, str_text(&text));
    str_release(&text);
    free(part);
    return fits;
}

static void add_table(struct str *out, const struct predictions *p)
{
    bool *shown = mem_array((size_t)p->columns, sizeof *shown);
    char **cells;
    int n, columns;

    for (int c = 0; c < p->columns; c++)
        shown[c] = c <= p->settings || !is_empty(p, c);
    cells = choose(&n, &columns, p, shown);
    if (p->n == 0)
        ;
    else if (p->format == PREDICTIONS_MD)
        text_markdown(out, cells, n, columns);
    else if (text_table_fits(cells, n, columns) ||
             !add_two_tables(out, p, shown))
        text_table(out, cells, n, columns);
    free(cells);
    free(shown);
}

static void add_csv(struct str *out, const struct predictions *p)
{
    for (int c = 0; c < p->columns; c++) {
        text_csv(out, p->head[c], false);
        str_add_char(out, c + 1 < p->columns ? ',' : '\n');
    }
    for (size_t i = 0; i < p->n * (size_t)p->columns; i++) {
        const int c = (int)(i % (size_t)p->columns);

        text_csv(out, p->cells[i], !p->is_words[c]);
        str_add_char(out, c + 1 < p->columns ? ',' : '\n');
    }
}

/* A cell of a column of numbers is one, or was not given. */
static void add_json_cell(struct str *out, const struct predictions *p, int c,
                          const char *text)
{
    double x;

    if (p->is_words[c])
        json_add_text(out, p->head[c], text);
    else
        json_add_number(out, p->head[c],
                        table_number(&x, text) ? x : (double)NAN);
}

static void add_json_terms(struct str *out, const struct predictions *p,
                           char *const *cell)
{
    const int first = p->settings + 1 + BANDS;

    str_add(out, ",\"terms\":[");
    for (int k = first; k < first + p->terms; k++) {
        double x;

        str_add(out, k > first ? ",{" : "{");
        json_add_text(out, "name", p->head[k]);
        json_add_number(out, "value",
                        table_number(&x, cell[k]) ? x : (double)NAN);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}

static void add_json_row(struct str *out, const struct predictions *p, size_t r)
{
    char *const *cell = p->cells + r * (size_t)p->columns;
    const int first = p->settings + 1 + BANDS;

    str_add(out, r ? ",{" : "{");
    if (p->s->table)
        json_add_number(
            out, "row",
            (double)p->s->table->number[settings_row(p->s, p->at[r])]);
    str_add(out, p->s->table ? ",\"at\":{" : "\"at\":{");
    for (int c = 0; c < p->settings; c++)
        add_json_cell(out, p, c, cell[c]);
    str_add_char(out, '}');
    for (int c = p->settings; c < p->columns; c++)
        if (c < first || c >= first + p->terms)
            add_json_cell(out, p, c, cell[c]);
    if (!p->what)
        add_json_terms(out, p, cell);
    str_add_char(out, '}');
}

void predictions_warning(struct str *out, int *n, enum fit_code code,
                         const char *text)
{
    str_add(out, (*n)++ ? ",{" : "{");
    json_add_text(out, "code", fit_code_text(code));
    json_add_text(out, "text", text);
    str_add(out, "}");
}

static void add_json(struct str *out, const struct predictions *p,
                     const struct fit *f, const char *narrow)
{
    int warnings = 0;

    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/predictions/1");
    json_add_text(out, "law", p->m->law ? p->m->law->name : "formula");
    json_add_text(out, p->what ? "what" : "response",
                  p->what ? p->what : p->m->response);
    str_add(out, ",\"rows\":[");
    for (size_t r = 0; r < p->n; r++)
        add_json_row(out, p, r);
    str_add(out, "],\"left_out\":[");
    for (int k = 0; k < p->n_missing; k++) {
        struct str name = { 0 };

        predictions_name(&name, p, p->missing[k].i);
        str_add(out, k ? ",{" : "{");
        json_add_text(out, "row", str_text(&name));
        json_add_text(out, "why", p->missing[k].why);
        str_add_char(out, '}');
        str_release(&name);
    }
    str_add(out, "],\"warnings\":[");
    if (p->beyond_what)
        predictions_warning(out, &warnings, FIT_EXTRAPOLATION, p->beyond_what);
    for (int i = 0; f && narrow && i < f->n_warnings; i++)
        predictions_warning(out, &warnings, f->warnings[i].code,
                            f->warnings[i].text);
    str_add(out, "]}\n");
}

/* What is to be known of all rows. */
static void add_remarks(struct str *out, const struct predictions *p,
                        const char *narrow)
{
    struct str text = { 0 };

    if (p->n && !p->what && p->has_interval)
        str_addf(&text,
                 "%s: lo95, hi95 are of the law, run_lo95, run_hi95 of one new "
                 "run\n",
                 p->m->response);
    else if (p->n && !p->what)
        str_addf(&text, "%s: no intervals\n", p->m->response);
    if (p->has_interval && narrow)
        str_addf(&text, "too narrow: the fit warns of %s\n", narrow);
    if (p->beyond_what)
        str_addf(
            &text, "extrapolates up to %s beyond the data%s\n", p->beyond_what,
            p->most_beyond > 10 ? ": the interval holds only if the law does"
                                : "");
    str_add_wrapped(out, str_text(&text), TEXT_HANG);
    str_release(&text);
}

void predictions_text(struct str *out, const struct predictions *p,
                      const struct fit *f, const char *narrow)
{
    if (p->format == PREDICTIONS_JSON)
        add_json(out, p, f, narrow);
    else if (p->format == PREDICTIONS_CSV)
        add_csv(out, p);
    else
        add_table(out, p);
    if (p->format == PREDICTIONS_TABLE)
        add_remarks(out, p, narrow);
}
