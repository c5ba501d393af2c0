#include "trainer/run.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exact.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "trainer/blame.h"
#include "trainer/evaluate.h"
#include "trainer/metrics.h"
#include "trainer/run_state.h"
#include "trainer/size.h"
#include "trainer/weights.h"

/* --- set-up -------------------------------------------------------------- */

void run_identify(unsigned char id[32], const struct config *c, uint64_t seed,
                  uint64_t data_seed, const char *data)
{
    json_t *json = config_identity(c, IDENTITY_RUN);
    char *text = json_canonical_text(json);
    char *all = mem_printf("%s seed=%llu data_seed=%llu data=%s", text,
                           (unsigned long long)seed,
                           (unsigned long long)data_seed, data);

    EVP_Digest(all, strlen(all), id, NULL, EVP_sha256(), NULL);
    free(all);
    free(text);
    json_decref(json);
}

int64_t run_interval(const struct config *c, const char *key, int64_t points)
{
    const int64_t every = (int64_t)config_number(c, key);
    const int64_t steps = config_size(c).steps;

    if (every > 0 || points == 0)
        return every;
    return steps > points ? steps / points : 1;
}

double run_wall_s(const struct run *r)
{
    return r->progress.wall_s + clock_monotonic() - r->started_s;
}

static enum status open_run(struct run *r, struct err *err)
{
    const struct kernels *kn = NULL;
    const int64_t rows =
        config_train_batch(r->config) * config_model_seq_len(r->config);
    const double limit = config_stop_loss(r->config);
    enum status st = kernels_select(&kn, r->io->isa_cap, err);

    if (st == OK)
        st = stop_read(&r->rules, r->config, err);
    if (st == OK)
        st = data_open(&r->data, r->config, err);
    if (st == OK)
        st = model_new(&r->model, r->config, kn, r->seed,
                       (int)config_run_threads(r->config), err);
    if (st != OK)
        return st;
    r->schedule = schedule_of(r->config);
    r->optimizer = optimizer_of(r->config);
    r->steps = r->schedule.steps;
    r->log_every = run_interval(r->config, "run.log_every", 100);
    r->val_every = run_interval(r->config, "run.val_every", 0);
    r->tokens = mem_array((size_t)rows, sizeof *r->tokens);
    r->targets = mem_array((size_t)rows, sizeof *r->targets);
    r->progress.best_loss = INFINITY;
    r->loss_limit =
        limit > 0 ? limit : 2 * exact_ln((double)config_model_vocab(r->config));
    r->stop = stop_start();
    r->started_s = r->saved_s = clock_monotonic();
    run_identify(r->id, r->config, r->seed, r->data_seed, data_sha256(r->data));
    run_open_branches(r);
    return OK;
}

static void close_run(struct run *r)
{
    data_close(r->data);
    model_free(r->model);
    free(r->tokens);
    free(r->targets);
    free(r->curve.points);
    free(r->leaving);
    stop_release(&r->rules);
    free(r->notes);
    if (r->lock >= 0)
        close(r->lock);
}

/* --- one step ------------------------------------------------------------ */

static enum status diverge(struct run *r, const char *reason, struct err *err)
{
    r->result->diverged = true;
    r->result->steps = r->step;
    snprintf(r->result->reason, sizeof r->result->reason, "%s at step %lld",
             reason, (long long)r->step);
    return err_set(err, ERR_DIVERGED, "%s", r->result->reason);
}

static enum status measure(struct run *r, enum data_set set,
                           struct evaluation *out, struct err *err)
{
    return evaluate(out, r->model, r->data, set, r->seed, r->tokens, r->targets)
               ? OK
               : diverge(r, r->model->work.bad, err);
}

static enum status validate(struct run *r, double *mean, double *se,
                            struct err *err)
{
    struct evaluation e;
    const enum status st = measure(r, DATA_VAL, &e, err);

    if (st != OK)
        return st;
    if (!isfinite(e.loss))
        return diverge(r, "the validation loss is not finite", err);
    r->progress.best_loss = fmin(r->progress.best_loss, e.loss);
    *mean = e.loss;
    *se = e.se;
    return OK;
}

static enum status add_point(struct run *r, double lr, double grad_norm,
                             double val_loss, struct err *err)
{
    struct curve_point p = {
        .step = (double)r->step,
        .tokens = (double)r->step * r->model->dims.bt,
        .train_loss = r->progress.loss_sum / r->progress.loss_count,
        .val_loss = val_loss,
        .lr = lr,
        .grad_norm = grad_norm,
        .wall_s = run_wall_s(r),
    };

    r->progress.train_loss = p.train_loss;
    r->progress.loss_sum = r->progress.loss_count = 0;
    curve_add(&r->curve, &p);
    return metrics_point(r->io->metrics_fd, &p, err);
}

/* The rules of [stop]; the loop ends when one holds. */
static enum status look_at_rules(struct run *r, double loss, double norm,
                                 double lr, struct err *err)
{
    const double step = (double)r->step, tokens = step * r->model->dims.bt;

    switch (stop_look(&r->stop, &r->rules, step, tokens, loss, norm, lr)) {
    case STOP_DIVERGED:
        return diverge(r, "stop.diverge is true", err);
    case STOP_EARLY:
        if (r->step == r->steps)
            break;
        r->result->stopped = true;
        snprintf(r->result->reason, sizeof r->result->reason,
                 "stop.early is true at step %lld", (long long)r->step);
        return OK;
    case STOP_GO_ON:
        break;
    }
    return OK;
}

