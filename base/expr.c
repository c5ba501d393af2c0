#include "base/expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/expr_parse.h"
#include "base/odd.h"

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

/* A failed parse is the index -1; the sentence is already written. */
int parse_fail(struct parser *ps, const char *at, const char *what)
{
    const int column = (int)(at - ps->text) + 1;

    err_set(ps->err, ERR_CONFIG, "column %d: %s", column, what);
    err_at_column(ps->err, ERR_CONFIG, column);
    return -1;
}

int parse_failf(struct parser *ps, const char *at, char *what)
{
    parse_fail(ps, at, what);
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

int parse_add_number(struct parser *ps, double value, bool word)
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
int parse_add_op(struct parser *ps, enum expr_op op, int a, int b, int c)
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
        return parse_add_number(ps, expr_apply(op, value), false);
    }
    return add_node(ps, (struct expr_node){ .op = op, .arg = { a, b, c } },
                    false);
}

void parse_space(struct parser *ps)
{
    while (isspace((unsigned char)*ps->p))
        ps->p++;
}

bool parse_take(struct parser *ps, const char *token)
{
    parse_space(ps);
    if (!text_has_prefix(ps->p, token))
        return false;
    ps->p += strlen(token);
    return true;
}

bool parse_word(struct parser *ps, const char *word)
{
    const size_t n = strlen(word);

    parse_space(ps);
    if (strncasecmp(ps->p, word, n) != 0 || isalnum((unsigned char)ps->p[n]) ||
        ps->p[n] == '_' || ps->p[n] == '.')
        return false;
    ps->p += n;
    return true;
}

int parse_need_number(struct parser *ps, const char *at, int node)
{
    if (node >= 0 && ps->word[node])
        return parse_fail(ps, at, "a word can only be compared with == or !=");
    return node;
}

int parse_add_slot(struct parser *ps, int slot, bool word)
{
    return add_node(ps, (struct expr_node){ .op = EXPR_SLOT, .slot = slot },
                    word);
}

static int parse_choice(struct parser *ps)
{
    const char *at = ps->p;
    int a = parse_operators(ps), b, c;

    if (a < 0 || !parse_take(ps, "?"))
        return a;
    if (parse_need_number(ps, at, a) < 0)
        return -1;
    at = ps->p;
    b = parse_need_number(ps, at, parse_expression(ps));
    if (b < 0)
        return -1;
    if (!parse_take(ps, ":"))
        return parse_fail(ps, ps->p, "expected ':' of the '?'");
    at = ps->p;
    c = parse_need_number(ps, at, parse_expression(ps));
    return c < 0 ? -1 : parse_add_op(ps, EXPR_SELECT, a, b, c);
}

int parse_expression(struct parser *ps)
{
    int node;

    if (++ps->depth > EXPR_MAX_DEPTH)
        return parse_fail(ps, ps->p, "nested too deeply");
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
    root = parse_need_number(&ps, text, parse_expression(&ps));
    if (root >= 0 && parse_check_times(&ps) < 0)
        root = -1;
    parse_space(&ps);
    if (root >= 0 && *ps.p)
        root = parse_failf(
            &ps, ps.p,
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
