/* value_generate.c - step, lin, log, pow2, geom and load. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact.h"
#include "base/file.h"
#include "harness/grid/value.h"

#define MAX_ARGS 3

struct generator;

/* One call: its arguments as numbers, and where values go. */
struct call {
    const struct generator *g;
    double arg[MAX_ARGS];
    struct value_list *out;
    struct ini_where where;
    bool whole; /* round values to whole numbers */
    bool time;  /* numbers may have its units */
    int *merged;
    struct err *err;
};

struct generator {
    const char *name, *form;
    int args;
    bool rounds; /* takes part in rounding for whole-number keys */
    enum status (*run)(struct call *c);
};

/* Append x unless it repeats the value before it after rounding. */
static void emit(struct call *c, double x)
{
    const int n = c->out->n;
    char buf[40], text[32];

    snprintf(buf, sizeof buf, "%.12g", x);
    x = strtod(buf, NULL);
    if (c->whole && c->g->rounds)
        x = nearbyint(x);
    text_number(text, x);
    if (n > 0 && strcmp(c->out->items[n - 1].text, text) == 0) {
        if (c->merged)
            ++*c->merged;
        return;
    }
    value_add(c->out, text, c->where, false);
}

static enum status bad(const struct call *c, const char *why)
{
    return ini_fail(c->err, c->where, "%s: %s", c->g->form, why);
}

static enum status check_count(const struct call *c, double n)
{
    if (n != floor(n) || n < 1)
        return bad(c, "the number of values must be whole and at least 1");
    if (n > VALUE_MAX_ITEMS)
        return bad(c, "more than 1000000 values");
    return OK;
}

static enum status run_step(struct call *c)
{
    const double from = c->arg[0], to = c->arg[1], by = c->arg[2];
    const double n = floor((to - from) / by * (1 + 1e-12) + 1e-9) + 1;

    if (by == 0 || (to - from) / by < 0)
        return bad(c, "the step does not lead from the first value to the "
                      "last");
    if (check_count(c, n) != OK)
        return ERR_CONFIG;
    for (int i = 0; i < (int)n; i++)
        emit(c, from + i * by);
    return OK;
}

static enum status run_lin(struct call *c)
{
    const double from = c->arg[0], to = c->arg[1], n = c->arg[2];

    if (check_count(c, n) != OK)
        return ERR_CONFIG;
    emit(c, from);
    for (int i = 1; i < (int)n; i++)
        emit(c, from + (to - from) * (i / (n - 1)));
    return OK;
}

static enum status run_log(struct call *c)
{
    const double from = c->arg[0], to = c->arg[1], n = c->arg[2];

    if (check_count(c, n) != OK)
        return ERR_CONFIG;
    if (!(from > 0) || !(to > 0))
        return bad(c, "both ends must be positive");
    for (int i = 0; i < (int)n; i++)
        emit(c, i == 0            ? from
                : i == (int)n - 1 ? to
                                  : from * exact_pow(to / from, i / (n - 1)));
    return OK;
}

static bool is_pow2(double x)
{
    int e;

    return x > 0 && frexp(x, &e) == 0.5;
}

static enum status run_pow2(struct call *c)
{
    if (!is_pow2(c->arg[0]) || !is_pow2(c->arg[1]) || c->arg[0] > c->arg[1])
        return bad(c, "both ends must be powers of two, the smaller first");
    for (double x = c->arg[0]; x <= c->arg[1]; x *= 2)
        emit(c, x);
    return OK;
}

static enum status run_geom(struct call *c)
{
    double x = c->arg[0];

    if (check_count(c, c->arg[2]) != OK)
        return ERR_CONFIG;
    for (int i = 0; i < (int)c->arg[2]; i++, x *= c->arg[1]) {
        if (!isfinite(x))
            return bad(c, "the values overflow");
        emit(c, x);
    }
    return OK;
}

static const struct generator generators[] = {
    { "step", "step(first, last, step)", 3, false, run_step },
    { "lin", "lin(first, last, how many)", 3, false, run_lin },
    { "log", "log(first, last, how many)", 3, true, run_log },
    { "pow2", "pow2(first, last)", 2, false, run_pow2 },
    { "geom", "geom(first, factor, how many)", 3, true, run_geom },
    { "load", "load(\"file\")", 1, false, NULL },
};
#define N_GENERATORS (sizeof generators / sizeof generators[0])

/* --- load ---------------------------------------------------------------- */

