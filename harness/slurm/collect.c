#include "harness/slurm/collect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wrap.h"
#include "db/statement.h"
#include "harness/os/lock.h"
#include "harness/os/netfs.h"
#include "harness/slurm/batch.h"
#include "harness/slurm/claims.h"
#include "harness/slurm/judge.h"
#include "harness/slurm/parents.h"
#include "harness/slurm/spool.h"
#include "harness/slurm/view.h"
#include "harness/store/rebuild.h"

#define BATCH 200000 /* waiting entries of the journal, 100 bytes each */

struct collecting {
    struct collected *sum;
    struct batch batch;
    struct slurm_view *view;
    const char *root;
    bool remote; /* runs/ is on a network file system */
};

static void warn(const char *sentence)
{
    char *line = mem_printf("qlaw: %s\n", sentence);

    say_text(stderr, line);
    free(line);
}

/* --- one claim
 * ---------------------------------------------------------------------- */

static void count(struct collected *sum, const struct attempt_end *e)
{
    const enum run_kind kind = run_kind_of(e->state);

    sum->done += kind == KIND_DONE;
    sum->diverged += kind == KIND_DIVERGED;
    sum->failed += kind == KIND_FAILED || kind == KIND_LEFT_OUT;
    sum->again += e->state == RUN_PENDING || e->state == RUN_PAUSED;
}

static void count_open(struct collected *sum, bool running)
{
    sum->running += running;
    sum->queued += !running;
}

/* Whoever may write to it still keeps its file. */
static enum status take_end(struct collecting *c, struct spool *s,
                            struct attempt_end *e, struct err *err)
{
    const bool mine = !s->ended; /* the end is not the worker's */
    bool busy;
    enum status st = spool_merge(&busy, s, e, err);

    if (st != OK)
        return st;
    if (busy) { /* another qlaw trains the run; later, then */
        count_open(c->sum, s->begun);
        return OK;
    }
    c->batch.wrote = true;
    s->journal = c->batch.journal;
    spool_read(s);
    c->sum->points += s->points;
    journal_end(c->batch.journal, s->claim->run_id, s->claim->number, e,
                e->state == RUN_DONE ? &s->final : NULL);
    /* A worker that lived to write the end has removed its checkpoints. */
    batch_leave(&c->batch,
                mine && !slurm_lock_tells(s, c->remote) ? NULL : s->path,
                mine && e->state == RUN_DONE ? s->folder : NULL);
    count(c->sum, e);
    return OK;
}

/* As if it had never been claimed. */
#define RELEASE_RUN(state)                                                     \
    "UPDATE run SET attempts=attempts-1, "                                     \
    "state=CASE state WHEN 'cancelled' THEN state ELSE '" state "' END, "      \
    "state_reason=:text WHERE run_id="                                         \
    "(SELECT run_id FROM attempt WHERE attempt_id=:attempt)"
static const char release_pending[] = RELEASE_RUN("pending");
static const char release_paused[] = RELEASE_RUN("paused");
static const char release_attempt[] =
    "DELETE FROM attempt WHERE attempt_id=:attempt";

static void release_claim(struct collecting *c, const struct claim *claim,
                          const char *state)
{
    const bool cancelled = strcmp(state, "CANCELLED") == 0;
    char why[120] = "";

    if (*state)
        snprintf(why, sizeof why, "its Slurm task ended before it began (%s)",
                 state);
    c->sum->released++;
    batch_change(&c->batch, cancelled ? release_paused : release_pending,
                 *why ? why : NULL, claim->attempt_id);
    batch_change(&c->batch, release_attempt, NULL, claim->attempt_id);
}

/* Slurm does not know its task, or calls it over. */
static void miss(struct collecting *c, const struct claim *claim)
{
    char now[32];
    const char *at = claim->unseen_s < 0 ? clock_iso(now) : claim->unseen_at;

    if (c->sum->unseen++ == 0 || strcmp(at, c->sum->since) < 0)
        snprintf(c->sum->since, sizeof c->sum->since, "%s", at);
    if (claim->unseen_s < 0)
        batch_change(&c->batch,
                     "UPDATE attempt SET heartbeat_at=:text "
                     "WHERE attempt_id=:attempt",
                     at, claim->attempt_id);
}

static enum status give_back(struct collecting *c, const struct spool *s,
                             const char *state, struct err *err)
{
    bool done;
    const enum status st = spool_fence(&done, s->folder, s->claim->token, err);

    c->batch.wrote = true;
    if (st == OK && done)
        release_claim(c, s->claim, state);
    else
        count_open(c->sum, false);
    return st;
}