static enum status train_step(struct run *r, struct err *err)
{
    struct model *m = r->model;
    const double lr = schedule_rate(&r->schedule, r->step);
    double loss, norm, val = NAN, se = NAN;
    enum status st = OK;
    bool log, check;

    data_batch(r->data, r->tokens, r->targets, m->dims.batch, r->data_seed,
               r->step);
    if (!model_step(m, &loss, r->tokens, r->targets, r->seed, r->step))
        return diverge(r, m->work.bad, err);
    norm = optimizer_grad_norm(m);
    if (!isfinite(norm))
        return diverge(r, blame_gradient(m), err);
    if (loss > r->loss_limit)
        return diverge(r, "the training loss exceeds stop.loss", err);
    optimizer_update(m, &r->optimizer, lr, norm, r->step);
    r->step++;
    r->progress.loss_sum += loss;
    r->progress.loss_count++;
    if (r->notes)
        r->notes[r->step - 1] =
            (struct branch_note){ loss, norm, run_wall_s(r) };
    check = r->step == r->steps ||
            (r->val_every > 0 && r->step % r->val_every == 0);
    log = check || r->step == 1 || r->step % r->log_every == 0;
    if (check)
        st = validate(r, &val, &se, err);
    if (check && r->step == r->steps) {
        r->result->loss = val;
        r->result->loss_se = se;
    }
    if (!isnan(val))
        r->stop.facts[STOP_VAL_LOSS] = val;
    if (st == OK && log)
        st = add_point(r, lr, norm, val, err);
    return st == OK ? look_at_rules(r, loss, norm, lr, err) : st;
}

static bool must_stop(const struct run *r)
{
    return (r->io->stop && *r->io->stop) ||
           (r->io->stop_after > 0 && r->step >= r->io->stop_after &&
            r->step < r->steps);
}

static enum status train_loop(struct run *r, struct err *err)
{
    const double every = config_run_checkpoint(r->config);
    enum status st = OK;

    while (st == OK && r->step < r->steps && !r->result->stopped) {
        st = train_step(r, err);
        if (st == ERR_IO) /* nobody reads any more; the work is still good */
            run_save(r, NULL);
        if (st != OK)
            break;
        run_serve_branches(r);
        if (must_stop(r)) {
            st = run_save(r, err);
            return st != OK ? st
                            : err_set(err, ERR_STOPPED,
                                      "stopped after step %lld of %lld",
                                      (long long)r->step, (long long)r->steps);
        }
        if (every > 0 && clock_monotonic() - r->saved_s >= every)
            st = run_save(r, err);
    }
    return st;
}

/* --- the run ------------------------------------------------------------- */

static void fill_result(struct run *r)
{
    struct run_result *out = r->result;

    out->steps = r->step;
    out->tokens = r->step * r->model->dims.bt;
    out->flops = config_size(r->config).flops_per_token * (double)out->tokens;
    out->wall_s = run_wall_s(r);
    out->train_loss = r->progress.train_loss;
    out->best_loss = r->progress.best_loss;
    model_hash(out->weights_sha256, r->model);
}

/* A run that was stopped between its last step and its final line has only
 * the validation left to do. */
static enum status finish(struct run *r, bool resumed_at_end, struct err *err)
{
    struct evaluation probe;
    enum status st = OK;

    if (r->result->stopped) {
        fill_result(r);
        return metrics_final(r->io->metrics_fd, r->result, r->config, err);
    }
    if (resumed_at_end)
        st = validate(r, &r->result->loss, &r->result->loss_se, err);
    if (st == OK && !resumed_at_end)
        st = run_save(r, err);
    if (st == OK)
        st = measure(r, DATA_PROBE, &probe, err);
    if (st == OK && !evaluate_kurtosis(r->result->kurtosis, r->model, r->data,
                                       r->seed, r->tokens, r->targets))
        st = diverge(r, r->model->work.bad, err);
    if (st != OK)
        return st;
    r->result->probe_loss = probe.loss;
    fill_result(r);
    if (r->io->keep_weights && r->io->dir)
        st = weights_write(r->model, r->io->dir, r->id, r->step, err);
    if (st != OK)
        return st;
    if (r->io->weights) {
        const size_t bytes = r->model->tensors.values * sizeof(real);

        r->io->weights->params = mem_alloc(bytes);
        memcpy(r->io->weights->params, r->model->params, bytes);
    }
    return metrics_final(r->io->metrics_fd, r->result, r->config, err);
}

enum status run_train(struct run_result *out, const struct config *c,
                      uint64_t seed, uint64_t data_seed,
                      const struct run_io *io, struct err *err)
{
    struct run r = { .config = c,
                     .io = io,
                     .result = out,
                     .seed = seed,
                     .data_seed = data_seed,
                     .lock = -1 };
    bool at_end;
    enum status st;

    *out = (struct run_result){ .probe_loss = NAN };
    st = open_run(&r, err);
    if (st == OK)
        st = run_resume(&r, err);
    at_end = r.step > 0 && r.step == r.steps;
    if (st == OK)
        st = train_loop(&r, err);
    if (st == OK)
        st = finish(&r, at_end, err);
    if (st == ERR_DIVERGED) {
        out->tokens = r.step * r.model->dims.bt;
        out->wall_s = run_wall_s(&r);
        metrics_final(io->metrics_fd, out, c, NULL);
    }
    close_run(&r);
    return st;
}
