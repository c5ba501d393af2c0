/* merge.c - what another database has and this one lacks. */
#include <stdlib.h>
#include <string.h>

#include "db/admin.h"
#include "db/handle.h"
#include "db/place.h"
#include "db/point.h"
#include "db/statement.h"

/* Rows keep their meaning and get new numbers: temp.run_map says which run of
 * the other file (src) is which here, and whether its records are taken. */
static const char *const base_steps[] = {
    "CREATE TEMP TABLE run_map(src INTEGER PRIMARY KEY, dst INTEGER NOT NULL, "
    "taken INTEGER NOT NULL, attempts INTEGER NOT NULL)",

    "INSERT OR IGNORE INTO env(fingerprint, qlaw_version, git_commit, "
    "git_dirty, compiler, cflags, cpu_model, isa, cores, kernel, "
    "libc, libs_json) SELECT fingerprint, qlaw_version, git_commit, git_dirty, "
    "compiler, cflags, cpu_model, isa, cores, kernel, libc, "
    "libs_json FROM src.env",

    "INSERT OR IGNORE INTO dataset(name, sha256, tokenizer, vocab, n_tokens, "
    "bytes) SELECT name, sha256, tokenizer, vocab, n_tokens, bytes FROM "
    "src.dataset",
};

static const char *const run_steps[] = {
    /* Nothing runs here that runs there. */
    "INSERT INTO temp.run_map SELECT s.run_id, r.run_id, "
    "r.state NOT IN (SELECT state FROM run_states WHERE is_result) "
    "AND s.state IN (SELECT state FROM run_states WHERE is_result) "
    "AND r.data_seed=s.data_seed, "
    "r.attempts FROM src.run s JOIN main.run r ON r.point_id=s.point_id AND "
    "r.seed=s.seed",
    /* What is deleted here stays deleted. */
    "INSERT INTO run(run_id, point_id, seed, data_seed, state, state_reason) "
    "SELECT (SELECT run_id FROM main.next_run)-1+row_number() OVER (ORDER BY "
    "run_id), point_id, seed, data_seed, "
    "CASE WHEN state IN (SELECT state FROM run_states WHERE is_held) "
    "THEN 'pending' ELSE state END, state_reason FROM "
    "src.run WHERE run_id NOT IN (SELECT src FROM temp.run_map) AND "
    "(point_id, seed) NOT IN (SELECT point_id, seed FROM main.deleted WHERE "
    "kind='run') ORDER BY run_id",
    "INSERT INTO temp.run_map SELECT s.run_id, r.run_id, 1, 0 FROM src.run s "
    "JOIN main.run r ON r.point_id=s.point_id AND r.seed=s.seed WHERE s.run_id "
    "NOT IN (SELECT src FROM temp.run_map)",

    "DELETE FROM curve WHERE run_id IN (SELECT dst FROM temp.run_map WHERE "
    "taken)",
    "DELETE FROM metric WHERE run_id IN (SELECT dst FROM temp.run_map WHERE "
    "taken)",
    "INSERT INTO curve(run_id, step, tokens, train_loss, val_loss, nonfinite, "
    "lr, grad_norm, wall_s) SELECT m.dst, c.step, c.tokens, c.train_loss, "
    "c.val_loss, c.nonfinite, c.lr, c.grad_norm, c.wall_s FROM src.curve c "
    "JOIN temp.run_map m ON m.src=c.run_id WHERE m.taken",
    "INSERT INTO metric(run_id, name, step, value) SELECT m.dst, c.name, "
    "c.step, c.value FROM src.metric c JOIN temp.run_map m ON m.src=c.run_id "
    "WHERE m.taken",
    "INSERT INTO result(run_id, loss, loss_se, train_loss, best_loss, steps, "
    "tokens, flops, wall_s, tok_per_s, weights_sha256) SELECT m.dst, x.loss, "
    "x.loss_se, x.train_loss, x.best_loss, x.steps, x.tokens, x.flops, "
    "x.wall_s, x.tok_per_s, x.weights_sha256 FROM src.result x JOIN "
    "temp.run_map m ON m.src=x.run_id WHERE m.taken",
    "INSERT INTO attempt(run_id, number, env_id, backend, host, pid, "
    "boot_id, start_ticks, token, slurm_job, slurm_task, slurm_state, "
    "started_at, heartbeat_at, ended_at, from_step, outcome, exit_code, "
    "term_signal, message, cpu_s, wall_s, max_rss, log_path) SELECT m.dst, "
    "m.attempts+a.number, (SELECT e.env_id FROM env e JOIN src.env f ON "
    "f.fingerprint=e.fingerprint WHERE f.env_id=a.env_id), a.backend, a.host, "
    "a.pid, a.boot_id, a.start_ticks, a.token, a.slurm_job, "
    "a.slurm_task, a.slurm_state, a.started_at, a.heartbeat_at, a.ended_at, "
    "a.from_step, coalesce(a.outcome,'lost'), a.exit_code, a.term_signal, "
    "a.message, a.cpu_s, a.wall_s, a.max_rss, a.log_path FROM src.attempt a "
    "JOIN temp.run_map m ON m.src=a.run_id WHERE m.taken",
    "UPDATE run SET attempts=(SELECT m.attempts+s.attempts FROM temp.run_map "
    "m JOIN src.run s ON s.run_id=m.src WHERE m.dst=run.run_id), "
    "state_reason=(SELECT s.state_reason FROM temp.run_map m JOIN src.run s "
    "ON s.run_id=m.src WHERE m.dst=run.run_id), state=(SELECT CASE WHEN "
    "s.state IN (SELECT state FROM run_states WHERE is_held) "
    "THEN 'pending' ELSE s.state END FROM "
    "temp.run_map m JOIN src.run s ON s.run_id=m.src WHERE m.dst=run.run_id) "
    "WHERE run_id IN (SELECT dst FROM temp.run_map WHERE taken)",

    /* A grid that was renamed here is the same under either name. */
    "CREATE TEMP TABLE grid_map(src INTEGER PRIMARY KEY, name TEXT NOT NULL)",
    "INSERT INTO temp.grid_map SELECT grid_id, coalesce((SELECT value FROM "
    "main.meta WHERE key='renamed:'||name AND name NOT IN (SELECT name FROM "
    "main.grid)), name) FROM src.grid",
    "DELETE FROM temp.grid_map WHERE name IN (SELECT grid FROM main.deleted "
    "WHERE kind='grid') AND name NOT IN (SELECT name FROM main.grid)",
    "INSERT OR IGNORE INTO grid(name, ini_text, ini_sha256, argv, created_at) "
    "SELECT m.name, ini_text, ini_sha256, argv, created_at FROM src.grid JOIN "
    "temp.grid_map m ON m.src=grid_id ORDER BY grid_id",
    "INSERT OR IGNORE INTO grid_point(grid_id, point_id, ordinal, block, "
    "priority, seeds) SELECT g.grid_id, p.point_id, p.ordinal, p.block, "
    "p.priority, p.seeds FROM src.grid_point p JOIN src.grid h USING(grid_id) "
    "JOIN temp.grid_map m ON m.src=h.grid_id JOIN main.grid g ON "
    "g.name=m.name AND g.ini_sha256=h.ini_sha256",
    /* Configurations that only deleted runs had. */
    "DELETE FROM point WHERE point_id IN (SELECT point_id FROM main.deleted "
    "WHERE kind='run') AND point_id NOT IN (SELECT point_id FROM run) AND "
    "point_id NOT IN (SELECT point_id FROM grid_point)",
};

