#include "harness/slurm_collect.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "harness/lock.h"
#include "harness/netfs.h"
#include "harness/rebuild.h"
#include "harness/slurm_bundle.h"
#include "harness/slurm_claims.h"
#include "harness/slurm_spool.h"
#include "trainer/checkpoint.h"

#define BATCH 200000 /* waiting entries of the journal, 100 bytes each */
#define VAIN  3 /* ends without getting further: given up */

/* A statement with a text and a number: written with many others. */
struct change {
    const char *sql;
    char *text; /* owned, may be NULL */
    int64_t id;
};

struct collecting {
    struct collected *sum;
    struct db *db;
    struct journal *journal;
    struct slurm_view *view;
    char *root;
    bool remote; /* runs/ is on a network file system */
    char **spools; /* taken over, to be removed once that is committed */
    char **folders; /* whose checkpoints are not needed any more; or NULL */
    int n_spools;
    struct change *changes;
    int n_changes;
};

static void change(struct collecting *c, const char *sql, const char *text,
                   int64_t id)
{
    c->changes = mem_grow(c->changes, (size_t)c->n_changes + 1,
                          sizeof *c->changes);
    c->changes[c->n_changes++] =
        (struct change){ sql, text ? mem_strdup(text) : NULL, id };
}

static enum status write_changes(struct collecting *c, struct err *err)
{
    enum status st = c->n_changes > 0 ? db_begin(c->db, err) : OK;

    for (int i = 0; i < c->n_changes; i++) {
        if (st == OK)
            st = db_run(c->db, err, c->changes[i].sql, "ti",
                        c->changes[i].text, c->changes[i].id);
        free(c->changes[i].text);
    }
    if (st == OK && c->n_changes > 0)
        st = db_commit(c->db, err);
    if (st != OK)
        db_rollback(c->db);
    c->n_changes = 0;
    return st;
}

/* --- making it last --------------------------------------------------------------- */

static void remember(struct collecting *c, const char *spool,
                     const char *folder, bool drop)
{
    c->spools = mem_grow(c->spools, (size_t)c->n_spools + 1,
                         sizeof *c->spools);
    c->folders = mem_grow(c->folders, (size_t)c->n_spools + 1,
                          sizeof *c->folders);
    c->spools[c->n_spools] = mem_strdup(spool);
    c->folders[c->n_spools++] = drop ? mem_strdup(folder) : NULL;
}

/* The records are made to last, then the database follows, and only then the
 * spools may go: each step can be repeated after a kill. */
static enum status commit(struct collecting *c, struct err *err)
{
    const int fd = open(c->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = OK;

    if (c->n_spools > 0 && (fd < 0 || syncfs(fd) != 0))
        st = err_errno(err, ERR_IO, "%s: cannot sync", c->root);
    if (fd >= 0)
        close(fd);
    if (st == OK)
        st = write_changes(c, err);
    if (st == OK)
        st = journal_flush(c->journal, 60, err);
    for (int i = 0; i < c->n_spools; i++) {
        if (st == OK)
            unlink(c->spools[i]);
        if (st == OK && c->folders[i])
            checkpoint_remove(c->folders[i]);
        free(c->spools[i]);
        free(c->folders[i]);
    }
    c->n_spools = 0;
    return st;
}

/* --- judging ---------------------------------------------------------------------- */

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
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT (SELECT count(*) FROM attempt WHERE run_id=?1 AND outcome IN "
        "('lost','timeout','oom')), (SELECT max(step) FROM curve WHERE "
        "run_id=?1)",
        err);

    if (st != OK)
        return st;
    db_bind(stmt, "i", run_id);
    st = db_step(&row, db, stmt, err);
    *vain = sqlite3_column_int(stmt, 0);
    *best = sqlite3_column_double(stmt, 1);
    sqlite3_reset(stmt);
    return st;
}

/* A task that is gone and left no end. */
static enum status judge(struct attempt_end *e, struct collecting *c,
                         const struct spool *s, const char *state,
                         struct err *err)
{
    const struct attempt_facts facts = { .final = s->final.final,
                                         .diverged = s->final.diverged,
                                         .stopped = s->final.stopped,
                                         .finite = isfinite(s->final.loss) };
    size_t i = 0;
    int vain = 0;
    double best = 0;
    enum status st;

    *e = (struct attempt_end){ .state = RUN_PENDING, .outcome = OUTCOME_LOST,
                               .exit_code = -1, .wall_s = NAN, .cpu_s = NAN };
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
    st = history(&vain, &best, c->db, s->claim->run_id, err);
    if (s->claim->state == RUN_CANCELLED)
        e->state = RUN_CANCELLED;
    else if (e->outcome == OUTCOME_CANCELLED)
        e->state = RUN_PAUSED;
    else if (s->step <= best && vain + 1 >= VAIN)
        e->state = e->outcome == OUTCOME_TIMEOUT ? RUN_TIMEOUT : RUN_FAILED;
    return st;
}

