/* expr_digits.c - differences that cancel, written with expm1 and log1p. */
#include "base/expr.h"
#include "base/expr_node.h"

static bool is_number(const struct expr *e, int i, double value)
{
    return e->nodes[i].op == EXPR_NUMBER && e->nodes[i].value == value;
}

/* s (exp(x) - 1) in place of a sum of s exp(x) and a number, node i: the number
 * becomes the factor s. */
static void use_expm1(struct expr *e, int i, int exp, int number, double s)
{
    e->nodes[exp].op = EXPR_EXPM1;
    e->nodes[number].value = s;
    e->nodes[i].op = EXPR_MUL;
}

static void sharpen_sum(struct expr *e, int i)
{
    const struct expr_node *node = &e->nodes[i];
    const bool minus = node->op == EXPR_SUB;

    for (int k = 0; k < 2; k++) {
        const int exp = node->arg[k], number = node->arg[1 - k];
        const double sign = k == 1 && minus ? -1 : 1; /* of exp */
        const double want = k == 0 && minus ? 1 : minus ? 1 : -1;

        if (e->nodes[exp].op == EXPR_EXP && is_number(e, number, want)) {
            use_expm1(e, i, exp, number, sign);
            return;
        }
    }
}

/* log(1 + x), log(x + 1): the sum becomes a product with the 1. */
static void sharpen_log(struct expr *e, int i)
{
    struct expr_node *node = &e->nodes[i], *sum = &e->nodes[node->arg[0]];

    if (sum->op == EXPR_ADD &&
        (is_number(e, sum->arg[0], 1) || is_number(e, sum->arg[1], 1))) {
        node->op = EXPR_LOG1P;
        sum->op = EXPR_MUL;
    }
}

void expr_sharpen(struct expr *e)
{
    for (int i = 0; i < e->n; i++) {
        if (e->nodes[i].op == EXPR_SUB || e->nodes[i].op == EXPR_ADD)
            sharpen_sum(e, i);
        else if (e->nodes[i].op == EXPR_LOG)
            sharpen_log(e, i);
    }
}
