#include "base/expr_block.h"

#include <stdbool.h>

#include "base/expr_math.h"

/* Sanitizers run before the resolvers of clones can. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

#define ROWS(target, expression)                                               \
    for (size_t r = 0; r < m; r++)                                             \
        (target)[r] = (expression);                                            \
    break

CLONES
void expr_block_log(double *out, const double *x, size_t m)
{
    for (size_t r = 0; r < m; r++)
        out[r] = expr_log1(x[r]);
}

CLONES
static void block_smooth(enum expr_op op, double *v, const double *a,
                         const double *b, size_t m)
{
    switch (op) {
    case EXPR_ADD:
        ROWS(v, a[r] + b[r]);
    case EXPR_SUB:
        ROWS(v, a[r] - b[r]);
    case EXPR_MUL:
        ROWS(v, a[r] * b[r]);
    case EXPR_DIV:
        ROWS(v, a[r] / b[r]);
    case EXPR_NEG:
        ROWS(v, -a[r]);
    case EXPR_LOG:
        ROWS(v, expr_log1(a[r]));
    case EXPR_LOG2:
        ROWS(v, expr_log2_1(a[r]));
    case EXPR_EXP:
        ROWS(v, expr_exp1(a[r]));
    case EXPR_SQRT:
        ROWS(v, sqrt(a[r]));
    default:
        break;
    }
}

void expr_block_value(enum expr_op op, double *v, const double *a,
                      const double *b, const double *c, size_t m)
{
    if ((op >= EXPR_ADD && op <= EXPR_DIV) || op == EXPR_NEG ||
        op == EXPR_LOG || op == EXPR_LOG2 || op == EXPR_EXP ||
        op == EXPR_SQRT) {
        block_smooth(op, v, a, b, m);
        return;
    }
    for (size_t r = 0; r < m; r++) {
        const double arg[3] = { a[r], b[r], c[r] };

        v[r] = expr_apply(op, arg);
    }
}

static inline double times(double adj, double d)
{
    return adj == 0 ? 0 : adj * d;
}

CLONES
static void adjoint_first(enum expr_op op, double *d, const double *adj,
                          const double *v, const double *a, const double *b,
                          size_t m)
{
    switch (op) {
    case EXPR_MUL:
        ROWS(d, times(adj[r], b[r]));
    case EXPR_DIV:
        ROWS(d, times(adj[r], 1 / b[r]));
    case EXPR_NEG:
        ROWS(d, -adj[r]);
    case EXPR_LOG:
        ROWS(d, times(adj[r], 1 / a[r]));
    case EXPR_LOG2:
        ROWS(d, times(adj[r], EXPR_INV_LN2 / a[r]));
    case EXPR_LOG10:
        ROWS(d, times(adj[r], EXPR_INV_LN10 / a[r]));
    case EXPR_EXP:
        ROWS(d, times(adj[r], v[r]));
    case EXPR_SQRT:
        ROWS(d, times(adj[r], 0.5 / v[r]));
    case EXPR_ABS:
        ROWS(d, a[r] >= 0 ? adj[r] : -adj[r]);
    case EXPR_TANH:
        ROWS(d, times(adj[r], 1 - v[r] * v[r]));
    case EXPR_CBRT:
        ROWS(d, times(adj[r], 1 / (3 * v[r] * v[r])));
    case EXPR_HYPOT:
        ROWS(d, v[r] == 0 ? 0 : times(adj[r], a[r] / v[r]));
    case EXPR_EXPM1:
        ROWS(d, times(adj[r], v[r] + 1));
    case EXPR_LOG1P:
        ROWS(d, times(adj[r], 1 / (1 + a[r])));
    case EXPR_TAN:
        ROWS(d, times(adj[r], 1 + v[r] * v[r]));
    case EXPR_ASIN:
        ROWS(d, times(adj[r], 1 / sqrt(1 - a[r] * a[r])));
    case EXPR_ACOS:
        ROWS(d, times(adj[r], -1 / sqrt(1 - a[r] * a[r])));
    case EXPR_ATAN:
        ROWS(d, times(adj[r], 1 / (1 + a[r] * a[r])));
    case EXPR_MIN:
        ROWS(d, a[r] <= b[r] ? adj[r] : 0);
    case EXPR_MAX:
        ROWS(d, a[r] >= b[r] ? adj[r] : 0);
    default:
        ROWS(d, 0);
    }
}

CLONES
static void adjoint_second(enum expr_op op, double *d, const double *adj,
                           const double *v, const double *a, const double *b,
                           size_t m)
{
    switch (op) {
    case EXPR_SUB:
        ROWS(d, -adj[r]);
    case EXPR_MUL:
        ROWS(d, times(adj[r], a[r]));
    case EXPR_DIV:
        ROWS(d, -times(adj[r], v[r] / b[r]));
    case EXPR_MIN:
        ROWS(d, a[r] <= b[r] ? 0 : adj[r]);
    case EXPR_MAX:
        ROWS(d, a[r] >= b[r] ? 0 : adj[r]);
    case EXPR_SELECT:
        ROWS(d, a[r] != 0 ? adj[r] : 0);
    case EXPR_HYPOT:
        ROWS(d, v[r] == 0 ? 0 : times(adj[r], b[r] / v[r]));
    default:
        ROWS(d, 0);
    }
}

/* Derivatives that are another function: of the argument, not of the value. */
static bool adjoint_by_call(enum expr_op op, double *d, const double *adj,
                            const double *a, size_t m)
{
    for (size_t r = 0; r < m; r++) {
        const double x = a[r];
        double slope;

        switch (op) {
        case EXPR_SIN:
            slope = cos(x);
            break;
        case EXPR_COS:
            slope = -sin(x);
            break;
        case EXPR_SINH:
            slope = expr_cosh1(x);
            break;
        case EXPR_COSH:
            slope = expr_sinh1(x);
            break;
        case EXPR_ERF:
            slope = M_2_SQRTPI * expr_exp1(-x * x);
            break;
        default:
            return false;
        }
        d[r] = times(adj[r], slope);
    }
    return true;
}

