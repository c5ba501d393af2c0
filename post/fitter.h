/* fitter.h - how the weights of the blocks become those that are stored: one
 * row a method. */
#ifndef POST_FITTER_H
#define POST_FITTER_H

#include <stdbool.h>

#include "base/err.h"

struct post;

struct fitter {
    const char *name;   /* of post.fit */
    const char *source; /* who says how */
    bool inputs;        /* reads p->calib */
    /* Puts values that post.w can store into the parameters of p->model. */
    enum status (*run)(struct post *p, struct err *err);
};

/* The row of a word of post.fit; NULL: it is none. */
const struct fitter *fitter_find(const char *name);

enum status fit_rtn(struct post *p, struct err *err);
enum status fit_gptq(struct post *p, struct err *err);

#endif
