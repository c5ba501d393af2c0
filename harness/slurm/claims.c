#include "harness/slurm/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/statement.h"

/* --- reading ------------------------------------------------------------------ */

static void column(char *to, size_t size, struct db_stmt *row, int i)
{
    snprintf(to, size, "%s", db_text(row, i));
}

static void read_claim(struct claim *c, struct db_stmt *row)
{
    char state[24], *line;

    c->attempt_id = db_int(row, 0);
    c->run_id = db_int(row, 1);
    c->number = (int)db_int(row, 2);
    column(c->token, sizeof c->token, row, 3);
    column(c->job, sizeof c->job, row, 4);
    c->task = (int)db_int(row, 5);
    column(c->slurm_state, sizeof c->slurm_state, row, 6);
    column(c->point, sizeof c->point, row, 7);
    c->seed = (uint64_t)db_int(row, 8);
    column(state, sizeof state, row, 9);
    c->state = run_state_find(state);
    c->unseen_s = db_real_or(row, 10, 0);
    column(c->unseen_at, sizeof c->unseen_at, row, 11);
    line = strchr(c->job, '_'); /* "88120_7" */
    if (line)
        *line = '\0';
}

#define SELECT_CLAIMS                                                          \
    "SELECT attempt_id, a.run_id, number, token, slurm_job, slurm_task, "      \
    "slurm_state, point_id, seed, state, "                                     \
    "CASE WHEN heartbeat_at IS NULL THEN -1 ELSE max(0, "                      \
    "(julianday('now')-julianday(heartbeat_at))*86400) END, heartbeat_at "     \
    "FROM attempt a JOIN run r USING(run_id) WHERE backend='slurm' AND "

static enum status read_claims(struct claims *out, struct db *db,
                               const char *sql, struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(&s, db, sql, err);

    *out = (struct claims){ .list = NULL };
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        if ((out->n & (out->n - 1)) == 0)
            out->list = mem_grow(out->list, out->n ? 2 * (size_t)out->n : 1,
                                 sizeof *out->list);
        read_claim(&out->list[out->n++], s);
    }
    db_stmt_close(s);
    return st;
}

enum status claims_read(struct claims *out, struct db *db, struct err *err)
{
    return read_claims(
        out, db, SELECT_CLAIMS "outcome IS NULL ORDER BY slurm_job, slurm_task",
        err);
}

enum status claims_read_closed(struct claims *out, struct db *db,
                               struct err *err)
{
    return read_claims(out, db,
                       SELECT_CLAIMS
                       "outcome IN ('lost','timeout','oom','preempted',"
                       "'cancelled') AND state NOT IN "
                       "(SELECT state FROM run_states WHERE is_result) "
                       "AND NOT EXISTS (SELECT 1 FROM attempt o WHERE "
                       "o.run_id=a.run_id AND o.outcome IS NULL) "
                       "ORDER BY attempt_id",
                       err);
}

void claims_release(struct claims *c)
{
    free(c->list);
    c->list = NULL;
}
