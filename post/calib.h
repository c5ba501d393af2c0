/* calib.h - what the layers of a model are given: training sequences on their
 * way through it.
 *
 * The residual stream is kept at the entry of one block at a time, for all
 * sequences; a fitter changes the block's weights, layer after layer, and then
 * lets the stream through.  So a layer's inputs are those that the layers before
 * it, as they are stored by then, really make. */
#ifndef POST_CALIB_H
#define POST_CALIB_H

#include <stdint.h>

#include "base/err.h"
#include "kernels/real.h"
#include "trainer/layers.h"

struct post;

struct calib {
    int sequences, batches; /* the last batch may be filled up */
    real *stream;           /* [batches, bt, d] */
    real *input;            /* [bt, widest input]: of one layer */
    void *work;             /* of its quantizer */
};

/* post.calib sequences of the training set, drawn by post.draw.  ERR_CONFIG when
 * the text holds fewer. */
enum status calib_open(struct post *p, struct err *err);
void calib_close(struct calib *c);

/* moments[in, in], the lower triangle: the sum over all tokens of x x^T for the
 * inputs x of a layer of p->model, as its product sees them.  ERR_DIVERGED when
 * something is not finite. */
enum status calib_moments(double *moments, struct post *p, int layer,
                          enum layer_kind kind, struct err *err);

/* x[sequences * seq, in]: those inputs, as they are before they are rounded.  Of
 * LAYER_HEAD behind the last block, whatever `layer`. */
enum status calib_inputs(real *x, struct post *p, int layer,
                         enum layer_kind kind, struct err *err);

/* ERR_DIVERGED: what was not finite, and where. */
enum status calib_not_finite(const struct post *p, int layer, struct err *err);

/* To the entry of the block behind `layer`. */
enum status calib_pass(struct post *p, int layer, struct err *err);

#endif
