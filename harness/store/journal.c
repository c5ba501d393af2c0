#include "harness/store/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "db/statement.h"

#define DUE_S    0.1
#define DUE_ROWS 500

struct point {
    int64_t step, tokens;
    double train_loss, val_loss, lr, grad_norm, wall_s;
    int nonfinite;
    bool first;
};

struct begin {
    struct attempt_begin b;
    char *log_path;
};

struct end {
    int number;
    struct attempt_end e;
    struct metrics_line result;
    bool has_result;
};

/* Words for run and event; kind is NULL for a change of state. */
struct words {
    enum run_state state;
    char *kind, *text;
};

struct extra {
    char name[METRIC_NAME];
    int64_t step;
    double value;
};

enum kind {
    KIND_BEGIN,
    KIND_POINT,
    KIND_EXTRA,
    KIND_END,
    KIND_STATE,
    KIND_EVENT
};

/* Points are many and stand here; what is rare is allocated. */
struct entry {
    enum kind kind;
    int64_t run_id;
    union {
        struct point point;
        struct begin *begin;
        struct extra *extra;
        struct end *end;
        struct words words;
    };
};

struct journal {
    struct db *db;
    int64_t env_id;
    struct entry *entries;
    int n, cap;
    double oldest_s;
};

struct journal *journal_open(struct db *db, int64_t env_id)
{
    struct journal *j = mem_alloc(sizeof *j);

    j->db = db;
    j->env_id = env_id;
    return j;
}

static void drop(struct entry *e)
{
    switch (e->kind) {
    case KIND_BEGIN:
        free(e->begin->log_path);
        free(e->begin);
        break;
    case KIND_EXTRA:
        free(e->extra);
        break;
    case KIND_END:
        free(e->end);
        break;
    case KIND_STATE:
    case KIND_EVENT:
        free(e->words.kind);
        free(e->words.text);
        break;
    case KIND_POINT:
        break;
    }
}

static void clear(struct journal *j)
{
    for (int i = 0; i < j->n; i++)
        drop(&j->entries[i]);
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
           (j->n >= DUE_ROWS || clock_monotonic() - j->oldest_s >= DUE_S);
}

/* --- taking notes ---------------------------------------------------------------- */

static struct entry *add(struct journal *j, enum kind kind, int64_t run_id)
{
    if (j->n == j->cap) {
        j->cap = 2 * j->cap + 64;
        j->entries = mem_grow(j->entries, (size_t)j->cap, sizeof *j->entries);
    }
    if (j->n == 0)
        j->oldest_s = clock_monotonic();
    j->entries[j->n] = (struct entry){ .kind = kind, .run_id = run_id };
    return &j->entries[j->n++];
}

void journal_begin(struct journal *j, int64_t run_id,
                   const struct attempt_begin *b, const char *log_path)
{
    struct begin *begin = mem_alloc(sizeof *begin);

    begin->b = *b;
    begin->log_path = mem_strdup(log_path);
    add(j, KIND_BEGIN, run_id)->begin = begin;
}

static int64_t whole(double x)
{
    return x >= 0 && x < 0x1p53 ? (int64_t)x : 0;
}

static void add_extra(struct journal *j, int64_t run_id,
                      const struct metrics_line *l, double step)
{
    for (int i = 0; i < l->n_extra; i++) {
        struct extra *x = mem_alloc(sizeof *x);

        memcpy(x->name, l->extra[i].name, sizeof x->name);
        x->value = l->extra[i].value;
        x->step = whole(step);
        add(j, KIND_EXTRA, run_id)->extra = x;
    }
}

void journal_line(struct journal *j, int64_t run_id,
                  const struct metrics_line *l, bool first)
{
    if (l->final) {
        add_extra(j, run_id, l, l->steps);
        return;
    }
    add(j, KIND_POINT, run_id)->point = (struct point){
        .step = whole(l->step),
        .tokens = whole(l->tokens),
        .train_loss = l->train_loss,
        .val_loss = l->val_loss,
        .lr = l->lr,
        .grad_norm = l->grad_norm,
        .wall_s = l->wall_s,
        .nonfinite = l->nonfinite,
        .first = first,
    };
    add_extra(j, run_id, l, l->step);
}

void journal_end(struct journal *j, int64_t run_id, int number,
                 const struct attempt_end *e, const struct metrics_line *result)
{
    struct end *end = mem_alloc(sizeof *end);

    end->number = number;
    end->e = *e;
    end->has_result = result != NULL;
    if (result)
        end->result = *result;
    add(j, KIND_END, run_id)->end = end;
}

void journal_state(struct journal *j, int64_t run_id, enum run_state state,
                   const char *reason)
{
    add(j, KIND_STATE, run_id)->words =
        (struct words){ .state = state,
                        .text = reason ? mem_strdup(reason) : NULL };
}

