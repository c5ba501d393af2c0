/* table_numbers.c - numbers as people write them in tables.
 *
 * A cell is a number when it is one to text_read_number (1e6, 2.5G, 64Ki).
 * Beyond that these are read, because they mean one thing only:
 *
 *   2.5B, 70b, 12 m, 3k   a unit: k m b g t, small or large, behind one blank
 *                         or none; B is a billion
 *   1_000_000             underscores between digits
 *   1,000,000  1.000.000  groups of three, also parted by blanks, thin spaces
 *   1 000 000  1'000'000  or apostrophes
 *   9,1459                a decimal comma
 *
 * A comma or a point before exactly three digits means one thing or the other,
 * and the column decides: where another cell of it shows groups (1,000,000 or
 * 1,000.5) it parts groups, where one shows a decimal (9,14) it is a decimal
 * mark, and beside a decimal point a comma parts groups.  What the column
 * leaves open the other columns decide.  What stays open is an error: nobody
 * must lose the largest models of a table to a comma. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/odd.h"
#include "fit/table_text.h"

/* --- shapes of one cell ---------------------------------------------------- */

enum mark { COMMA, POINT, OTHER, N_MARKS };

/* Digits in groups of three: "12,345,678.9", with what parts them. */
struct shape {
    enum mark mark; /* of the groups, or of the decimal when groups = 0 */
    int groups;     /* behind the first */
    bool decimal;   /* a fraction behind the other mark, or behind this one */
    bool open;      /* 1,000: a thousand or one */
};

static size_t digits_at(const char *p)
{
    return strspn(p, "0123456789");
}

/* Bytes of something that parts groups; *mark says what. */
static size_t parting(const char *p, enum mark *mark)
{
    static const char *const others[] = {
        "'", " ", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89", "\xe2\x80\x99"
    };

    *mark = *p == ',' ? COMMA : *p == '.' ? POINT : OTHER;
    if (*mark != OTHER)
        return 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (text_has_prefix(p, others[i]))
            return strlen(others[i]);
    return 0;
}

static bool read_fraction(struct shape *s, const char *p)
{
    const enum mark mark = *p == ',' ? COMMA : *p == '.' ? POINT : OTHER;
    const size_t n = mark == OTHER ? 0 : digits_at(p + 1);

    if (n == 0 || (s->groups > 0 && mark == s->mark))
        return false;
    s->decimal = true;
    if (s->groups == 0)
        s->mark = mark;
    p += 1 + n;
    if (s->groups == 0 && (*p == 'e' || *p == 'E')) {
        p++;
        p += *p == '-' || *p == '+';
        p += digits_at(p);
    }
    return *p == '\0';
}

/* False: neither groups nor a decimal with one mark. */
static bool shape_of(struct shape *s, const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    const size_t first = digits_at(p);
    enum mark mark;

    *s = (struct shape){ .mark = OTHER };
    p += first;
    if (first >= 1 && first <= 3 && text[strspn(text, "-+")] != '0')
        for (size_t n; (n = parting(p, &mark)) > 0 && digits_at(p + n) == 3 &&
                       (s->groups == 0 || mark == s->mark);
             p += n + 3) {
            s->mark = mark;
            s->groups++;
        }
    if (s->groups == 0)
        return read_fraction(s, p);
    if (*p && !read_fraction(s, p))
        return false;
    s->open = s->groups == 1 && !s->decimal && s->mark != OTHER;
    return true;
}

/* Without what parts groups, and with a point for the decimal mark. */
static double value_of(const char *text, const struct shape *s, bool groups)
{
    struct str plain = { 0 };
    enum mark mark;
    double x;

    for (const char *p = text; *p;) {
        const size_t n = parting(p, &mark);

        if (n == 0) {
            str_add_char(&plain, *p++);
            continue;
        }
        if (!(groups && s->groups > 0 && mark == s->mark))
            str_add_char(&plain, '.');
        p += n;
    }
    x = strtod(str_text(&plain), NULL);
    str_release(&plain);
    return x;
}

/* --- what can be read by itself --------------------------------------------- */

