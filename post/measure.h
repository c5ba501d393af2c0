/* measure.h - a model beside the one it came from, on the same sequences. */
#ifndef POST_MEASURE_H
#define POST_MEASURE_H

#include "trainer/data.h"
#include "trainer/model.h"

struct paired {
    double parent_loss, loss; /* nats per token, as evaluate's */
    double loss_se;           /* over sequences; NaN below two */
    double delta, delta_se;   /* loss - parent_loss, paired by sequence */
    double kl, kl25;          /* post.h */
};

/* Over the whole set; both models have the same shape and batch.  False when
 * something was not finite: *bad is the model whose work.bad says where. */
bool measure_paired(struct paired *out, struct model **bad,
                    struct model *parent, struct model *model,
                    const struct data *d, enum data_set set);

/* KL(p || q) of two rows of n logits, and of both renormalized over the `top`
 * likeliest of p; scratch of 3 n. */
void measure_kl(double *all, double *of_top, const struct kernels *kn,
                const real *p, const real *q, int n, int top, double *scratch);

#endif
