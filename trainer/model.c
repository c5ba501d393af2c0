/* model.c - the layout of parameters and activations. */
#include "trainer/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact.h"
#include "base/hash.h"
#include "base/str.h"
#include "trainer/arena.h"

/* --- the arena ----------------------------------------------------------- */

/* The parts of both operands must be cut from each other without a rest. */
static bool codes_fit(const struct linear *l)
{
    const int x = quant_part_length(&l->spec[OPERAND_X], l->in);
    const int w = quant_part_length(&l->spec[OPERAND_W], l->in);

    return l->in % x == 0 && l->in % w == 0 &&
           (x > w ? x % w == 0 : w % x == 0);
}

static void place_codes(struct arena *a, struct codes *c,
                        const struct quant_spec *spec, int rows, int k)
{
    const bool tensor = spec->gran == QUANT_TENSOR;

    c->parts = tensor ? 0 : k / quant_part_length(spec, k);
    c->code = arena_cut(a, (size_t)rows * (size_t)k);
    c->scale = arena_reals(a, tensor ? 1 : (size_t)rows,
                           tensor ? 1 : (size_t)c->parts);
}

/* Attention's output is needed by its backward pass, and an input that the
 * weight gradient quantizes for itself must stay as it is.  The others were
 * made for this product alone. */
static bool input_is_ours(const struct linear *l)
{
    return l->kind != LAYER_O && l->reuse[OPERAND_X_G];
}

static void bind_linear(struct model *m, struct arena *a, struct linear *l,
                        const struct config *c, enum layer_kind kind, int layer)
{
    const int in = layer_in(&m->dims, kind), out = layer_out(&m->dims, kind);
    const size_t weights = (size_t)in * (size_t)out;
    const size_t inputs = (size_t)m->dims.bt * (size_t)in;
    const struct layer_quant *q = config_layer(c, layer, kind);
    const struct tensor *t =
        tensors_layer(&m->tensors, m->dims.tied, kind, layer);

    *l = (struct linear){ .kn = m->kn,
                          .work = &m->work,
                          .kind = kind,
                          .layer = layer,
                          .in = in,
                          .out = out,
                          .bt = m->dims.bt };
    if (q) {
        memcpy(l->spec, q->spec, sizeof l->spec);
        memcpy(l->reuse, q->reuse, sizeof l->reuse);
        l->clip = q->clip;
        for (int k = 0; k < OPERAND_COUNT; k++)
            l->exact[k] = q->exact && quant_is_bf16(&l->spec[k]);
    }
    if (m->params) {
        l->w = m->params + t->offset;
        l->dw = m->grads + t->offset;
    }
    if (l->spec[OPERAND_W].on)
        l->qw = arena_reals(a, weights, 1);
    l->bf16 =
        kind != LAYER_HEAD && strcmp(config_train_compute(c), "bf16") == 0;
    l->in_place = l->spec[OPERAND_X].on && input_is_ours(l);
    if (l->spec[OPERAND_X].on && !l->in_place)
        l->qx = arena_reals(a, inputs, 1);
    if (q && q->integer && codes_fit(l)) {
        place_codes(a, &l->cw, &l->spec[OPERAND_W], out, in);
        place_codes(a, &l->cx, &l->spec[OPERAND_X], m->dims.bt, in);
    }
    if (l->spec[OPERAND_W].on && l->clip)
        l->in_w = arena_cut(a, weights);
    if (l->spec[OPERAND_X].on && l->clip)
        l->in_x = arena_cut(a, inputs);
}

static void place_block(struct model *m, struct arena *a, struct block *b,
                        const struct config *c, int layer)
{
    const struct model_dims *s = &m->dims;
    const size_t bt = (size_t)s->bt, d = (size_t)s->d, f = (size_t)s->f;

    for (int k = 0; k < LAYER_HEAD; k++)
        bind_linear(m, a, &b->linear[k], c, (enum layer_kind)k, layer);
    if (m->params) {
        const size_t n1 = tensors_find(&m->tensors, "norm1", layer)->offset;
        const size_t n2 = tensors_find(&m->tensors, "norm2", layer)->offset;

        b->norm1 = m->params + n1;
        b->dnorm1 = m->grads + n1;
        b->norm2 = m->params + n2;
        b->dnorm2 = m->grads + n2;
    }
    b->x = arena_reals(a, bt, d);
    b->h1 = arena_reals(a, bt, d);
    b->rstd1 = arena_reals(a, bt, 1);
    b->qkv_out = arena_reals(a, bt, (size_t)s->qkv);
    b->att = arena_reals(a, bt, d);
    b->stat = arena_reals(a, bt, 2 * (size_t)s->n_head);
    b->mid = arena_reals(a, bt, d);
    b->h2 = arena_reals(a, bt, d);
    b->rstd2 = arena_reals(a, bt, 1);
    b->gu = arena_reals(a, bt, 2 * f);
    b->act = arena_reals(a, bt, f);
}

