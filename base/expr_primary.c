/* expr_primary.c - numbers, names, calls, quoted words, powers and signs. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr_parse.h"

static int parse_call(struct parser *ps, const char *at, const char *name)
{
    int arg[3] = { -1, -1, -1 }, n = 0, op = EXPR_MIN;

    while (op < EXPR_OP_COUNT &&
           strcmp(expr_op_text((enum expr_op)op), name) != 0)
        op++;
    if (op == EXPR_OP_COUNT) {
        const char *names[EXPR_OP_COUNT - EXPR_MIN], *near;

        for (int i = EXPR_MIN; i < EXPR_OP_COUNT; i++)
            names[i - EXPR_MIN] = expr_op_text((enum expr_op)i);
        near = text_nearest(name, names, EXPR_OP_COUNT - EXPR_MIN);
        return parse_failf(
            ps, at,
            mem_printf(near ? "unknown function '%s', did you mean "
                              "'%s'?"
                            : "unknown function '%s'",
                       name, near));
    }
    if (ps->scope && ps->scope->same_bits && op >= EXPR_FIRST_LIBRARY)
        return parse_failf(ps, at,
                           mem_printf("%s differs between machines in its last "
                                      "bit, so it cannot be part of a run",
                                      name));
    do {
        const char *start = ps->p;
        const int node = parse_need_number(ps, start, parse_expression(ps));

        if (node < 0)
            return -1;
        if (n < 3)
            arg[n] = node;
        n++;
    } while (parse_take(ps, ","));
    if (n != expr_op_args((enum expr_op)op))
        return parse_failf(
            ps, at,
            mem_printf("%s takes %d argument%s, not %d", name,
                       expr_op_args((enum expr_op)op),
                       expr_op_args((enum expr_op)op) == 1 ? "" : "s", n));
    if (!parse_take(ps, ")"))
        return parse_fail(ps, ps->p, "expected ')'");
    return parse_add_op(ps, (enum expr_op)op, arg[0], arg[1], arg[2]);
}

static int parse_symbol(struct parser *ps, const char *at, const char *name)
{
    struct expr_symbol s = { 0 };
    const char *near = NULL;

    if (ps->scope && ps->scope->find(ps->scope->ctx, name, &s)) {
        if (s.kind == EXPR_SYM_CONST || s.kind == EXPR_SYM_WORD)
            return parse_add_number(ps, s.value, s.kind == EXPR_SYM_WORD);
        return parse_add_slot(ps, s.slot, s.kind == EXPR_SYM_WORD_SLOT);
    }
    if (ps->scope && ps->scope->nearest)
        near = ps->scope->nearest(ps->scope->ctx, name);
    return parse_failf(
        ps, at,
        near ? mem_printf("unknown name '%s', did you mean '%s'?", name, near)
             : mem_printf("unknown name '%s'", name));
}

/* --- times ---------------------------------------------------------------- */

/* Keys and columns that are times, by how they are called. */
static bool names_time(const char *name)
{
    static const char *const within[] = { "time", "duration", "seconds" };
    static const char *const endings[] = { "_s", "_sec", "run.grace",
                                           "run.checkpoint", "slurm.target" };

    for (size_t i = 0; i < sizeof within / sizeof within[0]; i++)
        if (strcasestr(name, within[i]))
            return true;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (text_has_suffix(name, endings[i]))
            return true;
    return false;
}

/* name = letter {letter | digit | _ | .} [ "[" ... "]" ] */
static int parse_name(struct parser *ps)
{
    const char *at = ps->p, *p = at;
    char *name;
    int node;

    while (isalnum((unsigned char)*p) || *p == '_' || *p == '.')
        p++;
    if (*p == '[' && strchr(p, ']'))
        p = strchr(p, ']') + 1;
    name = mem_strndup(at, (size_t)(p - at));
    ps->p = p;
    ps->times.named |= names_time(name);
    node = parse_take(ps, "(") ? parse_call(ps, at, name)
                               : parse_symbol(ps, at, name);
    free(name);
    return node;
}

