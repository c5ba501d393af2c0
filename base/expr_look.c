/* expr_look.c - what an expression depends on and how, and its text. */
#include <math.h>
#include <stdlib.h>

#include "base/expr.h"
#include "base/expr_node.h"

bool expr_uses(const struct expr *e, int slot)
{
    for (int i = 0; i < e->n; i++)
        if (e->nodes[i].op == EXPR_SLOT && e->nodes[i].slot == slot)
            return true;
    return false;
}

int expr_max_slot(const struct expr *e)
{
    int max = -1;

    for (int i = 0; i < e->n; i++)
        if (e->nodes[i].op == EXPR_SLOT && e->nodes[i].slot > max)
            max = e->nodes[i].slot;
    return max;
}

/* Degree of each node in the chosen slots.  INVERSE is c times a slot chosen
 * as its reciprocal: only a division turns it into something affine. */
enum degree { FREE, AFFINE, INVERSE, OTHER };

static enum degree degree_product(enum degree a, enum degree b)
{
    if (a == FREE || b == FREE)
        return a == FREE ? b : a;
    return OTHER;
}

static enum degree degree_sum(enum degree a, enum degree b)
{
    if (a == OTHER || b == OTHER || a == INVERSE || b == INVERSE)
        return OTHER;
    return a > b ? a : b;
}

static enum degree node_degree(const struct expr_node *node,
                               const enum degree *deg)
{
    enum degree arg[3] = { FREE, FREE, FREE };
    bool any = false;

    for (int k = 0; k < expr_op_args(node->op); k++) {
        arg[k] = deg[node->arg[k]];
        any = any || arg[k] != FREE;
    }
    switch (node->op) {
    case EXPR_ADD:
    case EXPR_SUB:
        return degree_sum(arg[0], arg[1]);
    case EXPR_NEG:
        return arg[0];
    case EXPR_MUL:
        return degree_product(arg[0], arg[1]);
    case EXPR_DIV:
        if (arg[1] == INVERSE && arg[0] == FREE)
            return AFFINE;
        return arg[1] == FREE ? arg[0] : OTHER;
    case EXPR_SELECT:
        return arg[0] == FREE ? degree_sum(arg[1], arg[2]) : OTHER;
    default:
        return any ? OTHER : FREE;
    }
}

bool expr_is_affine_in(const struct expr *e, const int *slots,
                       const bool *inverse, int n)
{
    enum degree *deg = mem_array((size_t)e->n, sizeof *deg), root;

    for (int i = 0; i < e->n; i++) {
        deg[i] = node_degree(&e->nodes[i], deg);
        for (int k = 0; e->nodes[i].op == EXPR_SLOT && k < n; k++)
            if (e->nodes[i].slot == slots[k])
                deg[i] = inverse && inverse[k] ? INVERSE : AFFINE;
    }
    root = deg[e->n - 1];
    free(deg);
    return root <= AFFINE;
}

bool expr_is_affine(const struct expr *e, const int *slots, int n)
{
    return expr_is_affine_in(e, slots, NULL, n);
}

static bool subtree_uses(const struct expr *e, int i, int slot)
{
    const struct expr_node *node = &e->nodes[i];

    if (node->op == EXPR_SLOT)
        return node->slot == slot;
    for (int k = 0; k < expr_op_args(node->op); k++)
        if (subtree_uses(e, node->arg[k], slot))
            return true;
    return false;
}

bool expr_in_exponent(const struct expr *e, int slot)
{
    for (int i = 0; i < e->n; i++)
        if (e->nodes[i].op == EXPR_POW &&
            subtree_uses(e, e->nodes[i].arg[1], slot))
            return true;
    return false;
}

/* Is node i the slot itself, or a product or quotient in which it stands? */
static bool is_factor(const struct expr *e, int i, int slot)
{
    const struct expr_node *node = &e->nodes[i];

    if (node->op == EXPR_SLOT)
        return node->slot == slot;
    return (node->op == EXPR_MUL || node->op == EXPR_DIV) &&
           (is_factor(e, node->arg[0], slot) ||
            is_factor(e, node->arg[1], slot));
}

/* First node of the subtree that ends at i: children come right before their
 * parents. */
static int subtree_start(const struct expr *e, int i)
{
    return expr_op_args(e->nodes[i].op) == 0
               ? i
               : subtree_start(e, e->nodes[i].arg[0]);
}

static struct expr *copy_subtree(const struct expr *e, int i, bool negative)
{
    const int start = subtree_start(e, i), n = i - start + 1;
    struct expr *copy = mem_alloc(sizeof *copy);

    copy->nodes = mem_array((size_t)n + 1, sizeof *copy->nodes);
    copy->n = n + negative;
    for (int k = 0; k < n; k++) {
        copy->nodes[k] = e->nodes[start + k];
        for (int a = 0; a < 3; a++)
            copy->nodes[k].arg[a] -= start;
    }
    if (negative)
        copy->nodes[n] =
            (struct expr_node){ .op = EXPR_NEG, .arg = { n - 1, -1, -1 } };
    return copy;
}

/* Walk the summands below node i in order; *skip counts down to the wanted. */
static struct expr *find_term(const struct expr *e, int i, bool negative,
                              int *skip)
{
    const struct expr_node *node = &e->nodes[i];
    struct expr *found;

    if (node->op != EXPR_ADD && node->op != EXPR_SUB)
        return (*skip)-- == 0 ? copy_subtree(e, i, negative) : NULL;
    found = find_term(e, node->arg[0], negative, skip);
    if (found)
        return found;
    return find_term(e, node->arg[1], negative != (node->op == EXPR_SUB), skip);
}

