#include "base/expr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr_node.h"

#define BLOCK 64 /* rows evaluated together; their buffers stay in L1 */

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
        return pow(a[0], a[1]);
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
        return log(a[0]);
    case EXPR_LOG2:
        return log2(a[0]);
    case EXPR_LOG10:
        return log10(a[0]);
    case EXPR_EXP:
        return exp(a[0]);
    case EXPR_SQRT:
        return sqrt(a[0]);
    case EXPR_ABS:
        return fabs(a[0]);
    case EXPR_TANH:
        return tanh(a[0]);
    case EXPR_ROUND:
        return round(a[0]);
    case EXPR_FLOOR:
        return floor(a[0]);
    case EXPR_CEIL:
        return ceil(a[0]);
    case EXPR_ROUND_TO:
        return a[1] * round(a[0] / a[1]);
    default:
        return NAN;
    }
}

/* d value / d a[i] of an operation with arguments a and result v. */
static void partials(enum expr_op op, const double *a, double v, double *d)
{
    d[0] = d[1] = d[2] = 0;
    switch (op) {
    case EXPR_ADD:
        d[0] = d[1] = 1;
        break;
    case EXPR_SUB:
        d[0] = 1;
        d[1] = -1;
        break;
    case EXPR_MUL:
        d[0] = a[1];
        d[1] = a[0];
        break;
    case EXPR_DIV:
        d[0] = 1 / a[1];
        d[1] = -v / a[1];
        break;
    case EXPR_NEG:
        d[0] = -1;
        break;
    case EXPR_SELECT:
        d[a[0] != 0 ? 1 : 2] = 1;
        break;
    case EXPR_MIN:
        d[a[0] <= a[1] ? 0 : 1] = 1;
        break;
    case EXPR_MAX:
        d[a[0] >= a[1] ? 0 : 1] = 1;
        break;
    case EXPR_LOG:
        d[0] = 1 / a[0];
        break;
    case EXPR_LOG2:
        d[0] = 1.4426950408889634074 / a[0];
        break;
    case EXPR_LOG10:
        d[0] = 0.43429448190325182765 / a[0];
        break;
    case EXPR_EXP:
        d[0] = v;
        break;
    case EXPR_SQRT:
        d[0] = 0.5 / v;
        break;
    case EXPR_ABS:
        d[0] = a[0] >= 0 ? 1 : -1;
        break;
    case EXPR_TANH:
        d[0] = 1 - v * v;
        break;
    default:
        break;
    }
}

double expr_eval(const struct expr *e, const double *slots)
{
    double small[64], *v = e->n <= 64 ? small
                                      : mem_array((size_t)e->n, sizeof *v);
    double root = NAN;

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

/* Each node owns a block of values and one block of derivatives for each
 * chosen slot its value depends on. */
struct expr_work {
    const struct expr *e;
    int n_wrt;
    uint64_t *mask;  /* which of the chosen slots a node depends on */
    double *value;   /* [n][BLOCK] */
    double **deriv;  /* [n][n_wrt], NULL where independent */
    double *storage; /* what deriv points into */
};

static void find_masks(struct expr_work *w, const int *wrt)
{
    for (int i = 0; i < w->e->n; i++) {
        const struct expr_node *node = &w->e->nodes[i];

        for (int k = 0; k < expr_op_args(node->op); k++)
            w->mask[i] |= w->mask[node->arg[k]];
        for (int k = 0; node->op == EXPR_SLOT && k < w->n_wrt; k++)
            if (node->slot == wrt[k])
                w->mask[i] |= UINT64_C(1) << k;
    }
}

struct expr_work *expr_work_new(const struct expr *e, const int *wrt, int n_wrt)
{
    struct expr_work *w = mem_alloc(sizeof *w);
    const size_t n = (size_t)e->n, p = (size_t)n_wrt;
    size_t blocks = 0;

    w->e = e;
    w->n_wrt = n_wrt;
    w->mask = mem_array(n, sizeof *w->mask);
    w->value = mem_array(n * BLOCK, sizeof *w->value);
    w->deriv = mem_array(n * p, sizeof *w->deriv);
    find_masks(w, wrt);
    for (size_t i = 0; i < n; i++)
        blocks += (size_t)__builtin_popcountll(w->mask[i]);
    w->storage = mem_array(blocks * BLOCK, sizeof *w->storage);
    blocks = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < p; k++)
            if (w->mask[i] >> k & 1)
                w->deriv[i * p + k] = w->storage + BLOCK * blocks++;
    return w;
}