static void count(struct collected *sum, const struct attempt_end *e)
{
    sum->done += e->state == RUN_DONE;
    sum->diverged += e->state == RUN_DIVERGED;
    sum->failed += e->state == RUN_FAILED || e->state == RUN_TIMEOUT ||
                   e->state == RUN_SKIPPED || e->state == RUN_CANCELLED;
    sum->again += e->state == RUN_PENDING || e->state == RUN_PAUSED;
}

/* --- one claim ---------------------------------------------------------------------- */

static enum status take_end(struct collecting *c, struct spool *s,
                            const char *folder, struct attempt_end *e,
                            struct err *err)
{
    enum status st;

    s->journal = c->journal;
    spool_read(s);
    c->sum->points += s->points;
    journal_end(c->journal, s->claim->run_id, s->claim->number, e,
                e->state == RUN_DONE ? &s->final : NULL);
    st = spool_merge(s, folder, e, err);
    /* A worker that lived to write the end has removed its checkpoints. */
    remember(c, s->path, folder, e->state == RUN_DONE && !s->ended);
    count(c->sum, e);
    return st;
}

/* As if it had never been claimed. */
#define RELEASE_RUN(state)                                                    \
    "UPDATE run SET attempts=attempts-1, state=CASE state WHEN 'cancelled' "  \
    "THEN state ELSE '" state "' END, state_reason=?1 WHERE run_id=(SELECT "  \
    "run_id FROM attempt WHERE attempt_id=?2)"
static const char release_pending[] = RELEASE_RUN("pending");
static const char release_paused[] = RELEASE_RUN("paused");
static const char release_attempt[] =
    "DELETE FROM attempt WHERE attempt_id=?2 AND coalesce(?1,'') IS NOT NULL";

static void release_claim(struct collecting *c, const struct claim *claim,
                          const char *state)
{
    const bool cancelled = strcmp(state, "CANCELLED") == 0;
    char why[120] = "";

    if (*state)
        snprintf(why, sizeof why, "its Slurm task ended before it began (%s)",
                 state);
    c->sum->released++;
    change(c, cancelled ? release_paused : release_pending,
           *why ? why : NULL, claim->attempt_id);
    change(c, release_attempt, NULL, claim->attempt_id);
}

/* A change that another host has made may not be seen here yet: a task that
 * left no end is looked for once more after a while. */
static bool may_be_late(struct collecting *c, const struct claim *claim,
                        const char *state)
{
    if (!c->remote || claim->unseen_s >= NETFS_LATE_S)
        return false;
    if (claim->unseen_s < 0)
        change(c,
               "UPDATE attempt SET slurm_state=?1, heartbeat_at="
               "strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE attempt_id=?2",
               state, claim->attempt_id);
    return true;
}

static enum status take_gone(struct collecting *c, struct spool *s,
                             const char *folder, const char *state,
                             struct err *err)
{
    struct attempt_end e;
    enum status st;

    if (may_be_late(c, s->claim, state)) {
        c->sum->running++;
        return OK;
    }
    if (!s->begun) {
        unlink(s->path); /* the empty file of a worker that came no further */
        release_claim(c, s->claim, state);
        return OK;
    }
    st = judge(&e, c, s, state, err);
    return st == OK ? take_end(c, s, folder, &e, err) : st;
}

/* It waits or runs: so far it has come. */
static void take_alive(struct collecting *c, struct spool *s, bool runs,
                       const char *state)
{
    const struct claim *claim = s->claim;
    const enum run_state now = runs && s->begun ? RUN_RUNNING : RUN_QUEUED;

    c->sum->running += now == RUN_RUNNING;
    c->sum->queued += now == RUN_QUEUED;
    if (s->begun) {
        s->journal = c->journal;
        spool_read(s);
    }
    if (claim->state != RUN_CANCELLED && (s->begun || claim->state != now))
        journal_state(c->journal, claim->run_id, now, NULL);
    if (claim->state == RUN_CANCELLED && s->begun)
        journal_state(c->journal, claim->run_id, RUN_CANCELLED, "asked for");
    if (strcmp(state, claim->slurm_state) != 0 || claim->unseen_s >= 0)
        change(c,
               "UPDATE attempt SET slurm_state=?1, heartbeat_at=NULL WHERE "
               "attempt_id=?2",
               state, claim->attempt_id);
}

