#include "post/measure.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "base/exact.h"
#include "base/str.h"

#define TOP 25

/* Sums over the tokens whose logit under p is at least `least`: of the weights of
 * both, and of p's times the difference of the logits. */
static double kl_over(const real *p, const real *q, const double *ep,
                      const double *eq, double least, double shift, int n)
{
    double sp = 0, sq = 0, sum = 0;

    for (int i = 0; i < n; i++) {
        const bool in = (double)p[i] >= least;

        sp += in ? ep[i] : 0;
        sq += in ? eq[i] : 0;
        sum += in ? ep[i] * ((double)p[i] - (double)q[i]) : 0;
    }
    /* Weights of q that have all vanished are as far away as can be said. */
    return sum / sp - shift - exact_ln(sp) + exact_ln(fmax(sq, 1e-300));
}

void measure_kl(double *all, double *of_top, const struct kernels *kn,
                const real *p, const real *q, int n, int top, double *scratch)
{
    double *ep = scratch, *eq = scratch + n;
    const double mp = kn->exp_below(ep, p, n), mq = kn->exp_below(eq, q, n);

    *all = kl_over(p, q, ep, eq, -INFINITY, mp - mq, n);
    *of_top =
        n > top
            ? kl_over(p, q, ep, eq,
                      (double)kn->nth_largest(p, n, top - 1, scratch + 2 * n),
                      mp - mq, n)
            : *all;
}

/* One batch through both models. */
struct pass {
    struct model *parent, *model;
    int *tokens, *targets;
    double *scratch;   /* [threads, 3, vocab] */
    double *kl, *kl25; /* [bt] */
    struct model *bad;
};

static int rest(const struct model *m, int at)
{
    const int left = m->chunk - at % m->chunk, all = m->dims.bt - at;

    return left < all ? left : all;
}

/* The logits of rows from `at` on, made where a chunk begins. */
static const real *logits_at(struct pass *p, struct model *m,
                             const real **first, int at)
{
    const int into = at % m->chunk;

    if (into == 0)
        *first = model_logits(m, at, rest(m, at));
    if (!*first) {
        p->bad = m;
        return NULL;
    }
    return *first + (ptrdiff_t)into * m->dims.vocab;
}

static void finish_chunk(struct pass *p, struct model *m, int end)
{
    const int at = (end - 1) / m->chunk * m->chunk;

    if (end % m->chunk == 0 || end == m->dims.bt)
        model_losses(m, p->targets, at, end - at);
}

/* The chunks of the two may differ: rows are taken up to the next end of
 * either. */
static bool heads(struct pass *p)
{
    const int bt = p->model->dims.bt, vocab = p->model->dims.vocab;
    const real *first[2] = { NULL, NULL };

    for (int at = 0; at < bt;) {
        const real *a = logits_at(p, p->parent, &first[0], at);
        const real *b = a ? logits_at(p, p->model, &first[1], at) : NULL;
        const int left = rest(p->parent, at), right = rest(p->model, at);
        const int n = left < right ? left : right;

        if (!b)
            return false;
#pragma omp parallel for num_threads(p->model->threads) schedule(static)
        for (int i = 0; i < n; i++)
            measure_kl(
                &p->kl[at + i], &p->kl25[at + i], p->model->kn,
                a + (ptrdiff_t)i * vocab, b + (ptrdiff_t)i * vocab, vocab, TOP,
                p->scratch + (size_t)omp_get_thread_num() * 3 * (size_t)vocab);
        at += n;
        finish_chunk(p, p->parent, at);
        finish_chunk(p, p->model, at);
    }
    return true;
}

static bool both(struct pass *p)
{
    struct model *const list[] = { p->parent, p->model };

    for (int i = 0; i < 2; i++) {
        p->bad = list[i];
        list[i]->work.step = -1; /* its own rounding stream, as evaluate's */
        if (!model_body(list[i], p->tokens))
            return false;
    }
    p->bad = NULL;
    return heads(p);
}

/* Sums over sequences; [0] of the parent, [1] of the model, [2] of their
 * difference. */
struct sums {
    int n;
    double sum[3], squares[3], kl, kl25;
};

static double of_sequence(const double *x, int seq)
{
    double sum = 0;

    for (int i = 0; i < seq; i++)
        sum += x[i] / seq;
    return sum;
}

static double loss_of(const struct model *m, int sequence)
{
    const int seq = m->dims.seq;
    double sum = 0;

    for (int i = 0; i < seq; i++)
        sum += (double)m->loss[sequence * seq + i] / seq;
    return sum;
}

static void add_sequence(struct sums *s, const struct pass *p, int i)
{
    const int seq = p->model->dims.seq;
    const double parent = loss_of(p->parent, i), own = loss_of(p->model, i);
    const double x[3] = { parent, own, own - parent };

    for (int k = 0; k < 3; k++) {
        s->sum[k] += x[k];
        s->squares[k] += x[k] * x[k];
    }
    s->kl += of_sequence(p->kl + (ptrdiff_t)i * seq, seq);
    s->kl25 += of_sequence(p->kl25 + (ptrdiff_t)i * seq, seq);
    s->n++;
}

static double error_of(const struct sums *s, int k)
{
    const double n = s->n, mean = s->sum[k] / n;

    return n > 1 ? sqrt(fmax(0, s->squares[k] - s->sum[k] * mean) / (n - 1) / n)
                 : (double)NAN;
}

static struct pass open_pass(struct model *parent, struct model *model)
{
    const size_t bt = (size_t)model->dims.bt;

    return (struct pass){
        .parent = parent,
        .model = model,
        .tokens = mem_array(bt, sizeof(int)),
        .targets = mem_array(bt, sizeof(int)),
        .scratch =
            mem_array((size_t)model->threads * 3 * (size_t)model->dims.vocab,
                      sizeof(double)),
        .kl = mem_array(bt, sizeof(double)),
        .kl25 = mem_array(bt, sizeof(double)),
    };
}

static void close_pass(struct pass *p)
{
    free(p->tokens);
    free(p->targets);
    free(p->scratch);
    free(p->kl);
    free(p->kl25);
}

bool measure_paired(struct paired *out, struct model **bad,
                    struct model *parent, struct model *model,
                    const struct data *d, enum data_set set)
{
    const int n = data_set_count(d, set), batch = model->dims.batch;
    const int seq = model->dims.seq;
    struct pass p = open_pass(parent, model);
    struct sums s = { 0 };
    bool ok = true;

    for (int at = 0; at < n && ok; at += batch) {
        for (int b = 0; b < batch; b++)
            data_set_read(d, set, p.tokens + b * seq, p.targets + b * seq,
                          at + b < n ? at + b : 0);
        ok = both(&p);
        for (int b = 0; b < batch && at + b < n && ok; b++)
            add_sequence(&s, &p, b);
    }
    *bad = p.bad;
    close_pass(&p);
    *out = (struct paired){
        .parent_loss = s.sum[0] / s.n,
        .loss = s.sum[1] / s.n,
        .loss_se = error_of(&s, 1),
        .delta = s.sum[2] / s.n,
        .delta_se = error_of(&s, 2),
        .kl = s.kl / s.n,
        .kl25 = s.kl25 / s.n,
    };
    return ok;
}