void expr_work_free(struct expr_work *w)
{
    if (!w)
        return;
    free(w->mask);
    free(w->value);
    free(w->deriv);
    free(w->storage);
    free(w);
}

static void load_leaf(struct expr_work *w, int i,
                      const struct expr_input *inputs, size_t row, size_t m)
{
    const struct expr_node *node = &w->e->nodes[i];
    double *v = w->value + (size_t)i * BLOCK;
    const struct expr_input *in;

    if (node->op == EXPR_NUMBER) {
        for (size_t r = 0; r < m; r++)
            v[r] = node->value;
        return;
    }
    in = &inputs[node->slot];
    for (size_t r = 0; r < m; r++)
        v[r] = in->column ? in->column[row + r] : in->constant;
    for (int k = 0; k < w->n_wrt; k++) {
        double *d = w->deriv[i * w->n_wrt + k];

        for (size_t r = 0; d && r < m; r++)
            d[r] = 1;
    }
}

/* x^y: the logarithm is needed only where the exponent varies, and x = 0 has
 * the limit 0 for it. */
static void pow_partials(double x, double y, double v, bool vary_y, double *d)
{
    d[0] = x != 0 ? y * v / x : y * pow(x, y - 1);
    d[1] = !vary_y || v == 0 ? 0 : v * log(x);
}

static void apply_block(struct expr_work *w, int i, bool with_grad, size_t m)
{
    const struct expr_node *node = &w->e->nodes[i];
    const int args = expr_op_args(node->op), p = w->n_wrt;
    const uint64_t mask = with_grad ? w->mask[i] : 0;
    double *v = w->value + (size_t)i * BLOCK;
    const double *in[3] = { v, v, v };

    for (int k = 0; k < args; k++)
        in[k] = w->value + (size_t)node->arg[k] * BLOCK;
    for (size_t r = 0; r < m; r++) {
        const double a[3] = { in[0][r], args > 1 ? in[1][r] : 0,
                              args > 2 ? in[2][r] : 0 };
        double d[3] = { 0 };

        v[r] = expr_apply(node->op, a);
        if (!mask)
            continue;
        if (node->op == EXPR_POW)
            pow_partials(a[0], a[1], v[r], w->mask[node->arg[1]] != 0, d);
        else
            partials(node->op, a, v[r], d);
        for (int k = 0; k < p; k++) {
            double sum = 0;

            if (!(mask >> k & 1))
                continue;
            for (int j = 0; j < args; j++) {
                const double *dj = w->deriv[node->arg[j] * p + k];

                if (dj && d[j] != 0)
                    sum += d[j] * dj[r];
            }
            w->deriv[i * p + k][r] = sum;
        }
    }
}

void expr_eval_rows(struct expr_work *w, double *value, double *grad,
                    size_t stride, const struct expr_input *inputs, size_t rows)
{
    const int n = w->e->n, root = n - 1;

    for (size_t row = 0; row < rows; row += BLOCK) {
        const size_t m = rows - row < BLOCK ? rows - row : BLOCK;

        for (int i = 0; i < n; i++) {
            if (expr_op_args(w->e->nodes[i].op) == 0)
                load_leaf(w, i, inputs, row, m);
            else
                apply_block(w, i, grad != NULL, m);
        }
        memcpy(value + row, w->value + (size_t)root * BLOCK,
               m * sizeof *value);
        for (int k = 0; grad && k < w->n_wrt; k++) {
            const double *d = w->deriv[root * w->n_wrt + k];

            for (size_t r = 0; r < m; r++)
                grad[(size_t)k * stride + row + r] = d ? d[r] : 0;
        }
    }
}
