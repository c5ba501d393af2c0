#include "harness/run/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/words.h"
#include "db/statement.h"
#include "harness/os/memory.h"
#include "harness/proto/conduct.h"
#include "harness/run/state.h"
#include "harness/store/marks.h"
#include "harness/store/record_put.h"
#include "harness/store/recover.h"

#define LAST_PATIENCE_S 120 /* for a locked database, once all is done */

/* --- before the first run ----------------------------------------------------- */

/* After a kill the file is read through once before more is written to it. */
static enum status check_file(struct runner *r, struct err *err)
{
    char *found;
    enum status st;

    if (!r->lock.unclean)
        return OK;
    st = db_ask_text(&found, r->db, "PRAGMA quick_check(1)", NULL, err);
    if (found && strcmp(found, "ok") != 0)
        st = err_set(err, ERR_DB,
                     "%s is damaged (%s); 'qlaw db rebuild' makes it again "
                     "from runs/",
                     db_path(r->db), found);
    free(found);
    return st;
}

/* Register the grid, the machine, and ourselves. */
static enum status put_grid(struct runner *r, int64_t *env_id, struct err *err)
{
    char *argv = session_command(r->session), *change = NULL, *said = NULL;
    struct env env;
    enum status st = db_begin(r->db, err);

    env_read(&env);
    memcpy(r->begin.env, env.fingerprint, sizeof r->begin.env);
    if (st == OK)
        st = record_put_env(r->session->db_path, &env, err);
    if (st == OK)
        st = env_store(env_id, &env, r->db, err);
    if (st == OK)
        st = store_name(r->begin.store, r->db, err);
    if (st == OK)
        st = store_undelete(&said, r->g, r->db, err);
    if (st == OK)
        st = store_grid(&change, r->g, argv, r->db, err);
    if (st == OK)
        st = store_data_sizes(r->g, r->db, err);
    if (st == OK)
        st = record_put_grid(r->session->db_path, r->g, argv, err);
    if (st == OK)
        st = db_commit(r->db, err);
    if (st != OK)
        db_rollback(r->db);
    else if (change)
        session_note(r->session, "%s", change);
    free(change);
    if (st == OK && said) {
        runner_say(r, "%s", said);
        st = marks_write(r->db, r->session->db_path, err);
    }
    env_release(&env);
    free(said);
    free(argv);
    return st;
}

/* Wishes that came too late for the scheduler they were meant for. */
static enum status grant_old_wishes(struct runner *r, struct err *err)
{
    static const char *const steps[] = {
        "UPDATE run SET state_reason='asked for', state=CASE "
        "(SELECT wish FROM request q WHERE q.run_id=run.run_id "
        " ORDER BY request_id DESC) "
        "WHEN 'cancel' THEN 'cancelled' WHEN 'retry' THEN 'pending' "
        "ELSE state END "
        "WHERE run_id IN (SELECT run_id FROM request) "
        "AND state NOT IN (SELECT state FROM run_states WHERE is_result)",
        "DELETE FROM request",
    };

    return db_do_all(r->db, steps, 2, NULL, err);
}

static void tell_recovery(struct runner *r, const struct recovery *x)
{
    r->sum.adopted = x->adopted;
    if (x->lost > 0)
        runner_say(r, "%d run%s that a killed scheduler left behind go%s on",
                   x->lost, x->lost == 1 ? "" : "s", x->lost == 1 ? "es" : "");
    if (x->adopted > 0)
        runner_say(r, "%d record%s that it could not write %s taken over",
                   x->adopted, x->adopted == 1 ? "" : "s",
                   x->adopted == 1 ? "is" : "are");
}

/* What earlier runs of the grid took is the best estimate for the others. */
static void learn_times(struct runner *r)
{
    struct db_stmt *s;
    bool row = true;

    if (db_stmt_with(
            &s, r->db,
            "SELECT p.flops_plan, x.steps, x.wall_s, a.wall_s - x.wall_s "
            "FROM result x JOIN run USING(run_id) "
            "JOIN point p USING(point_id) JOIN grid_point gp USING(point_id) "
            "LEFT JOIN attempt a ON a.run_id=x.run_id AND a.outcome='ok' "
            "AND a.from_step=0 "
            "WHERE gp.grid_id=(SELECT max(grid_id) FROM grid WHERE name=:name) "
            "AND x.wall_s>0 LIMIT 1000",
            DB_VALUES(DB_T("name", r->g->name)), NULL) != OK)
        return;
    while (db_stmt_step(&row, s, NULL) == OK && row) {
        eta_add(&r->eta, db_real(s, 0), db_real(s, 1), db_real(s, 2));
        if (!db_is_null(s, 3))
            eta_add_start(&r->eta, db_real(s, 3));
    }
    db_stmt_close(s);
}

static enum status read_runs(struct runner *r, struct err *err)
{
    free(r->runs);
    r->runs = NULL;
    return store_runs(&r->runs, &r->n_runs, r->g, r->db, err);
}

static enum status prepare(struct runner *r, struct err *err)
{
    struct recovery found = { 0, 0 };
    int64_t env_id = 0;
    enum status st = check_file(r, err);