static const char *const fit_steps[] = {
    "CREATE TEMP TABLE fit_map(src INTEGER PRIMARY KEY, dst INTEGER NOT NULL)",
    "INSERT INTO temp.fit_map SELECT f.fit_id, (SELECT "
    "coalesce(max(fit_id),0) FROM main.fit) + row_number() OVER (ORDER BY "
    "f.fit_id) FROM src.fit f WHERE NOT EXISTS(SELECT 1 FROM main.fit g WHERE "
    "g.data_sha256=f.data_sha256 AND g.law=f.law AND "
    "g.created_at=f.created_at) AND NOT EXISTS(SELECT 1 FROM src.fit_point q "
    "WHERE q.fit_id=f.fit_id AND q.run_id NOT IN (SELECT src FROM "
    "temp.run_map))",
    "INSERT INTO fit(fit_id, name, law, expr, n_def, selection, loss_fn, "
    "huber_delta, n_starts, rng_seed, n_points, n_params, rmse, r2, aic, bic, "
    "holdout, holdout_rmse, converged, status, data_sha256, "
    "created_at) SELECT m.dst, f.name, f.law, f.expr, f.n_def, f.selection, "
    "f.loss_fn, f.huber_delta, f.n_starts, f.rng_seed, f.n_points, f.n_params, "
    "f.rmse, f.r2, f.aic, f.bic, f.holdout, f.holdout_rmse, f.converged, "
    "f.status, f.data_sha256, f.created_at FROM "
    "src.fit f JOIN temp.fit_map m ON m.src=f.fit_id",
    "INSERT INTO fit_param(fit_id, name, value, se, lo95, hi95, at_bound) "
    "SELECT m.dst, q.name, q.value, q.se, q.lo95, q.hi95, q.at_bound FROM "
    "src.fit_param q JOIN temp.fit_map m ON m.src=q.fit_id",
    "INSERT INTO fit_point(fit_id, run_id, role, observed, predicted, weight, "
    "why) SELECT m.dst, r.dst, q.role, q.observed, q.predicted, q.weight, "
    "q.why FROM src.fit_point q JOIN temp.fit_map m ON m.src=q.fit_id JOIN "
    "temp.run_map r ON r.src=q.run_id",
};

