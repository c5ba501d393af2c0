/* model_pass.c - forward and backward through the model. */
#include "trainer/model.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "trainer/blame.h"

/* Rows of a pass, first and number: a stretch of whole sequences. */
struct stretch {
    int at, n;
};

/* They are shared out in pieces that do not depend on the number of threads. */
#define PIECE 64
/* clang-format off */
#define FOR_PIECES(m, s)                                                      \
    _Pragma("omp parallel for num_threads((m)->threads) schedule(static)")    \
    for (int at = (s).at; at < (s).at + (s).n; at += PIECE)
/* clang-format on */
#define HERE(s) ((s).at + (s).n - at < PIECE ? (s).at + (s).n - at : PIECE)

static real *row(real *x, int at, int cols)
{
    return x + (ptrdiff_t)at * cols;
}

static void norm_forward(struct model *m, struct stretch s, real *out,
                         real *rstd, real *x, const real *weight)
{
    const int d = m->dims.d;

    FOR_PIECES(m, s)
    m->kn->rmsnorm_forward(row(out, at, d), rstd + at, row(x, at, d), weight,
                           HERE(s), d, m->eps);
}

/* dres += the gradient through the norm; dweight by one thread, in order. */
static void norm_backward(struct model *m, struct stretch s, real *dweight,
                          real *x, const real *weight, const real *rstd)
{
    const int d = m->dims.d;

    FOR_PIECES(m, s)
    m->kn->rmsnorm_backward(row(m->dres, at, d), row(m->dtmp, at, d),
                            row(x, at, d), weight, rstd + at, HERE(s), d);
    m->kn->rmsnorm_dweight(dweight, row(m->dtmp, s.at, d), row(x, s.at, d),
                           rstd + s.at, s.n, d);
}

/* --- attention ----------------------------------------------------------- */

/* One (sequence, query head): where its matrices lie in the activations, and
 * its gradient in that of a stretch which begins at row `first`. */
static struct attention head_of(const struct model *m, const struct block *b,
                                int first, int sequence, int head, void *work)
{
    const struct model_dims *s = &m->dims;
    const int kv = head / (s->n_head / s->n_kv);
    const ptrdiff_t at = (ptrdiff_t)sequence * s->seq;
    const real *qkv = b->qkv_out + at * s->qkv;
    real *dqkv = m->dwide + (at - first) * s->qkv;
    const ptrdiff_t q = (ptrdiff_t)head * s->head_size;
    const ptrdiff_t k = s->d + (ptrdiff_t)kv * s->head_size;

    return (struct attention){
        .q = qkv + q,
        .k = qkv + k,
        .v = qkv + k + s->kvd,
        .out = b->att + at * s->d + q,
        .stat = b->stat + 2 * (at * s->n_head + (ptrdiff_t)head * s->seq),
        .ldq = s->qkv,
        .ldk = s->qkv,
        .ldv = s->qkv,
        .ldo = s->d,
        .seq = s->seq,
        .head_size = s->head_size,
        .scale = 1 / real_sqrt((real)s->head_size),
        .dout = m->dtmp + at * s->d + q,
        .dq = dqkv + q,
        .dk = dqkv + k,
        .dv = dqkv + k + s->kvd,
        .lddo = s->d,
        .lddq = s->qkv,
        .lddk = s->qkv,
        .lddv = s->qkv,
        .work = work,
    };
}

static void *attention_work(const struct model *m)
{
    return m->work.attention +
           (size_t)omp_get_thread_num() * m->work.attention_bytes;
}

static void attention_forward(struct model *m, struct stretch s,
                              const struct block *b)
{
    const int n_head = m->dims.n_head, sequence = s.at / m->dims.seq;
    const int heads = s.n / m->dims.seq * n_head;

#pragma omp parallel for num_threads(m->threads) schedule(static)
    for (int i = 0; i < heads; i++) {
        const struct attention a = head_of(m, b, s.at, sequence + i / n_head,
                                           i % n_head, attention_work(m));

        m->kn->attention_forward(&a);
    }
}

/* The query heads of a group add to the same keys and values, so one thread
 * takes the whole group. */
static void attention_backward(struct model *m, struct stretch s,
                               const struct block *b)
{
    const int n_kv = m->dims.n_kv, per = m->dims.n_head / n_kv;
    const int sequence = s.at / m->dims.seq;
    const int groups = s.n / m->dims.seq * n_kv;

    memset(m->dwide, 0, (size_t)s.n * (size_t)m->dims.qkv * sizeof(real));
#pragma omp parallel for num_threads(m->threads) schedule(static)
    for (int i = 0; i < groups; i++)
        for (int h = 0; h < per; h++) {
            const struct attention a =
                head_of(m, b, s.at, sequence + i / n_kv, i % n_kv * per + h,
                        attention_work(m));

            m->kn->attention_backward(&a);
        }
}