const real *block_input(const struct block *b, enum layer_kind kind)
{
    const real *const inputs[LAYER_HEAD] = {
        [LAYER_QKV] = b->h1,
        [LAYER_O] = b->att,
        [LAYER_FC1] = b->h2,
        [LAYER_FC2] = b->act,
    };

    return inputs[kind];
}

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Elements of scratch for the quantizers and for quantized backward operands:
 * the largest that any layer needs. */
struct scratch {
    size_t operand, input, scale, rounded;
    size_t quant; /* bytes */
};

static void size_scratch(struct scratch *s, const struct linear *l)
{
    const bool any = l->spec[OPERAND_DY_D].on || l->spec[OPERAND_DY_G].on ||
                     (l->spec[OPERAND_W_D].on && !l->reuse[OPERAND_W_D]) ||
                     (l->spec[OPERAND_X_G].on && !l->reuse[OPERAND_X_G]);
    const size_t dy = (size_t)l->bt * (size_t)l->out;
    const size_t other =
        at_least((size_t)l->bt * (size_t)l->in, (size_t)l->in * (size_t)l->out);
    const int rows[2] = { l->bt, l->out }, cols[2] = { l->in, l->out };

    if (any)
        s->operand = at_least(s->operand, dy + other);
    s->rounded = at_least(s->rounded, linear_rounded(l));
    if (l->in_place)
        s->input = at_least(s->input, (size_t)l->bt * (size_t)l->in);
    for (int k = 0; k < OPERAND_COUNT; k++) {
        s->scale = at_least(s->scale, linear_scales(l, (enum quant_operand)k));
        for (int i = 0; l->spec[k].on && i < 4; i++)
            for (int axis = 0; axis < 2; axis++)
                s->quant =
                    at_least(s->quant, quant_work_size(&l->spec[k], rows[i / 2],
                                                       cols[i % 2],
                                                       (enum quant_axis)axis));
    }
}

/* Of its forward and of its backward product. */
static size_t packed_bytes(const struct linear *l)
{
    return at_least(kernels_packed_bytes(l->out, l->in),
                    kernels_packed_bytes(l->in, l->out));
}

/* Room for one layer's weights of a kind, as its product arranges them: a block
 * is done with them before the next begins. */
static void place_packed(struct model *m, struct arena *a)
{
    struct linear *head = &m->head;

    for (int kind = 0; kind < LAYER_HEAD && m->stretch < m->dims.bt; kind++) {
        void *room = arena_cut(a, packed_bytes(&m->blocks[0].linear[kind]));

        for (int l = 0; l < m->dims.n_layer; l++)
            m->blocks[l].linear[kind].packed = room;
    }
    if (m->chunk < m->dims.bt)
        head->packed = arena_cut(a, packed_bytes(head));
}

static void place_scratch(struct model *m, struct arena *a)
{
    const struct model_dims *s = &m->dims;
    const size_t threads = (size_t)m->threads;
    struct scratch need = { 0 };

    m->work.threads = m->threads;
    size_scratch(&need, &m->head);
    for (int l = 0; l < s->n_layer; l++)
        for (int kind = 0; kind < LAYER_HEAD; kind++)
            size_scratch(&need, &m->blocks[l].linear[kind]);
    m->work.operand = arena_reals(a, need.operand, 1);
    m->work.input = arena_reals(a, need.input, 1);
    m->work.scale = arena_reals(a, need.scale, 1);
    m->work.rounded = arena_reals(a, need.rounded, 1);
    m->work.quant = arena_cut(a, need.quant);
    m->work.gemm = arena_cut(a, threads * GEMM_WORK);
    place_packed(m, a);
    m->work.attention_bytes =
        (kernels_attention_work(s->seq, s->head_size) + 63) / 64 * 64;
    m->work.attention = arena_cut(a, threads * m->work.attention_bytes);
}

/* Whole sequences whose activations in a block, STRETCH bytes, stay in the
 * cache from one layer to the next, unless something is quantized over all
 * rows.  Measured on Zen 4 (1 MB of L2): 1 to 5 MB are equally good. */
#define STRETCH ((size_t)2 << 20)

static int stretch_rows(const struct model *m)
{
    const struct model_dims *s = &m->dims;
    const size_t sequence =
        (size_t)s->seq * sizeof(real) *
        (4 * (size_t)s->d + (size_t)s->qkv + 3 * (size_t)s->f);
    const size_t fit = STRETCH / sequence;
    const int n = fit < (size_t)s->batch ? (int)fit : s->batch;

    if (m->whole)
        return s->bt;
    for (int l = 0; l < s->n_layer; l++)
        for (int kind = 0; kind < LAYER_HEAD; kind++)
            if (!linear_by_rows(&m->blocks[l].linear[kind]))
                return s->bt;
    for (int i = n; i > 1; i--)
        if (s->batch % i == 0)
            return i * s->seq;
    return s->seq;
}

/* Logits are made and used up a chunk of rows at a time, unless the head is
 * quantized over all of them. */
static int chunk_rows(const struct model *m)
{
    const int rows = (1 << 20) / m->dims.vocab;

    for (int k = 0; k < OPERAND_COUNT; k++)
        if (m->head.spec[k].on)
            return m->dims.bt;
    return rows < 16 ? 16 : rows < m->dims.bt ? rows : m->dims.bt;
}

