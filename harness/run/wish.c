/* wish.c - what other processes ask of this one: the verbs cancel,
 * pause and retry leave a row in the table request while a scheduler holds the
 * lock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "db/statement.h"
#include "harness/run/state.h"

#define LOOK_S 0.5

struct wished {
    int64_t id, run_id;
    char wish[8];
};

/* A number that changes whenever another process has written. */
static int64_t data_version(struct runner *r)
{
    int64_t version;

    return db_ask(&version, r->db, "PRAGMA data_version", NULL, NULL) == OK
               ? version
               : r->data_version;
}

static struct wished *read_wishes(int *n, struct runner *r)
{
    struct wished *list = NULL;
    struct db_stmt *s;
    bool row = true;

    *n = 0;
    if (db_stmt_open(&s, r->db,
                     "SELECT request_id, run_id, wish FROM request ORDER BY 1",
                     NULL) != OK)
        return NULL;
    while (db_stmt_step(&row, s, NULL) == OK && row) {
        struct wished *w;

        list = mem_grow(list, (size_t)*n + 1, sizeof *list);
        w = &list[(*n)++];
        w->id = db_int(s, 0);
        w->run_id = db_int(s, 1);
        snprintf(w->wish, sizeof w->wish, "%s", db_text(s, 2));
    }
    db_stmt_close(s);
    return list;
}

static int find_run(const struct runner *r, int64_t run_id)
{
    for (int i = 0; i < r->n_runs; i++)
        if (r->runs[i].run_id == run_id)
            return i;
    return -1;
}

/* The task of a run, made when the session had none. */
static struct task *task_of(struct runner *r, int run)
{
    for (int i = 0; i < r->n_tasks; i++)
        if (r->tasks[i].run == run)
            return &r->tasks[i];
    r->tasks[r->n_tasks] = (struct task){ .run = run };
    return &r->tasks[r->n_tasks++];
}

static void leave_out(struct runner *r, struct task *t, enum wish wish)
{
    const bool cancel = wish == WISH_CANCEL;

    if (!t->open)
        return;
    if (t->attempt) {
        t->wish = wish;
        sched_ask(r->sched, t);
        return;
    }
    task_close(r, t);
    task_state(r, t, cancel ? RUN_CANCELLED : RUN_PAUSED);
    journal_state(r->journal, task_run(r, t)->run_id,
                  cancel ? RUN_CANCELLED : RUN_PAUSED, "asked for");
}

static void try_anew(struct runner *r, struct task *t)
{
    if (t->open)
        return;
    t->failures = t->tries = 0;
    t->wish = WISH_NONE;
    task_reopen(r, t);
    task_state(r, t, RUN_PENDING);
    journal_state(r->journal, task_run(r, t)->run_id, RUN_PENDING, "asked for");
    queue_again(r, t, 0);
}

static void grant(struct runner *r, const struct wished *w)
{
    const int run = find_run(r, w->run_id);

    const bool cancel = strcmp(w->wish, "cancel") == 0;
    const bool retry = strcmp(w->wish, "retry") == 0;

    /* Of another grid, or not chosen: nothing runs, the database is enough. */
    if (run < 0 || !r->g->points[r->runs[run].point].chosen)
        journal_state(r->journal, w->run_id,
                      cancel  ? RUN_CANCELLED
                      : retry ? RUN_PENDING
                              : RUN_PAUSED,
                      "asked for");
    else if (retry)
        try_anew(r, task_of(r, run));
    else
        leave_out(r, task_of(r, run), cancel ? WISH_CANCEL : WISH_PAUSE);
}

static void forget(struct runner *r, const struct wished *list, int n)
{
    bool ok = db_begin(r->db, NULL) == OK;

    for (int i = 0; i < n && ok; i++)
        ok = db_do(r->db, "DELETE FROM request WHERE request_id=:id",
                   DB_VALUES(DB_I("id", list[i].id)), NULL) == OK;
    if (!ok || db_commit(r->db, NULL) != OK) {
        db_rollback(r->db);
        r->data_version = -1; /* look again: granting twice changes nothing */
    }
}

void runner_hear_wishes(struct runner *r)
{
    const double now = clock_monotonic();
    struct wished *list;
    int64_t version;
    int n;

    if (now < r->next_request_s || r->busy_since_s > 0)
        return;
    r->next_request_s = now + LOOK_S;
    version = data_version(r);
    if (version == r->data_version)
        return;
    r->data_version = version;
    list = read_wishes(&n, r);
    for (int i = 0; i < n; i++)
        grant(r, &list[i]);
    if (n > 0)
        forget(r, list, n);
    free(list);
}
