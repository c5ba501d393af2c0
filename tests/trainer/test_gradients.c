/* The whole model in double: the gradient of every tensor against central
 * differences of the loss; quantized layers against the matrix formulas. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "tests/check.h"
#include "trainer/model.h"

static struct config *config(const char *const *sets)
{
    static const char *const base[] = {
        "model.n_layer=2", "model.d_model=12", "model.n_head=2",
        "model.d_ff=20",   "model.seq_len=7",  "train.batch=3",
        "model.vocab=11",  "train.tokens=1",   "model.init_std=0.3",
    };
    struct config *c = config_new();
    struct err err;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; pass ? sets && sets[i] : i < 9; i++) {
            const char *text = pass ? sets[i] : base[i];
            char *key = mem_strndup(text, strcspn(text, "="));

            check_ok(config_set(c, key, strchr(text, '=') + 1, &err), err);
            free(key);
        }
    check_ok(config_resolve(c, &err), err);
    return c;
}

struct problem {
    struct model *m;
    int tokens[64], targets[64];
};

static void open_problem(struct problem *p, const char *const *sets)
{
    struct config *c = config(sets);
    const struct kernels *kn;
    struct err err;

    check_ok(kernels_select(&kn, "ref", &err), err);
    check_ok(model_new(&p->m, c, kn, 3, 1, &err), err);
    for (int i = 0; i < p->m->dims.bt; i++) {
        p->tokens[i] = (int)rng_below(1, (uint64_t)i, 11);
        p->targets[i] = (int)rng_below(2, (uint64_t)i, 11);
    }
    config_free(c);
}

static double loss_of(struct problem *p)
{
    double sum = 0;

    assert_true(model_forward(p->m, p->tokens, p->targets));
    for (int i = 0; i < p->m->dims.bt; i++)
        sum += p->m->loss[i];
    return sum / p->m->dims.bt;
}

/* Fourth-order central differences: truncation O(h^4), rounding eps / h. */
static double slope(struct problem *p, double *x)
{
    static const double c[4] = { 1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12 };
    static const double at[4] = { -2, -1, 1, 2 };
    const double keep = *x, h = 1e-3;
    double d = 0;

    for (int k = 0; k < 4; k++) {
        *x = keep + at[k] * h;
        d += c[k] * loss_of(p) / h;
    }
    *x = keep;
    return d;
}

/* The relative error of each tensor's gradient, as a vector. */
static void check_every_tensor(const char *const *sets)
{
    struct problem p;
    double loss;

    open_problem(&p, sets);
    assert_true(model_step(p.m, &loss, p.tokens, p.targets, 0, 0));
    check_relative(loss_of(&p), loss, 1e-14);
    for (int i = 0; i < p.m->tensors.n; i++) {
        const struct tensor *t = &p.m->tensors.at[i];
        const int n = t->rows * t->cols;
        double error = 0, size = 0;

        for (int k = 0; k < n; k++) {
            const double g = p.m->grads[t->offset + (size_t)k];
            const double d = slope(&p, p.m->params + t->offset + (size_t)k);

            error += (g - d) * (g - d);
            size += d * d;
        }
        assert_true(size > 0);
        if (sqrt(error / size) > 1e-6)
            print_error("tensor %s of block %d\n", t->name, t->layer);
        check_close(sqrt(error / size), 0, 1e-6);
    }
    model_free(p.m);
}

static void every_tensor_agrees_with_central_differences(void **state)
{
    static const char *const gqa[] = { "model.n_head=6", "model.n_kv_head=2",
                                       NULL };
    static const char *const tied[] = { "model.tied=yes", NULL };

    (void)state;
    check_every_tensor(NULL);
    check_every_tensor(gqa);
    check_every_tensor(tied);
}

/* With all matrices zero every token is as likely: ln V.  With unit embeddings
 * and head rows (ln p_v) / d the model says p whatever it reads, up to the
 * factor r = (1 + eps)^(-1/2) of its last norm, whose input is all ones. */
