#include "post/fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "post/post.h"
#include "trainer/folds.h"

/* --- the rewrites -------------------------------------------------------- */

static real *norm_of(struct model *m, const char *name, int layer)
{
    return m->params + tensors_find(&m->tensors, name, layer)->offset;
}

/* Column c of the layer behind a norm is multiplied by f, and the gain of that
 * channel divided by it. */
static void move_channel(struct model *m, enum layer_kind kind, int layer,
                         int c, real f)
{
    const int in = layer_in(&m->dims, kind), out = layer_out(&m->dims, kind);
    real *w = model_weight(m, kind, layer);

    for (int r = 0; r < out; r++)
        w[(size_t)r * (size_t)in + (size_t)c] *= f;
    norm_of(m, layer_rows[kind].norm, layer)[c] /= f;
}

/* Each layer behind a norm, the head's where it has a matrix of its own. */
static enum status for_norms(struct model *m, double x,
                             void (*each)(struct model *m, enum layer_kind kind,
                                          int layer, double x))
{
    for (int l = 0; l < m->dims.n_layer; l++)
        for (int k = 0; k < LAYER_HEAD; k++)
            if (layer_rows[k].norm)
                each(m, (enum layer_kind)k, l, x);
    return OK;
}

static void fold_gain(struct model *m, enum layer_kind kind, int layer,
                      double x)
{
    const real *gain = norm_of(m, layer_rows[kind].norm, layer);

    (void)x;
    for (int c = 0; c < layer_in(&m->dims, kind); c++)
        move_channel(m, kind, layer, c, gain[c]);
}

/* All gains become 1: what is behind a norm has its scale in its weights. */
static enum status fold_norms(struct model *m, double x, struct err *err)
{
    if (m->dims.tied)
        return err_set(err, ERR_UNSUPPORTED,
                       "post.fold = norm: the head is the embedding "
                       "(model.tied), which cannot take its norm's gains");
    for_norms(m, x, fold_gain);
    fold_gain(m, LAYER_HEAD, -1, x);
    return OK;
}

static void plant_in_weight(struct model *m, enum layer_kind kind, int layer,
                            double x)
{
    move_channel(m, kind, layer, 0, (real)x);
}

static enum status plant_weights(struct model *m, double x, struct err *err)
{
    (void)err;
    return for_norms(m, x, plant_in_weight);
}

static void plant_in_norm(struct model *m, enum layer_kind kind, int layer,
                          double x)
{
    move_channel(m, kind, layer, 0, (real)(1 / x));
}

static enum status plant_norms(struct model *m, double x, struct err *err)
{
    (void)err;
    return for_norms(m, x, plant_in_norm);
}

static enum status (*const rewrites[FOLD_KINDS])(struct model *m, double x,
                                                 struct err *err) = {
    [FOLD_NORM] = fold_norms,
    [FOLD_PLANT_WEIGHT] = plant_weights,
    [FOLD_PLANT_NORM] = plant_norms,
};

/* --- the check ----------------------------------------------------------- */

/* A model of the same shape without quantizers, and what it said first. */
struct folding {
    struct model *m;
    int *tokens, *targets;
    int n;       /* rows of logits that are compared */
    real *first; /* [n, vocab] */
    double size; /* their root mean square */
};

static const real *logits(struct folding *f)
{
    return model_body(f->m, f->tokens) ? model_logits(f->m, 0, f->n) : NULL;
}

static enum status begin(struct folding *f, struct post *p, struct err *err)
{
    struct config *plain = config_base(p->config, IDENTITY_TWIN);
    const struct model_dims *s = &p->model->dims;
    const real *z;
    enum status st = config_resolve(plain, err);

    if (st == OK)
        st = model_new(&f->m, plain, p->kn, p->seed, p->threads, err);
    config_free(plain);
    if (st != OK)
        return st;
    memcpy(f->m->params, p->model->params, f->m->tensors.values * sizeof(real));
    f->n = f->m->chunk < s->bt ? f->m->chunk : s->bt;
    f->tokens = mem_array((size_t)s->bt, sizeof *f->tokens);
    f->targets = mem_array((size_t)s->bt, sizeof *f->targets);
    f->first = mem_array((size_t)f->n * (size_t)s->vocab, sizeof *f->first);
    for (int b = 0; b < s->batch; b++)
        data_set_read(p->data, DATA_VAL, f->tokens + b * s->seq,
                      f->targets + b * s->seq,
                      b < data_set_count(p->data, DATA_VAL) ? b : 0);
    z = logits(f);
    if (!z)
        return err_set(err, ERR_DIVERGED, "%s", f->m->work.bad);
    for (size_t i = 0; i < (size_t)f->n * (size_t)s->vocab; i++) {
        f->first[i] = z[i];
        f->size += (double)z[i] * (double)z[i] / f->n / s->vocab;
    }
    f->size = sqrt(f->size);
    return OK;
}

static double change_of(struct folding *f)
{
    const real *z = logits(f);
    double largest = z ? 0 : INFINITY;

    for (size_t i = 0; z && i < (size_t)f->n * (size_t)f->m->dims.vocab; i++) {
        const double d = fabs((double)z[i] - (double)f->first[i]);

        largest = isnan(d) ? (double)INFINITY : fmax(largest, d);
    }
    return largest / f->size;
}

static void end(struct folding *f)
{
    model_free(f->m);
    free(f->tokens);
    free(f->targets);
    free(f->first);
}

enum status fold_all(double *change, struct post *p, struct err *err)
{
    struct fold list[FOLDS_MOST];
    struct folding f = { .m = NULL };
    int n;
    enum status st = folds_read(list, &n, config_post_fold(p->config), err);

    *change = 0;
    if (st != OK || n == 0)
        return st;
    st = begin(&f, p, err);
    for (int i = 0; i < n && st == OK; i++) {
        const char *word = fold_rows[list[i].kind].word;

        st = rewrites[list[i].kind](f.m, list[i].x, err);
        *change = st == OK ? change_of(&f) : 0;
        if (st == OK && !(*change <= FOLD_TOLERANCE))
            st = err_set(err, ERR_UNSUPPORTED,
                         "post.fold = %s changes what the model computes: its "
                         "logits by %.2g of their size",
                         word, *change);
    }
    if (st == OK)
        memcpy(p->model->params, f.m->params,
               f.m->tensors.values * sizeof(real));
    end(&f);
    return st;
}
