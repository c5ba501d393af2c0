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

        st = db_run(db, err,
                    "INSERT INTO fit_param(fit_id, name, value, se, lo95, "
                    "hi95, at_bound) VALUES(?,?,?,?,?,?,?)",
                    "itddddi", id, f->m->params[i].name, e->value, e->se, e->lo,
                    e->hi, (int64_t)e->at_bound);
    }
    return st;
}

static enum status store_points(struct db *db, int64_t id, const struct fit *f,
                                struct err *err)
{
    const struct model *m = f->m;
    enum status st = OK;

    for (size_t i = 0; i < m->rows && st == OK; i++)
        st = db_run(db, err,
                    "INSERT INTO fit_point(fit_id, run_id, role, observed, "
                    "predicted, weight) VALUES(?,?,'train',?,?,?)",
                    "iiddd", id, m->number[i], m->y[i], f->mu[i],
                    m->scale[i] * m->scale[i]);
    return st;
}

static enum status store_fit(struct db *db, const struct fit_request *rq,
                             const struct fit *f, const struct holdout *held,
                             struct err *err)
{
    const struct model *m = f->m;
    char loss[48], now[32], hex[HASH_HEX];
    const char *grid = rq->options.grid;
    struct str selection = { 0 };
    char *name;
    enum status st;

    fit_options_json(&selection, &rq->options);
    hash_rows(hex, f);
    fit_loss_text(loss, &m->loss);
    name = mem_printf("%s%s%s", grid ? grid : "", grid ? " " : "",
                      m->law ? m->law->name : "formula");
    st = db_run(
        db, err,
        "INSERT INTO fit(name, law, expr, n_def, selection, loss_fn, "
        "huber_delta, n_starts, rng_seed, n_points, n_params, rmse, "
        "r2, aic, bic, holdout, holdout_rmse, converged, status, data_sha256, "
        "created_at) "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "tttttt"
        "d"
        "iiii"
        "ddddtd"
        "i"
        "ttt",
        name, m->law ? m->law->name : "formula", m->formula,
        fit_request_n_def(rq), str_text(&selection), loss,
        m->loss.kind == FIT_HUBER ? m->loss.scale : (double)NAN,
        (int64_t)f->best.starts, (int64_t)rq->spec.seed, (int64_t)m->rows,
        (int64_t)f->n_params, sqrt(f->rss / (double)m->rows), r_squared(f),
        fit_aicc(f), fit_bic(f), held ? held->rule : NULL,
        held ? held->all.rmse : (double)NAN, (int64_t)f->best.converged,
        fit_is_sound(f) ? "ok" : "unsound", hex, clock_iso(now));
    str_release(&selection);
    free(name);
    return st;
}

static enum status store_held(struct db *db, int64_t id,
                              const struct holdout *held, struct err *err)
{
    enum status st = OK;

    for (int i = 0; held && i < held->n_rows && st == OK; i++)
        st = db_run(db, err,
                    "INSERT INTO fit_point(fit_id, run_id, role, observed, "
                    "predicted) VALUES(?,?,'holdout',?,?)",
                    "iidd", id, held->rows[i].number, held->rows[i].observed,
                    held->rows[i].predicted);
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
        *id = sqlite3_last_insert_rowid(db_handle(db));
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
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "SELECT run_id FROM fit_point WHERE fit_id = ?"
                                " AND (role = 'train' OR ?) ORDER BY run_id",
                                err);

    *numbers = NULL;
    *n = 0;
    if (st == OK)
        db_bind(stmt, "ii", id, (int64_t)held);
    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        *numbers = mem_grow(*numbers, (size_t)*n + 1, sizeof **numbers);
        (*numbers)[(*n)++] = sqlite3_column_int64(stmt, 0);
    }
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