/* Equal identities must be equal configurations. */
static enum status check_points(struct db *db, const char *other,
                                struct err *err)
{
    int64_t n = 0;
    const enum status st =
        db_ask(&n, db,
               "SELECT count(*) FROM src.point s JOIN main.point p "
               "USING(point_id) WHERE s.config != p.config",
               NULL, err);

    if (st == OK && n > 0)
        return err_set(err, ERR_DB,
                       "%s: %lld points have the identity of another "
                       "configuration here",
                       other, (long long)n);
    return st;
}

/* Identities that are no hashes are somebody's numbers under our names. */
static enum status check_identities(struct db *db, const char *other,
                                    struct err *err)
{
    int64_t wrong;
    char *first;
    enum status st = db_identities(&wrong, &first, db, "src", err);

    if (st == OK && wrong > 0)
        st = err_set(err, ERR_DB,
                     "%s: %lld point%s, %.40s the first, ha%s an identity that "
                     "is not the hash of the configuration; nothing is taken",
                     other, (long long)wrong, wrong == 1 ? "" : "s", first,
                     wrong == 1 ? "s" : "ve");
    free(first);
    return st;
}

/* A page that was damaged may be read without a word, as an index that says
 * other than its table. */
static enum status check_pages(struct db *db, const char *other,
                               struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_open(&s, db, "PRAGMA src.integrity_check(1)", err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row && strcmp(db_text(s, 0), "ok") != 0)
        st = err_set(err, ERR_DB, "%s is damaged: %.200s; nothing is taken",
                     other, db_text(s, 0));
    db_stmt_close(s);
    return st;
}

static enum status run_all(struct db *db, const char *const *sql, size_t n,
                           struct err *err)
{
    enum status st = OK;

    for (size_t i = 0; i < n && st == OK; i++)
        st = db_do(db, sql[i], NULL, err);
    return st;
}

static enum status sum_up(struct db_merge *out, struct db *db, struct err *err)
{
    enum status st = db_ask(&out->results, db,
                            "SELECT count(*) FROM temp.run_map JOIN src.result "
                            "x ON x.run_id=src WHERE taken",
                            NULL, err);

    if (st == OK)
        st = db_ask(&out->conflicts, db,
                    "SELECT count(*) FROM temp.run_map m JOIN src.result a ON "
                    "a.run_id=m.src JOIN main.result b ON b.run_id=m.dst WHERE "
                    "NOT m.taken AND a.loss != b.loss",
                    NULL, err);
    if (st == OK)
        st = db_ask(&out->deleted, db,
                    "SELECT count(*) FROM src.run WHERE run_id NOT IN (SELECT "
                    "src FROM temp.run_map)",
                    NULL, err);
    if (st == OK)
        st = db_ask(&out->fits, db, "SELECT count(*) FROM temp.fit_map", NULL,
                    err);
    return st;
}

static enum status take_rows(struct db *db, const char *other, struct err *err)
{
    int before = 0, after = 0;
    enum status st = db_contradictions(&before, db, err);

