#include "trainer/run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/exact.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "trainer/blame.h"
#include "trainer/branch.h"
#include "trainer/checkpoint.h"
#include "trainer/data.h"
#include "trainer/evaluate.h"
#include "trainer/metrics.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"
#include "trainer/schedule.h"
#include "trainer/stop.h"

/* What a checkpoint holds beside the tensors. */
struct progress {
    double loss_sum; /* of the steps since the last curve point */
    double loss_count;
    double train_loss; /* of the last point */
    double best_loss;
    double wall_s; /* in earlier attempts */
};

/* A run that this one, its trunk, leaves a checkpoint for. */
struct leaving {
    unsigned char id[32];
    int64_t step, log_every; /* step 0: it is no branch of this run */
};

struct run {
    const struct config *config;
    const struct run_io *io;
    struct run_result *result;
    uint64_t seed, data_seed;
    struct data *data;
    struct model *model;
    struct schedule schedule;
    struct optimizer optimizer;
    unsigned char id[32];
    int64_t step, steps, log_every, val_every;
    int *tokens, *targets;
    struct progress progress;
    struct curve curve;
    struct leaving *leaving; /* one for each of io->branches */
    struct branch_note *notes; /* of all steps so far; NULL: no branches */
    double started_s, saved_s; /* monotonic */
    int lock; /* of the folder of checkpoints, -1: none */
    double loss_limit;
    struct stop_rules rules;
    struct stop_state stop;
};

/* --- set-up -------------------------------------------------------------- */

static void identify(unsigned char id[32], const struct config *c,
                     uint64_t seed, uint64_t data_seed, const char *data)
{
    json_t *json = config_identity(c, true);
    char *text = json_canonical_text(json);
    char *all = mem_printf("%s seed=%llu data_seed=%llu data=%s", text,
                           (unsigned long long)seed,
                           (unsigned long long)data_seed, data);

    EVP_Digest(all, strlen(all), id, NULL, EVP_sha256(), NULL);
    free(all);
    free(text);
    json_decref(json);
}

/* About a hundred points when the key says 0. */
static int64_t interval(const struct config *c, const char *key,
                        int64_t points)
{
    const int64_t every = config_int(c, key), steps = config_size(c).steps;

    if (every > 0 || points == 0)
        return every;
    return steps > points ? steps / points : 1;
}

static void warn(const char *sentence)
{
    fprintf(stderr, "qlaw train: %s\n", sentence);
}

/* Does b share the steps before it leaves with this run? */
static bool is_branch(const struct run *r, const struct run_branch *b)
{
    char *ours = branch_identity(r->config, true);
    char *theirs = branch_identity(b->config, true);
    const bool same = strcmp(ours, theirs) == 0 && b->seed == r->seed &&
                      b->data_seed == r->data_seed &&
                      config_int(b->config, "run.val_every") == r->val_every;

    free(ours);
    free(theirs);
    return same && branch_step(b->config) <= branch_step(r->config);
}

static void open_branches(struct run *r)
{
    const int n = r->io->n_branches;

    if (n == 0)
        return;
    r->leaving = mem_array((size_t)n, sizeof *r->leaving);
    r->notes = mem_array((size_t)r->steps, sizeof *r->notes);
    for (int i = 0; i < n; i++) {
        const struct run_branch *b = &r->io->branches[i];

        if (!is_branch(r, b)) {
            warn("a run is no branch of this one; it trains alone");
            continue;
        }
        identify(r->leaving[i].id, b->config, b->seed, b->data_seed,
                 data_sha256(r->data));
        r->leaving[i].step = branch_step(b->config);
        r->leaving[i].log_every = interval(b->config, "run.log_every", 100);
    }
}

static enum status open_run(struct run *r, struct err *err)
{
    const struct kernels *kn = NULL;
    const int64_t rows = config_int(r->config, "train.batch") *
                         config_int(r->config, "model.seq_len");
    const double limit = config_number(r->config, "stop.loss");
    enum status st = kernels_select(&kn, r->io->isa_cap, err);