/* Queries and keys are turned, values are not. */
static void turn(struct model *m, real *qkv, int sequences, int direction)
{
    const struct model_dims *s = &m->dims;

#pragma omp parallel for num_threads(m->threads) schedule(static)
    for (int i = 0; i < sequences; i++)
        m->kn->rope(qkv + (ptrdiff_t)i * s->seq * s->qkv, s->qkv, s->seq,
                    s->n_head + s->n_kv, s->head_size, s->seq, m->rope,
                    direction);
}

/* --- blocks -------------------------------------------------------------- */

#define FOR_STRETCHES(m, s)                                                    \
    for (struct stretch s = { 0, (m)->stretch }; s.at < (m)->dims.bt;          \
         s.at += s.n)

static bool stretch_forward(struct model *m, struct stretch s, struct block *b,
                            real *next)
{
    const int d = m->dims.d, f = m->dims.f, qkv = m->dims.qkv;
    const size_t stream = (size_t)s.n * (size_t)d * sizeof(real);
    real *out = row(b->qkv_out, s.at, qkv), *mid = row(b->mid, s.at, d);

    norm_forward(m, s, b->h1, b->rstd1, b->x, b->norm1);
    if (!linear_forward(&b->linear[LAYER_QKV], out, row(b->h1, s.at, d), s.at,
                        s.n, false))
        return false;
    turn(m, out, s.n / m->dims.seq, 1);
    attention_forward(m, s, b);
    memcpy(mid, row(b->x, s.at, d), stream);
    if (!linear_forward(&b->linear[LAYER_O], mid, row(b->att, s.at, d), s.at,
                        s.n, true))
        return false;
    norm_forward(m, s, b->h2, b->rstd2, b->mid, b->norm2);
    if (!linear_forward(&b->linear[LAYER_FC1], row(b->gu, s.at, 2 * f),
                        row(b->h2, s.at, d), s.at, s.n, false))
        return false;
    FOR_PIECES(m, s)
    m->kn->swiglu_forward(row(b->act, at, f), row(b->gu, at, 2 * f), HERE(s),
                          f);
    memcpy(row(next, s.at, d), mid, stream);
    return linear_forward(&b->linear[LAYER_FC2], row(next, s.at, d),
                          row(b->act, s.at, f), s.at, s.n, true);
}

static bool block_forward(struct model *m, struct block *b, real *next)
{
    for (int k = 0; k < LAYER_HEAD; k++)
        if (!linear_begin(&b->linear[k]))
            return false;
    FOR_STRETCHES(m, s)
    if (!stretch_forward(m, s, b, next))
        return false;
    return true;
}

/* dres holds the gradient of the block's output, then of its input. */
static bool stretch_backward(struct model *m, struct stretch s, struct block *b)
{
    const int d = m->dims.d, f = m->dims.f;
    real *dtmp = row(m->dtmp, s.at, d), *dres = row(m->dres, s.at, d);

    if (!linear_backward(&b->linear[LAYER_FC2], m->dact, dres,
                         row(b->act, s.at, f), s.at, s.n))
        return false;
    FOR_PIECES(m, s)
    m->kn->swiglu_backward(row(m->dwide, at - s.at, 2 * f),
                           row(m->dact, at - s.at, f), row(b->gu, at, 2 * f),
                           HERE(s), f);
    if (!linear_backward(&b->linear[LAYER_FC1], dtmp, m->dwide,
                         row(b->h2, s.at, d), s.at, s.n))
        return false;
    norm_backward(m, s, b->dnorm2, b->mid, b->norm2, b->rstd2);
    if (!linear_backward(&b->linear[LAYER_O], dtmp, dres, row(b->att, s.at, d),
                         s.at, s.n))
        return false;
    attention_backward(m, s, b);
    turn(m, m->dwide, s.n / m->dims.seq, -1);
    if (!linear_backward(&b->linear[LAYER_QKV], dtmp, m->dwide,
                         row(b->h1, s.at, d), s.at, s.n))
        return false;
    norm_backward(m, s, b->dnorm1, b->x, b->norm1, b->rstd1);
    return true;
}

static bool block_backward(struct model *m, struct block *b)
{
    FOR_STRETCHES(m, s)
    if (!stretch_backward(m, s, b))
        return false;
    return true;
}

/* --- the whole ----------------------------------------------------------- */

void model_embed(struct model *m, real *x, const int *tokens)
{
    const int d = m->dims.d;

    for (int i = 0; i < m->dims.bt; i++)
        memcpy(row(x, i, d), m->embed + (ptrdiff_t)tokens[i] * d,
               (size_t)d * sizeof(real));
}

