#include "trainer/blame.h"

#include <math.h>
#include <stdio.h>

static const char *say(struct model *m, const char *what, const char *name,
                       int layer)
{
    char where[24] = "";

    if (layer >= 0)
        snprintf(where, sizeof where, " in block %d", layer);
    snprintf(m->work.bad, sizeof m->work.bad, "the %s of %s%s is not finite",
             what, name, where);
    return m->work.bad;
}

static bool odd(const struct model *m, const real *x, size_t cols)
{
    return !m->kn->all_finite(x, (size_t)m->dims.bt * cols);
}

/* Activations of one block, in the order in which they are made. */
static const char *blame_block(struct model *m, int layer)
{
    const struct block *b = &m->blocks[layer];
    const struct model_dims *s = &m->dims;
    const bool last = layer + 1 == s->n_layer;
    const struct {
        const char *name;
        const real *x;
        int cols;
    } made[] = {
        { "norm1", b->h1, s->d },
        { "qkv", b->qkv_out, s->qkv },
        { "attention", b->att, s->d },
        { "o", b->mid, s->d },
        { "norm2", b->h2, s->d },
        { "fc1", b->gu, 2 * s->f },
        { "SwiGLU", b->act, s->f },
        { "fc2", last ? m->out : m->blocks[layer + 1].x, s->d },
    };

    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (odd(m, made[i].x, (size_t)made[i].cols))
            return say(m, "output", made[i].name, layer);
    return NULL;
}

const char *blame_forward(struct model *m)
{
    const char *found = NULL;

    if (odd(m, m->blocks[0].x, (size_t)m->dims.d))
        return say(m, "output", "embed", -1);
    for (int l = 0; l < m->dims.n_layer && !found; l++)
        found = blame_block(m, l);
    return found ? found
           : odd(m, m->h_f, (size_t)m->dims.d)
               ? say(m, "output", "norm_f", -1)
               : say(m, "output", "the head", -1);
}

/* Tensors stand in the order of the forward pass. */
const char *blame_gradient(struct model *m)
{
    for (int i = m->tensors.n - 1; i >= 0; i--) {
        const struct tensor *t = &m->tensors.at[i];

        if (!m->kn->all_finite(m->grads + t->offset,
                               (size_t)t->rows * (size_t)t->cols))
            return say(m, "gradient", t->name, t->layer);
    }
    snprintf(m->work.bad, sizeof m->work.bad,
             "the gradient norm is not finite");
    return m->work.bad;
}