static void losses_of_models_written_by_hand(void **state)
{
    struct problem p;
    struct model *m;
    double r, sum = 0, want = 0;
    size_t head;

    (void)state;
    open_problem(&p, NULL);
    m = p.m;
    for (int i = 0; i < m->tensors.n; i++)
        if (m->tensors.at[i].rows > 1)
            memset(m->params + m->tensors.at[i].offset, 0,
                   sizeof(double) *
                       (size_t)(m->tensors.at[i].rows * m->tensors.at[i].cols));
    check_close(loss_of(&p), log(11), 1e-14);

    r = 1 / sqrt(1 + m->eps);
    head = m->tensors.at[m->tensors.n - 1].offset;
    for (int i = 0; i < 11 * m->dims.d; i++) {
        m->params[i] = 1; /* the embedding comes first */
        m->params[head + (size_t)i] =
            log((i / m->dims.d + 1) / 66.0) / m->dims.d;
    }
    for (int v = 0; v < 11; v++)
        sum += pow((v + 1) / 66.0, r); /* 1 + ... + 11 = 66 */
    for (int i = 0; i < m->dims.bt; i++)
        want += log(sum) - r * log((p.targets[i] + 1) / 66.0);
    check_close(loss_of(&p), want / m->dims.bt, 1e-14);
    model_free(m);
}

/* A quantizer is a step function; its straight-through gradient is that of
 * the model in which the quantized operands are constants.  So Y = Q(x) Q(w)^T
 * must give dX = dY Q(w) and dW = dY^T Q(x), and each backward operand its own
 * quantization along the axis of its product. */
struct layer_case {
    struct linear l;
    struct workspaces work;
    double x[24 * 16], w[8 * 16], dy[24 * 8], dx[24 * 16], dw[8 * 16];
    double y[24 * 8], qw[8 * 16], qx[24 * 16], operand[2048], scratch[512];
    uint8_t in_w[8 * 16], in_x[24 * 16];
    unsigned char *gemm;
};

enum { ROWS = 24, IN = 16, OUT = 8 };

static void open_layer(struct layer_case *c, const char *const specs[6],
                       bool clip)
{
    struct err err;

    memset(c, 0, sizeof *c);
    check_ok(kernels_select(&c->l.kn, "ref", &err), err);
    c->gemm = aligned_alloc(64, GEMM_WORK);
    c->work = (struct workspaces){ .threads = 1,
                                   .gemm = c->gemm,
                                   .quant = c->scratch,
                                   .operand = c->operand };
    c->l.work = &c->work;
    c->l.in = IN;
    c->l.out = OUT;
    c->l.bt = ROWS;
    c->l.w = c->w;
    c->l.dw = c->dw;
    c->l.qw = c->qw;
    c->l.qx = c->qx;
    c->l.clip = clip;
    c->l.in_w = clip ? c->in_w : NULL;
    c->l.in_x = clip ? c->in_x : NULL;
    for (int k = 0; k < OPERAND_COUNT; k++) {
        c->l.reuse[k] = strcmp(specs[k], "forward") == 0;
        check_ok(quant_parse(&c->l.spec[k], c->l.reuse[k] ? "none" : specs[k],
                             NULL, &err),
                 err);
    }
    for (int i = 0; i < ROWS * IN; i++)
        c->x[i] = rng_normal(1, (uint64_t)i);
    for (int i = 0; i < OUT * IN; i++)
        c->w[i] = rng_normal(2, (uint64_t)i);
    for (int i = 0; i < ROWS * OUT; i++)
        c->dy[i] = rng_normal(3, (uint64_t)i);
    assert_true(linear_begin(&c->l));
    assert_true(linear_forward(&c->l, c->y, c->x, 0, ROWS, false));
    assert_true(linear_backward(&c->l, c->dx, c->dy, c->x, 0, ROWS));
}

/* Quantize by the definition: one part at a time through num_round. */
static void by_hand(double *to, const double *from, const char *text, int rows,
                    int cols, bool along_cols)
{
    struct quant_spec s;
    struct err err;
    const int lines = along_cols ? rows : cols, k = along_cols ? cols : rows;

    check_ok(quant_parse(&s, text, NULL, &err), err);
    memcpy(to, from, sizeof *to * (size_t)(rows * cols));
    for (int line = 0; s.on && line < lines; line++)
        for (int at = 0; at < k; at += s.group) {
            double amax = 0, scale;

            for (int i = at; i < at + s.group; i++) {
                const int p = along_cols ? line * cols + i : i * cols + line;

                amax = fmax(amax, fabs(from[p]));
            }
            scale = (double)((float)amax / s.elem.max);
            for (int i = at; i < at + s.group; i++) {
                const int p = along_cols ? line * cols + i : i * cols + line;

                to[p] =
                    scale * (double)num_round(&s.elem, (float)(from[p] / scale),
                                              NUM_NEAREST, 0);
            }
        }
}

