#include "post/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "post/post.h"

static const struct quant_spec *spec_of(const struct post *p, int i)
{
    return &config_post_layer(p->config, i / LAYER_HEAD,
                              i == p->model->dims.n_layer * LAYER_HEAD
                                  ? LAYER_HEAD
                                  : (enum layer_kind)(i % LAYER_HEAD))
                ->spec[OPERAND_X];
}

static bool is_static(const struct quant_spec *s)
{
    return s->on && s->when == QUANT_STATIC;
}

/* The quantizer on all inputs together; what it makes of them is not kept. */
static enum status measure(real *scale, real *zero, struct post *p, int layer,
                           enum layer_kind kind, const struct quant_spec *s,
                           struct err *err)
{
    const int in = layer_in(&p->model->dims, kind);
    const int rows = p->calib.sequences * p->model->dims.seq;
    real *x = mem_array((size_t)rows * (size_t)in, sizeof *x);
    void *work = mem_alloc(quant_work_size(s, rows, in, QUANT_ALONG_COLS) + 1);
    const struct quant_io io = { .scale = scale, .zero = zero };
    enum status st = calib_inputs(x, p, layer, kind, err);

    if (st == OK &&
        !p->kn->quant_apply(s, &io, x, rows, in, QUANT_ALONG_COLS, 0, work))
        st = calib_not_finite(p, layer, err);
    free(work);
    free(x);
    return st;
}

enum status ranges_settle(struct post *p, int layer, enum layer_kind kind,
                          struct err *err)
{
    struct ranges *r = &p->ranges;
    const int blocks = p->model->dims.n_layer * LAYER_HEAD;
    const int i = kind == LAYER_HEAD ? blocks : layer * LAYER_HEAD + (int)kind;
    const struct quant_spec *s = spec_of(p, i);
    struct linear *l = kind == LAYER_HEAD
                           ? &p->model->head
                           : &p->model->blocks[layer].linear[kind];
    size_t parts;

    if (!is_static(s))
        return OK;
    if (!r->n) {
        r->n = blocks + 1;
        r->scale = mem_array((size_t)r->n, sizeof *r->scale);
        r->zero = mem_array((size_t)r->n, sizeof *r->zero);
    }
    parts = (size_t)quant_parts(s, 1, layer_in(&p->model->dims, kind),
                                QUANT_ALONG_COLS);
    r->scale[i] = mem_array(parts, sizeof *r->scale[i]);
    r->zero[i] = mem_array(parts, sizeof *r->zero[i]);
    if (measure(r->scale[i], r->zero[i], p, layer, kind, s, err) != OK)
        return err->status;
    l->x_scale = r->scale[i];
    l->x_zero = r->zero[i];
    return OK;
}

void ranges_free(struct ranges *r)
{
    for (int i = 0; i < r->n; i++) {
        free(r->scale[i]);
        free(r->zero[i]);
    }
    free(r->scale);
    free(r->zero);
    *r = (struct ranges){ 0 };
}
