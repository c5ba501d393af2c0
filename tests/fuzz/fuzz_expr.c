/* Expressions: random texts, which must end in a tree or in a column, and
 * random trees, whose values are known from a slow evaluation beside the
 * parser.  What is read must print and read back as the same; its value over
 * rows must be its value. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr.h"
#include "tests/fuzz/fuzz.h"

#define SLOTS 4
#define ROWS  5

static const char *const seeds[] = {
    "a + b * c - d / 2",
    "-a^2^b",
    "a < b ? c : d",
    "a == b || !(c >= d)",
    "exp(-a) + log(b) * log2(c) + log10(d)",
    "max(a, min(b, c), 1e3k)",
    "E + A/a^0.3 + B/(b*1M)^0.28",
    "round_to(a, 16) + floor(b) - ceil(c)",
    "sqrt(abs(a - b)) ^ (1/3)",
    "fmt == int4 && a > 3 ? 1 : 0",
    "((((((((a))))))))",
    "1.5e-3Ki",
    "a ? b ? 1 : 2 : 3",
    "1 +",
    "foo(1)",
    "",
};
static const char *const words[] = {
    "a",
    "b",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "^",
    "?",
    ":",
    "!",
    "&&",
    "||",
    "==",
    "!=",
    "<=",
    "<",
    ",",
    "exp(",
    "log(",
    "min(",
    "max(",
    "round_to(",
    "1e308",
    "1e-320",
    "0x1p4",
    "inf",
    "nan",
    ".5",
    "5.",
    "1e",
    "k",
    "Ki",
    "((((((((((((((((((((((((((((((",
    "----------------",
    "fmt",
    "int4",
    "\xff",
    "\t",
    " ",
    "\n",
    "0",
};

static bool find(void *ctx, const char *name, struct expr_symbol *out)
{
    (void)ctx;
    if (strlen(name) == 1 && *name >= 'a' && *name < 'a' + SLOTS)
        *out = (struct expr_symbol){ EXPR_SYM_SLOT, *name - 'a', 0 };
    else if (strcmp(name, "fmt") == 0)
        *out = (struct expr_symbol){ EXPR_SYM_WORD_SLOT, SLOTS, 0 };
    else if (strcmp(name, "int4") == 0)
        *out = (struct expr_symbol){ EXPR_SYM_WORD, 0, 7 };
    else if (strcmp(name, "E") == 0)
        *out = (struct expr_symbol){ EXPR_SYM_CONST, 0, 1.69 };
    else
        return false;
    return true;
}

static const struct expr_scope scope = { .find = find, .nearest = NULL };

static const char *name_of(void *ctx, int slot)
{
    static const char *const names[] = { "a", "b", "c", "d", "fmt" };

    (void)ctx;
    return names[slot];
}

static bool same(double x, double y)
{
    return (isnan(x) && isnan(y)) || x == y;
}

/* Value over rows, with gradient, against one value at a time. */
static void check_rows(const struct expr *e, struct fuzz *f, const char *text)
{
    static const int wrt[] = { 0, 1 };
    struct expr_work *w = expr_work_new(e, wrt, 2);
    double column[ROWS], other[SLOTS + 1], value[ROWS], grad[2 * ROWS];
    struct expr_input in[SLOTS + 1];

    for (int i = 0; i < ROWS; i++)
        column[i] = fuzz_number(f);
    for (int s = 0; s <= SLOTS; s++) {
        other[s] = fuzz_number(f);
        in[s] = (struct expr_input){ s == 0 ? column : NULL, other[s] };
    }
    expr_eval_rows(w, value, grad, ROWS, in, ROWS);
    for (int i = 0; i < ROWS; i++) {
        other[0] = column[i];
        if (!same(value[i], expr_eval(e, other)))
            fuzz_fail("a row has another value", text, strlen(text));
    }
    expr_work_free(w);
}

static void check_text(const char *text, struct fuzz *f)
{
    struct expr *e = NULL, *again = NULL;
    struct err err = { 0 };
    double at[SLOTS + 1];
    char *printed, *twice;

    if (expr_parse(&e, text, &scope, &err) != OK) {
        if (strncmp(err.text, "column ", 7) != 0)
            fuzz_fail("an error without a column", text, strlen(text));
        return;
    }
    printed = expr_print(e, name_of, NULL);
    for (int s = 0; s <= SLOTS; s++)
        at[s] = fuzz_number(f);
    /* Constants and words print as numbers, which words cannot be compared
     * with: then there is nothing to read back. */
    if (!strstr(text, "fmt") && !strstr(text, "int4")) {
        if (expr_parse(&again, printed, &scope, &err) != OK)
            fuzz_fail("what it prints is refused", text, strlen(text));
        twice = expr_print(again, name_of, NULL);
        if (strcmp(printed, twice) != 0 ||
            !same(expr_eval(e, at), expr_eval(again, at)))
            fuzz_fail("what it prints is another", text, strlen(text));
        free(twice);
    }
    check_rows(e, f, text);
    expr_free(e);
    expr_free(again);
    free(printed);
}