/* c[m, n] = sum_p a(i, p) b(p, j), with the operands' strides. */
static void product(double *c, const double *a, int ai, int ap, const double *b,
                    int bp, int bj, int m, int n, int k)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;

            for (int p = 0; p < k; p++)
                sum += a[i * ai + p * ap] * b[p * bp + j * bj];
            c[i * n + j] = sum;
        }
}

static void check_layer(const char *const specs[6])
{
    struct layer_case c;
    double q[6][24 * 16], y[ROWS * OUT], dx[ROWS * IN], dw[OUT * IN];
    const double *raw[6] = { c.w, c.x, c.dy, c.w, c.dy, c.x };
    static const int rows[6] = { OUT, ROWS, ROWS, OUT, ROWS, ROWS };
    static const int cols[6] = { IN, IN, OUT, IN, OUT, IN };
    static const bool along[6] = { true, true, true, false, false, false };

    open_layer(&c, specs, false);
    for (int k = 0; k < 6; k++)
        if (strcmp(specs[k], "forward") == 0)
            memcpy(q[k], q[k == OPERAND_W_D ? OPERAND_W : OPERAND_X],
                   sizeof q[k]);
        else
            by_hand(q[k], raw[k], specs[k], rows[k], cols[k], along[k]);
    product(y, q[OPERAND_X], IN, 1, q[OPERAND_W], 1, IN, ROWS, OUT, IN);
    product(dx, q[OPERAND_DY_D], OUT, 1, q[OPERAND_W_D], IN, 1, ROWS, IN, OUT);
    product(dw, q[OPERAND_DY_G], 1, OUT, q[OPERAND_X_G], IN, 1, OUT, IN, ROWS);
    for (int i = 0; i < ROWS * OUT; i++)
        check_close(c.y[i], y[i], 1e-12);
    for (int i = 0; i < ROWS * IN; i++)
        check_close(c.dx[i], dx[i], 1e-12);
    for (int i = 0; i < OUT * IN; i++)
        check_close(c.dw[i], dw[i], 1e-12);
    free(c.gemm);
}