const real *model_last_norm(struct model *m)
{
    norm_forward(m, (struct stretch){ 0, m->dims.bt }, m->h_f, m->rstd_f,
                 m->out, m->norm_f);
    return m->h_f;
}

static bool body_forward(struct model *m, const int *tokens)
{
    const int last = m->dims.n_layer - 1;

    model_embed(m, m->blocks[0].x, tokens);
    for (int l = 0; l <= last; l++)
        if (!block_forward(m, &m->blocks[l],
                           l < last ? m->blocks[l + 1].x : m->out))
            return false;
    model_last_norm(m);
    return linear_begin(&m->head);
}

static void losses(struct model *m, const int *targets, int at, int n,
                   real grad_scale)
{
    const int v = m->dims.vocab;

#pragma omp parallel for num_threads(m->threads) schedule(static)
    for (int i = 0; i < n; i += PIECE)
        m->kn->cross_entropy(m->loss + at + i, row(m->logits, i, v),
                             targets + at + i, n - i < PIECE ? n - i : PIECE, v,
                             grad_scale);
}

/* Logits and loss of rows at .. at+n-1; with a gradient scale also the way
 * back to dtmp and to the head's weight. */
static bool head_rows(struct model *m, const int *targets, int at, int n,
                      real grad_scale)
{
    const int d = m->dims.d;
    real *h = row(m->h_f, at, d);

    if (!linear_forward(&m->head, m->logits, h, at, n, false))
        return false;
    losses(m, targets, at, n, grad_scale);
    return grad_scale == 0 ||
           linear_backward(&m->head, row(m->dtmp, at, d), m->logits, h, at, n);
}

static bool head_all(struct model *m, const int *targets, real grad_scale)
{
    const int bt = m->dims.bt;

    for (int at = 0; at < bt; at += m->chunk)
        if (!head_rows(m, targets, at, bt - at < m->chunk ? bt - at : m->chunk,
                       grad_scale))
            return false;
    return true;
}

bool model_forward(struct model *m, const int *tokens, const int *targets)
{
    m->work.keep_inputs = true;
    return body_forward(m, tokens) && head_all(m, targets, 0);
}

bool model_body(struct model *m, const int *tokens)
{
    m->work.keep_inputs = true;
    return body_forward(m, tokens);
}

const real *model_logits(struct model *m, int at, int n)
{
    return linear_forward(&m->head, m->logits, row(m->h_f, at, m->dims.d), at,
                          n, false)
               ? m->logits
               : NULL;
}

void model_losses(struct model *m, const int *targets, int at, int n)
{
    losses(m, targets, at, n, 0);
}

bool model_block(struct model *m, int layer, real *next)
{
    m->work.keep_inputs = true;
    return block_forward(m, &m->blocks[layer], next);
}

static void embed_backward(struct model *m, const int *tokens)
{
    const int d = m->dims.d;

    for (int i = 0; i < m->dims.bt; i++)
        m->kn->add(m->dembed + (ptrdiff_t)tokens[i] * d, row(m->dres, i, d),
                   (size_t)d);
}

/* Gradients that are added to start at zero; the products overwrite theirs. */
static void clear_gradients(struct model *m)
{
    for (int i = 0; i < m->tensors.n; i++) {
        const struct tensor *t = &m->tensors.at[i];

        if (t->rows == 1 || (!m->dims.tied && strcmp(t->name, "embed") == 0))
            memset(m->grads + t->offset, 0,
                   (size_t)t->rows * (size_t)t->cols * sizeof(real));
    }
}

static double mean_loss(const struct model *m)
{
    double sum = 0;

    for (int i = 0; i < m->dims.bt; i++)
        sum += (double)m->loss[i];
    return sum / m->dims.bt;
}

bool model_step(struct model *m, double *loss, const int *tokens,
                const int *targets, uint64_t seed, int64_t step)
{
    const size_t stream = (size_t)m->dims.bt * (size_t)m->dims.d * sizeof(real);

    m->work.bad[0] = '\0';
    m->work.keep_inputs = false;
    m->work.seed = seed;
    m->work.step = step;
    clear_gradients(m);
    if (!body_forward(m, tokens) || !head_all(m, targets, 1 / (real)m->dims.bt))
        return false;
    *loss = mean_loss(m);
    if (!isfinite(*loss)) {
        blame_forward(m);
        return false;
    }
    memset(m->dres, 0, stream);
    norm_backward(m, (struct stretch){ 0, m->dims.bt }, m->dnorm_f, m->out,
                  m->norm_f, m->rstd_f);
    for (int l = m->dims.n_layer - 1; l >= 0; l--)
        if (!block_backward(m, &m->blocks[l]))
            return false;
    embed_backward(m, tokens);
    return true;
}
