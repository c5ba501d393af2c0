#include "fit/table_running.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARK "running_call_" /* no column is called so */

enum kind { CUMSUM, LAG };

static const char *const names[] = { [CUMSUM] = "cumsum", [LAG] = "lag" };

/* A call as it stands in the text. */
struct call {
    enum kind kind;
    const char *start, *end; /* end: behind the parenthesis */
    char *x, *second;        /* expressions; second may be NULL */
    char *run, *step;        /* columns, or NULL */
};

static void call_release(struct call *c)
{
    free(c->x);
    free(c->second);
    free(c->run);
    free(c->step);
    *c = (struct call){ .kind = CUMSUM };
}

/* --- reading ------------------------------------------------------------- */

static bool is_letter(char c)
{
    return c == '_' || c == '.' || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Does a word begin here that ends where the letters do? */
static bool is_word(const char *text, const char *p, const char *word)
{
    const size_t n = strlen(word);

    return strncmp(p, word, n) == 0 && !is_letter(p[n]) &&
           (p == text || !is_letter(p[-1]));
}

/* The quote that closes the one at p, or the end of the text. */
static const char *skip_quoted(const char *p)
{
    const char *end = strchr(p + 1, *p);

    return end ? end : p + strlen(p) - 1;
}

/* The first parenthesis, comma or `by` of the outermost level from p on, or
 * NULL. */
static const char *next_part(const char *text, const char *p)
{
    for (int depth = 0; *p; p++) {
        if (*p == '\'' || *p == '"')
            p = skip_quoted(p);
        else if (*p == '(')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return p;
        else if (depth == 0 && (*p == ',' || is_word(text, p, "by")))
            return p;
    }
    return NULL;
}

static char *trimmed(const char *from, const char *to)
{
    char *copy = mem_strndup(from, (size_t)(to - from));
    char *out = mem_strdup(text_trim(copy));

    free(copy);
    return out;
}

/* The parts of a call: x [, second] [by run [, step]]. */
static enum status read_parts(struct call *c, const char *text, const char *p,
                              struct err *err)
{
    char **const parts[2][2] = { { &c->x, &c->second }, { &c->run, &c->step } };
    int side = 0, n = 0;

    for (;;) {
        const char *stop = next_part(text, p);

        if (!stop || n == 2 || (side == 1 && *stop == 'b'))
            break;
        *parts[side][n] = trimmed(p, stop);
        if (!**parts[side][n++])
            break;
        c->end = stop + 1;
        if (*stop == ')')
            return OK;
        p = stop + (*stop == ',' ? 1 : 2);
        if (*stop == 'b')
            side = 1, n = 0;
    }
    return err_set(err, ERR_USAGE, "'%s' is not written %s", c->start,
                   c->kind == CUMSUM ? "cumsum(X by RUN)" : "lag(X by RUN)");
}

/* The first call of the text; c->start is NULL when there is none. */
static enum status find_call(struct call *c, const char *text, struct err *err)
{
    *c = (struct call){ .kind = CUMSUM };
    for (const char *p = text; *p; p++) {
        if (*p == '\'' || *p == '"') {
            p = skip_quoted(p);
            continue;
        }
        for (int k = CUMSUM; k <= LAG; k++) {
            const char *open = p + strlen(names[k]);

            if (!is_word(text, p, names[k]) || open[strspn(open, " ")] != '(')
                continue;
            c->kind = k;
            c->start = p;
            return read_parts(c, text, open + strspn(open, " ") + 1, err);
        }
    }
    return OK;
}

/* --- runs ---------------------------------------------------------------- */

struct place {
    const char *text; /* of the run; numbers go by value */
    double number, step;
    size_t row;
};

/* Numbers before words. */
static int by_run(const struct place *x, const struct place *y)
{
    if (isnan(x->number) != isnan(y->number))
        return isnan(x->number) ? 1 : -1;
    if (!isnan(x->number))
        return (x->number > y->number) - (x->number < y->number);
    return strcmp(x->text, y->text);
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const int c = by_run(x, y);

    return c                    ? c
           : x->step != y->step ? (x->step > y->step ? 1 : -1)
                                : (x->row > y->row) - (x->row < y->row);
}

/* The rows, those of a run together and in order. */
static enum status order_rows(struct place **out, const struct table *t,
                              const struct call *c, struct err *err)
{
    char *option = mem_printf("%s: ", names[c->kind]);
    int run = -1, step = -1;
    enum status st = OK;

    if (c->run)
        st = table_need(&run, t, option, c->run, err);
    if (st == OK && c->step)
        st = table_need(&step, t, option, c->step, err);
    free(option);
    if (st != OK)
        return st;
    *out = mem_array(t->rows + 1, sizeof **out);
    for (size_t r = 0; r < t->rows; r++)
        (*out)[r] = (struct place){
            .text = run < 0 ? "" : t->cols[run].text[r],
            .number = run < 0 ? 0 : t->cols[run].num[r],
            /* Rows without a number stand last. */
            .step = step < 0                         ? 0
                    : isfinite(t->cols[step].num[r]) ? t->cols[step].num[r]
                                                     : HUGE_VAL,
            .row = r,
        };
    qsort(*out, t->rows, sizeof **out, by_place);
    return OK;
}

/* --- values -------------------------------------------------------------- */

static void walk(double *out, const struct call *c, const struct place *at,
                 size_t rows, const double *x, const double *second)
{
    for (size_t i = 0; i < rows; i++) {
        const bool first = i == 0 || by_run(&at[i - 1], &at[i]) != 0;
        const size_t r = at[i].row;

        if (c->kind == LAG)
            out[r] = !first   ? x[at[i - 1].row]
                     : second ? second[r]
                              : (double)NAN;
        else if (first)
            out[r] = x[r];
        else
            out[r] = (second ? second[r] : 1) * out[at[i - 1].row] + x[r];
    }
}

static enum status compute(double **out, const struct table *t,
                           const struct call *c, struct err *err)
{
    struct place *at = NULL;
    double *x = NULL, *second = NULL;
    enum status st = order_rows(&at, t, c, err);

    if (st == OK)
        st = table_evaluate(&x, t, c->x, err);
    if (st == OK && c->second)
        st = table_evaluate(&second, t, c->second, err);
    if (st == OK) {
        *out = mem_array(t->rows + 1, sizeof **out);
        walk(*out, c, at, t->rows, x, second);
    }
    free(at);
    free(x);
    free(second);
    return st;
}

/* Put the name of the next value in the place of the call. */
static void replace(struct running *r, const struct call *c)
{
    char *text = mem_printf("%.*s" MARK "%d%s", (int)(c->start - r->text),
                            r->text, r->n, c->end);

    free(r->text);
    r->text = text;
}

enum status running_read(struct running *out, const struct table *t,
                         const char *text, struct err *err)
{
    enum status st = OK;

    *out = (struct running){ .text = mem_strdup(text) };
    while (st == OK) {
        struct call c;
        double *value = NULL;

        st = find_call(&c, out->text, err);
        if (st == OK && c.start)
            st = compute(&value, t, &c, err);
        if (!value) {
            call_release(&c);
            break;
        }
        replace(out, &c);
        out->whole = out->whole || !c.run;
        out->value = mem_grow(out->value, (size_t)out->n + 1, sizeof value);
        out->value[out->n++] = value;
        call_release(&c);
    }
    return st;
}

void running_release(struct running *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->value[i]);
    free(r->value);
    free(r->text);
    *r = (struct running){ .n = 0 };
}

int running_find(const struct running *r, const char *name)
{
    const int i = text_has_prefix(name, MARK) ? atoi(name + strlen(MARK)) : -1;

    return i < r->n ? i : -1;
}