static void each_operand_is_quantized_along_its_own_axis(void **state)
{
    /* order: w, x, dy_d, w_d, dy_g, x_g */
    static const char *const cases[][6] = {
        { "int4/g8", "int4/g8", "none", "forward", "none", "forward" },
        { "int4/g8", "int4/g8", "none", "none", "none", "none" },
        { "int4/g8", "none", "none", "e2m1/g4", "none", "int3/g8" },
        { "int4/g8", "e2m3/g16", "int5/g4", "e4m3/g8", "e3m2/g12", "int6/g4" },
        { "none", "none", "int4/g8", "forward", "none", "forward" },
        { "none", "none", "none", "forward", "int4/g6", "forward" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_layer(cases[i]);
}

/* pct:75 clips a quarter of each group: those entries get no gradient. */
static void clipping_stops_the_gradient_where_the_value_was_clipped(
    void **state)
{
    static const char *const specs[6] = { "int4/g8/pct:75", "int4/g8/pct:75",
                                          "none",           "forward",
                                          "none",           "forward" };
    struct layer_case plain, clipped;
    int zeros = 0;

    (void)state;
    open_layer(&plain, specs, false);
    open_layer(&clipped, specs, true);
    for (int i = 0; i < ROWS * IN; i++) {
        check_close(clipped.dx[i], clipped.in_x[i] ? plain.dx[i] : 0, 0);
        zeros += !clipped.in_x[i];
    }
    for (int i = 0; i < OUT * IN; i++)
        check_close(clipped.dw[i], clipped.in_w[i] ? plain.dw[i] : 0, 0);
    assert_true(zeros > ROWS * IN / 10 && zeros < ROWS * IN / 2);
    free(plain.gemm);
    free(clipped.gemm);
}

/* dy is rounded for two products.  With unit matrices for w and x the two
 * results are visible: dX = Q(dy) and dW = Q(dy)^T. */
static void each_operand_has_its_own_random_stream(void **state)
{
    static const char *const specs[6] = { "none",
                                          "none",
                                          "int4/tensor/stochastic",
                                          "none",
                                          "int4/tensor/stochastic",
                                          "none" };
    struct layer_case c;
    int same = 0;

    (void)state;
    open_layer(&c, specs, false);
    for (int i = 0; i < OUT * IN; i++)
        c.w[i] = i / IN == i % IN;
    for (int i = 0; i < ROWS * IN; i++)
        c.x[i] = i / IN == i % IN;
    assert_true(linear_backward(&c.l, c.dx, c.dy, c.x, 0, ROWS));
    for (int r = 0; r < IN; r++)
        for (int o = 0; o < OUT; o++)
            same += c.dx[r * IN + o] == c.dw[o * IN + r];
    /* Two independent draws agree where both round the same way: with
     * probability 1 - 2 f (1 - f) for a fraction f, 2/3 on average. */
    assert_true(same > IN * OUT / 2 && same < IN * OUT * 5 / 6);
    free(c.gemm);
}

static double loss_at(struct problem *p, uint64_t seed, int64_t step)
{
    double loss;

    assert_true(model_step(p->m, &loss, p->tokens, p->targets, seed, step));
    return loss;
}

/* The same weights and tokens: only the draws can differ. */
static void stochastic_rounding_draws_anew_for_each_seed_and_step(void **state)
{
    static const char *const sets[] = { "quant.x=int4/g4/stochastic", NULL };
    struct problem p;
    double first;

    (void)state;
    open_problem(&p, sets);
    first = loss_at(&p, 1, 0);
    check_close(loss_at(&p, 1, 0), first, 0);
    assert_true(loss_at(&p, 1, 1) != first);
    assert_true(loss_at(&p, 2, 0) != first);
    model_free(p.m);
}

/* Logits are made a few rows at a time when they are many. */
static void logits_in_chunks_give_the_same_gradient(void **state)
{
    static const char *const tied[] = { "model.tied=yes", NULL };

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct problem p;
        double loss, *whole;
        size_t n;

        open_problem(&p, k ? tied : NULL);
        n = p.m->tensors.values;
        loss = loss_at(&p, 0, 0);
        whole = mem_array(n, sizeof *whole);
        memcpy(whole, p.m->grads, n * sizeof *whole);
        p.m->chunk = 4; /* of 21 rows */
        check_relative(loss_at(&p, 0, 0), loss, 1e-15);
        for (size_t i = 0; i < n; i++)
            check_close(p.m->grads[i], whole[i], 1e-15);
        free(whole);
        model_free(p.m);
    }
}

static void what_is_not_finite_is_named_with_operand_and_layer(void **state)
{
    static const char *const sets[] = { "quant.x=int4/g4", NULL };
    struct problem p;
    double loss;

    (void)state;
    open_problem(&p, sets);
    /* norm2 of block 1 feeds fc1 */
    p.m->params[p.m->tensors.at[1 + 6 + 3].offset] = NAN;
    assert_false(model_step(p.m, &loss, p.tokens, p.targets, 0, 0));
    assert_string_equal(p.m->work.bad,
                        "operand x of fc1 in block 1 is not finite");
    model_free(p.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor_agrees_with_central_differences),
        cmocka_unit_test(losses_of_models_written_by_hand),
        cmocka_unit_test(each_operand_is_quantized_along_its_own_axis),
        cmocka_unit_test(
            clipping_stops_the_gradient_where_the_value_was_clipped),
        cmocka_unit_test(each_operand_has_its_own_random_stream),
        cmocka_unit_test(stochastic_rounding_draws_anew_for_each_seed_and_step),
        cmocka_unit_test(logits_in_chunks_give_the_same_gradient),
        cmocka_unit_test(what_is_not_finite_is_named_with_operand_and_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
