/* run_save.c - what a run keeps: its own checkpoints, and those that it leaves
 * for runs which share its beginning. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "trainer/checkpoint.h"
#include "trainer/run_state.h"

static void warn(const char *sentence)
{
    fprintf(stderr, "qlaw train: %s\n", sentence);
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
    const size_t bytes = m->tensors.values * sizeof(real);
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

enum status run_save(struct run *r, struct err *err)
{
    struct progress progress = r->progress;

    if (!r->io->dir)
        return OK;
    progress.wall_s = run_wall_s(r);
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
    if (!r->notes ||
        load_part(k, "notes", r->notes,
                  (size_t)checkpoint_step(k) * sizeof *r->notes, NULL) == OK)
        return;
    free(r->notes);
    r->notes = NULL;
}

static enum status load_state(struct run *r, const struct checkpoint *k,
                              struct err *err)
{
    struct model *m = r->model;
    const size_t bytes = m->tensors.values * sizeof(real);
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

enum status run_lock_folder(int *lock, const char *dir, struct err *err)
{
    *lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return err_errno(err, ERR_IO, "%s", dir);
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return err_set(err, ERR_BUSY, "%s: another process trains here", dir);
    return OK;
}

/* Continue from the newest checkpoint and repeat the curve so far. */
enum status run_resume(struct run *r, struct err *err)
{
    struct checkpoint *k;
    enum status st;

    if (!r->io->dir)
        return OK;
    st = run_lock_folder(&r->lock, r->io->dir, err);
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

/* Does b share the steps before it leaves with this run? */
static bool is_branch(const struct run *r, const struct run_branch *b)
{
    char *ours = branch_identity(r->config, IDENTITY_RUN);
    char *theirs = branch_identity(b->config, IDENTITY_RUN);
    const bool same = strcmp(ours, theirs) == 0 && b->seed == r->seed &&
                      b->data_seed == r->data_seed &&
                      config_run_val_every(b->config) == r->val_every;

    free(ours);
    free(theirs);
    return same && branch_step(b->config) <= branch_step(r->config);
}

void run_open_branches(struct run *r)
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
        run_identify(r->leaving[i].id, b->config, b->seed, b->data_seed,
                     data_sha256(r->data));
        r->leaving[i].step = branch_step(b->config);
        r->leaving[i].log_every = run_interval(b->config, "run.log_every", 100);
    }
}

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
    progress.wall_s = run_wall_s(r);
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
    enum status st = run_lock_folder(&lock, b->dir, err);

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
void run_serve_branches(const struct run *r)
{
    for (int i = 0; r->notes && i < r->io->n_branches; i++) {
        struct err err;

        if (r->leaving[i].step == r->step &&
            serve(r, &r->leaving[i], &r->io->branches[i], &err) != OK)
            warn(err.text);
    }
}
