#include "base/expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/expr_node.h"
#include "base/odd.h"

#define MAX_DEPTH 200

static const struct {
    int args;
    const char *text;
} ops[EXPR_OP_COUNT] = {
#define OP_ROW(name, n, text) [EXPR_##name] = { n, text },
    EXPR_OPS(OP_ROW)
#undef OP_ROW
};

int expr_op_args(enum expr_op op)
{
    return ops[op].args;
}

const char *expr_op_text(enum expr_op op)
{
    return ops[op].text;
}

/* What a comparison holds besides: a number with a unit of time, and a name
 * that is one. */
struct times {
    const char *number;
    bool named;
};

struct parser {
    const char *text, *p;
    struct times times;
    const struct expr_scope *scope;
    struct expr *out;
    bool *word; /* of each node: is it a word? */
    int cap, depth;
    struct err *err;
};

/* A failed parse is the index -1; the sentence is already written. */
static int fail(struct parser *ps, const char *at, const char *what)
{
    err_set(ps->err, ERR_CONFIG, "column %d: %s", (int)(at - ps->text) + 1,
            what);
    return -1;
}

static int failf(struct parser *ps, const char *at, char *what)
{
    fail(ps, at, what);
    free(what);
    return -1;
}

static int add_node(struct parser *ps, struct expr_node node, bool word)
{
    struct expr *e = ps->out;

    if (e->n == ps->cap) {
        ps->cap = ps->cap * 2 + 16;
        e->nodes = mem_grow(e->nodes, (size_t)ps->cap, sizeof *e->nodes);
        ps->word = mem_grow(ps->word, (size_t)ps->cap, sizeof *ps->word);
    }
    e->nodes[e->n] = node;
    ps->word[e->n] = word;
    return e->n++;
}

static int add_number(struct parser *ps, double value, bool word)
{
    return add_node(ps, (struct expr_node){ .op = EXPR_NUMBER, .value = value },
                    word);
}

/* Infinity, NaN and -0 could not be printed as the numbers they are. */
static bool is_plain(double v)
{
    return isfinite(v) && !(v == 0 && signbit(v));
}

/* An operation on numbers alone is done at once. */
static int add_op(struct parser *ps, enum expr_op op, int a, int b, int c)
{
    const int arg[3] = { a, b, c };
    double value[3] = { 0 };
    bool constant = true;

    for (int i = 0; i < ops[op].args; i++) {
        const struct expr_node *node = &ps->out->nodes[arg[i]];

        constant = constant && node->op == EXPR_NUMBER;
        value[i] = node->value;
    }
    /* The arguments are then the last nodes. */
    if (constant && ps->out->n == arg[0] + ops[op].args &&
        is_plain(expr_apply(op, value))) {
        ps->out->n = arg[0];
        return add_number(ps, expr_apply(op, value), false);
    }
    return add_node(ps, (struct expr_node){ .op = op, .arg = { a, b, c } },
                    false);
}

static void skip_space(struct parser *ps)
{
    while (isspace((unsigned char)*ps->p))
        ps->p++;
}

static bool take(struct parser *ps, const char *token)
{
    skip_space(ps);
    if (!text_has_prefix(ps->p, token))
        return false;
    ps->p += strlen(token);
    return true;
}

/* A word of the grammar, in any case, not the beginning of a name. */
static bool take_word(struct parser *ps, const char *word)
{
    const size_t n = strlen(word);

    skip_space(ps);
    if (strncasecmp(ps->p, word, n) != 0 || isalnum((unsigned char)ps->p[n]) ||
        ps->p[n] == '_' || ps->p[n] == '.')
        return false;
    ps->p += n;
    return true;
}

static int need_number(struct parser *ps, const char *at, int node)
{
    if (node >= 0 && ps->word[node])
        return fail(ps, at, "a word can only be compared with == or !=");
    return node;
}

static int parse_expression(struct parser *ps);
static int parse_unary(struct parser *ps);

