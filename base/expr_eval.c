/* expr_eval.c - many rows at once, with the gradient.
 *
 * Forwards, each node gets a block of values; backwards, a block of adjoints
 * d root / d node.  An expression is a tree, so an adjoint is written once and
 * the work does not grow with the number of slots differentiated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/expr.h"
#include "base/expr_block.h"
#include "base/expr_math.h"
#include "base/expr_node.h"

/* Where a node's value comes from in this call. */
enum source {
    FROM_ROWS,   /* computed block by block */
    FROM_COLUMN, /* a column of the inputs */
    FROM_SCALAR, /* one number for all rows, spread over its block once */
    FROM_PIN,    /* computed by expr_work_pin */
    SKIPPED,     /* below a pinned node */
};

struct node_work {
    enum source source;
    int wrt;                       /* of a leaf: which chosen slot, or -1 */
    bool live;                     /* depends on a chosen slot */
    bool alone;                    /* the only leaf of its slot */
    double *value;                 /* [EXPR_BLOCK] */
    double *adjoint;               /* [EXPR_BLOCK], NULL unless live */
    double *logs;                  /* of POW: log of the base, [EXPR_BLOCK] */
    double *pin;                   /* [rows] */
    double *pin_log;               /* of POW: log of a pinned base, [rows] */
    const double *at, *adjoint_at; /* in this block */
};

struct expr_work {
    const struct expr *e;
    int n_wrt;
    struct node_work *nodes;
    bool *seen;      /* of each chosen slot, in this block */
    double *storage; /* what value, adjoint and logs point into */
    double *ones;
    size_t pinned_rows;
};

static void find_live(struct expr_work *w, const int *wrt)
{
    int *leaves = mem_array((size_t)w->n_wrt, sizeof *leaves);

    for (int i = 0; i < w->e->n; i++) {
        const struct expr_node *node = &w->e->nodes[i];
        struct node_work *nw = &w->nodes[i];

        nw->wrt = -1;
        for (int k = 0; k < expr_op_args(node->op); k++)
            nw->live = nw->live || w->nodes[node->arg[k]].live;
        for (int k = 0; node->op == EXPR_SLOT && k < w->n_wrt; k++)
            if (node->slot == wrt[k])
                nw->wrt = k;
        if (nw->wrt >= 0) {
            nw->live = true;
            leaves[nw->wrt]++;
        }
    }
    for (int i = 0; i < w->e->n; i++)
        w->nodes[i].alone =
            w->nodes[i].wrt >= 0 && leaves[w->nodes[i].wrt] == 1;
    free(leaves);
}

struct expr_work *expr_work_new(const struct expr *e, const int *wrt, int n_wrt)
{
    struct expr_work *w = mem_alloc(sizeof *w);
    double *next;

    w->e = e;
    w->n_wrt = n_wrt;
    w->nodes = mem_array((size_t)e->n, sizeof *w->nodes);
    w->seen = mem_array((size_t)n_wrt, sizeof *w->seen);
    find_live(w, wrt);
    w->storage = mem_array((size_t)e->n * 3 + 1, EXPR_BLOCK * sizeof(double));
    next = w->storage;
    for (int i = 0; i < e->n; i++) {
        struct node_work *nw = &w->nodes[i];

        nw->value = next;
        next += EXPR_BLOCK;
        if (nw->live) {
            nw->adjoint = next;
            next += EXPR_BLOCK;
        }
        if (e->nodes[i].op == EXPR_POW) {
            nw->logs = next;
            next += EXPR_BLOCK;
        }
    }
    w->ones = next;
    for (int r = 0; r < EXPR_BLOCK; r++)
        w->ones[r] = 1;
    return w;
}

static void drop_pins(struct expr_work *w)
{
    for (int i = 0; i < w->e->n; i++) {
        free(w->nodes[i].pin);
        free(w->nodes[i].pin_log);
        w->nodes[i].pin = w->nodes[i].pin_log = NULL;
    }
    w->pinned_rows = 0;
}

void expr_work_free(struct expr_work *w)
{
    if (!w)
        return;
    drop_pins(w);
    free(w->nodes);
    free(w->seen);
    free(w->storage);
    free(w);
}

/* --- forwards ------------------------------------------------------------ */

static void skip_below(struct expr_work *w, int i)
{
    const struct expr_node *node = &w->e->nodes[i];

    for (int k = 0; k < expr_op_args(node->op); k++) {
        w->nodes[node->arg[k]].source = SKIPPED;
        skip_below(w, node->arg[k]);
    }
}

