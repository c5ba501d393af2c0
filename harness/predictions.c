#include "harness/predictions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "harness/text_table.h"

#define NAMED 5 /* rows without an answer that a sentence names */

struct missing {
    size_t i;
    char *why;
};

struct predictions {
    const struct settings *s;
    const struct model *m;
    const char *what;
    enum predictions_format format;
    char **head;    /* [columns] */
    bool *is_words; /* [columns]: of the setting, and not all numbers */
    int columns, settings, terms; /* of the setting; of the law */
    char **cells;                 /* row after row */
    size_t n, cap;
    size_t *at; /* combination of each row */
    struct missing *missing;
    int n_missing;
    double most_beyond;
    char *beyond_what; /* of the furthest */
    bool has_interval;
};

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
    { "mean_lo95", "lo95" },    { "mean_hi95", "hi95" },
    { "run_lo95", "run_lo95" }, { "run_hi95", "run_hi95" },
};
#define BANDS 4

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

static void put_number(struct predictions *p, char **cell, double x,
                       int digits)
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
    p->missing = mem_grow(p->missing, (size_t)p->n_missing + 1,
                          sizeof *p->missing);
    p->missing[p->n_missing++] = (struct missing){ i, mem_strdup(why) };
}

/* "line 7" or "N=1G, D=0". */
static void name_of(struct str *out, const struct predictions *p, size_t i)
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
        name_of(&text, p, p->missing[k].i);
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

/* --- formats ------------------------------------------------------------- */

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
            out, "row", (double)p->s->table->number[settings_row(p->s, p->at[r])]);
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

        name_of(&name, p, p->missing[k].i);
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
        str_addf(&text, "extrapolates up to %s beyond the data%s\n",
                 p->beyond_what,
                 p->most_beyond > 10
                     ? ": the interval holds only if the law does"
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
