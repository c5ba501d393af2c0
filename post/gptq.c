/* gptq.c - GPTQ over a model: block after block, layer after layer, on the
 * inputs that the layers before really make. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "post/fitter.h"
#include "post/gptq_solve.h"
#include "post/post.h"

/* What one layer is solved with. */
struct work {
    double *moments, *sorted, *u; /* [in, in] */
    double *diagonal;
    int *order;
};

static void *work_new(const struct post *p)
{
    const struct model_dims *s = &p->model->dims;
    struct work *k = mem_alloc(sizeof *k);
    int widest = 0;

    for (int i = 0; i < LAYER_HEAD; i++) {
        const int in = layer_in(s, (enum layer_kind)i);

        widest = in > widest ? in : widest;
    }
    *k = (struct work){
        .moments = mem_array((size_t)widest * (size_t)widest, sizeof(double)),
        .sorted = mem_array((size_t)widest * (size_t)widest, sizeof(double)),
        .u = mem_array((size_t)widest * (size_t)widest, sizeof(double)),
        .diagonal = mem_array((size_t)widest, sizeof(double)),
        .order = mem_array((size_t)widest, sizeof(int)),
    };
    return k;
}

static void work_free(void *work)
{
    struct work *k = work;

    free(k->moments);
    free(k->sorted);
    free(k->u);
    free(k->diagonal);
    free(k->order);
    free(k);
}

/* The largest first; of equal ones the first. */
static int by_size(const void *a, const void *b, void *diagonal)
{
    const int i = *(const int *)a, j = *(const int *)b;
    const double x = ((double *)diagonal)[i], y = ((double *)diagonal)[j];

    return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}

static void sort_columns(struct work *k, int n, bool act_order)
{
    for (int i = 0; i < n; i++) {
        k->order[i] = i;
        k->diagonal[i] = k->moments[(size_t)i * (size_t)n + (size_t)i];
    }
    if (act_order)
        qsort_r(k->order, (size_t)n, sizeof *k->order, by_size, k->diagonal);
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
            const int a = k->order[i], b = k->order[j];
            const int high = a > b ? a : b, low = a > b ? b : a;

            k->sorted[(size_t)i * (size_t)n + (size_t)j] =
                k->moments[(size_t)high * (size_t)n + (size_t)low];
        }
}

/* A layer whose moments have no inverse has each column for itself, which is
 * rounding to nearest. */
static void solve_alone(struct post *p, struct work *k, int n)
{
    p->fallbacks++;
    for (int i = 0; i < n * n; i++)
        k->u[i] = i % (n + 1) == 0;
}

static enum status fit_layer(struct post *p, void *work, int layer,
                             enum layer_kind kind, struct err *err)
{
    struct work *k = work;
    const struct model_dims *s = &p->model->dims;
    const bool act_order = config_post_act_order(p->config);
    const struct gptq g = {
        .spec = &config_post_layer(p->config, layer, kind)->spec[OPERAND_W],
        .w = model_weight(p->model, kind, layer),
        .rows = layer_out(s, kind),
        .n = layer_in(s, kind),
        .order = k->order,
        .u = k->u,
        .settled = act_order,
        .key =
            post_key(p, RNG_ROUND, (uint64_t)(layer * LAYER_HEAD + (int)kind)),
        .threads = p->threads,
    };
    enum status st;

    if (!g.spec->on)
        return OK;
    st = calib_moments(k->moments, p, layer, kind, err);
    if (st != OK)
        return st;
    sort_columns(k, g.n, act_order);
    if (!gptq_factor(k->u, k->sorted, g.n, config_post_damp(p->config)))
        solve_alone(p, k, g.n);
    return gptq_round(&g)
               ? OK
               : err_set(err, ERR_DIVERGED,
                         "the weights of %s in block %d are not finite",
                         layer_rows[kind].name, layer);
}

const struct fitter fitter_gptq = {
    .name = "gptq",
    .source = "Frantar et al. 2022, arXiv:2210.17323",
    .open = work_new,
    .close = work_free,
    .fit = fit_layer,
};
