#include "post/calib.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/post.h"

static size_t stream_size(const struct post *p)
{
    return (size_t)p->model->dims.bt * (size_t)p->model->dims.d;
}

static real *stream_at(const struct post *p, int batch)
{
    return p->calib.stream + (size_t)batch * stream_size(p);
}

static enum status check_text(const struct post *p, struct err *err)
{
    const int64_t there =
        data_train_tokens(p->data) / (int64_t)p->model->dims.seq;
    const int64_t asked = config_post_calib(p->config);

    if (asked <= there)
        return OK;
    err_set(err, ERR_CONFIG,
            "post.calib = %lld sequences: the training text holds %lld of "
            "model.seq_len = %d tokens",
            (long long)asked, (long long)there, p->model->dims.seq);
    return err_about(err, ERR_CONFIG, "post.calib model.seq_len");
}

/* Elements of the widest input, and bytes that its quantizers need. */
static void size_input(const struct post *p, int *widest, size_t *work)
{
    const struct model_dims *s = &p->model->dims;

    *widest = 0;
    *work = 1;
    for (int i = 0; i < s->n_layer * LAYER_HEAD; i++) {
        const enum layer_kind kind = (enum layer_kind)(i % LAYER_HEAD);
        const int in = layer_in(s, kind);
        const size_t need =
            quant_work_size(&config_post_layer(p->config, i / LAYER_HEAD, kind)
                                 ->spec[OPERAND_X],
                            s->bt, in, QUANT_ALONG_COLS);

        *widest = in > *widest ? in : *widest;
        *work = need > *work ? need : *work;
    }
}

enum status calib_open(struct post *p, struct err *err)
{
    const struct model_dims *s = &p->model->dims;
    struct calib *c = &p->calib;
    const uint64_t key = post_key(p, RNG_CALIBRATE, 0);
    int *tokens, *targets, widest;
    size_t work;

    if (check_text(p, err) != OK)
        return ERR_CONFIG;
    size_input(p, &widest, &work);
    c->sequences = (int)config_post_calib(p->config);
    c->batches = (c->sequences + s->batch - 1) / s->batch;
    c->stream =
        mem_array((size_t)c->batches * stream_size(p), sizeof *c->stream);
    c->input = mem_array((size_t)s->bt * (size_t)widest, sizeof *c->input);
    c->work = mem_alloc(work);
    tokens = mem_array((size_t)s->bt, sizeof *tokens);
    targets = mem_array((size_t)s->bt, sizeof *targets);
    for (int b = 0; b < c->batches; b++) {
        data_batch(p->data, tokens, targets, s->batch, key, b);
        model_embed(p->model, stream_at(p, b), tokens);
    }
    free(tokens);
    free(targets);
    return OK;
}

void calib_close(struct calib *c)
{
    free(c->stream);
    free(c->input);
    free(c->work);
    *c = (struct calib){ 0 };
}

enum status calib_not_finite(const struct post *p, int layer, struct err *err)
{
    return err_set(err, ERR_DIVERGED, "calibration, block %d: %s", layer,
                   *p->model->work.bad ? p->model->work.bad
                                       : "an input is not finite");
}

/* One batch through a block, from the kept stream to the block's `next`. */
static bool run_block(struct post *p, int batch, int layer, real *next)
{
    struct model *m = p->model;

    m->work.step = -1;
    memcpy(m->blocks[layer].x, stream_at(p, batch),
           stream_size(p) * sizeof(real));
    return model_block(m, layer, next);
}

/* The input of a layer, by one batch: [bt, in]. */
static const real *input_of(struct post *p, int batch, int layer,
                            enum layer_kind kind)
{
    struct model *m = p->model;

    if (kind == LAYER_HEAD) {
        memcpy(m->out, stream_at(p, batch), stream_size(p) * sizeof(real));
        return model_last_norm(m);
    }
    return run_block(p, batch, layer, m->out)
               ? block_input(&m->blocks[layer], kind)
               : NULL;
}

/* Rows of a batch that are no filling. */
static int rows_of(const struct post *p, int batch)
{
    const struct model_dims *s = &p->model->dims;
    const int left = p->calib.sequences - batch * s->batch;

    return (left < s->batch ? left : s->batch) * s->seq;
}

enum status calib_inputs(real *x, struct post *p, int layer,
                         enum layer_kind kind, struct err *err)
{
    const size_t in = (size_t)layer_in(&p->model->dims, kind);

    for (int i = 0; i < p->calib.batches; i++) {
        const size_t n = (size_t)rows_of(p, i) * in;
        const real *from = input_of(p, i, layer, kind);

        if (!from)
            return calib_not_finite(p, layer, err);
        memcpy(x, from, n * sizeof *x);
        x += n;
    }
    return OK;
}

/* x[rows, in] as the product sees it. */
static const real *seen(struct post *p, const real *x, int in, int layer,
                        enum layer_kind kind)
{
    const struct quant_spec *spec =
        &config_post_layer(p->config, layer, kind)->spec[OPERAND_X];
    const struct linear *l = &p->model->blocks[layer].linear[kind];
    const struct quant_io out = { .value = p->calib.input,
                                  .scale_in = l->x_scale,
                                  .zero_in = l->x_zero };
    const uint64_t key =
        post_key(p, RNG_ROUND, (uint64_t)(layer * LAYER_HEAD + (int)kind));

    if (!spec->on)
        return p->kn->all_finite(x, (size_t)p->model->dims.bt * (size_t)in)
                   ? x
                   : NULL;
    return p->kn->quant_apply(spec, &out, x, p->model->dims.bt, in,
                              QUANT_ALONG_COLS, key, p->calib.work)
               ? p->calib.input
               : NULL;
}

/* Each thread has rows of the sum of its own, and takes the tokens in order. */
static void add_moments(double *moments, const real *x, int rows, int in,
                        int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int i = 0; i < in; i++) {
        double *sum = moments + (size_t)i * (size_t)in;

        for (int r = 0; r < rows; r++) {
            const real *row = x + (size_t)r * (size_t)in;
            const double a = (double)row[i];

            for (int j = 0; j <= i; j++)
                sum[j] += a * (double)row[j];
        }
    }
}

enum status calib_moments(double *moments, struct post *p, int layer,
                          enum layer_kind kind, struct err *err)
{
    const int in = layer_in(&p->model->dims, kind);

    memset(moments, 0, (size_t)in * (size_t)in * sizeof *moments);
    for (int i = 0; i < p->calib.batches; i++) {
        const real *x = input_of(p, i, layer, kind);

        if (x)
            x = seen(p, x, in, layer, kind);
        if (!x)
            return calib_not_finite(p, layer, err);
        add_moments(moments, x, rows_of(p, i), in, p->threads);
    }
    return OK;
}

enum status calib_pass(struct post *p, int layer, struct err *err)
{
    for (int i = 0; i < p->calib.batches; i++) {
        if (!run_block(p, i, layer, p->model->out))
            return calib_not_finite(p, layer, err);
        memcpy(stream_at(p, i), p->model->out, stream_size(p) * sizeof(real));
    }
    return OK;
}