static void name_damage(struct collecting *c, const struct spool *s)
{
    char *text = mem_printf("%s:%lld: this attempt was changed since it was "
                            "written; nothing of it is taken, and the run is "
                            "to be trained again",
                            s->path, (long long)s->damaged);

    c->sum->damaged++;
    warn(text);
    free(text);
}

/* The file stays, for whoever can mend it, and workers pass it over. */
static void take_damaged(struct collecting *c, const struct spool *s,
                         enum fate fate)
{
    struct attempt_end e = { .state = RUN_PENDING,
                             .outcome = OUTCOME_LOST,
                             .exit_code = -1,
                             .wall_s = NAN,
                             .cpu_s = NAN };

    name_damage(c, s);
    if (fate != FATE_OVER && !slurm_lock_tells(s, c->remote)) {
        count_open(c->sum, true);
        return;
    }
    clock_iso(e.at);
    snprintf(e.message, sizeof e.message,
             "its records were changed since they were written");
    if (s->claim->state == RUN_CANCELLED)
        e.state = RUN_CANCELLED;
    journal_end(c->batch.journal, s->claim->run_id, s->claim->number, &e, NULL);
    count(c->sum, &e);
}

static enum status take_over(struct collecting *c, struct spool *s,
                             const char *state, struct err *err)
{
    struct attempt_end e;
    enum status st = OK;

    if (!s->begun)
        return give_back(c, s, state, err);
    spool_hold(s);
    if (s->lock == LOCK_HELD) { /* put back into the queue, and begun again */
        count_open(c->sum, true);
        return OK;
    }
    spool_read(s);
    if (s->damaged) {
        take_damaged(c, s, FATE_OVER);
        return OK;
    }
    if (s->ended)
        e = s->end;
    else
        st = slurm_judge(&e, s, state, c->batch.db, err);
    return st == OK ? take_end(c, s, &e, err) : st;
}

static bool is_listed(enum claim_place place)
{
    return place == PLACE_WAITS || place == PLACE_RUNS;
}

/* So far it has come. */
static void take_alive(struct collecting *c, struct spool *s,
                       enum claim_place place, const char *state)
{
    const struct claim *claim = s->claim;
    const enum run_state now =
        place != PLACE_WAITS && s->begun ? RUN_RUNNING : RUN_QUEUED;

    count_open(c->sum, now == RUN_RUNNING);
    if (s->begun) {
        s->journal = c->batch.journal;
        spool_read(s);
    }
    if (claim->state != RUN_CANCELLED && (s->begun || claim->state != now))
        journal_state(c->batch.journal, claim->run_id, now, NULL);
    if (claim->state == RUN_CANCELLED && s->begun)
        journal_state(c->batch.journal, claim->run_id, RUN_CANCELLED,
                      "asked for");
    if (is_listed(place) &&
        (strcmp(state, claim->slurm_state) != 0 || claim->unseen_s >= 0))
        batch_change(&c->batch,
                     "UPDATE attempt SET slurm_state=:text, heartbeat_at=NULL "
                     "WHERE attempt_id=:attempt",
                     state, claim->attempt_id);
}

static void name_claim(struct collecting *c, struct claim *claim)
{
    char *job;

    if (!slurm_view_name(c->view, claim))
        return;
    job = mem_printf("%s_%d", claim->job, claim->task);
    batch_change(&c->batch,
                 "UPDATE attempt SET slurm_job=:text WHERE attempt_id=:attempt",
                 job, claim->attempt_id);
    free(job);
}

/* Slurm was asked before the records are read: what it called running may have
 * ended since, but not the other way round. */
static enum status take_open(struct collecting *c, struct spool *s,
                             struct err *err)
{
    char state[SLURM_STATE] = "";
    enum claim_place place;
    enum fate fate;

    spool_look(s);
    spool_read(s);
    if (s->ended && s->damaged == 0)
        return take_end(c, s, &s->end, err);
    place = slurm_view_place(c->view, s->claim, state);
    fate = slurm_fate(s, place, c->remote);
    if (fate != FATE_OVER && place != PLACE_UNKNOWN && !is_listed(place))
        miss(c, s->claim);
    if (s->damaged)
        take_damaged(c, s, fate);
    else if (fate == FATE_OVER)
        return take_over(c, s, state, err);
    else if (fate == FATE_ALIVE)
        take_alive(c, s, place, state);
    else
        count_open(c->sum, s->begun);
    return OK;
}