static double unit_of(const char *p)
{
    static const struct {
        char letter;
        double factor;
    } units[] = {
        { 'k', 1e3 }, { 'm', 1e6 }, { 'b', 1e9 }, { 'g', 1e9 }, { 't', 1e12 }
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (tolower((unsigned char)*p) == units[i].letter && p[1] == '\0')
            return units[i].factor;
    return (double)NAN;
}

/* "2.5B", "1 M" */
static bool read_unit(double *out, const char *text)
{
    const char *end;

    if (!text_read_number(out, text, &end, false) || *end == '\0')
        return false;
    end += text_blank(end);
    *out *= unit_of(end);
    return !isnan(*out);
}

/* "1_000_000", "1_000.5" */
static bool read_underscores(double *out, const char *text)
{
    struct str plain = { 0 };
    const char *end;
    bool ok = strchr(text, '_') != NULL;

    for (const char *p = text; *p && ok; p++)
        if (*p != '_')
            str_add_char(&plain, *p);
        else
            ok = p > text && isdigit((unsigned char)p[-1]) &&
                 isdigit((unsigned char)p[1]);
    ok = ok && text_read_number(out, str_text(&plain), &end, false) && !*end;
    str_release(&plain);
    return ok;
}

/* --- a column ---------------------------------------------------------------- */

struct evidence {
    int groups[N_MARKS], decimal[N_MARKS], open[N_MARKS], words;
};

static void look(struct evidence *e, const struct column *c, size_t rows)
{
    struct shape s;
    double x;

    for (size_t r = 0; r < rows; r++) {
        const char *text = c->text[r];

        if (shape_of(&s, text)) {
            e->open[s.mark] += s.open;
            e->groups[s.mark] += s.groups > 0 && !s.open;
            if (s.decimal)
                e->decimal[s.groups == 0     ? s.mark
                           : s.mark == COMMA ? POINT
                                             : COMMA]++;
        } else if (*text && isnan(c->num[r]) && !read_unit(&x, text) &&
                   !read_underscores(&x, text)) {
            e->words++;
        }
    }
}

static void add(struct evidence *sum, const struct evidence *e)
{
    for (int m = 0; m < N_MARKS; m++) {
        sum->groups[m] += e->groups[m];
        sum->decimal[m] += e->decimal[m];
        sum->open[m] += e->open[m];
    }
    sum->words += e->words;
}

/* What an open mark means: 1 groups, 0 a decimal, -1 nobody knows. */
static int meaning(enum mark mark, const struct evidence *column,
                   const struct evidence *all)
{
    const enum mark other = mark == COMMA ? POINT : COMMA;

    for (int k = 0; k < 2; k++) {
        const struct evidence *e = k ? all : column;

        if (e->groups[mark] && e->decimal[mark])
            return k ? -1 : -2;
        if (e->groups[mark] && k == 0)
            return 1;
        if (e->decimal[mark])
            return 0;
        if (e->decimal[other] || (e->groups[mark] && k))
            return 1;
        if (e->groups[other])
            return 0;
    }
    return mark == POINT ? 0 : -1;
}

static enum status two_ways(const struct table *t, const struct column *c,
                            size_t r, struct err *err)
{
    const char *text = c->text[r];
    const char mark = strchr(text, ',') ? ',' : '.';

    return err_set(err, ERR_CONFIG,
                   "%s:%lld: %s is '%s', which can be read in two ways: the %s "
                   "parts thousands or is a decimal mark; write it without, or "
                   "with a decimal point",
                   t->source, (long long)t->number[r], c->name, text,
                   mark == ',' ? "comma" : "point");
}

static void note(struct table *t, const struct column *c, size_t r)
{
    char buf[32];
    char *text = mem_printf("%s '%s' is read as %s", c->name, c->text[r],
                            text_number(buf, c->num[r]));

    table_note(t, text);
    free(text);
}

/* Read one cell; false when it can be read in two ways. */
static bool settle(double *out, const char *text, const struct evidence *own,
                   const struct evidence *all)
{
    struct shape s;
    double x = (double)NAN; /* *out keeps its value where nothing is read */
    int groups;

    if (read_unit(&x, text) || read_underscores(&x, text)) {
        *out = isfinite(x) ? x : *out;
        return true;
    }
    if (!shape_of(&s, text))
        return true;
    groups = s.open ? meaning(s.mark, own, all) : s.groups > 0;
    if (s.mark == POINT && s.groups == 0)
        return true; /* a plain number already */
    if (groups < 0 || (own->groups[s.mark] && own->decimal[s.mark]))
        return false;
    x = value_of(text, &s, groups == 1);
    *out = isfinite(x) ? x : *out;
    return true;
}

/* Points before three zeros everywhere: thousands, in some countries. */
static void note_zeros(struct table *t, const struct column *c)
{
    size_t zeros = 0, cells = 0, first = 0;
    char *text;

    for (size_t r = 0; r < t->rows; r++) {
        struct shape s;

        cells += c->text[r][0] != '\0';
        if (!shape_of(&s, c->text[r]) || !s.open || s.mark != POINT ||
            !text_has_suffix(c->text[r], ".000"))
            continue;
        first = zeros++ ? first : r;
    }
    if (zeros < 2 || zeros < cells || c->num[first] >= 1000)
        return;
    text = mem_printf("%s '%s' is read as %g: no cell of the table shows that "
                      "the point parts thousands",
                      c->name, c->text[first], c->num[first]);
    table_note(t, text);
    free(text);
}

static enum status read_column(struct table *t, struct column *c,
                               const struct evidence *own,
                               const struct evidence *all, struct err *err)
{
    bool noted = false;

    for (size_t r = 0; r < t->rows; r++) {
        const double before = c->num[r];

        if (!settle(&c->num[r], c->text[r], own, all)) {
            if (own->words == 0)
                return two_ways(t, c, r, err);
            continue;
        }
        if (!noted && !isnan(c->num[r]) && c->num[r] != before) {
            note(t, c, r);
            noted = true;
        }
    }
    note_zeros(t, c);
    return OK;
}

bool table_number(double *out, const char *text)
{
    const struct evidence none = { .words = 0 };
    const char *end;

    if (text_read_number(out, text, &end, false) && !*end)
        return true;
    *out = (double)NAN;
    return settle(out, text, &none, &none) && isfinite(*out);
}

enum status table_numbers(struct table *t, struct err *err)
{
    struct evidence *own = mem_array((size_t)t->n_cols + 1, sizeof *own);
    struct evidence all = { .words = 0 };
    enum status st = OK;

    for (int i = 0; i < t->n_cols; i++) {
        look(&own[i], &t->cols[i], t->rows);
        add(&all, &own[i]);
    }
    for (int i = 0; i < t->n_cols && st == OK; i++)
        if (strcmp(t->cols[i].name, "fmt") != 0) /* "4b" is a format there */
            st = read_column(t, &t->cols[i], &own[i], &all, err);
    free(own);
    return st;
}
