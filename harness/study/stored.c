/* stored.c - a fit as rows of fit, fit_param and fit_point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "db/db.h"
#include "db/statement.h"
#include "harness/os/lock.h"
#include "harness/study/request.h"

/* What was fitted to, so that the same rows are known again. */
static void hash_rows(char hex[HASH_HEX], const struct fit *f)
{
    const struct model *m = f->m;
    struct hash *h = hash_open();

    hash_add(h, m->number, m->rows * sizeof *m->number);
    hash_add(h, m->y, m->rows * sizeof *m->y);
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].values)
            hash_add(h, m->names[k].values, m->rows * sizeof(double));
    hash_close(h, hex);
}

static double r_squared(const struct fit *f)
{
    const struct model *m = f->m;
    double mean = 0, total = 0;

    for (size_t i = 0; i < m->rows; i++)
        mean += (m->space == FIT_LOG ? m->log_y[i] : m->y[i]) / (double)m->rows;
    for (size_t i = 0; i < m->rows; i++)
        total += pow((m->space == FIT_LOG ? m->log_y[i] : m->y[i]) - mean, 2);
    return total > 0 && !m->has_sigma ? 1 - f->rss / total : (double)NAN;
}

static enum status store_params(struct db *db, int64_t id, const struct fit *f,
                                struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < f->m->n_params && st == OK; i++) {
        const struct fit_estimate *e = &f->est[i];

        st =
            db_do(db,
                  "INSERT INTO fit_param(fit_id, name, value, se, lo95, hi95, "
                  "at_bound) "
                  "VALUES(:fit, :name, :value, :se, :lo95, :hi95, :at_bound)",
                  DB_VALUES(DB_I("fit", id), DB_T("name", f->m->params[i].name),
                            DB_R("value", e->value), DB_R("se", e->se),
                            DB_R("lo95", e->lo), DB_R("hi95", e->hi),
                            DB_I("at_bound", e->at_bound)),
                  err);
    }
    return st;
}

struct stored_point {
    const char *role;
    int64_t run_id;
    double observed, predicted, weight;
};

static enum status store_point(struct db *db, int64_t id,
                               const struct stored_point *p, struct err *err)
{
    return db_do(db,
                 "INSERT INTO fit_point(fit_id, run_id, role, observed, "
                 "predicted, weight) "
                 "VALUES(:fit, :run, :role, :observed, :predicted, :weight)",
                 DB_VALUES(DB_I("fit", id), DB_I("run", p->run_id),
                           DB_T("role", p->role), DB_R("observed", p->observed),
                           DB_R("predicted", p->predicted),
                           DB_R("weight", p->weight)),
                 err);
}

static enum status store_points(struct db *db, int64_t id, const struct fit *f,
                                struct err *err)
{
    const struct model *m = f->m;
    enum status st = OK;

    for (size_t i = 0; i < m->rows && st == OK; i++)
        st = store_point(db, id,
                         &(struct stored_point){ "train", m->number[i], m->y[i],
                                                 f->mu[i],
                                                 m->scale[i] * m->scale[i] },
                         err);
    return st;
}

static enum status store_held(struct db *db, int64_t id,
                              const struct holdout *held, struct err *err)
{
    enum status st = OK;

    for (int i = 0; held && i < held->n_rows && st == OK; i++)
        st =
            store_point(db, id,
                        &(struct stored_point){ "holdout", held->rows[i].number,
                                                held->rows[i].observed,
                                                held->rows[i].predicted, 1 },
                        err);
    return st;
}

static const char insert_fit[] =
    "INSERT INTO fit(name, law, expr, n_def, selection, loss_fn, huber_delta, "
    "n_starts, rng_seed, n_points, n_params, rmse, r2, aic, bic, holdout, "
    "holdout_rmse, converged, status, data_sha256, created_at) "
    "VALUES(:name, :law, :expr, :n_def, :selection, :loss_fn, :huber_delta, "
    ":n_starts, :rng_seed, :n_points, :n_params, :rmse, :r2, :aic, :bic, "
    ":holdout, :holdout_rmse, :converged, :status, :data_sha256, :created_at)";

static enum status store_fit(struct db *db, const struct fit_request *rq,
                             const struct fit *f, const struct holdout *held,
                             struct err *err)
{
    const struct model *m = f->m;
    const char *grid = rq->options.grid;
    const char *law = m->law ? m->law->name : "formula";
    const bool huber = m->loss.kind == FIT_HUBER;
    char loss[48], now[32], hex[HASH_HEX];
    struct str selection = { 0 };
    char *name = mem_printf("%s%s%s", grid ? grid : "", grid ? " " : "", law);
    enum status st;

