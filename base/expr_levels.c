/* expr_levels.c - operators between two, from || to *, and comparisons as SQL
 * has them. */
#include <ctype.h>
#include <string.h>

#include "base/expr_parse.h"

int parse_check_times(struct parser *ps)
{
    const char *at = ps->times.number, *end;
    double x;

    if (!at || ps->times.named)
        return 0;
    text_read_number(&x, at, &end, false);
    return parse_failf(
        ps, at,
        mem_printf("%.*s is a time, and nothing here is one; the "
                   "suffixes of numbers are k M G T%s%.*s%s",
                   (int)(end + 1 - at), at, *end == 'm' ? ", as " : "",
                   *end == 'm' ? (int)(end - at) : 0, at,
                   *end == 'm' ? "M" : ""));
}

/* Left-associative levels, loosest first; each row lists its operators, the
 * longer spelling before its own prefix. */
static const struct level {
    enum expr_op op[7];
    int n;
} levels[] = {
    { { EXPR_OR }, 1 },
    { { EXPR_AND }, 1 },
    { { EXPR_EQ, EXPR_NE, EXPR_LE, EXPR_GE, EXPR_LT, EXPR_GT }, 6 },
    { { EXPR_ADD, EXPR_SUB }, 2 },
    { { EXPR_MUL, EXPR_DIV }, 2 },
};
#define N_LEVELS      ((int)(sizeof levels / sizeof levels[0]))
#define LEVEL_COMPARE 2

/* SQL's spellings, which people bring from --where on a grid.  Tried first:
 * "<>" begins like "<", and a "=" that is none of ours is the last. */
static bool take_sql(struct parser *ps, enum expr_op op)
{
    return (op == EXPR_OR && parse_word(ps, "or")) ||
           (op == EXPR_AND && parse_word(ps, "and")) ||
           (op == EXPR_NE && parse_take(ps, "<>"));
}

static int take_operator(struct parser *ps, const struct level *level)
{
    for (int i = 0; i < level->n; i++)
        if (take_sql(ps, level->op[i]) ||
            parse_take(ps, expr_op_text(level->op[i])))
            return (int)level->op[i];
    return level->op[0] == EXPR_EQ && parse_take(ps, "=") ? EXPR_EQ : -1;
}

static int check_operands(struct parser *ps, enum expr_op op, const char *at,
                          int a, int b)
{
    const bool words = ps->word[a] || ps->word[b];

    if (!words)
        return 0;
    if ((op == EXPR_EQ || op == EXPR_NE) && ps->word[a] == ps->word[b])
        return 0;
    return parse_fail(ps, at,
                      op == EXPR_EQ || op == EXPR_NE
                          ? "a word can only be compared with a word"
                          : "a word can only be compared with == or !=");
}

static int parse_level(struct parser *ps, int l);

static int compare(struct parser *ps, enum expr_op op, const char *at, int a,
                   int b)
{
    if (b < 0 || check_operands(ps, op, at, a, b) < 0)
        return -1;
    return parse_add_op(ps, op, a, b, -1);
}

/* "(x, y, z)" behind in: is a one of them? */
static int parse_list(struct parser *ps, int a)
{
    int found = -1;

    if (!parse_take(ps, "("))
        return parse_fail(ps, ps->p, "expected '(' and a list");
    do {
        const char *at = ps->p;
        const int b = parse_level(ps, LEVEL_COMPARE + 1);
        const int same = compare(ps, EXPR_EQ, at, a, b);

        if (same < 0)
            return -1;
        found = found < 0 ? same : parse_add_op(ps, EXPR_OR, found, same, -1);
    } while (parse_take(ps, ","));
    return parse_take(ps, ")") ? found : parse_fail(ps, ps->p, "expected ')'");
}

static int parse_between(struct parser *ps, const char *at, int a)
{
    const int least = parse_level(ps, LEVEL_COMPARE + 1);
    const int above = compare(ps, EXPR_GE, at, a, least);
    int most, below;

    if (above < 0)
        return -1;
    if (!parse_word(ps, "and"))
        return parse_fail(ps, ps->p, "expected 'and' of between");
    most = parse_level(ps, LEVEL_COMPARE + 1);
    below = compare(ps, EXPR_LE, at, a, most);
    return below < 0 ? -1 : parse_add_op(ps, EXPR_AND, above, below, -1);
}

/* [not] in (..), [not] between .. and ..; *none: something else follows. */
static int parse_among(struct parser *ps, int a, bool *none)
{
    const char *at = ps->p;
    const bool negate = parse_word(ps, "not");
    int node = -1;

    *none = false;
    if (a >= 0 && ps->out->nodes[a].op != EXPR_NUMBER && parse_word(ps, "in"))
        node = parse_list(ps, a);
    else if (a >= 0 && ps->out->nodes[a].op != EXPR_NUMBER &&
             parse_word(ps, "between"))
        node = parse_between(ps, at, a);
    else
        *none = true;
    if (*none)
        ps->p = at;
    return node >= 0 && negate ? parse_add_op(ps, EXPR_NOT, node, -1, -1)
                               : node;
}

/* A comparison is where a time has to meet a time; what is no comparison takes
 * part in the one around it. */
static int parse_comparison(struct parser *ps)
{
    const struct times outer = ps->times;
    const char *at;
    int a, b, op, among;
    bool none;

    if (parse_word(ps, "not")) {
        a = ++ps->depth > EXPR_MAX_DEPTH
                ? parse_fail(ps, ps->p, "nested too deeply")
                : parse_comparison(ps);
        ps->depth--;
        return a < 0 ? -1 : parse_add_op(ps, EXPR_NOT, a, -1, -1);
    }
    ps->times = (struct times){ NULL, false };
    a = parse_level(ps, LEVEL_COMPARE + 1);
    parse_space(ps);
    among = parse_among(ps, a, &none);
    if (!none) {
        ps->times = outer;
        return among;
    }
    at = ps->p;
    op = a < 0 ? -1 : take_operator(ps, &levels[LEVEL_COMPARE]);
    if (op < 0) {
        ps->times.number = ps->times.number ? ps->times.number : outer.number;
        ps->times.named |= outer.named;
        return a;
    }
    b = parse_level(ps, LEVEL_COMPARE + 1);
    if (b < 0 || check_operands(ps, (enum expr_op)op, at, a, b) < 0 ||
        parse_check_times(ps) < 0)
        return -1;
    ps->times = outer;
    a = parse_add_op(ps, (enum expr_op)op, a, b, -1);
    if (take_operator(ps, &levels[LEVEL_COMPARE]) >= 0)
        return parse_fail(ps, at, "comparisons do not chain; use &&");
    return a;
}

static int parse_level(struct parser *ps, int l)
{
    int a, b, op;

    if (l == N_LEVELS)
        return parse_unary(ps);
    if (l == LEVEL_COMPARE)
        return parse_comparison(ps);
    a = parse_level(ps, l + 1);
    while (a >= 0) {
        const char *at;

        parse_space(ps);
        at = ps->p;
        op = take_operator(ps, &levels[l]);
        if (op < 0)
            return a;
        b = parse_level(ps, l + 1);
        if (b < 0 || check_operands(ps, (enum expr_op)op, at, a, b) < 0)
            return -1;
        a = parse_add_op(ps, (enum expr_op)op, a, b, -1);
    }
    return a;
}

int parse_operators(struct parser *ps)
{
    return parse_level(ps, 0);
}