void expr_block_adjoint(enum expr_op op, double *const d[3], const double *adj,
                        const double *v, const double *const in[3], size_t m)
{
    if (d[0] && !adjoint_by_call(op, d[0], adj, in[0], m))
        adjoint_first(op, d[0], adj, v, in[0], in[1], m);
    if (d[1])
        adjoint_second(op, d[1], adj, v, in[0], in[1], m);
    for (size_t r = 0; d[2] && r < m; r++) /* only SELECT has a third */
        d[2][r] = in[0][r] != 0 ? 0 : adj[r];
}

CLONES
static void exp_of_product(double *v, const double *a, const double *b,
                           size_t m)
{
    for (size_t r = 0; r < m; r++)
        v[r] = expr_exp1(a[r] * b[r]);
}

void expr_block_pow(double *v, const double *x, const double *y,
                    const double *logs, double shared_y, int positive, size_t m)
{
    if (expr_pow_is_product(shared_y)) {
        for (size_t r = 0; r < m; r++)
            v[r] = expr_pow_product(x[r], (int)shared_y);
        return;
    }
    if (shared_y == 0.5 && positive) {
        block_smooth(EXPR_SQRT, v, x, x, m);
        return;
    }
    exp_of_product(v, y, logs, m);
    if (positive && shared_y == shared_y)
        return;
    for (size_t r = 0; r < m; r++)
        if (!(x[r] > 0) || expr_pow_is_product(y[r]) || y[r] == 0.5)
            v[r] = expr_pow1(x[r], y[r]);
}

/* The logarithm is needed only where the exponent varies; x = 0 has the limit
 * 0 for it. */
CLONES
void expr_block_pow_adjoint(double *dx, double *dy, const double *adj,
                            const double *v, const double *x, const double *y,
                            const double *logs, size_t m)
{
    for (size_t r = 0; dy && r < m; r++)
        dy[r] = v[r] == 0 ? 0 : times(adj[r], v[r] * logs[r]);
    if (!dx)
        return;
    for (size_t r = 0; r < m; r++)
        dx[r] = times(adj[r], y[r] * v[r] / x[r]);
    for (size_t r = 0; r < m; r++)
        if (x[r] == 0)
            dx[r] =
                times(adj[r], y[r] == 0 ? 0 : y[r] * expr_pow1(0, y[r] - 1));
}
