/* ranges.h - the scales of static inputs (post.x = .../static), measured once. */
#ifndef POST_RANGES_H
#define POST_RANGES_H

#include <stdbool.h>

#include "base/err.h"
#include "kernels/real.h"
#include "trainer/layers.h"

struct post;

/* What the parts of each layer's input were given: [n_layer][LAYER_HEAD], then
 * the head's; of layers that are not static, nothing. */
struct ranges {
    real **scale, **zero;
    int n;
};

/* Measure those of a layer (the head's: LAYER_HEAD, any layer) over all tokens of
 * the calibration sequences, as the layers before it make them by now, and have
 * the layer of p->model use them from then on.  ERR_DIVERGED when something is
 * not finite. */
enum status ranges_settle(struct post *p, int layer, enum layer_kind kind,
                          struct err *err);
void ranges_free(struct ranges *r);

#endif