    fit_options_json(&selection, &rq->options);
    hash_rows(hex, f);
    fit_loss_text(loss, &m->loss);
    st = db_do(
        db, insert_fit,
        DB_VALUES(
            DB_T("name", name), DB_T("law", law), DB_T("expr", m->formula),
            DB_T("n_def", fit_request_n_def(rq)),
            DB_T("selection", str_text(&selection)), DB_T("loss_fn", loss),
            DB_R("huber_delta", huber ? m->loss.scale : (double)NAN),
            DB_I("n_starts", f->best.starts),
            DB_I("rng_seed", (int64_t)rq->spec.seed),
            DB_I("n_points", (int64_t)m->rows), DB_I("n_params", f->n_params),
            DB_R("rmse", sqrt(f->rss / (double)m->rows)),
            DB_R("r2", r_squared(f)), DB_R("aic", fit_aicc(f)),
            DB_R("bic", fit_bic(f)), DB_T("holdout", held ? held->rule : NULL),
            DB_R("holdout_rmse", held ? held->all.rmse : (double)NAN),
            DB_I("converged", f->best.converged),
            DB_T("status", fit_is_sound(f) ? "ok" : "unsound"),
            DB_T("data_sha256", hex), DB_T("created_at", clock_iso(now))),
        err);
    str_release(&selection);
    free(name);
    return st;
}

enum status fit_store(int64_t *id, const struct fit_request *rq,
                      const struct fit *f, const struct holdout *held,
                      const char *db_path, struct err *err)
{
    struct db *db = NULL;
    enum status st = lock_db(&db, db_path, err);

    if (st == OK)
        st = db_begin(db, err);
    if (st == OK) {
        st = store_fit(db, rq, f, held, err);
        *id = db_last_id(db);
        if (st == OK)
            st = store_params(db, *id, f, err);
        if (st == OK)
            st = store_points(db, *id, f, err);
        if (st == OK)
            st = store_held(db, *id, held, err);
        if (st == OK)
            st = db_commit(db, err);
        else
            db_rollback(db);
    }
    db_close(db);
    return st;
}

/* --- back again ---------------------------------------------------------- */

static enum status read_selection(json_t **out, struct db *db, int64_t id,
                                  struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st =
        db_stmt_with(&s, db, "SELECT selection FROM fit WHERE fit_id=:fit",
                     DB_VALUES(DB_I("fit", id)), err);

    *out = NULL;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && !row)
        st = err_set(err, ERR_USAGE,
                     "%s holds no fit %lld (see 'qlaw query "
                     "\"select * from fits\"')",
                     db_path(db), (long long)id);
    if (st == OK)
        st = json_parse(out, db_text(s, 0), "fit.selection", err);
    db_stmt_close(s);
    return st;
}

enum status fit_stored_rows(int64_t **numbers, int *n, struct db *db,
                            int64_t id, bool held, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT run_id FROM fit_point WHERE fit_id = :fit "
                     "AND (role = 'train' OR :held) ORDER BY run_id",
                     DB_VALUES(DB_I("fit", id), DB_I("held", held)), err);

    *numbers = NULL;
    *n = 0;
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        *numbers = mem_grow(*numbers, (size_t)*n + 1, sizeof **numbers);
        (*numbers)[(*n)++] = db_int(s, 0);
    }
    db_stmt_close(s);
    return st;
}

enum status fit_request_repeat(struct fit_request *rq, const char *db_path,
                               int64_t id, struct err *err)
{
    const struct session silent = { .db_path = db_path, .verbosity = -1 };
    struct fit_options o;
    struct db *db = NULL;
    json_t *selection = NULL;
    enum status st = db_open(&db, db_path, DB_READ, err);

    fit_options_init(&o);
    if (st == OK)
        st = read_selection(&selection, db, id, err);
    db_close(db);
    if (st == OK)
        st = fit_options_from_json(&o, selection, err);
    if (st == OK)
        st = fit_request_read(rq, &o, &silent, err);
    fit_options_release(&o);
    json_decref(selection);
    return st;
}

enum status fit_request_stored(struct fit_request *rq, const char *db_path,
                               int64_t id, struct err *err)
{
    struct db *db = NULL;
    int64_t *numbers = NULL;
    int n = 0;
    enum status st = db_open(&db, db_path, DB_READ, err);

    if (st == OK)
        st = fit_stored_rows(&numbers, &n, db, id, false, err);
    db_close(db);
    if (st == OK)
        st = fit_request_repeat(rq, db_path, id, err);
    if (st == OK)
        fit_input_keep(rq, numbers, n);
    free(numbers);
    return st;
}
