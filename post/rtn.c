/* rtn.c - round to nearest: each weight to the nearest value of its format. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/fitter.h"
#include "post/post.h"

/* The quantizer of one matrix on itself. */
static enum status round_matrix(struct post *p, void *none, int layer,
                                enum layer_kind kind, struct err *err)
{
    const struct quant_spec *spec =
        &config_post_layer(p->config, layer, kind)->spec[OPERAND_W];
    const int rows = layer_out(&p->model->dims, kind);
    const int cols = layer_in(&p->model->dims, kind);
    real *w = model_weight(p->model, kind, layer);
    const struct quant_io out = { .value = w };
    const uint64_t key =
        post_key(p, RNG_ROUND, (uint64_t)(layer * LAYER_HEAD + (int)kind));
    void *work;
    bool ok;

    (void)none;
    if (!spec->on)
        return OK;
    work = mem_alloc(quant_work_size(spec, rows, cols, QUANT_ALONG_COLS) + 1);
    ok = p->kn->quant_apply(spec, &out, w, rows, cols, QUANT_ALONG_COLS, key,
                            work);
    free(work);
    return ok ? OK
              : err_set(err, ERR_DIVERGED,
                        "the weights of %s in block %d are not finite",
                        layer_rows[kind].name, layer);
}

const struct fitter fitter_rtn = { .name = "rtn",
                                   .source = "rounding to the nearest code",
                                   .fit = round_matrix };