    if (st == OK)
        st = stop_read(&r->rules, r->config, err);
    if (st == OK)
        st = data_open(&r->data, r->config, err);
    if (st == OK)
        st = model_new(&r->model, r->config, kn, r->seed,
                       (int)config_int(r->config, "run.threads"), err);
    if (st != OK)
        return st;
    r->schedule = schedule_of(r->config);
    r->optimizer = optimizer_of(r->config);
    r->steps = r->schedule.steps;
    r->log_every = interval(r->config, "run.log_every", 100);
    r->val_every = interval(r->config, "run.val_every", 0);
    r->tokens = mem_array((size_t)rows, sizeof *r->tokens);
    r->targets = mem_array((size_t)rows, sizeof *r->targets);
    r->progress.best_loss = INFINITY;
    r->loss_limit =
        limit > 0 ? limit
                  : 2 * exact_ln(config_number(r->config, "model.vocab"));
    r->stop = stop_start();
    r->started_s = r->saved_s = clock_monotonic();
    identify(r->id, r->config, r->seed, r->data_seed, data_sha256(r->data));
    open_branches(r);
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

static double wall_s(const struct run *r)
{
    return r->progress.wall_s + clock_monotonic() - r->started_s;
}

/* --- checkpoints --------------------------------------------------------- */

/* The state as a checkpoint of the run with this identity, which may be
 * another than ours. */
static enum status write_state(const struct run *r, const char *dir,
                               const unsigned char id[32],
                               const struct progress *progress,
                               const struct curve *curve, struct err *err)
{
    const struct model *m = r->model;
    const size_t bytes = m->n_params * sizeof(real);
    const bool ours = id == r->id;
    const struct section sections[] = {
        { "params", m->params, bytes },
        { "moment1", m->moment1, bytes },
        { "moment2", m->moment2, bytes },
        { "progress", progress, sizeof *progress },
        { "curve", curve->points, curve->n * sizeof *curve->points },
        { "stop", &r->stop, sizeof r->stop },
        { "notes", r->notes, (size_t)r->step * sizeof *r->notes },
    };

    return checkpoint_write(dir, id, r->step, sections,
                            ours && r->notes ? 7 : 6, err);
}

static enum status save(struct run *r, struct err *err)
{
    struct progress progress = r->progress;

    if (!r->io->dir)
        return OK;
    progress.wall_s = wall_s(r);
    r->saved_s = clock_monotonic();
    return write_state(r, r->io->dir, r->id, &progress, &r->curve, err);
}

static enum status load_part(const struct checkpoint *k, const char *name,
                             void *to, size_t size, struct err *err)
{
    return checkpoint_read(k, name, &to, &size, err);
}

/* Without rules nothing asks for what they remember, which checkpoints of
 * earlier versions do not have. */
static enum status load_stop(struct run *r, const struct checkpoint *k,
                             struct err *err)
{
    return r->rules.diverge || r->rules.early
               ? load_part(k, "stop", &r->stop, sizeof r->stop, err)
               : OK;
}

/* A checkpoint of a time without branches has no notes: then it is too late to
 * serve any. */
static void load_notes(struct run *r, const struct checkpoint *k)
{
    if (!r->notes || load_part(k, "notes", r->notes,
                               (size_t)checkpoint_step(k) * sizeof *r->notes,
                               NULL) == OK)
        return;
    free(r->notes);
    r->notes = NULL;
}

static enum status load_state(struct run *r, const struct checkpoint *k,
                              struct err *err)
{
    struct model *m = r->model;
    const size_t bytes = m->n_params * sizeof(real);
    void *curve = NULL;
    size_t size = 0;
    enum status st = load_part(k, "params", m->params, bytes, err);

    if (st == OK)
        st = load_part(k, "moment1", m->moment1, bytes, err);
    if (st == OK)
        st = load_part(k, "moment2", m->moment2, bytes, err);
    if (st == OK)
        st = load_part(k, "progress", &r->progress, sizeof r->progress, err);
    if (st == OK)
        st = load_stop(r, k, err);
    if (st == OK)
        st = checkpoint_read(k, "curve", &curve, &size, err);
    if (st == OK) {
        r->curve.points = curve;
        r->curve.n = size / sizeof *r->curve.points;
        r->step = checkpoint_step(k);
        load_notes(r, k);
    }
    return st;
}

/* Two processes that write the same checkpoints would each undo the other's
 * work.  The lock goes with its holder, however that ends.  A file system
 * without locks is left to the scheduler's care. */
static enum status lock_folder(int *lock, const char *dir, struct err *err)
{
    *lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return err_errno(err, ERR_IO, "%s", dir);
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return err_set(err, ERR_IO, "%s: another process trains here", dir);
    return OK;
}

/* Continue from the newest checkpoint and repeat the curve so far. */
static enum status resume(struct run *r, struct err *err)
{
    struct checkpoint *k;
    enum status st;