    if (st == OK)
        st = put_grid(r, &env_id, err);
    r->journal = journal_open(r->db, env_id);
    if (st == OK)
        st = read_runs(r, err);
    if (st == OK)
        st = recover_runs(&found, r->journal, r->db, r->begin.store, r->g,
                          r->runs, r->n_runs, err);
    if (st == OK)
        st = grant_old_wishes(r, err);
    if (st == OK)
        st = read_runs(r, err);
    if (st == OK)
        tell_recovery(r, &found);
    return st;
}

/* --- the machine --------------------------------------------------------------- */

static int choose_slots(const struct runner *r)
{
    const int threads = (int)config_run_threads(r->g->base);
    const int wanted =
        r->o.slots > 0 ? r->o.slots : (int)config_run_slots(r->g->base);
    const int fit = env_cores() / threads;
    const int slots = wanted > 0 ? wanted : fit > 0 ? fit : 1;

    return slots < r->n_tasks ? slots : r->n_tasks > 0 ? r->n_tasks : 1;
}

/* Each slot gets the next threads of the cores that are allowed here, round
 * and round when there are more slots than cores. */
static void pin_slots(struct runner *r)
{
    const int threads = (int)config_run_threads(r->g->base);
    cpu_set_t allowed;
    int list[CPU_SETSIZE], n = 0;

    if (!r->o.pin || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            list[n++] = cpu;
    r->cores = mem_array((size_t)r->slots, sizeof *r->cores);
    for (int i = 0; i < r->slots; i++) {
        CPU_ZERO(&r->cores[i]);
        for (int k = 0; k < threads; k++)
            CPU_SET(list[(i * threads + k) % n], &r->cores[i]);
    }
}

static void set_up(struct runner *r)
{
    r->slots = choose_slots(r);
    r->slot_taken = mem_array((size_t)r->slots, sizeof *r->slot_taken);
    r->running = mem_array((size_t)r->slots, sizeof *r->running);
    r->rows = mem_array((size_t)r->slots, sizeof *r->rows);
    pin_slots(r);
    r->memory_total = memory_total();
    r->memory_kills = memory_kills();
    r->progress = progress_open(r->session);
    r->state.grid = r->g->name;
    r->state.runs = r->rows;
    r->state.n_runs = r->slots;
    r->state.started_s = clock_monotonic();
    r->data_version = -1;
    learn_times(r);
}

/* --- the work ------------------------------------------------------------------ */

/* What waits gets into the database, or a sentence says where it is. */
static enum status finish(struct runner *r, struct err *err)
{
    if (journal_waiting(r->journal) > 0)
        runner_flush(r, 0);
    if (journal_waiting(r->journal) > 0 && db_trouble(r->db) == DB_BUSY) {
        runner_say(r, "waiting for the database, which another program holds");
        runner_flush(r, LAST_PATIENCE_S);
    }
    if (r->failed != OK)
        return r->failed; /* its sentence is in err already */
    if (journal_waiting(r->journal) > 0)
        return err_set(err, ERR_STOPPED,
                       "%s stayed locked; what happened is recorded in runs/ "
                       "and the same command takes it over",
                       r->session->db_path);
    return OK;
}

static enum status work(struct runner *r, struct err *err)
{
    enum sched_stop stopped;
    int sig = 0;
    enum status st;

    set_up(r);
    db_set_patience(r->db, 0); /* trainers are looked after meanwhile */
    st = sched_run(&stopped, &sig, r->slots, &runner_ops, r, err);
    if (st == OK)
        st = finish(r, err);
    progress_close(r->progress);
    r->progress = NULL;
    r->sum.wall_s = clock_monotonic() - r->state.started_s;
    r->sum.waiting = r->sum.total - r->sum.done - r->sum.diverged -
                     r->sum.failed - r->sum.left_out;
    r->sum.stopped = r->sum.waiting > 0;
    r->sum.signal = r->started == 0 ? sig : 0;
    return st;
}

static void release(struct runner *r)
{
    for (int i = 0; i < r->n_ended; i++)
        attempt_free(r->ended[i].attempt);
    for (int i = 0; i < r->n_tasks; i++)
        free(r->tasks[i].label);
    free(r->ended);
    free(r->tasks);
    free(r->retries);
    family_free(r);
    free(r->running);
    free(r->slot_taken);
    free(r->cores);
    free(r->runs);
    free(r->rows);
    free(r->program);
    words_free(r->argv);
    journal_close(r->journal);
    db_close(r->db);
}

enum status runner_run(struct runner_summary *out,
                       const struct session *session, const struct grid *g,
                       const struct runner_options *o, struct err *err)
{
    struct runner r = { .session = session,
                        .g = g,
                        .o = *o,
                        .err = err,
                        .claim = -1,
                        .lock.fd = -1 };
    enum status st;

    process_host(r.begin.host);
    r.program = o->program ? mem_strdup(o->program) : process_program();
    st = lock_take(&r.lock, session->db_path, err);
    if (st == OK)
        st = lock_db(&r.db, session->db_path, err);
    if (st == OK)
        st = prepare(&r, err);
    if (st == OK) {
        queue_make(&r);
        if (r.n_tasks > 0)
            st = work(&r, err);
    }
    *out = r.sum;
    release(&r);
    lock_release(&r.lock);
    return st;
}