static int parse_call(struct parser *ps, const char *at, const char *name)
{
    int arg[3] = { -1, -1, -1 }, n = 0, op = EXPR_MIN;

    while (op < EXPR_OP_COUNT && strcmp(ops[op].text, name) != 0)
        op++;
    if (op == EXPR_OP_COUNT) {
        const char *names[EXPR_OP_COUNT - EXPR_MIN], *near;

        for (int i = EXPR_MIN; i < EXPR_OP_COUNT; i++)
            names[i - EXPR_MIN] = ops[i].text;
        near = text_nearest(name, names, EXPR_OP_COUNT - EXPR_MIN);
        return failf(ps, at,
                     mem_printf(near ? "unknown function '%s', did you mean "
                                       "'%s'?"
                                     : "unknown function '%s'",
                                name, near));
    }
    do {
        const char *start = ps->p;
        const int node = need_number(ps, start, parse_expression(ps));

        if (node < 0)
            return -1;
        if (n < 3)
            arg[n] = node;
        n++;
    } while (take(ps, ","));
    if (n != ops[op].args)
        return failf(ps, at,
                     mem_printf("%s takes %d argument%s, not %d", name,
                                ops[op].args, ops[op].args == 1 ? "" : "s", n));
    if (!take(ps, ")"))
        return fail(ps, ps->p, "expected ')'");
    return add_op(ps, (enum expr_op)op, arg[0], arg[1], arg[2]);
}

