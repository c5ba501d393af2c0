/* The reference kernels in double: every backward pass against central
 * differences of its forward pass. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/kernels.h"
#include "tests/check.h"

#define MAX 400

/* A scalar function of x: the sum of outputs times fixed weights. */
typedef double objective(const double *x, void *ctx);

static void fill(double *x, int n, uint64_t key)
{
    for (int i = 0; i < n; i++)
        x[i] = rng_normal(key, (uint64_t)i);
}

static const struct kernels *kn(void)
{
    const struct kernels *k;
    struct err err;

    check_ok(kernels_select(&k, "ref", &err), err);
    return k;
}

static double weigh(const double *y, const double *w, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += y[i] * w[i];
    return sum;
}

/* Fourth-order central differences: error O(h^4) + O(eps / h). */
static void check_gradient(objective *f, void *ctx, double *x, int n,
                           const double *gradient)
{
    double size = 0;

    for (int i = 0; i < n; i++)
        size = fmax(size, fabs(gradient[i]));
    for (int i = 0; i < n; i++) {
        const double keep = x[i], h = 1e-3;
        double d = 0;
        static const double c[4] = { 1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12 };
        static const double at[4] = { -2, -1, 1, 2 };

        for (int k = 0; k < 4; k++) {
            x[i] = keep + at[k] * h;
            d += c[k] * f(x, ctx) / h;
        }
        x[i] = keep;
        check_close(gradient[i], d, 1e-9 * fmax(size, 1));
    }
}

/* --- one objective per kernel --------------------------------------------------- */

struct norm {
    double x[MAX], w[MAX], g[MAX];
    int rows, c;
};

static double norm_of_x(const double *x, void *ctx)
{
    const struct norm *p = ctx;
    double y[MAX], rstd[MAX];

    kn()->rmsnorm_forward(y, rstd, x, p->w, p->rows, p->c, 1e-5);
    return weigh(y, p->g, p->rows * p->c);
}

static double norm_of_w(const double *w, void *ctx)
{
    const struct norm *p = ctx;
    double y[MAX], rstd[MAX];

    kn()->rmsnorm_forward(y, rstd, p->x, w, p->rows, p->c, 1e-5);
    return weigh(y, p->g, p->rows * p->c);
}

static void rmsnorm_backward_is_the_derivative(void **state)
{
    struct norm p = { .rows = 3, .c = 19 };
    double y[MAX], rstd[MAX], dx[MAX] = { 0 }, dw[MAX] = { 0 }, x[MAX];

    (void)state;
    fill(p.x, MAX, 1);
    fill(p.w, MAX, 2);
    fill(p.g, MAX, 3);
    kn()->rmsnorm_forward(y, rstd, p.x, p.w, p.rows, p.c, 1e-5);
    kn()->rmsnorm_backward(dx, p.g, p.x, p.w, rstd, p.rows, p.c);
    kn()->rmsnorm_dweight(dw, p.g, p.x, rstd, p.rows, p.c);
    memcpy(x, p.x, sizeof x);
    check_gradient(norm_of_x, &p, x, p.rows * p.c, dx);
    memcpy(x, p.w, sizeof x);
    check_gradient(norm_of_w, &p, x, p.c, dw);
}

static double swiglu_of_x(const double *x, void *ctx)
{
    const struct norm *p = ctx;
    double y[MAX];

    kn()->swiglu_forward(y, x, p->rows, p->c);
    return weigh(y, p->g, p->rows * p->c);
}

static void swiglu_backward_is_the_derivative(void **state)
{
    struct norm p = { .rows = 3, .c = 17 };
    double dx[MAX];

    (void)state;
    fill(p.x, MAX, 4);
    fill(p.g, MAX, 5);
    kn()->swiglu_backward(dx, p.g, p.x, p.rows, p.c);
    check_gradient(swiglu_of_x, &p, p.x, 2 * p.rows * p.c, dx);
}

static double loss_of_x(const double *x, void *ctx)
{
    const struct norm *p = ctx;
    const int target[3] = { 2, 0, 16 };
    double y[MAX], loss[3];

    memcpy(y, x, sizeof(double) * (size_t)(p->rows * p->c));
    kn()->cross_entropy(loss, y, target, p->rows, p->c, 0);
    return 0.5 * (loss[0] + loss[1] + loss[2]);
}

