/* fitter.h - how the weights of the blocks become those that are stored: one
 * row a method. */
#ifndef POST_FITTER_H
#define POST_FITTER_H

#include <stdbool.h>

#include "base/err.h"
#include "trainer/layers.h"

struct post;

struct fitter {
    const char *name;   /* of post.fit */
    const char *source; /* who says how */
    /* What it works with, which close frees; NULL: nothing. */
    void *(*open)(const struct post *p);
    void (*close)(void *work);
    /* Puts values that post.w can store into one matrix of p->model. */
    enum status (*fit)(struct post *p, void *work, int layer,
                       enum layer_kind kind, struct err *err);
};

/* The row of a word of post.fit; NULL: it is none. */
const struct fitter *fitter_find(const char *name);

/* Block after block, layer after layer: where an input is static its scales are
 * measured (ranges.h) before its weight is fitted. */
enum status fit_all(struct post *p, const struct fitter *f, struct err *err);

extern const struct fitter fitter_rtn, fitter_gptq;

#endif
