/* fold.h - rewrites of a trained model that leave its function as it is, before
 * it is rounded (trainer/folds.h has their names). */
#ifndef POST_FOLD_H
#define POST_FOLD_H

#include "base/err.h"

struct post;

/* What of the logits' root mean square a fold may change them by. */
#define FOLD_TOLERANCE 1e-4

/* All of post.fold, in their order, on p->model's parameters; after each, the
 * logits of the first validation sequences are compared with those before any.
 * *change: the largest difference, over their root mean square.
 * ERR_UNSUPPORTED names the fold that cannot be done to this model, or changes
 * its function. */
enum status fold_all(double *change, struct post *p, struct err *err);

#endif