static void the_gradient_of_the_loss_is_its_derivative(void **state)
{
    struct norm p = { .rows = 3, .c = 17 };
    const int target[3] = { 2, 0, 16 };
    double y[MAX], loss[3];

    (void)state;
    fill(p.x, MAX, 6);
    memcpy(y, p.x, sizeof y);
    kn()->cross_entropy(loss, y, target, p.rows, p.c, 0.5);
    check_gradient(loss_of_x, &p, p.x, p.rows * p.c, y);
}

enum { SEQ = 7, HEAD = 6, CELL = SEQ * HEAD };

struct attend {
    double g[CELL], work[8192];
};

static struct attention attention_of(const double *qkv, double *out,
                                     double *stat, void *work)
{
    return (struct attention){
        .q = qkv,
        .k = qkv + CELL,
        .v = qkv + 2 * CELL,
        .out = out,
        .stat = stat,
        .ldq = HEAD,
        .ldk = HEAD,
        .ldv = HEAD,
        .ldo = HEAD,
        .seq = SEQ,
        .head_size = HEAD,
        .scale = 0.4,
        .work = work,
    };
}

static double attention_of_x(const double *x, void *ctx)
{
    struct attend *p = ctx;
    double out[CELL], stat[2 * SEQ];
    const struct attention a = attention_of(x, out, stat, p->work);

    kn()->attention_forward(&a);
    return weigh(out, p->g, CELL);
}

static void attention_backward_is_the_derivative(void **state)
{
    struct attend p;
    double x[3 * CELL], dx[3 * CELL] = { 0 }, out[CELL], stat[2 * SEQ];
    struct attention a = attention_of(x, out, stat, p.work);

    (void)state;
    fill(x, 3 * CELL, 7);
    fill(p.g, CELL, 8);
    a.dout = p.g;
    a.dq = dx;
    a.dk = dx + CELL;
    a.dv = dx + 2 * CELL;
    a.lddo = a.lddq = a.lddk = a.lddv = HEAD;
    kn()->attention_forward(&a);
    kn()->attention_backward(&a);
    check_gradient(attention_of_x, &p, x, 3 * CELL, dx);
}

/* A later token must not change what an earlier one sees. */
static void attention_looks_back_only(void **state)
{
    struct attend p;
    double x[3 * CELL], before[CELL], after[CELL], stat[2 * SEQ];
    struct attention a = attention_of(x, before, stat, p.work);

    (void)state;
    fill(x, 3 * CELL, 9);
    kn()->attention_forward(&a);
    for (int part = 0; part < 3; part++)
        x[part * CELL + 4 * HEAD + 1] += 1;
    a.out = after;
    kn()->attention_forward(&a);
    assert_memory_equal(before, after, 4 * HEAD * sizeof *before);
    assert_memory_not_equal(before + 4 * HEAD, after + 4 * HEAD,
                            HEAD * sizeof *before);
}

static void rope_turns_back_to_where_it_was(void **state)
{
    enum { ROWS = 5, SIZE = 6 };
    double x[ROWS * SIZE], y[ROWS * SIZE], table[ROWS * SIZE];
    double before = 0, after = 0;

    (void)state;
    fill(x, ROWS * SIZE, 10);
    for (int t = 0; t < ROWS; t++)
        for (int i = 0; i < SIZE / 2; i++) {
            table[t * SIZE + i] = cos(0.3 * t * (i + 1));
            table[t * SIZE + SIZE / 2 + i] = sin(0.3 * t * (i + 1));
        }
    memcpy(y, x, sizeof x);
    kn()->rope(y, SIZE, ROWS, 1, SIZE, ROWS, table, 1);
    /* position 1, pair 0: a turn by 0.3 */
    check_close(y[SIZE], x[SIZE] * cos(0.3) - x[SIZE + 3] * sin(0.3), 1e-15);
    for (int i = 0; i < ROWS * SIZE; i++) {
        before += x[i] * x[i];
        after += y[i] * y[i];
    }
    check_relative(after, before, 1e-14);
    kn()->rope(y, SIZE, ROWS, 1, SIZE, ROWS, table, -1);
    for (int i = 0; i < ROWS * SIZE; i++)
        check_close(y[i], x[i], 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rmsnorm_backward_is_the_derivative),
        cmocka_unit_test(swiglu_backward_is_the_derivative),
        cmocka_unit_test(the_gradient_of_the_loss_is_its_derivative),
        cmocka_unit_test(attention_backward_is_the_derivative),
        cmocka_unit_test(attention_looks_back_only),
        cmocka_unit_test(rope_turns_back_to_where_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
