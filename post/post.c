#include "post/post.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "post/bits.h"
#include "post/fitter.h"
#include "post/fold.h"
#include "post/measure.h"
#include "post/parent.h"
#include "trainer/metrics.h"
#include "trainer/size.h"
#include "trainer/weights.h"

uint64_t post_key(const struct post *p, enum rng_purpose purpose, uint64_t lane)
{
    const uint64_t draw = (uint64_t)config_post_draw(p->config);

    return rng_key(rng_key(p->seed, purpose, draw), purpose, lane);
}

enum status post_may_go_on(const struct post *p, struct err *err)
{
    return p->io->stop && *p->io->stop
               ? err_set(err, ERR_STOPPED, "stopped after the training")
               : OK;
}

/* --- the parent ---------------------------------------------------------- */

static enum status new_model(struct model **out, struct post *p,
                             const struct config *c, struct err *err)
{
    return model_new(out, c, p->kn, p->seed, p->threads, err);
}

/* What became of the parent is said as ours. */
static enum status get_parent(struct run_result *out, struct post *p,
                              struct err *err)
{
    struct run_result parent;
    const enum status st =
        parent_weights(&parent, p->parent, p->parent_config, p->seed,
                       p->data_seed, p->data, p->io, err);

    out->diverged = parent.diverged;
    out->stopped = parent.stopped;
    if (!parent.diverged && !parent.stopped)
        return st;
    out->steps = parent.steps;
    out->tokens = parent.tokens;
    snprintf(out->reason, sizeof out->reason, "the parent: %.140s",
             parent.reason);
    return parent.diverged ? err_set(err, ERR_DIVERGED, "%s", out->reason) : OK;
}

/* --- the run ------------------------------------------------------------- */

static enum status open_post(struct post *p, struct err *err)
{
    enum status st = kernels_select(&p->kn, p->io->isa_cap, err);

    p->parent_config = config_base(p->config, IDENTITY_PARENT);
    if (st == OK)
        st = config_resolve(p->parent_config, err);
    p->infer = config_infer(p->config);
    p->threads = (int)config_run_threads(p->config);
    if (st == OK)
        st = data_open(&p->data, p->config, err);
    if (st == OK)
        st = new_model(&p->parent, p, p->parent_config, err);
    if (st == OK)
        st = new_model(&p->model, p, p->infer, err);
    return st;
}

static void close_post(struct post *p)
{
    ranges_free(&p->ranges);
    calib_close(&p->calib);
    model_free(p->parent);
    model_free(p->model);
    data_close(p->data);
    config_free(p->infer);
    config_free(p->parent_config);
}

static enum status fit_weights(struct post *p, struct err *err)
{
    const struct fitter *f = fitter_find(config_post_fit(p->config));
    enum status st = OK;

    memcpy(p->model->params, p->parent->params,
           p->model->tensors.values * sizeof(real));
    p->model->work.seed = post_key(p, RNG_ROUND, UINT64_MAX);
    p->parent->work.seed = p->seed;
    st = fold_all(&p->fold_change, p, err);
    return st == OK ? fit_all(p, f, err) : st;
}

static void add(struct run_result *out, const char *name, double value)
{
    out->numbers[out->n_numbers++] = (struct run_number){ name, value };
}

static void fill_result(struct run_result *out, const struct post *p,
                        const struct paired *m)
{
    const struct model_size size = config_size(p->config);
    const struct post_bits bits = post_bits_of(p->config);

    out->loss = m->loss;
    out->loss_se = m->loss_se;
    out->steps = size.steps;
    out->tokens = size.tokens;
    out->flops = size.flops;
    model_hash(out->weights_sha256, p->model);
    add(out, "parent_loss", m->parent_loss);
    add(out, "delta", m->delta);
    add(out, "delta_se", m->delta_se);
    add(out, "kl", m->kl);
    add(out, "kl25", m->kl25);
    add(out, "bits_w", bits.w);
    add(out, "bits_all", bits.all);
    add(out, "bits_x", bits.x);
    if (*config_post_fold(p->config))
        add(out, "fold_error", p->fold_change);
    if (p->calib.sequences > 0) {
        add(out, "calib_tokens",
            (double)p->calib.sequences * p->model->dims.seq);
        add(out, "fallbacks", p->fallbacks);
    }
}

static enum status measure(struct run_result *out, struct post *p,
                           struct err *err)
{
    struct paired m;
    struct model *bad;

    if (!measure_paired(&m, &bad, p->parent, p->model, p->data, DATA_VAL))
        return err_set(err, ERR_DIVERGED, "%s", bad->work.bad);
    if (!isfinite(m.loss))
        return err_set(err, ERR_DIVERGED, "the validation loss is not finite");
    fill_result(out, p, &m);
    return OK;
}

enum status post_run(struct run_result *out, const struct config *c,
                     uint64_t seed, uint64_t data_seed, const struct run_io *io,
                     struct err *err)
{
    struct post p = {
        .config = c, .seed = seed, .data_seed = data_seed, .io = io
    };
    const double start = clock_monotonic();
    enum status st;

    *out = (struct run_result){ .probe_loss = NAN, .is_post = true };
    st = open_post(&p, err);
    if (st == OK)
        st = get_parent(out, &p, err);
    if (st == OK && !out->stopped)
        st = fit_weights(&p, err);
    if (st == OK && !out->stopped)
        st = measure(out, &p, err);
    out->wall_s = clock_monotonic() - start;
    if (st == ERR_DIVERGED && !out->diverged) {
        out->diverged = true;
        snprintf(out->reason, sizeof out->reason, "%.150s", err->text);
    }
    if (st == OK && io->dir && !io->keep_weights)
        weights_remove(io->dir);
    if (st == OK)
        st = metrics_final(io->metrics_fd, out, c, err);
    else if (st == ERR_DIVERGED)
        metrics_final(io->metrics_fd, out, c, NULL);
    close_post(&p);
    return st;
}