void journal_event(struct journal *j, int64_t run_id, const char *kind,
                   const char *detail)
{
    add(j, KIND_EVENT, run_id)->words =
        (struct words){ .kind = mem_strdup(kind),
                        .text = detail ? mem_strdup(detail) : NULL };
}

/* --- writing --------------------------------------------------------------------- */

static enum status write_begin(struct journal *j, const struct entry *e,
                               struct err *err)
{
    const struct attempt_begin *b = &e->begin->b;
    static const char sql[] =
        "INSERT INTO attempt(run_id, number, env_id, backend, host, pid, "
        "start_ticks, boot_id, token, started_at, log_path, from_step, "
        "slurm_job) "
        "VALUES(:run_id, :number, "
        "coalesce((SELECT env_id FROM env WHERE fingerprint=:env), "
        "nullif(:env_id,0)), "
        "CASE :slurm_job WHEN '' THEN 'local' ELSE 'slurm' END, "
        ":host, :pid, :start_ticks, :boot_id, :token, :started_at, :log_path, "
        "max(:from_step,0), nullif(:slurm_job,'')) "
        "ON CONFLICT(run_id, number) DO UPDATE SET env_id=excluded.env_id, "
        "host=excluded.host, pid=excluded.pid, "
        "start_ticks=excluded.start_ticks, boot_id=excluded.boot_id, "
        "started_at=excluded.started_at WHERE token=excluded.token";
    const enum status st =
        db_do(j->db, sql,
              DB_VALUES(DB_I("run_id", e->run_id), DB_I("number", b->number),
                        DB_T("env", b->env), DB_I("env_id", j->env_id),
                        DB_T("slurm_job", b->slurm_job), DB_T("host", b->host),
                        DB_I("pid", b->process.pid),
                        DB_I("start_ticks", b->process.start_ticks),
                        DB_T("boot_id", b->process.boot),
                        DB_T("token", b->token), DB_T("started_at", b->at),
                        DB_T("log_path", e->begin->log_path),
                        DB_I("from_step", b->from_step)),
              err);

    return st != OK
               ? st
               : db_do(j->db,
                       "UPDATE run SET state='running', state_reason=NULL, "
                       "attempts=max(attempts,:number) WHERE run_id=:run_id",
                       DB_VALUES(DB_I("number", b->number),
                                 DB_I("run_id", e->run_id)),
                       err);
}

/* A resumed attempt repeats the points before its checkpoint; one that began
 * anew must not leave an older one's tail behind its own. */
static enum status write_point(struct journal *j, const struct entry *e,
                               struct err *err)
{
    static const char *const forget[] = {
        "DELETE FROM curve WHERE run_id=:run_id AND step>=:step",
        "DELETE FROM metric WHERE run_id=:run_id AND step>=:step",
    };
    const struct point *p = &e->point;
    enum status st = OK;

    if (p->first)
        st = db_do_all(
            j->db, forget, 2,
            DB_VALUES(DB_I("run_id", e->run_id), DB_I("step", p->step)), err);
    return st != OK
               ? st
               : db_do(j->db,
                       "INSERT OR REPLACE INTO curve(run_id, step, tokens, "
                       "train_loss, val_loss, nonfinite, lr, grad_norm, "
                       "wall_s) "
                       "VALUES(:run_id, :step, :tokens, :train_loss, "
                       ":val_loss, :nonfinite, :lr, :grad_norm, :wall_s)",
                       DB_VALUES(
                           DB_I("run_id", e->run_id), DB_I("step", p->step),
                           DB_I("tokens", p->tokens),
                           DB_R("train_loss", p->train_loss),
                           DB_R("val_loss", p->val_loss),
                           DB_I("nonfinite", p->nonfinite), DB_R("lr", p->lr),
                           DB_R("grad_norm", p->grad_norm),
                           DB_R("wall_s", p->wall_s)),
                       err);
}

static enum status write_extra(struct journal *j, const struct entry *e,
                               struct err *err)
{
    return db_do(
        j->db,
        "INSERT OR REPLACE INTO metric(run_id, name, step, value) "
        "VALUES(:run_id, :name, :step, :value)",
        DB_VALUES(DB_I("run_id", e->run_id), DB_T("name", e->extra->name),
                  DB_I("step", e->extra->step), DB_R("value", e->extra->value)),
        err);
}

static enum status write_result(struct journal *j, int64_t run_id,
                                const struct metrics_line *l, struct err *err)
{
    const char *sha256 = *l->weights_sha256 ? l->weights_sha256 : NULL;

    return db_do(
        j->db,
        "INSERT OR REPLACE INTO result(run_id, loss, loss_se, train_loss, "
        "best_loss, steps, tokens, flops, wall_s, tok_per_s, weights_sha256) "
        "VALUES(:run_id, :loss, :loss_se, :train_loss, :best_loss, :steps, "
        ":tokens, :flops, :wall_s, :tok_per_s, :weights_sha256)",
        DB_VALUES(
            DB_I("run_id", run_id), DB_R("loss", l->loss),
            DB_R("loss_se", l->loss_se), DB_R("train_loss", l->train_loss),
            DB_R("best_loss", l->best_loss), DB_I("steps", whole(l->steps)),
            DB_I("tokens", whole(l->tokens)), DB_R("flops", l->flops),
            DB_R("wall_s", l->wall_s), DB_R("tok_per_s", l->tok_per_s),
            DB_T("weights_sha256", sha256)),
        err);
}

