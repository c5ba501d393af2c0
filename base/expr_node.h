/* expr_node.h - the compiled form, shared by expr.c and expr_eval.c. */
#ifndef BASE_EXPR_NODE_H
#define BASE_EXPR_NODE_H

#include <stddef.h>

/* OP(name, arguments, text): every operation and function. */
/* clang-format off */
#define EXPR_OPS(OP)                                                          \
    OP(NUMBER, 0, "") OP(SLOT, 0, "")                                         \
    OP(ADD, 2, "+") OP(SUB, 2, "-") OP(MUL, 2, "*") OP(DIV, 2, "/")           \
    OP(POW, 2, "^") OP(NEG, 1, "-") OP(NOT, 1, "!")                           \
    OP(AND, 2, "&&") OP(OR, 2, "||")                                          \
    OP(EQ, 2, "==") OP(NE, 2, "!=") OP(LT, 2, "<") OP(LE, 2, "<=")            \
    OP(GT, 2, ">") OP(GE, 2, ">=") OP(SELECT, 3, "?")                         \
    OP(MIN, 2, "min") OP(MAX, 2, "max") OP(LOG, 1, "log")                     \
    OP(LOG2, 1, "log2") OP(LOG10, 1, "log10") OP(EXP, 1, "exp")               \
    OP(SQRT, 1, "sqrt") OP(ABS, 1, "abs") OP(TANH, 1, "tanh")                 \
    OP(ROUND, 1, "round") OP(FLOOR, 1, "floor") OP(CEIL, 1, "ceil")           \
    OP(ROUND_TO, 2, "round_to") OP(EXPM1, 1, "expm1")                         \
    OP(LOG1P, 1, "log1p") OP(SINH, 1, "sinh") OP(COSH, 1, "cosh")             \
    OP(CBRT, 1, "cbrt") OP(HYPOT, 2, "hypot") OP(SIN, 1, "sin")               \
    OP(COS, 1, "cos") OP(TAN, 1, "tan") OP(ASIN, 1, "asin")                   \
    OP(ACOS, 1, "acos") OP(ATAN, 1, "atan") OP(ERF, 1, "erf")
/* clang-format on */

/* From here on the C library computes, whose last bit differs between
 * machines (expr_scope.same_bits). */
#define EXPR_FIRST_LIBRARY EXPR_SIN

enum expr_op {
#define OP_ENUM(name, n, text) EXPR_##name,
    EXPR_OPS(OP_ENUM)
#undef OP_ENUM
        EXPR_OP_COUNT
};

struct expr_node {
    enum expr_op op;
    int arg[3];   /* indices of earlier nodes */
    int slot;     /* EXPR_SLOT */
    double value; /* EXPR_NUMBER */
};

struct expr {
    struct expr_node *nodes; /* children before parents; the last is the root */
    int n;
};

/* The value of an operation on numbers; a[i] are the arguments. */
double expr_apply(enum expr_op op, const double *a);
int expr_op_args(enum expr_op op);
const char *expr_op_text(enum expr_op op);

#endif