static void lay_out(struct model *m, struct arena *a, const struct config *c)
{
    const struct model_dims *s = &m->dims;
    const size_t n = m->tensors.values, bt = (size_t)s->bt, d = (size_t)s->d;
    const size_t wide = at_least((size_t)s->gu, (size_t)s->qkv);

    m->params = arena_reals(a, n, 1);
    m->grads = arena_reals(a, n, 1);
    m->moment1 = arena_reals(a, n, 1);
    m->moment2 = arena_reals(a, n, 1);
    for (int l = 0; l < s->n_layer; l++)
        place_block(m, a, &m->blocks[l], c, l);
    bind_linear(m, a, &m->head, c, LAYER_HEAD, -1);
    if (m->params) {
        m->embed = m->params + tensors_find(&m->tensors, "embed", -1)->offset;
        m->dembed = m->grads + tensors_find(&m->tensors, "embed", -1)->offset;
        m->norm_f = m->params + tensors_find(&m->tensors, "norm_f", -1)->offset;
        m->dnorm_f = m->grads + tensors_find(&m->tensors, "norm_f", -1)->offset;
    }
    m->out = arena_reals(a, bt, d);
    m->h_f = arena_reals(a, bt, d);
    m->rstd_f = arena_reals(a, bt, 1);
    m->dres = arena_reals(a, bt, d);
    m->dtmp = arena_reals(a, bt, d);
    m->stretch = stretch_rows(m);
    m->dwide = arena_reals(a, (size_t)m->stretch, wide);
    m->dact = arena_reals(a, (size_t)m->stretch, (size_t)s->f);
    m->chunk = chunk_rows(m);
    m->logits = arena_reals(a, (size_t)m->chunk, (size_t)s->vocab);
    m->loss = arena_reals(a, bt, 1);
    m->rope = arena_reals(a, (size_t)s->seq, (size_t)s->head_size);
    place_scratch(m, a);
}

/* --- the whole ----------------------------------------------------------- */

/* cos and sin of position * theta^(-2i / head_size). */
static void fill_rope(struct model *m, double theta)
{
    const int half = m->dims.head_size / 2;

    for (int t = 0; t < m->dims.seq; t++)
        for (int i = 0; i < half; i++) {
            const double turns = t * exact_pow(theta, -(double)i / half) /
                                 6.28318530717958647693;
            real *row = m->rope + (size_t)t * (size_t)m->dims.head_size;

            row[i] = (real)exact_cos_turns(turns);
            row[half + i] = (real)exact_sin_turns(turns);
        }
}

static struct model *model_outline(const struct config *c, int threads)
{
    struct model *m = mem_alloc(sizeof *m);

    m->dims = model_dims_of(c);
    m->eps = (real)config_model_norm_eps(c);
    m->threads = threads;
    m->blocks = mem_array((size_t)m->dims.n_layer, sizeof *m->blocks);
    tensors_list(&m->tensors, &m->dims);
    return m;
}

static enum status fill(struct model **out, struct model *m,
                        const struct config *c, const struct kernels *kn,
                        uint64_t seed, struct err *err)
{
    struct arena a = { 0 };

    *out = NULL;
    m->kn = kn;
    lay_out(m, &a, c);
    m->arena_bytes = a.used;
    m->arena = arena_alloc(a.used);
    if (!m->arena) {
        model_free(m);
        return err_set(err, ERR_NOMEM, "out of memory: the run needs %.1f MiB",
                       (double)a.used / 0x1p20);
    }
    a = (struct arena){ .base = m->arena };
    lay_out(m, &a, c);
    tensors_draw(m->params, &m->tensors, m->dims.n_layer,
                 config_model_init_std(c), seed);
    fill_rope(m, config_model_rope_theta(c));
    *out = m;
    return OK;
}

enum status model_new(struct model **out, const struct config *c,
                      const struct kernels *kn, uint64_t seed, int threads,
                      struct err *err)
{
    return fill(out, model_outline(c, threads), c, kn, seed, err);
}

enum status model_new_whole(struct model **out, const struct config *c,
                            const struct kernels *kn, uint64_t seed,
                            int threads, struct err *err)
{
    struct model *m = model_outline(c, threads);

    m->whole = true;
    return fill(out, m, c, kn, seed, err);
}

void model_free(struct model *m)
{
    if (!m)
        return;
    free(m->arena);
    free(m->blocks);
    tensors_free(&m->tensors);
    free(m);
}

int64_t model_memory(const struct config *c)
{
    struct model *m = model_outline(c, (int)config_run_threads(c));
    struct arena a = { 0 };

    lay_out(m, &a, c);
    model_free(m);
    return (int64_t)a.used;
}

real *model_weight(struct model *m, enum layer_kind kind, int layer)
{
    return m->params +
           tensors_layer(&m->tensors, m->dims.tied, kind, layer)->offset;
}

void model_hash(char *hex, const struct model *m)
{
    hash_bytes(hex, m->params, m->tensors.values * sizeof *m->params);
}