/* Closed, and without a result: has it come to one after all? */
static enum status take_closed(struct collecting *c, struct spool *s,
                               struct err *err)
{
    if (access(s->path, F_OK) != 0)
        return OK;
    spool_look(s);
    spool_read(s);
    if (s->damaged)
        name_damage(c, s);
    if (s->damaged || !s->ended || s->lock == LOCK_HELD ||
        (s->end.state != RUN_DONE && s->end.state != RUN_DIVERGED))
        return OK;
    c->sum->claims++;
    return take_end(c, s, &s->end, err);
}

/* One that cannot be read or written keeps nobody else from being taken. */
static enum status take_one(struct collecting *c, struct claim *claim,
                            enum status (*take)(struct collecting *,
                                                struct spool *, struct err *),
                            struct err *err)
{
    struct spool s;
    enum status st;

    spool_init(&s, c->root, claim);
    st = take(c, &s, err);
    spool_release(&s);
    if (st == ERR_IO) {
        c->sum->damaged++;
        warn(err->text);
        st = OK;
    }
    return st;
}

/* --- all of them
 * --------------------------------------------------------------------- */

static enum status take_all(struct collecting *c, struct claims *claims,
                            enum status (*take)(struct collecting *,
                                                struct spool *, struct err *),
                            struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < claims->n && st == OK; i++) {
        st = take_one(c, &claims->list[i], take, err);
        if (st == OK && journal_waiting(c->batch.journal) >= BATCH)
            st = batch_commit(&c->batch, err);
    }
    return st == OK ? batch_commit(&c->batch, err) : st;
}

static enum status collect_open(struct collecting *c, struct err *err)
{
    struct claims claims;
    const char *why;
    enum status st = claims_read(&claims, c->batch.db, err);

    c->sum->claims = claims.n;
    if (st == OK && claims.n > 0) {
        c->view = slurm_view_open(c->root);
        c->sum->known = slurm_view_known(c->view, &why);
        snprintf(c->sum->why, sizeof c->sum->why, "%s", why);
        st = rebuild_machines(c->batch.db, c->root, err);
        for (int i = 0; i < claims.n && st == OK; i++)
            name_claim(c, &claims.list[i]);
        if (st == OK)
            st = take_all(c, &claims, take_open, err);
    }
    claims_release(&claims);
    return st;
}

static enum status collect_closed(struct collecting *c, struct err *err)
{
    struct claims claims;
    enum status st = claims_read_closed(&claims, c->batch.db, err);

    if (st == OK && claims.n > 0)
        st = take_all(c, &claims, take_closed, err);
    claims_release(&claims);
    return st;
}

enum status slurm_collect(struct collected *out, struct db *db,
                          struct journal *j, struct err *err)
{
    char *root = record_root(db_path(db));
    struct collecting c = {
        .sum = out,
        .batch = { .db = db, .journal = j, .root = root },
        .root = root,
        .remote = netfs_name(root) != NULL,
    };
    enum status st;

    *out = (struct collected){ .known = true };
    st = collect_closed(&c, err);
    if (st == OK)
        st = collect_open(&c, err);
    if (st == OK && out->done > 0)
        st = parents_sweep(db, root, err);
    batch_release(&c.batch);
    slurm_view_close(c.view);
    free(root);
    return st;
}

enum status slurm_claims_open(int *n, struct db *db, struct err *err)
{
    int64_t open;
    const enum status st = db_ask(&open, db,
                                  "SELECT count(*) FROM attempt "
                                  "WHERE backend='slurm' AND outcome IS NULL",
                                  NULL, err);

    *n = (int)open;
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
    st = lock_db(&db, db_path, err);
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
    str_addf(out,
             "collected %d new result%s (%d done, %d diverged, %d failed, "
             "%d to be tried again), %ld curve rows",
             ended, ended == 1 ? "" : "s", c->done, c->diverged, c->failed,
             c->again, c->points);
    if (c->released > 0)
        str_addf(out, "; %d given back by tasks that are gone", c->released);
    if (c->damaged > 0)
        str_addf(out, "; %d damaged", c->damaged);
    str_addf(out, "; Slurm holds %d running, %d queued", c->running, c->queued);
    if (c->unseen > 0)
        str_addf(out,
                 "; %d of them unknown to this queue since %s, which ends "
                 "nothing by itself",
                 c->unseen, c->since);
    if (!c->known)
        str_addf(out,
                 "; Slurm does not answer (%s), what it holds is as last "
                 "seen",
                 c->why);
}
