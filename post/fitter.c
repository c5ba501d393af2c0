#include "post/fitter.h"

#include <string.h>

#include "post/post.h"

static const struct fitter *const fitters[] = { &fitter_rtn, &fitter_gptq };

const struct fitter *fitter_find(const char *name)
{
    for (size_t i = 0; i < sizeof fitters / sizeof fitters[0]; i++)
        if (strcmp(fitters[i]->name, name) == 0)
            return fitters[i];
    return NULL;
}

static enum status fit_block(struct post *p, const struct fitter *f, void *work,
                             int layer, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < LAYER_HEAD && st == OK; i++) {
        const enum layer_kind kind = (enum layer_kind)i;

        st = post_may_go_on(p, err);
        if (st == OK)
            st = ranges_settle(p, layer, kind, err);
        if (st == OK)
            st = f->fit(p, work, layer, kind, err);
    }
    return st;
}

enum status fit_all(struct post *p, const struct fitter *f, struct err *err)
{
    const bool inputs = config_post_calibrates(p->config);
    enum status st = inputs ? calib_open(p, err) : OK;
    void *work = f->open ? f->open(p) : NULL;

    for (int layer = 0; layer < p->model->dims.n_layer && st == OK; layer++) {
        st = fit_block(p, f, work, layer, err);
        if (st == OK && inputs)
            st = calib_pass(p, layer, err);
    }
    if (st == OK)
        st = ranges_settle(p, -1, LAYER_HEAD, err);
    if (f->close)
        f->close(work);
    return st;
}