static enum source find_source(const struct expr_work *w, int i,
                               const struct expr_input *inputs)
{
    const struct expr_node *node = &w->e->nodes[i];
    bool scalar = true;

    if (node->op == EXPR_NUMBER)
        return FROM_SCALAR;
    if (node->op == EXPR_SLOT)
        return inputs[node->slot].column ? FROM_COLUMN : FROM_SCALAR;
    if (w->nodes[i].pin)
        return FROM_PIN;
    for (int k = 0; k < expr_op_args(node->op); k++)
        scalar = scalar && w->nodes[node->arg[k]].source == FROM_SCALAR;
    return scalar ? FROM_SCALAR : FROM_ROWS;
}

static void spread(double *block, double x)
{
    for (int r = 0; r < EXPR_BLOCK; r++)
        block[r] = x;
}

static void spread_scalar(struct expr_work *w, int i,
                          const struct expr_input *inputs)
{
    const struct expr_node *node = &w->e->nodes[i];
    struct node_work *nw = &w->nodes[i];
    double a[3] = { 0 }, v;

    for (int k = 0; k < expr_op_args(node->op); k++)
        a[k] = w->nodes[node->arg[k]].value[0];
    v = node->op == EXPR_NUMBER ? node->value
        : node->op == EXPR_SLOT ? inputs[node->slot].constant
                                : expr_apply(node->op, a);
    spread(nw->value, v);
    if (node->op == EXPR_POW)
        spread(nw->logs, expr_log1(a[0]));
    nw->at = nw->value;
}

static void start_call(struct expr_work *w, const struct expr_input *inputs)
{
    for (int i = 0; i < w->e->n; i++) {
        w->nodes[i].source = find_source(w, i, inputs);
        if (w->nodes[i].source == FROM_SCALAR)
            spread_scalar(w, i, inputs);
    }
    for (int i = w->e->n - 1; i >= 0 && w->pinned_rows; i--)
        if (w->nodes[i].source == FROM_PIN)
            skip_below(w, i);
}

static void block_pow(struct expr_work *w, int i, size_t row, size_t m)
{
    const struct expr_node *node = &w->e->nodes[i];
    const struct node_work *x = &w->nodes[node->arg[0]];
    const struct node_work *y = &w->nodes[node->arg[1]];
    struct node_work *nw = &w->nodes[i];
    const double shared_y =
        y->source == FROM_SCALAR ? y->value[0] : (double)NAN;

    if (!nw->pin_log && x->source == FROM_SCALAR && row == 0)
        spread(nw->logs, expr_log1(x->at[0]));
    else if (!nw->pin_log && x->source != FROM_SCALAR)
        expr_block_log(nw->logs, x->at, m);
    expr_block_pow(nw->value, x->at, y->at,
                   nw->pin_log ? nw->pin_log + row : nw->logs, shared_y,
                   nw->pin_log != NULL, m);
}

static void forward(struct expr_work *w, int i, const struct expr_input *inputs,
                    size_t row, size_t m)
{
    const struct expr_node *node = &w->e->nodes[i];
    struct node_work *nw = &w->nodes[i];
    const double *in[3] = { nw->value, nw->value, nw->value };

    switch (nw->source) {
    case FROM_COLUMN:
        nw->at = inputs[node->slot].column + row;
        return;
    case FROM_PIN:
        nw->at = nw->pin + row;
        return;
    case FROM_ROWS:
        break;
    default:
        return;
    }
    for (int k = 0; k < expr_op_args(node->op); k++)
        in[k] = w->nodes[node->arg[k]].at;
    nw->at = nw->value;
    if (node->op == EXPR_POW)
        block_pow(w, i, row, m);
    else
        expr_block_value(node->op, nw->value, in[0], in[1], in[2], m);
}

/* --- backwards ----------------------------------------------------------- */

/* Where the adjoint of node j is to be written: straight into the gradient
 * when nothing else adds to it. */
static double *adjoint_target(struct expr_work *w, int j, double *grad,
                              size_t stride, size_t row)
{
    struct node_work *nw = &w->nodes[j];

    if (!nw->live)
        return NULL;
    return nw->alone ? grad + (size_t)nw->wrt * stride + row : nw->adjoint;
}

static void backward(struct expr_work *w, int i, double *grad, size_t stride,
                     size_t row, size_t m)
{
    const struct expr_node *node = &w->e->nodes[i];
    struct node_work *nw = &w->nodes[i];
    const int args = expr_op_args(node->op);
    double *d[3] = { NULL, NULL, NULL };
    const double *in[3] = { NULL, NULL, NULL };

    for (int k = 0; k < args; k++) {
        struct node_work *child = &w->nodes[node->arg[k]];

        in[k] = child->at;
        d[k] = adjoint_target(w, node->arg[k], grad, stride, row);
        child->adjoint_at = d[k];
        if (node->op == EXPR_ADD || (node->op == EXPR_SUB && k == 0)) {
            child->adjoint_at = nw->adjoint_at; /* the same numbers */
            d[k] = NULL;
        }
    }
    if (node->op == EXPR_POW)
        expr_block_pow_adjoint(d[0], d[1], nw->adjoint_at, nw->at, in[0], in[1],
                               nw->pin_log ? nw->pin_log + row : nw->logs, m);
    else
        expr_block_adjoint(node->op, d, nw->adjoint_at, nw->at, in, m);
}

