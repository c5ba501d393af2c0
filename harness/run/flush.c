/* flush.c - into the database, however long that takes. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "harness/run/state.h"
#include "trainer/checkpoint.h"

#define NOTICE_S 5 /* a lock is worth a word then */
#define SPACE    "; make room and run the same command again"

void runner_fail(struct runner *r, enum status st, const char *sentence)
{
    if (r->failed != OK)
        return;
    r->failed = st;
    if (sentence)
        err_set(r->err, st, "%s", sentence);
    r->err->status = st;
}

/* What the disk does not keep must not be called done. */
static void sync_ended(struct runner *r)
{
    for (int i = 0; i < r->n_ended; i++) {
        attempt_sync(r->ended[i].attempt);
        if (r->ended[i].attempt->full)
            runner_fail(r, ERR_STOPPED, "the disk takes no more records" SPACE);
    }
}

/* Finished runs need their checkpoints no more, once that is on record. */
static void forget_ended(struct runner *r)
{
    for (int i = 0; i < r->n_ended; i++) {
        if (r->ended[i].drop_checkpoints)
            checkpoint_remove(r->ended[i].attempt->folder);
        family_settle(r, r->ended[i].family);
        attempt_free(r->ended[i].attempt);
    }
    r->n_ended = 0;
}

static void wait_for_others(struct runner *r, const char *sentence)
{
    const double now = clock_monotonic();

    if (r->busy_since_s == 0)
        r->busy_since_s = now;
    r->next_flush_s = now + 0.1;
    if (now - r->busy_since_s < NOTICE_S || r->busy_said)
        return;
    runner_say(r, "%s; training goes on, results wait", sentence);
    r->busy_said = true;
}

void runner_flush(struct runner *r, double patience_s)
{
    struct err err;
    char *sentence;

    if (patience_s == 0 && clock_monotonic() < r->next_flush_s)
        return;
    sync_ended(r);
    if (journal_flush(r->journal, patience_s, &err) == OK) {
        r->busy_since_s = r->next_flush_s = 0;
        r->busy_said = false;
        forget_ended(r);
        return;
    }
    switch (db_trouble(r->db)) {
    case DB_BUSY:
        wait_for_others(r, err.text);
        break;
    case DB_MOVED:
        r->next_flush_s = clock_monotonic() + 1;
        runner_fail(r, ERR_STOPPED, err.text);
        break;
    case DB_NO_SPACE:
        sentence = mem_printf("%s" SPACE, err.text);
        r->next_flush_s = clock_monotonic() + 1;
        runner_fail(r, ERR_STOPPED, sentence);
        free(sentence);
        break;
    default:
        r->next_flush_s = clock_monotonic() + 1;
        runner_fail(r, ERR_DB, err.text);
        break;
    }
}