/* --- trees with known values ------------------------------------------------- */

static double grow_node(struct str *out, struct fuzz *f, const double *at,
                        int depth, bool *odd);

/* A random tree as text and value, of operations that are exact or correctly
 * rounded, so that the bits are known; *odd when a part is not finite, as what
 * NaN compares to is told elsewhere. */
static double grow(struct str *out, struct fuzz *f, const double *at, int depth,
                   bool *odd)
{
    const double x = grow_node(out, f, at, depth, odd);

    *odd |= !isfinite(x);
    return x;
}

static double grow_node(struct str *out, struct fuzz *f, const double *at,
                        int depth, bool *odd)
{
    static const char *const infix[] = { "+",  "-",  "*",  "/",  "<",
                                         "<=", "==", "!=", "&&", "||" };
    const size_t kind = depth <= 0 ? fuzz_pick(f, 2) : fuzz_pick(f, 18);
    double x, y, z;

    if (kind == 0) {
        const size_t s = fuzz_pick(f, SLOTS);

        str_add_char(out, (char)('a' + s));
        return at[s];
    }
    if (kind == 1) {
        x = (double)fuzz_pick(f, 1000) / 8;
        str_addf(out, "%.17g", x);
        return x;
    }
    str_add(out, "(");
    if (kind == 2) {
        str_add(out, "-");
        x = -grow(out, f, at, depth - 1, odd);
    } else if (kind == 3) {
        str_add(out, "!");
        x = !grow(out, f, at, depth - 1, odd);
    } else if (kind == 4) {
        str_add(out, "sqrt(abs(");
        x = sqrt(fabs(grow(out, f, at, depth - 1, odd)));
        str_add(out, "))");
    } else if (kind == 5) {
        str_add(out, "floor(");
        x = floor(grow(out, f, at, depth - 1, odd));
        str_add(out, ")");
    } else if (kind == 6) {
        x = grow(out, f, at, depth - 1, odd);
        str_add(out, " ? ");
        y = grow(out, f, at, depth - 1, odd);
        str_add(out, " : ");
        z = grow(out, f, at, depth - 1, odd);
        x = x != 0 ? y : z;
    } else if (kind == 7) {
        str_add(out, "min(");
        x = grow(out, f, at, depth - 1, odd);
        str_add(out, ", ");
        y = grow(out, f, at, depth - 1, odd);
        str_add(out, ")");
        x = y < x ? y : x;
    } else {
        const size_t op = kind - 8;

        x = grow(out, f, at, depth - 1, odd);
        str_addf(out, " %s ", infix[op]);
        y = grow(out, f, at, depth - 1, odd);
        x = op == 0   ? x + y
            : op == 1 ? x - y
            : op == 2 ? x * y
            : op == 3 ? x / y
            : op == 4 ? x < y
            : op == 5 ? x <= y
            : op == 6 ? x == y
            : op == 7 ? x != y
            : op == 8 ? x != 0 && y != 0
                      : x != 0 || y != 0;
    }
    str_add(out, ")");
    return x;
}

static void check_tree(struct fuzz *f)
{
    struct str text = { 0 };
    double at[SLOTS + 1], want;
    bool odd = false;
    struct expr *e = NULL;
    struct err err = { 0 };

    for (int s = 0; s <= SLOTS; s++)
        at[s] = (double)fuzz_pick(f, 801) / 16 - 25;
    want = grow(&text, f, at, 5, &odd);
    if (expr_parse(&e, str_text(&text), &scope, &err) != OK)
        fuzz_fail(err.text, text.data, text.len);
    if (!odd && !same(expr_eval(e, at), want))
        fuzz_fail("another value than the tree's", text.data, text.len);
    check_text(str_text(&text), f);
    expr_free(e);
    str_release(&text);
}

static void one(struct fuzz *f, void *ctx)
{
    struct str text = { 0 };

    (void)ctx;
    if (fuzz_pick(f, 3) == 0) {
        check_tree(f);
        return;
    }
    fuzz_text(&text, f);
    check_text(str_text(&text), f);
    str_release(&text);
}

int main(int argc, char **argv)
{
    struct fuzz f = { .seeds = seeds,
                      .words = words,
                      .n_seeds = sizeof seeds / sizeof seeds[0],
                      .n_words = sizeof words / sizeof words[0] };

    return fuzz_main(argc, argv, &f, "expressions", one, NULL);
}