/* A leaf hands its adjoint to its slot's part of the gradient. */
static void collect(struct expr_work *w, int i, double *grad, size_t stride,
                    size_t row, size_t m)
{
    struct node_work *nw = &w->nodes[i];
    double *out = grad + (size_t)nw->wrt * stride + row;
    const double *adj = nw->adjoint_at;

    if (!w->seen[nw->wrt] && adj != out)
        memcpy(out, adj, m * sizeof *out);
    for (size_t r = 0; w->seen[nw->wrt] && r < m; r++)
        out[r] += adj[r];
    w->seen[nw->wrt] = true;
}

static void gradient(struct expr_work *w, double *grad, size_t stride,
                     size_t row, size_t m)
{
    const int root = w->e->n - 1;

    memset(w->seen, 0, (size_t)w->n_wrt * sizeof *w->seen);
    w->nodes[root].adjoint_at = w->ones;
    for (int i = root; i >= 0; i--) {
        if (!w->nodes[i].live)
            continue;
        if (w->nodes[i].wrt >= 0)
            collect(w, i, grad, stride, row, m);
        else
            backward(w, i, grad, stride, row, m);
    }
    for (int k = 0; k < w->n_wrt; k++)
        if (!w->seen[k])
            memset(grad + (size_t)k * stride + row, 0, m * sizeof *grad);
}

void expr_eval_rows(struct expr_work *w, double *value, double *grad,
                    size_t stride, const struct expr_input *inputs, size_t rows)
{
    const int root = w->e->n - 1;

    start_call(w, inputs);
    for (size_t row = 0; row < rows; row += EXPR_BLOCK) {
        const size_t m = rows - row < EXPR_BLOCK ? rows - row : EXPR_BLOCK;

        for (int i = 0; i <= root; i++)
            forward(w, i, inputs, row, m);
        memcpy(value + row, w->nodes[root].at, m * sizeof *value);
        if (grad)
            gradient(w, grad, stride, row, m);
    }
}

/* --- pins ---------------------------------------------------------------- */

/* Fixed nodes depend on columns that are not differentiated, and numbers. */
static bool *find_fixed(const struct expr_work *w,
                        const struct expr_input *inputs)
{
    bool *fixed = mem_array((size_t)w->e->n, sizeof *fixed);

    for (int i = 0; i < w->e->n; i++) {
        const struct expr_node *node = &w->e->nodes[i];

        fixed[i] = !w->nodes[i].live &&
                   (node->op != EXPR_SLOT || inputs[node->slot].column);
        for (int k = 0; k < expr_op_args(node->op); k++)
            fixed[i] = fixed[i] && fixed[node->arg[k]];
    }
    return fixed;
}

/* Copy a node's values of all rows, or their logarithms when all are
 * positive. */
static double *keep_rows(struct expr_work *w, int i, bool logs,
                         const struct expr_input *inputs, size_t rows)
{
    double *kept = mem_array(rows, sizeof *kept);
    bool positive = true;

    for (size_t row = 0; row < rows; row += EXPR_BLOCK) {
        const size_t m = rows - row < EXPR_BLOCK ? rows - row : EXPR_BLOCK;

        for (int j = 0; j <= i; j++)
            forward(w, j, inputs, row, m);
        memcpy(kept + row, w->nodes[i].at, m * sizeof *kept);
        for (size_t r = 0; r < m; r++)
            positive = positive && kept[row + r] > 0;
    }
    if (logs && positive)
        expr_block_log(kept, kept, rows);
    if (logs && !positive) {
        free(kept);
        return NULL;
    }
    return kept;
}

void expr_work_pin(struct expr_work *w, const struct expr_input *inputs,
                   size_t rows)
{
    bool *fixed;

    drop_pins(w);
    start_call(w, inputs);
    fixed = find_fixed(w, inputs);
    for (int i = 0; i < w->e->n; i++) {
        const struct expr_node *node = &w->e->nodes[i];
        struct node_work *nw = &w->nodes[i];

        if (nw->source == FROM_ROWS && fixed[i])
            nw->pin = keep_rows(w, i, false, inputs, rows);
        else if (node->op == EXPR_POW && fixed[node->arg[0]] &&
                 nw->source == FROM_ROWS)
            nw->pin_log = keep_rows(w, node->arg[0], true, inputs, rows);
    }
    w->pinned_rows = rows;
    free(fixed);
}