/* 'finished' or "finished": a word, whatever columns there are.  A scope that
 * tells words from columns is asked for it with a quote in front. */
static int parse_quoted(struct parser *ps)
{
    const char *at = ps->p, *end = strchr(at + 1, *at);
    struct expr_symbol s = { 0 };
    char *name;
    bool found;

    if (!end)
        return parse_fail(ps, at, "a quote that never closes");
    name = mem_printf("'%.*s", (int)(end - at - 1), at + 1);
    found = ps->scope && (ps->scope->find(ps->scope->ctx, name, &s) ||
                          ps->scope->find(ps->scope->ctx, name + 1, &s));
    free(name);
    if (!found || s.kind != EXPR_SYM_WORD)
        return parse_failf(ps, at,
                           mem_printf("nothing is called '%.*s' here",
                                      (int)(end - at - 1), at + 1));
    ps->p = end + 1;
    return parse_add_number(ps, s.value, true);
}

/* What people write behind numbers elsewhere. */
static int bad_suffix(struct parser *ps, const char *end)
{
    const char *hint = *end == 'B' || *end == 'b' ? "; a billion is 1G"
                       : *end == '_' ? "; write it without underscores"
                                     : "";

    return parse_failf(
        ps, end, mem_printf("unexpected '%.12s' after a number%s", end, hint));
}

static int parse_primary(struct parser *ps)
{
    double value;
    const char *end;
    int node;

    parse_space(ps);
    if (*ps->p == '\'' || *ps->p == '"')
        return parse_quoted(ps);
    if (isalpha((unsigned char)*ps->p) || *ps->p == '_')
        return parse_name(ps);
    if (parse_take(ps, "(")) {
        node = parse_expression(ps);
        if (node >= 0 && !parse_take(ps, ")"))
            return parse_fail(ps, ps->p, "expected ')'");
        return node;
    }
    if (*ps->p != '+' && *ps->p != '-' &&
        text_read_number(&value, ps->p, &end, true)) {
        if (isalpha((unsigned char)*end) || *end == '_')
            return bad_suffix(ps, end);
        if (strchr("smhd", end[-1]))
            ps->times.number = ps->p;
        ps->p = end;
        return parse_add_number(ps, value, false);
    }
    return *ps->p
               ? parse_failf(ps, ps->p, mem_printf("unexpected '%c'", *ps->p))
               : parse_fail(ps, ps->p, "expected a number, a name or '('");
}

static int parse_power(struct parser *ps)
{
    const char *at = ps->p;
    int a = parse_primary(ps), b;

    if (a < 0 || !parse_take(ps, "^"))
        return a;
    a = parse_need_number(ps, at, a);
    at = ps->p;
    b = a < 0 ? -1 : parse_need_number(ps, at, parse_unary(ps));
    return b < 0 ? -1 : parse_add_op(ps, EXPR_POW, a, b, -1);
}

static int parse_unary_inner(struct parser *ps)
{
    const char *at;
    enum expr_op op;
    int a;

    parse_space(ps);
    at = ps->p;
    if (parse_take(ps, "-"))
        op = EXPR_NEG;
    else if (ps->p[0] == '!' && ps->p[1] != '=' && parse_take(ps, "!"))
        op = EXPR_NOT;
    else if (parse_take(ps, "+"))
        return parse_need_number(ps, at, parse_unary(ps));
    else
        return parse_power(ps);
    a = parse_need_number(ps, at, parse_unary(ps));
    return a < 0 ? -1 : parse_add_op(ps, op, a, -1, -1);
}

int parse_unary(struct parser *ps)
{
    int node;

    if (++ps->depth > EXPR_MAX_DEPTH)
        return parse_fail(ps, ps->p, "nested too deeply");
    node = parse_unary_inner(ps);
    ps->depth--;
    return node;
}
