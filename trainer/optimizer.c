#include "trainer/optimizer.h"

#include <math.h>

struct optimizer optimizer_of(const struct config *c)
{
    return (struct optimizer){
        .beta1 = config_train_beta1(c),
        .beta2 = config_train_beta2(c),
        .eps = config_train_eps(c),
        .weight_decay = config_train_weight_decay(c),
        .grad_clip = config_train_grad_clip(c),
    };
}

double optimizer_grad_norm(const struct model *m)
{
    double sum = 0;

    for (int i = 0; i < m->tensors.n; i++) {
        const struct tensor *t = &m->tensors.at[i];

        sum += m->kn->sum_squares(m->grads + t->offset,
                                  (size_t)t->rows * (size_t)t->cols);
    }
    return sqrt(sum);
}

/* 1 - beta^t by repeated squaring: only products, the same bits everywhere. */
static double bias_correction(double beta, int64_t t)
{
    double power = 1, base = beta;

    for (; t > 0; t >>= 1) {
        if (t & 1)
            power *= base;
        base *= base;
    }
    return 1 - power;
}

void optimizer_update(struct model *m, const struct optimizer *o, double lr,
                      double grad_norm, int64_t step)
{
    const bool clip = o->grad_clip > 0 && grad_norm > o->grad_clip;
    const struct adamw base = {
        .lr = (real)lr,
        .beta1 = (real)o->beta1,
        .beta2 = (real)o->beta2,
        .eps = (real)o->eps,
        .bias1 = (real)bias_correction(o->beta1, step + 1),
        .bias2 = (real)bias_correction(o->beta2, step + 1),
        .grad_scale = clip ? (real)(o->grad_clip / grad_norm) : 1,
    };

#pragma omp parallel for num_threads(m->threads) schedule(static)
    for (int i = 0; i < m->tensors.n; i++) {
        const struct tensor *t = &m->tensors.at[i];
        struct adamw a = base;

        a.weight_decay = t->decay ? (real)o->weight_decay : 0;
        m->kn->adamw(m->params + t->offset, m->moment1 + t->offset,
                     m->moment2 + t->offset, m->grads + t->offset,
                     (size_t)t->rows * (size_t)t->cols, &a);
    }
}