static int parse_symbol(struct parser *ps, const char *at, const char *name)
{
    struct expr_symbol s = { 0 };
    const char *near = NULL;

    if (ps->scope && ps->scope->find(ps->scope->ctx, name, &s)) {
        if (s.kind == EXPR_SYM_CONST || s.kind == EXPR_SYM_WORD)
            return add_number(ps, s.value, s.kind == EXPR_SYM_WORD);
        return add_node(ps,
                        (struct expr_node){ .op = EXPR_SLOT, .slot = s.slot },
                        s.kind == EXPR_SYM_WORD_SLOT);
    }
    if (ps->scope && ps->scope->nearest)
        near = ps->scope->nearest(ps->scope->ctx, name);
    return failf(
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

static int check_times(struct parser *ps)
{
    const char *at = ps->times.number, *end;
    double x;

    if (!at || ps->times.named)
        return 0;
    text_read_number(&x, at, &end, false);
    return failf(ps, at,
                 mem_printf("%.*s is a time, and nothing here is one; the "
                            "suffixes of numbers are k M G T%s%.*s%s",
                            (int)(end + 1 - at), at, *end == 'm' ? ", as " : "",
                            *end == 'm' ? (int)(end - at) : 0, at,
                            *end == 'm' ? "M" : ""));
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
    node =
        take(ps, "(") ? parse_call(ps, at, name) : parse_symbol(ps, at, name);
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
        return fail(ps, at, "a quote that never closes");
    name = mem_printf("'%.*s", (int)(end - at - 1), at + 1);
    found = ps->scope && (ps->scope->find(ps->scope->ctx, name, &s) ||
                          ps->scope->find(ps->scope->ctx, name + 1, &s));
    free(name);
    if (!found || s.kind != EXPR_SYM_WORD)
        return failf(ps, at,
                     mem_printf("nothing is called '%.*s' here",
                                (int)(end - at - 1), at + 1));
    ps->p = end + 1;
    return add_number(ps, s.value, true);
}

/* What people write behind numbers elsewhere. */
static int bad_suffix(struct parser *ps, const char *end)
{
    const char *hint = *end == 'B' || *end == 'b' ? "; a billion is 1G"
                       : *end == '_' ? "; write it without underscores"
                                     : "";

    return failf(ps, end, mem_printf("unexpected '%.12s' after a number%s", end,
                                     hint));
}

static int parse_primary(struct parser *ps)
{
    double value;
    const char *end;
    int node;

    skip_space(ps);
    if (*ps->p == '\'' || *ps->p == '"')
        return parse_quoted(ps);
    if (isalpha((unsigned char)*ps->p) || *ps->p == '_')
        return parse_name(ps);
    if (take(ps, "(")) {
        node = parse_expression(ps);
        if (node >= 0 && !take(ps, ")"))
            return fail(ps, ps->p, "expected ')'");
        return node;
    }
    if (*ps->p != '+' && *ps->p != '-' &&
        text_read_number(&value, ps->p, &end, true)) {
        if (isalpha((unsigned char)*end) || *end == '_')
            return bad_suffix(ps, end);
        if (strchr("smhd", end[-1]))
            ps->times.number = ps->p;
        ps->p = end;
        return add_number(ps, value, false);
    }
    return *ps->p ? failf(ps, ps->p, mem_printf("unexpected '%c'", *ps->p))
                  : fail(ps, ps->p, "expected a number, a name or '('");
}

static int parse_power(struct parser *ps)
{
    const char *at = ps->p;
    int a = parse_primary(ps), b;

    if (a < 0 || !take(ps, "^"))
        return a;
    a = need_number(ps, at, a);
    at = ps->p;
    b = a < 0 ? -1 : need_number(ps, at, parse_unary(ps));
    return b < 0 ? -1 : add_op(ps, EXPR_POW, a, b, -1);
}

static int parse_unary_inner(struct parser *ps)
{
    const char *at;
    enum expr_op op;
    int a;

    skip_space(ps);
    at = ps->p;
    if (take(ps, "-"))
        op = EXPR_NEG;
    else if (ps->p[0] == '!' && ps->p[1] != '=' && take(ps, "!"))
        op = EXPR_NOT;
    else if (take(ps, "+"))
        return need_number(ps, at, parse_unary(ps));
    else
        return parse_power(ps);
    a = need_number(ps, at, parse_unary(ps));
    return a < 0 ? -1 : add_op(ps, op, a, -1, -1);
}

static int parse_unary(struct parser *ps)
{
    int node;

    if (++ps->depth > MAX_DEPTH)
        return fail(ps, ps->p, "nested too deeply");
    node = parse_unary_inner(ps);
    ps->depth--;
    return node;
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
    return (op == EXPR_OR && take_word(ps, "or")) ||
           (op == EXPR_AND && take_word(ps, "and")) ||
           (op == EXPR_NE && take(ps, "<>"));
}

static int take_operator(struct parser *ps, const struct level *level)
{
    for (int i = 0; i < level->n; i++)
        if (take_sql(ps, level->op[i]) || take(ps, ops[level->op[i]].text))
            return (int)level->op[i];
    return level->op[0] == EXPR_EQ && take(ps, "=") ? EXPR_EQ : -1;
}

static int check_operands(struct parser *ps, enum expr_op op, const char *at,
                          int a, int b)
{
    const bool words = ps->word[a] || ps->word[b];

    if (!words)
        return 0;
    if ((op == EXPR_EQ || op == EXPR_NE) && ps->word[a] == ps->word[b])
        return 0;
    return fail(ps, at,
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
    return add_op(ps, op, a, b, -1);
}

/* "(x, y, z)" behind in: is a one of them? */
static int parse_list(struct parser *ps, int a)
{
    int found = -1;

    if (!take(ps, "("))
        return fail(ps, ps->p, "expected '(' and a list");
    do {
        const char *at = ps->p;
        const int b = parse_level(ps, LEVEL_COMPARE + 1);
        const int same = compare(ps, EXPR_EQ, at, a, b);

        if (same < 0)
            return -1;
        found = found < 0 ? same : add_op(ps, EXPR_OR, found, same, -1);
    } while (take(ps, ","));
    return take(ps, ")") ? found : fail(ps, ps->p, "expected ')'");
}

static int parse_between(struct parser *ps, const char *at, int a)
{
    const int least = parse_level(ps, LEVEL_COMPARE + 1);
    const int above = compare(ps, EXPR_GE, at, a, least);
    int most, below;

    if (above < 0)
        return -1;
    if (!take_word(ps, "and"))
        return fail(ps, ps->p, "expected 'and' of between");
    most = parse_level(ps, LEVEL_COMPARE + 1);
    below = compare(ps, EXPR_LE, at, a, most);
    return below < 0 ? -1 : add_op(ps, EXPR_AND, above, below, -1);
}

/* [not] in (..), [not] between .. and ..; *none: something else follows. */
static int parse_among(struct parser *ps, int a, bool *none)
{
    const char *at = ps->p;
    const bool negate = take_word(ps, "not");
    int node = -1;

    *none = false;
    if (a >= 0 && ps->out->nodes[a].op != EXPR_NUMBER && take_word(ps, "in"))
        node = parse_list(ps, a);
    else if (a >= 0 && ps->out->nodes[a].op != EXPR_NUMBER &&
             take_word(ps, "between"))
        node = parse_between(ps, at, a);
    else
        *none = true;
    if (*none)
        ps->p = at;
    return node >= 0 && negate ? add_op(ps, EXPR_NOT, node, -1, -1) : node;
}

/* A comparison is where a time has to meet a time; what is no comparison takes
 * part in the one around it. */
static int parse_comparison(struct parser *ps)
{
    const struct times outer = ps->times;
    const char *at;
    int a, b, op, among;
    bool none;

    if (take_word(ps, "not")) {
        a = ++ps->depth > MAX_DEPTH ? fail(ps, ps->p, "nested too deeply")
                                    : parse_comparison(ps);
        ps->depth--;
        return a < 0 ? -1 : add_op(ps, EXPR_NOT, a, -1, -1);
    }
    ps->times = (struct times){ NULL, false };
    a = parse_level(ps, LEVEL_COMPARE + 1);
    skip_space(ps);
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
        check_times(ps) < 0)
        return -1;
    ps->times = outer;
    a = add_op(ps, (enum expr_op)op, a, b, -1);
    if (take_operator(ps, &levels[LEVEL_COMPARE]) >= 0)
        return fail(ps, at, "comparisons do not chain; use &&");
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

        skip_space(ps);
        at = ps->p;
        op = take_operator(ps, &levels[l]);
        if (op < 0)
            return a;
        b = parse_level(ps, l + 1);
        if (b < 0 || check_operands(ps, (enum expr_op)op, at, a, b) < 0)
            return -1;
        a = add_op(ps, (enum expr_op)op, a, b, -1);
    }
    return a;
}

static int parse_choice(struct parser *ps)
{
    const char *at = ps->p;
    int a = parse_level(ps, 0), b, c;

    if (a < 0 || !take(ps, "?"))
        return a;
    if (need_number(ps, at, a) < 0)
        return -1;
    at = ps->p;
    b = need_number(ps, at, parse_expression(ps));
    if (b < 0)
        return -1;
    if (!take(ps, ":"))
        return fail(ps, ps->p, "expected ':' of the '?'");
    at = ps->p;
    c = need_number(ps, at, parse_expression(ps));
    return c < 0 ? -1 : add_op(ps, EXPR_SELECT, a, b, c);
}

static int parse_expression(struct parser *ps)
{
    int node;

    if (++ps->depth > MAX_DEPTH)
        return fail(ps, ps->p, "nested too deeply");
    node = parse_choice(ps);
    ps->depth--;
    return node;
}

/* Characters that look like others are the likeliest to blame. */
static void add_odd(struct err *err, const char *text)
{
    char *odd = text_odd(text);

    err_append(err, "%s", odd);
    free(odd);
}

enum status expr_parse(struct expr **out, const char *text,
                       const struct expr_scope *scope, struct err *err)
{
    struct parser ps = { .text = text, .p = text, .scope = scope, .err = err };
    int root;

    ps.out = mem_alloc(sizeof *ps.out);
    root = need_number(&ps, text, parse_expression(&ps));
    if (root >= 0 && check_times(&ps) < 0)
        root = -1;
    skip_space(&ps);
    if (root >= 0 && *ps.p)
        root = failf(&ps, ps.p,
                     mem_printf("unexpected '%.12s'%s", ps.p,
                                *ps.p == ',' && isdigit((unsigned char)ps.p[1])
                                    ? "; decimals are written with a point"
                                    : ""));
    free(ps.word);
    *out = root < 0 ? NULL : ps.out;
    if (root < 0)
        add_odd(err, text);
    if (root < 0)
        expr_free(ps.out);
    return root < 0 ? ERR_CONFIG : OK;
}

void expr_free(struct expr *e)
{
    if (!e)
        return;
    free(e->nodes);
    free(e);
}