    if (st == OK)
        st = run_all(db, base_steps, sizeof base_steps / sizeof base_steps[0],
                     err);
    if (st == OK)
        st = db_do(db, db_point_merge, NULL, err);
    if (st == OK)
        st =
            run_all(db, run_steps, sizeof run_steps / sizeof run_steps[0], err);
    if (st == OK)
        st =
            run_all(db, fit_steps, sizeof fit_steps / sizeof fit_steps[0], err);
    if (st == OK)
        st = db_contradictions(&after, db, err);
    if (st == OK && after > before)
        st = err_set(err, ERR_DB,
                     "%s contradicts itself ('qlaw --db %s db check'); nothing "
                     "is taken",
                     other, other);
    return st;
}

static enum status merge(struct db_merge *out, struct db *db, const char *other,
                         struct err *err)
{
    int64_t points = 0, runs = 0;
    enum status st = check_pages(db, other, err);

    if (st == OK)
        st = check_points(db, other, err);
    if (st == OK)
        st = check_identities(db, other, err);
    if (st == OK)
        st = db_ask(&points, db, "SELECT count(*) FROM main.point", NULL, err);
    if (st == OK)
        st = db_ask(&runs, db, "SELECT count(*) FROM main.run", NULL, err);
    if (st == OK)
        st = take_rows(db, other, err);
    if (st == OK)
        st = sum_up(out, db, err);
    if (st == OK)
        st = db_ask(&out->points, db, "SELECT count(*) FROM main.point", NULL,
                    err);
    if (st == OK)
        st = db_ask(&out->runs, db, "SELECT count(*) FROM main.run", NULL, err);
    out->points -= points;
    out->runs -= runs;
    return st;
}

/* An older file is merged from a copy beside ours that is upgraded: the steps
 * know the tables of today alone.  *scratch is the copy, NULL: none needed. */
static enum status bring_up(char **scratch, const struct db *db,
                            struct db *other, struct err *err)
{
    const struct db_how how = { DB_WRITE, db->schema, .is_scratch = true };
    struct db *upgraded = NULL;
    struct schema_found found;
    enum status st =
        schema_check(&found, other->handle, other->schema, other->path, err);

    *scratch = NULL;
    if (st != OK || found.version == db->schema->version)
        return st;
    st = db_place_make(scratch, db->path, err);
    if (st == OK)
        st = db_copy_bytes(other, *scratch, err);
    if (st == OK)
        st = db_open_as(&upgraded, *scratch, &how, err);
    db_close(upgraded);
    return st;
}

/* The other file is opened by the rules of db_open first, then attached. */
static enum status attach(char **scratch, struct db *db, const char *other,
                          struct err *err)
{
    const struct db_how how = { DB_READ, db->schema, .is_scratch = false };
    struct db *check = NULL;
    enum status st = db_open_as(&check, other, &how, err);

    if (st == OK)
        st = bring_up(scratch, db, check, err);
    db_close(check);
    return st == OK
               ? db_do(db, "ATTACH DATABASE :file AS src",
                       DB_VALUES(DB_T("file", *scratch ? *scratch : other)),
                       err)
               : st;
}

static void release_scratch(char *scratch)
{
    if (scratch)
        db_place_drop(scratch);
    free(scratch);
}

enum status db_merge(struct db_merge *out, struct db *db, const char *other,
                     struct err *err)
{
    char *scratch = NULL;
    enum status st = attach(&scratch, db, other, err);

    *out = (struct db_merge){ 0 };
    if (st != OK) {
        release_scratch(scratch);
        return st;
    }
    st = db_begin(db, err);
    if (st == OK)
        st = merge(out, db, other, err);
    if (st == OK)
        st = db_commit(db, err);
    if (st != OK)
        db_rollback(db);
    db_do(db, "DROP TABLE IF EXISTS temp.run_map", NULL, NULL);
    db_do(db, "DROP TABLE IF EXISTS temp.grid_map", NULL, NULL);
    db_do(db, "DROP TABLE IF EXISTS temp.fit_map", NULL, NULL);
    db_do(db, "DETACH DATABASE src", NULL, NULL);
    release_scratch(scratch);
    return st;
}

enum status db_merge_verdict(const struct db_merge *m, struct err *err)
{
    if (m->conflicts == 0)
        return OK;
    return err_set(err, ERR_RUNS,
                   "%lld runs are finished in both with different losses; ours "
                   "are kept",
                   (long long)m->conflicts);
}