struct expr *expr_term(const struct expr *e, int i)
{
    return find_term(e, e->n - 1, false, &i);
}

bool expr_is_slot(const struct expr *e, int slot)
{
    return e->n == 1 && e->nodes[0].op == EXPR_SLOT && e->nodes[0].slot == slot;
}

static bool falls(const struct expr *e, int i, int slot, bool below)
{
    const struct expr_node *node = &e->nodes[i];
    const struct expr_node *power;

    switch (node->op) {
    case EXPR_MUL:
        return falls(e, node->arg[0], slot, below) ||
               falls(e, node->arg[1], slot, below);
    case EXPR_DIV:
        return falls(e, node->arg[0], slot, below) ||
               falls(e, node->arg[1], slot, !below);
    case EXPR_NEG:
        return falls(e, node->arg[0], slot, below);
    case EXPR_POW:
        power = &e->nodes[node->arg[1]];
        if (power->op == EXPR_NEG) {
            power = &e->nodes[power->arg[0]];
            below = !below;
        }
        return below && power->op == EXPR_SLOT && power->slot == slot;
    default:
        return false;
    }
}

bool expr_is_fall(const struct expr *e, int slot)
{
    return falls(e, e->n - 1, slot, false);
}

static bool is_whole(const struct expr_node *node)
{
    return node->op == EXPR_NUMBER && node->value == floor(node->value);
}

bool expr_needs_positive(const struct expr *e, int slot)
{
    for (int i = 0; i < e->n; i++) {
        const struct expr_node *node = &e->nodes[i];

        if ((node->op == EXPR_LOG || node->op == EXPR_LOG2 ||
             node->op == EXPR_LOG10 ||
             (node->op == EXPR_POW && !is_whole(&e->nodes[node->arg[1]]))) &&
            is_factor(e, node->arg[0], slot))
            return true;
    }
    return false;
}

/* --- printing ------------------------------------------------------------ */

enum {
    P_SELECT,
    P_OR,
    P_AND,
    P_COMPARE,
    P_SUM,
    P_PRODUCT,
    P_UNARY,
    P_POWER,
    P_PRIMARY
};

static int precedence(enum expr_op op)
{
    switch (op) {
    case EXPR_SELECT:
        return P_SELECT;
    case EXPR_OR:
        return P_OR;
    case EXPR_AND:
        return P_AND;
    case EXPR_ADD:
    case EXPR_SUB:
        return P_SUM;
    case EXPR_MUL:
    case EXPR_DIV:
        return P_PRODUCT;
    case EXPR_NEG:
    case EXPR_NOT:
        return P_UNARY;
    case EXPR_POW:
        return P_POWER;
    default:
        return op >= EXPR_EQ && op <= EXPR_GE ? P_COMPARE : P_PRIMARY;
    }
}

struct printer {
    struct str out;
    const struct expr *e;
    const char *(*name)(void *ctx, int slot);
    void *ctx;
};

static void print_node(struct printer *pr, int i, int least);

static void print_call(struct printer *pr, const struct expr_node *node)
{
    str_addf(&pr->out, "%s(", expr_op_text(node->op));
    for (int k = 0; k < expr_op_args(node->op); k++) {
        if (k)
            str_add(&pr->out, ", ");
        print_node(pr, node->arg[k], P_SELECT);
    }
    str_add_char(&pr->out, ')');
}

static void print_bare(struct printer *pr, const struct expr_node *node)
{
    const int p = precedence(node->op);
    const char *space = p == P_PRODUCT || p == P_POWER ? "" : " ";
    char buf[32];

    if (node->op == EXPR_NUMBER)
        str_add(&pr->out, text_number(buf, node->value));
    else if (node->op == EXPR_SLOT)
        str_add(&pr->out, pr->name(pr->ctx, node->slot));
    else if (p == P_PRIMARY)
        print_call(pr, node);
    else if (p == P_UNARY) {
        str_add(&pr->out, expr_op_text(node->op));
        print_node(pr, node->arg[0], P_UNARY);
    } else if (p == P_SELECT) {
        print_node(pr, node->arg[0], P_OR);
        str_add(&pr->out, " ? ");
        print_node(pr, node->arg[1], P_SELECT);
        str_add(&pr->out, " : ");
        print_node(pr, node->arg[2], P_SELECT);
    } else {
        print_node(pr, node->arg[0],
                   p == P_POWER     ? P_PRIMARY
                   : p == P_COMPARE ? P_SUM
                                    : p);
        str_addf(&pr->out, "%s%s%s", space, expr_op_text(node->op), space);
        print_node(pr, node->arg[1], p == P_POWER ? P_UNARY : p + 1);
    }
}

static void print_node(struct printer *pr, int i, int least)
{
    const struct expr_node *node = &pr->e->nodes[i];
    const bool negative = node->op == EXPR_NUMBER && node->value < 0;
    const bool wrap = negative ? least > P_UNARY : precedence(node->op) < least;

    if (wrap)
        str_add_char(&pr->out, '(');
    print_bare(pr, node);
    if (wrap)
        str_add_char(&pr->out, ')');
}

char *expr_print(const struct expr *e, const char *(*name)(void *ctx, int slot),
                 void *ctx)
{
    struct printer pr = { .e = e, .name = name, .ctx = ctx };

    print_node(&pr, e->n - 1, P_SELECT);
    return str_steal(&pr.out);
}