    if (!r->io->dir)
        return OK;
    st = lock_folder(&r->lock, r->io->dir, err);
    if (st != OK)
        return st;
    k = checkpoint_open(r->io->dir, r->id, warn);
    if (k)
        st = load_state(r, k, err);
    checkpoint_close(k);
    for (size_t i = 0; i < r->curve.n && st == OK; i++)
        st = metrics_point(r->io->metrics_fd, &r->curve.points[i], err);
    return st;
}

/* --- branches ------------------------------------------------------------ */

/* The checkpoint that a branch would have written itself after this step. */
static enum status write_branch(const struct run *r, const struct leaving *l,
                                const struct run_branch *b, struct err *err)
{
    struct progress progress = r->progress;
    struct curve curve = { NULL, 0 };
    enum status st;

    branch_curve(&curve, &progress.loss_sum, &progress.loss_count, r->notes,
                 r->step, l->log_every, &r->curve, r->config);
    progress.train_loss =
        curve.n > 0 ? curve.points[curve.n - 1].train_loss : 0;
    progress.wall_s = wall_s(r);
    st = write_state(r, b->dir, l->id, &progress, &curve, err);
    free(curve.points);
    return st;
}

/* One that has come further by itself, or trains now, needs nothing of us. */
static enum status serve(const struct run *r, const struct leaving *l,
                         const struct run_branch *b, struct err *err)
{
    struct checkpoint *k;
    int lock = -1;
    enum status st = lock_folder(&lock, b->dir, err);

    if (st == OK) {
        k = checkpoint_open(b->dir, l->id, NULL);
        if (!k || checkpoint_step(k) < r->step)
            st = write_branch(r, l, b, err);
        checkpoint_close(k);
    }
    if (lock >= 0)
        close(lock);
    return st;
}

/* A branch that cannot be served trains alone; that is no reason to stop. */
static void serve_branches(const struct run *r)
{
    for (int i = 0; r->notes && i < r->io->n_branches; i++) {
        struct err err;

        if (r->leaving[i].step == r->step &&
            serve(r, &r->leaving[i], &r->io->branches[i], &err) != OK)
            warn(err.text);
    }
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
    return evaluate(out, r->model, r->data, set, r->seed, r->tokens,
                    r->targets)
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
        .wall_s = wall_s(r),
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
    double loss, norm, val = NAN, se;
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
            (struct branch_note){ loss, norm, wall_s(r) };
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
    const double every = config_number(r->config, "run.checkpoint");
    enum status st = OK;

    while (st == OK && r->step < r->steps && !r->result->stopped) {
        st = train_step(r, err);
        if (st == ERR_IO) /* nobody reads any more; the work is still good */
            save(r, NULL);
        if (st != OK)
            break;
        serve_branches(r);
        if (must_stop(r)) {
            st = save(r, err);
            return st != OK ? st
                            : err_set(err, ERR_STOPPED,
                                      "stopped after step %lld of %lld",
                                      (long long)r->step,
                                      (long long)r->steps);
        }
        if (every > 0 && clock_monotonic() - r->saved_s >= every)
            st = save(r, err);
    }
    return st;
}

/* --- the run ------------------------------------------------------------- */

static void fill_result(struct run *r)
{
    struct run_result *out = r->result;

    out->steps = r->step;
    out->tokens = r->step * r->model->dims.bt;
    out->flops = config_size(r->config).flops_per_token *
                 (double)out->tokens;
    out->wall_s = wall_s(r);
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
        st = save(r, err);
    if (st == OK)
        st = measure(r, DATA_PROBE, &probe, err);
    if (st == OK && !evaluate_kurtosis(r->result->kurtosis, r->model, r->data,
                                       r->seed, r->tokens, r->targets))
        st = diverge(r, r->model->work.bad, err);
    if (st != OK)
        return st;
    r->result->probe_loss = probe.loss;
    fill_result(r);
    return metrics_final(r->io->metrics_fd, r->result, r->config, err);
}

enum status run_train(struct run_result *out, const struct config *c,
                      uint64_t seed, uint64_t data_seed,
                      const struct run_io *io, struct err *err)
{
    struct run r = { .config = c, .io = io, .result = out, .seed = seed,
                     .data_seed = data_seed, .lock = -1 };
    bool at_end;
    enum status st;

    *out = (struct run_result){ .probe_loss = NAN };
    st = open_run(&r, err);
    if (st == OK)
        st = resume(&r, err);
    at_end = r.step > 0 && r.step == r.steps;
    if (st == OK)
        st = train_loop(&r, err);
    if (st == OK)
        st = finish(&r, at_end, err);
    if (st == ERR_DIVERGED) {
        out->tokens = r.step * r.model->dims.bt;
        out->wall_s = wall_s(&r);
        metrics_final(io->metrics_fd, out, c, NULL);
    }
    close_run(&r);
    return st;
}
