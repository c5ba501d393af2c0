/* expr_apply.c - one operation on numbers, and whole expressions on them. */
#include <stdlib.h>

#include "base/expr.h"
#include "base/expr_math.h"
#include "base/expr_node.h"

double expr_apply(enum expr_op op, const double *a)
{
    switch (op) {
    case EXPR_ADD:
        return a[0] + a[1];
    case EXPR_SUB:
        return a[0] - a[1];
    case EXPR_MUL:
        return a[0] * a[1];
    case EXPR_DIV:
        return a[0] / a[1];
    case EXPR_POW:
        return expr_pow1(a[0], a[1]);
    case EXPR_NEG:
        return -a[0];
    case EXPR_NOT:
        return a[0] == 0;
    case EXPR_AND:
        return a[0] != 0 && a[1] != 0;
    case EXPR_OR:
        return a[0] != 0 || a[1] != 0;
    case EXPR_EQ:
        return a[0] == a[1];
    case EXPR_NE:
        return a[0] != a[1];
    case EXPR_LT:
        return a[0] < a[1];
    case EXPR_LE:
        return a[0] <= a[1];
    case EXPR_GT:
        return a[0] > a[1];
    case EXPR_GE:
        return a[0] >= a[1];
    case EXPR_SELECT:
        return a[0] != 0 ? a[1] : a[2];
    case EXPR_MIN:
        return a[0] <= a[1] ? a[0] : a[1];
    case EXPR_MAX:
        return a[0] >= a[1] ? a[0] : a[1];
    case EXPR_LOG:
        return expr_log1(a[0]);
    case EXPR_LOG2:
        return expr_log2_1(a[0]);
    case EXPR_LOG10:
        return expr_log10_1(a[0]);
    case EXPR_EXP:
        return expr_exp1(a[0]);
    case EXPR_SQRT:
        return sqrt(a[0]);
    case EXPR_ABS:
        return fabs(a[0]);
    case EXPR_TANH:
        return expr_tanh1(a[0]);
    case EXPR_ROUND:
        return round(a[0]);
    case EXPR_FLOOR:
        return floor(a[0]);
    case EXPR_CEIL:
        return ceil(a[0]);
    case EXPR_ROUND_TO:
        return a[1] * round(a[0] / a[1]);
    default:
        return (double)NAN;
    }
}

double expr_eval(const struct expr *e, const double *slots)
{
    double small[64],
        *v = e->n <= 64 ? small : mem_array((size_t)e->n, sizeof *v);
    double root = (double)NAN;

    for (int i = 0; i < e->n; i++) {
        const struct expr_node *node = &e->nodes[i];
        double a[3] = { 0 };

        for (int k = 0; k < expr_op_args(node->op); k++)
            a[k] = v[node->arg[k]];
        root = node->op == EXPR_NUMBER ? node->value
               : node->op == EXPR_SLOT ? slots[node->slot]
                                       : expr_apply(node->op, a);
        v[i] = root;
    }
    if (v != small)
        free(v);
    return root;
}
