#include "harness/slurm/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "db/statement.h"
#include "harness/os/netfs.h"

#define VAIN 3 /* ends without getting further: given up */

bool slurm_lock_tells(const struct spool *s, bool remote)
{
    return s->lock == LOCK_FREE && !remote;
}

enum fate slurm_fate(const struct spool *s, enum claim_place place, bool remote)
{
    const double missed_s = s->claim->unseen_s;
    const bool tells = slurm_lock_tells(s, remote);
    const bool proved = place == PLACE_FORGOTTEN || (s->begun && tells);
    bool over = false;

    if (s->lock == LOCK_HELD || place == PLACE_WAITS || place == PLACE_RUNS)
        return FATE_ALIVE;
    if (place == PLACE_GONE)
        over = tells || missed_s >= NETFS_LATE_S;
    else if (place == PLACE_MISSING || place == PLACE_FORGOTTEN)
        over = missed_s >= (proved ? PROVED_S : MISSED_S) &&
               (!s->begun || tells || s->quiet_s >= QUIET_S);
    return over ? FATE_OVER : FATE_UNSURE;
}

/* What Slurm's word for an end means; the others are a node that was lost. */
static const struct {
    const char *state;
    enum outcome outcome;
    bool counts; /* as a failure */
    const char *why;
} ends[] = {
    { "TIMEOUT", OUTCOME_TIMEOUT, false, "its task reached the time limit" },
    { "DEADLINE", OUTCOME_TIMEOUT, false, "its task reached its deadline" },
    { "OUT_OF_MEMORY", OUTCOME_OOM, true, "its task was out of memory" },
    { "PREEMPTED", OUTCOME_PREEMPTED, false, "its task was preempted" },
    { "CANCELLED", OUTCOME_CANCELLED, false,
      "its task was cancelled in Slurm" },
    { "NODE_FAIL", OUTCOME_LOST, false, "its node failed" },
    { "BOOT_FAIL", OUTCOME_LOST, false, "its node did not boot" },
};
#define N_ENDS (sizeof ends / sizeof ends[0])

/* Attempts that ended without a result of any kind, and how far they came. */
static enum status history(int *vain, double *best, struct db *db,
                           int64_t run_id, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT (SELECT count(*) FROM attempt WHERE run_id=:run_id "
        "AND outcome IN ('lost','timeout','oom')), "
        "(SELECT max(step) FROM curve WHERE run_id=:run_id)",
        DB_VALUES(DB_I("run_id", run_id)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK) {
        *vain = (int)db_int(s, 0);
        *best = db_real_or(s, 1, 0);
    }
    db_stmt_close(s);
    return st;
}

/* A task that is gone and left no end. */
enum status slurm_judge(struct attempt_end *e, const struct spool *s,
                        const char *state, struct db *db, struct err *err)
{
    const struct attempt_facts facts = { .final = s->final.final,
                                         .diverged = s->final.diverged,
                                         .stopped = s->final.stopped,
                                         .finite = isfinite(s->final.loss) };
    size_t i = 0;
    int vain = 0;
    double best = 0;
    enum status st;

    *e = (struct attempt_end){ .state = RUN_PENDING,
                               .outcome = OUTCOME_LOST,
                               .exit_code = -1,
                               .wall_s = NAN,
                               .cpu_s = NAN };
    clock_iso(e->at);
    if (facts.final) {
        const struct verdict v = verdict_of(&facts);

        e->state = v.state;
        e->outcome = v.outcome;
        snprintf(e->message, sizeof e->message, "%s", s->final.reason);
        return OK;
    }
    while (i < N_ENDS && strcmp(ends[i].state, state) != 0)
        i++;
    e->outcome = i < N_ENDS ? ends[i].outcome : OUTCOME_LOST;
    snprintf(e->message, sizeof e->message, "%s%s%s%s",
             i < N_ENDS ? ends[i].why : "its task ended without a word",
             *state ? " (" : "", state, *state ? ")" : "");
    st = history(&vain, &best, db, s->claim->run_id, err);
    if (s->claim->state == RUN_CANCELLED)
        e->state = RUN_CANCELLED;
    else if (e->outcome == OUTCOME_CANCELLED)
        e->state = RUN_PAUSED;
    else if (s->step <= best && vain + 1 >= VAIN)
        e->state = e->outcome == OUTCOME_TIMEOUT ? RUN_TIMEOUT : RUN_FAILED;
    return st;
}
