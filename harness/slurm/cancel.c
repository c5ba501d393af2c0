/* cancel.c - runs in Slurm's hands that are not wanted any more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/statement.h"
#include "harness/proto/bundle.h"
#include "harness/slurm/claims.h"
#include "harness/slurm/spool.h"
#include "harness/slurm/submit.h"

/* Workers look for this file before they begin a run and while it runs. */
static enum status mark(const char *root, const struct claim *c,
                        struct err *err)
{
    char *folder = record_folder_in(root, c->point, c->seed);
    char *path = bundle_cancel(folder, c->token);
    enum status st = OK;
    int fd = -1;

    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        st = err_errno(err, ERR_IO, "%s", path);
    else
        close(fd);
    free(path);
    free(folder);
    return st;
}

/* A run that no worker has begun is given back at once. */
static enum status give_back(struct slurm_cancelled *out, struct db *db,
                             const char *root, const struct claim *c,
                             struct err *err)
{
    static const char *const steps[] = {
        "UPDATE run SET attempts=attempts-1 WHERE run_id=:run_id",
        "DELETE FROM attempt WHERE attempt_id=:attempt_id",
    };
    char *folder = record_folder_in(root, c->point, c->seed);
    bool done;
    enum status st = spool_fence(&done, folder, c->token, err);

    free(folder);
    out->begun += st == OK && !done;
    if (st != OK || !done)
        return st;
    return db_do_all(
        db, steps, 2,
        DB_VALUES(DB_I("run_id", c->run_id), DB_I("attempt_id", c->attempt_id)),
        err);
}

static bool is_one_of(int64_t id, const int64_t *ids, int n)
{
    for (int i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Claims come sorted by job and task: [from, to) are of one task. */
static int task_end(const struct claims *c, int from)
{
    int to = from;

    while (to < c->n && c->list[to].task == c->list[from].task &&
           strcmp(c->list[to].job, c->list[from].job) == 0)
        to++;
    return to;
}

static bool all_cancelled(const struct claims *c, int from, int to)
{
    for (int i = from; i < to; i++)
        if (c->list[i].state != RUN_CANCELLED)
            return false;
    return true;
}

/* A job may have ended by itself: no error. */
static void flush(struct slurm_cancelled *out, struct str *tasks, int n,
                  const char *job)
{
    struct err err;

    if (n > 0 && slurm_scancel(job, str_text(tasks), &err) == OK)
        out->tasks += n;
    else if (n > 0)
        snprintf(out->why, sizeof out->why, "%.190s", err.text);
    str_clear(tasks);
}

/* Tasks that hold nothing else are taken out of the queue, a job at a time. */
static void cancel_tasks(struct slurm_cancelled *out, const struct claims *c)
{
    struct str tasks = { 0 };
    int n = 0;

    for (int from = 0, to; from < c->n; from = to) {
        to = task_end(c, from);
        if (all_cancelled(c, from, to) &&
            !text_has_prefix(c->list[from].job, "bundle:")) {
            str_addf(&tasks, "%s%d", tasks.len ? "," : "", c->list[from].task);
            n++;
        }
        if (to == c->n || strcmp(c->list[to].job, c->list[from].job) != 0) {
            flush(out, &tasks, n, c->list[from].job);
            n = 0;
        }
    }
    str_release(&tasks);
}

enum status slurm_cancel_runs(struct slurm_cancelled *out, struct db *db,
                              const int64_t *ids, int n, struct err *err)
{
    char *root = record_root(db_path(db));
    struct claims claims;
    bool any = false;
    enum status st = claims_read(&claims, db, err);

    *out = (struct slurm_cancelled){ .tasks = 0 };
    if (st == OK)
        st = db_begin(db, err);
    for (int i = 0; i < claims.n && st == OK; i++) {
        struct claim *c = &claims.list[i];

        if (!is_one_of(c->run_id, ids, n))
            continue;
        any = true;
        st = mark(root, c, err);
        if (st == OK)
            st = db_do(db,
                       "UPDATE run SET state='cancelled', "
                       "state_reason='asked for' WHERE run_id=:run_id",
                       DB_VALUES(DB_I("run_id", c->run_id)), err);
        if (st == OK)
            st = give_back(out, db, root, c, err);
        c->state = RUN_CANCELLED;
    }
    if (st == OK)
        st = db_commit(db, err);
    if (st != OK)
        db_rollback(db);
    if (st == OK && any)
        cancel_tasks(out, &claims);
    claims_release(&claims);
    free(root);
    return st;
}