static void name_claim(struct collecting *c, struct claim *claim)
{
    char *job;

    if (!slurm_view_name(c->view, claim, c->root))
        return;
    job = mem_printf("%s_%d", claim->job, claim->task);
    change(c, "UPDATE attempt SET slurm_job=?1 WHERE attempt_id=?2", job,
           claim->attempt_id);
    free(job);
}

static enum status take_claim(struct collecting *c, struct claim *claim,
                              struct err *err)
{
    char *folder = mem_printf("%s/%.12s-%llu", c->root, claim->point,
                              (unsigned long long)claim->seed);
    struct spool s = { .claim = claim };
    char state[SLURM_STATE] = "";
    enum claim_place place;
    enum status st = OK;

    name_claim(c, claim);
    s.path = bundle_claim(folder, claim->token);
    s.log_path = mem_printf("%s/log.txt", folder);
    /* Slurm was asked before the records are read: what it called running may
     * have ended since, but not the other way round. */
    spool_read(&s);
    place = s.ended ? PLACE_GONE : slurm_view_place(c->view, claim, state);
    if (s.ended) {
        st = take_end(c, &s, folder, &s.end, err);
    } else if (place == PLACE_GONE) {
        st = take_gone(c, &s, folder, state, err);
    } else if (place == PLACE_UNKNOWN) {
        c->sum->running += s.begun;
        c->sum->queued += !s.begun;
    } else {
        take_alive(c, &s, place == PLACE_RUNS, state);
    }
    free(s.path);
    free(s.log_path);
    free(folder);
    return st;
}

/* --- all of them --------------------------------------------------------------------- */

static enum status take_all(struct collecting *c, struct claims *claims,
                            struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < claims->n && st == OK; i++) {
        st = take_claim(c, &claims->list[i], err);
        if (st == OK && journal_waiting(c->journal) >= BATCH)
            st = commit(c, err);
    }
    return st == OK ? commit(c, err) : st;
}

enum status slurm_collect(struct collected *out, struct db *db,
                          struct journal *j, struct err *err)
{
    struct collecting c = { .sum = out, .db = db, .journal = j };
    struct claims claims;
    const char *why;
    enum status st = claims_read(&claims, db, err);

    *out = (struct collected){ .claims = claims.n, .known = true };
    if (st == OK && claims.n > 0) {
        c.root = record_root(db_path(db));
        c.remote = netfs_name(c.root) != NULL;
        c.view = slurm_view_open();
        out->known = slurm_view_known(c.view, &why);
        snprintf(out->why, sizeof out->why, "%s", why);
        st = rebuild_machines(db, c.root, err);
        if (st == OK)
            st = take_all(&c, &claims, err);
    }
    for (int i = 0; i < c.n_spools; i++) {
        free(c.spools[i]);
        free(c.folders[i]);
    }
    for (int i = 0; i < c.n_changes; i++)
        free(c.changes[i].text);
    free(c.changes);
    free(c.spools);
    free(c.folders);
    free(c.root);
    slurm_view_close(c.view);
    claims_release(&claims);
    return st;
}

enum status slurm_claims_open(int *n, struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "SELECT count(*) FROM attempt WHERE "
                                "backend='slurm' AND outcome IS NULL",
                                err);

    *n = 0;
    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st == OK)
        *n = sqlite3_column_int(stmt, 0);
    if (st == OK)
        sqlite3_reset(stmt);
    return st;
}

enum status slurm_collect_path(struct collected *out, bool *held,
                               const char *db_path, struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct journal *j = NULL;
    struct db *db = NULL;
    enum status st;

    *out = (struct collected){ .known = true };
    *held = lock_take(&lock, db_path, NULL) != OK;
    if (*held)
        return OK;
    st = db_open(&db, db_path, DB_WRITE, err);
    if (st == OK) {
        j = journal_open(db, 0);
        st = slurm_collect(out, db, j, err);
    }
    journal_close(j);
    db_close(db);
    lock_release(&lock);
    return st;
}

void collected_text(struct str *out, const struct collected *c)
{
    const int ended = c->done + c->diverged + c->failed + c->again;

    if (c->claims == 0)
        return;
    str_addf(out, "collected %d new result%s (%d done, %d diverged, %d failed, "
                  "%d to be tried again), %ld curve rows",
             ended, ended == 1 ? "" : "s", c->done, c->diverged, c->failed,
             c->again, c->points);
    if (c->released > 0)
        str_addf(out, "; %d given back by tasks that are gone", c->released);
    str_addf(out, "; Slurm holds %d running, %d queued", c->running,
             c->queued);
    if (!c->known)
        str_addf(out, "; Slurm does not answer (%s), what it holds is as last "
                      "seen",
                 c->why);
}
