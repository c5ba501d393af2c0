#include "harness/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

enum kind { KIND_START, KIND_POINT, KIND_END };

struct entry {
    enum kind kind;
    int64_t run_id;
    int number;
    int64_t pid;
    char *text;  /* log path or message */
    char at[32]; /* when it happened */
    struct metrics_line line;
    struct journal_end end;
    bool has_result;
};

struct journal {
    struct db *db;
    int64_t env_id;
    char host[64];
    struct entry *entries;
    int n, cap;
    double oldest_s;
};

struct journal *journal_open(struct db *db, int64_t env_id)
{
    struct journal *j = mem_alloc(sizeof *j);

    j->db = db;
    j->env_id = env_id;
    gethostname(j->host, sizeof j->host - 1);
    return j;
}

static void clear(struct journal *j)
{
    for (int i = 0; i < j->n; i++)
        free(j->entries[i].text);
    j->n = 0;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    clear(j);
    free(j->entries);
    free(j);
}

int journal_waiting(const struct journal *j)
{
    return j->n;
}

bool journal_due(const struct journal *j)
{
    return j->n > 0 &&
           (j->n >= 500 || clock_monotonic() - j->oldest_s >= 0.1);
}

/* --- taking notes ------------------------------------------------------------------- */

static struct entry *add(struct journal *j, enum kind kind, int64_t run_id,
                         int number, const char *text)
{
    struct entry *e;

    if (j->n == j->cap) {
        j->cap = 2 * j->cap + 64;
        j->entries = mem_grow(j->entries, (size_t)j->cap, sizeof *e);
    }
    if (j->n == 0)
        j->oldest_s = clock_monotonic();
    e = &j->entries[j->n++];
    *e = (struct entry){ .kind = kind, .run_id = run_id, .number = number,
                         .text = text ? mem_strdup(text) : NULL };
    clock_iso(e->at);
    return e;
}

void journal_start(struct journal *j, int64_t run_id, int number, int64_t pid,
                   const char *log_path)
{
    add(j, KIND_START, run_id, number, log_path)->pid = pid;
}

void journal_point(struct journal *j, int64_t run_id,
                   const struct metrics_line *line)
{
    add(j, KIND_POINT, run_id, 0, NULL)->line = *line;
}

void journal_end(struct journal *j, int64_t run_id, int number,
                 const struct journal_end *end)
{
    struct entry *e = add(j, KIND_END, run_id, number, end->message);

    e->end = *end;
    e->has_result = end->result != NULL;
    if (end->result)
        e->line = *end->result;
}

/* --- writing --------------------------------------------------------------------------- */

static enum status write_start(struct journal *j, const struct entry *e,
                               struct err *err)
{
    enum status st = db_run(
        j->db, err,
        "INSERT INTO attempt(run_id, number, env_id, backend, host, pid, "
        "started_at, log_path) VALUES(?,?,?,'local',?,?,?,?)",
        "iiititt", e->run_id, (int64_t)e->number, j->env_id, j->host, e->pid,
        e->at, e->text);

    return st != OK ? st
                    : db_run(j->db, err,
                             "UPDATE run SET state='running', "
                             "state_reason=NULL, attempts=? WHERE run_id=?",
                             "ii", (int64_t)e->number, e->run_id);
}

/* A resumed attempt repeats the points before its checkpoint. */
static enum status write_point(struct journal *j, const struct entry *e,
                               struct err *err)
{
    const struct metrics_line *l = &e->line;

    return db_run(j->db, err,
                  "INSERT OR REPLACE INTO curve(run_id, step, tokens, "
                  "train_loss, val_loss, nonfinite, lr, grad_norm, wall_s) "
                  "VALUES(?,?,?,?,?,?,?,?,?)",
                  "iiiddiddd", e->run_id, (int64_t)l->step,
                  (int64_t)(isnan(l->tokens) ? 0 : l->tokens), l->train_loss,
                  l->val_loss, (int64_t)l->nonfinite, l->lr, l->grad_norm,
                  l->wall_s);
}

static enum status write_result(struct journal *j, const struct entry *e,
                                struct err *err)
{
    const struct metrics_line *l = &e->line;

    return db_run(j->db, err,
                  "INSERT OR REPLACE INTO result(run_id, loss, loss_se, "
                  "train_loss, best_loss, steps, tokens, flops, wall_s, "
                  "tok_per_s, weights_sha256) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                  "iddddiidddt", e->run_id, l->loss, l->loss_se,
                  l->train_loss, l->best_loss,
                  (int64_t)(isnan(l->steps) ? 0 : l->steps),
                  (int64_t)(isnan(l->tokens) ? 0 : l->tokens), l->flops,
                  l->wall_s, l->tok_per_s,
                  *l->weights_sha256 ? l->weights_sha256 : NULL);
}

static enum status write_end(struct journal *j, const struct entry *e,
                             struct err *err)
{
    const struct journal_end *x = &e->end;
    enum status st = db_run(
        j->db, err,
        "UPDATE attempt SET ended_at=?, outcome=?, exit_code=?, "
        "term_signal=?, message=?, cpu_s=?, wall_s=?, max_rss=? WHERE "
        "run_id=? AND number=?",
        "ttddtddiii", e->at, x->outcome,
        x->exit_code >= 0 ? (double)x->exit_code : (double)NAN,
        x->term_signal > 0 ? (double)x->term_signal : (double)NAN, e->text,
        x->cpu_s, x->wall_s, x->max_rss, e->run_id, (int64_t)e->number);

    if (st == OK && e->has_result)
        st = write_result(j, e, err);
    if (st == OK)
        st = db_run(j->db, err,
                    "UPDATE run SET state=?, state_reason=? WHERE run_id=?",
                    "tti", x->state, e->text, e->run_id);
    return st;
}

static enum status write_all(struct journal *j, struct err *err)
{
    static enum status (*const writers[])(struct journal *, const struct entry *,
                                          struct err *) = {
        [KIND_START] = write_start,
        [KIND_POINT] = write_point,
        [KIND_END] = write_end,
    };
    enum status st = OK;

    for (int i = 0; i < j->n && st == OK; i++)
        st = writers[j->entries[i].kind](j, &j->entries[i], err);
    return st;
}

enum status journal_flush(struct journal *j, double patience_s, int *n,
                          struct err *err)
{
    enum status st;

    if (n)
        *n = 0;
    if (j->n == 0)
        return OK;
    db_set_patience(j->db, patience_s);
    st = db_begin(j->db, err);
    if (st == OK)
        st = write_all(j, err);
    if (st == OK)
        st = db_commit(j->db, err);
    if (st != OK) {
        db_rollback(j->db);
        return st;
    }
    if (n)
        *n = j->n;
    clear(j);
    return OK;
}
