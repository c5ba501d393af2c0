/* expr_apply.c - one operation on numbers, and whole expressions on them. */
#include <stdlib.h>

#include "base/expr.h"
#include "base/expr_math.h"
#include "base/expr_node.h"

/* Functions whose last bit is the C library's. */
static double apply_library(enum expr_op op, double x)
{
    switch (op) {
    case EXPR_SIN:
        return sin(x);
    case EXPR_COS:
        return cos(x);
    case EXPR_TAN:
        return tan(x);
    case EXPR_ASIN:
        return asin(x);
    case EXPR_ACOS:
        return acos(x);
    case EXPR_ATAN:
        return atan(x);
    case EXPR_ERF:
        return erf(x);
    default:
        return (double)NAN;
    }
}

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
    case EXPR_EXPM1:
        return expr_expm1_1(a[0]);
    case EXPR_LOG1P:
        return expr_log1p_1(a[0]);
    case EXPR_SINH:
        return expr_sinh1(a[0]);
    case EXPR_COSH:
        return expr_cosh1(a[0]);
    case EXPR_CBRT:
        return expr_cbrt1(a[0]);
    case EXPR_HYPOT:
        return expr_hypot1(a[0], a[1]);
    default:
        return apply_library(op, a[0]);
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