static enum status add_lines(struct call *c, char *text, const char *path)
{
    const int before = c->out->n;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        line[strcspn(line, "#")] = '\0';
        line = text_trim(line);
        if (*line)
            value_add(c->out, line, c->where, false);
        if (c->out->n - before > VALUE_MAX_ITEMS)
            return bad(c, "more than 1000000 values");
    }
    return c->out->n > before
               ? OK
               : ini_fail(c->err, c->where, "%s holds no values", path);
}

static enum status run_load(struct call *c, const struct value_list *args)
{
    char *path = ini_beside(c->where, args->items[0].text);
    struct str text = { 0 };
    enum status st = file_read(&text, path, INI_FILE_MAX, c->err);

    if (st != OK)
        ini_prefix(c->err, c->where);
    else if (text.len > 0)
        st = add_lines(c, text.data, path);
    else
        st = ini_fail(c->err, c->where, "%s is empty", path);
    str_release(&text);
    free(path);
    return st == OK ? OK : ERR_CONFIG;
}

/* --- calls --------------------------------------------------------------- */

/* name( ... ) and nothing after it; *open is set to the parenthesis. */
static bool is_call(const struct value_item *item, const char **open)
{
    const char *p = item->text;

    if (item->quoted || !isalpha((unsigned char)*p))
        return false;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    *open = p + strspn(p, " ");
    return **open == '(' && text_has_suffix(p, ")");
}

static const struct generator *find(const struct value_item *item,
                                    struct err *err)
{
    const size_t n = strcspn(item->text, " (");
    char *name = mem_strndup(item->text, n);
    const char *names[N_GENERATORS], *near;
    const struct generator *found = NULL;

    for (size_t i = 0; i < N_GENERATORS; i++) {
        names[i] = generators[i].name;
        if (strcmp(names[i], name) == 0)
            found = &generators[i];
    }
    near = text_nearest(name, names, N_GENERATORS);
    if (!found && near)
        ini_fail(err, item->where,
                 "unknown generator '%s', did you mean "
                 "'%s'?",
                 name, near);
    else if (!found)
        ini_fail(err, item->where,
                 "unknown generator '%s' (step, lin, log, pow2, geom, load)",
                 name);
    free(name);
    return found;
}

static enum status not_a_number(const struct call *c,
                                const struct value_item *item)
{
    const char *near = value_unit_hint(item->text, c->time);
    const int digits = (int)strspn(item->text, "+-.0123456789");

    return ini_fail(c->err, item->where, "%s: '%s' is not a number%s%.*s%s%s",
                    c->g->form, item->text, near ? "; did you mean '" : "",
                    near ? digits : 0, item->text, near ? near : "",
                    near ? "'?" : "");
}

static enum status read_numbers(struct call *c, const struct value_list *args)
{
    for (int i = 0; i < args->n; i++) {
        const char *end;

        if (!text_read_number(&c->arg[i], args->items[i].text, &end, c->time) ||
            *end)
            return not_a_number(c, &args->items[i]);
    }
    return OK;
}

static enum status run_call(struct value_list *out,
                            const struct value_item *item, const char *open,
                            enum value_type type, int *merged, struct err *err)
{
    struct call c = { .g = find(item, err),
                      .out = out,
                      .where = item->where,
                      .whole = type == VALUE_WHOLE,
                      .time = type == VALUE_TIME,
                      .merged = merged,
                      .err = err };
    struct ini_piece inside = { mem_strndup(open + 1, strlen(open) - 2),
                                item->where };
    struct value_list args = { 0 };
    enum status st = c.g ? OK : ERR_CONFIG;

    inside.where.column += (int)(open + 1 - item->text);
    if (st == OK)
        st = value_split_piece(&args, &inside, err);
    if (st == OK && args.n != c.g->args)
        st = ini_fail(err, item->where, "%s takes %d argument%s, not %d",
                      c.g->form, c.g->args, c.g->args == 1 ? "" : "s", args.n);
    if (st == OK && !c.g->run)
        st = run_load(&c, &args);
    else if (st == OK)
        st = read_numbers(&c, &args) == OK ? c.g->run(&c) : ERR_CONFIG;
    value_release(&args);
    free(inside.text);
    return st;
}

enum status value_generate(struct value_list *list, enum value_type type,
                           int *merged, struct err *err)
{
    struct value_list out = { 0 };
    enum status st = OK;
    const char *open;

    for (int i = 0; i < list->n && st == OK; i++) {
        const struct value_item *item = &list->items[i];

        if (is_call(item, &open))
            st = run_call(&out, item, open, type, merged, err);
        else
            value_add(&out, item->text, item->where, item->quoted);
        if (st == OK && out.n > VALUE_MAX_ITEMS)
            st = ini_fail(err, item->where, "more than 1000000 values");
    }
    value_release(list);
    *list = out;
    return st;
}