/* What a trainer of the user's own counted takes the place of the plan: it
 * knows what it built.  A count that is not there stays as planned. */
static enum status write_counts(struct journal *j, int64_t run_id,
                                const struct metrics_line *l, struct err *err)
{
    if (!(l->n_body > 0 && l->n_body < 0x1p53))
        return OK;
    return db_do(
        j->db,
        "UPDATE point SET n_body=:body, "
        "n_embed=coalesce(CAST(:embed AS INTEGER),n_embed), "
        "n_head_params=coalesce(CAST(:head AS INTEGER),n_head_params), "
        "n_other=coalesce(CAST(:other AS INTEGER),n_other) "
        "WHERE point_id=(SELECT point_id FROM run WHERE run_id=:run_id) "
        "AND trainer<>'builtin'",
        DB_VALUES(DB_I("body", whole(l->n_body)), DB_R("embed", l->n_embed),
                  DB_R("head", l->n_head_params), DB_R("other", l->n_other),
                  DB_I("run_id", run_id)),
        err);
}

static enum status write_state(struct journal *j, int64_t run_id,
                               enum run_state state, const char *reason,
                               struct err *err)
{
    return db_do(j->db,
                 "UPDATE run SET state=:state, state_reason=:reason "
                 "WHERE run_id=:run_id",
                 DB_VALUES(DB_T("state", run_states[state]),
                           DB_T("reason", reason && *reason ? reason : NULL),
                           DB_I("run_id", run_id)),
                 err);
}

/* A number that does not apply is NULL. */
static double or_null(int value, bool applies)
{
    return applies ? (double)value : (double)NAN;
}

static enum status write_end(struct journal *j, const struct entry *entry,
                             struct err *err)
{
    const struct end *end = entry->end;
    const struct attempt_end *e = &end->e;
    enum status st = db_do(
        j->db,
        "UPDATE attempt SET ended_at=:at, outcome=:outcome, "
        "exit_code=:exit_code, term_signal=:term_signal, message=:message, "
        "cpu_s=:cpu_s, wall_s=:wall_s, max_rss=:max_rss "
        "WHERE run_id=:run_id AND number=:number",
        DB_VALUES(
            DB_T("at", e->at), DB_T("outcome", outcomes[e->outcome]),
            DB_R("exit_code", or_null(e->exit_code, e->exit_code >= 0)),
            DB_R("term_signal", or_null(e->term_signal, e->term_signal > 0)),
            DB_T("message", *e->message ? e->message : NULL),
            DB_R("cpu_s", e->cpu_s), DB_R("wall_s", e->wall_s),
            DB_I("max_rss", e->max_rss), DB_I("run_id", entry->run_id),
            DB_I("number", end->number)),
        err);

    if (st == OK && end->has_result)
        st = write_result(j, entry->run_id, &end->result, err);
    if (st == OK && end->has_result)
        st = write_counts(j, entry->run_id, &end->result, err);
    return st == OK ? write_state(j, entry->run_id, e->state, e->message, err)
                    : st;
}

static enum status write_one(struct journal *j, const struct entry *e,
                             struct err *err)
{
    switch (e->kind) {
    case KIND_BEGIN:
        return write_begin(j, e, err);
    case KIND_POINT:
        return write_point(j, e, err);
    case KIND_EXTRA:
        return write_extra(j, e, err);
    case KIND_END:
        return write_end(j, e, err);
    case KIND_STATE:
        return write_state(j, e->run_id, e->words.state, e->words.text, err);
    case KIND_EVENT:
        return db_do(j->db,
                     "INSERT INTO event(run_id, kind, detail) "
                     "VALUES(nullif(:run_id,0), :kind, :detail)",
                     DB_VALUES(DB_I("run_id", e->run_id),
                               DB_T("kind", e->words.kind),
                               DB_T("detail", e->words.text)),
                     err);
    }
    return OK;
}

static enum status write_entries(struct journal *j, struct err *err)
{
    enum status st = db_begin(j->db, err);

    for (int i = 0; i < j->n && st == OK; i++)
        st = write_one(j, &j->entries[i], err);
    if (st == OK)
        st = db_commit(j->db, err);
    if (st != OK)
        db_rollback(j->db);
    return st;
}

enum status journal_flush(struct journal *j, double patience_s, struct err *err)
{
    const double patience = db_patience(j->db);
    enum status st;

    if (j->n == 0)
        return OK;
    db_set_patience(j->db, patience_s);
    st = write_entries(j, err);
    db_set_patience(j->db, patience);
    if (st == OK)
        clear(j);
    return st;
}
