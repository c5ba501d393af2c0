/* control.c - cancel, pause, retry: what a person wants of runs.
 *
 * While a scheduler holds the database they ask it (table request); otherwise
 * they change the states themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "db/statement.h"
#include "harness/os/lock.h"
#include "harness/slurm/submit.h"
#include "harness/store/run_find.h"
#include "harness/verbs/verbs.h"

/* A verb's wish: from which states, to which. */
struct control {
    const char *wish;  /* in the table request */
    const char *from;  /* states it applies to unless options say more */
    const char *to;    /* state */
    const char *asked; /* "%d run%s ..." afterwards */
};

/* What became of the runs that were chosen. */
struct changes {
    bool asked;  /* a scheduler was there to be asked */
    int changed; /* or asked about */
    int left;    /* somebody's work, as it seems: not changed */
    int slurm;   /* of these, in Slurm's hands */
    struct slurm_cancelled cancelled;
};

static const struct control cancel_control = { "cancel",
                                               "pending queued running paused",
                                               "cancelled", "cancelled" };
static const struct control pause_control = { "pause", "pending queued running",
                                              "paused", "paused" };
static const struct control retry_control = { "retry", "failed timeout",
                                              "pending", "set to pending" };

static enum status choose(int64_t **ids, int *n, const struct cli *cli,
                          const char *states, struct err *err)
{
    const char *where = cli_value(cli, "where", NULL);
    struct db *db = NULL;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = run_select(ids, n, db, cli->args, cli->n_args, states, where, err);
    db_close(db);
    return st;
}

static const char change_sql[] =
    "UPDATE run SET state=:word, state_reason='asked for' "
    "WHERE run_id=:run AND state NOT IN ('done','running') "
    "AND run_id NOT IN "
    "(SELECT run_id FROM attempt WHERE outcome IS NULL AND backend='slurm')";
static const char ask_sql[] =
    "INSERT INTO request(wish, run_id) VALUES(:word, :run)";

static enum status write_all(struct db *db, const int64_t *ids, int n,
                             const char *sql, const char *word, struct err *err)
{
    enum status st = db_begin(db, err);

    for (int i = 0; i < n && st == OK; i++)
        st = db_do(db, sql, DB_VALUES(DB_T("word", word), DB_I("run", ids[i])),
                   err);
    if (st == OK)
        st = db_commit(db, err);
    if (st != OK)
        db_rollback(db);
    return st;
}

/* Runs for which a question of :run and :state has an answer. */
static enum status count_runs(int *count, struct db *db, const int64_t *ids,
                              int n, const char *sql, const char *state,
                              struct err *err)
{
    enum status st = OK;

    *count = 0;
    for (int i = 0; i < n && st == OK; i++) {
        int64_t yes;

        st = db_ask(&yes, db, sql,
                    DB_VALUES(DB_I("run", ids[i]), DB_T("state", state)), err);
        *count += (int)yes;
    }
    return st;
}

/* What counts is what the runs are now, not what was wished for them. */
static const char changed_sql[] =
    "SELECT 1 FROM run WHERE run_id=:run AND state=:state";
static const char slurm_sql[] =
    "SELECT 1 FROM run r WHERE run_id=:run AND state<>:state "
    "AND EXISTS (SELECT 1 FROM attempt a WHERE a.run_id=r.run_id "
    "AND outcome IS NULL AND backend='slurm')";

static enum status apply(struct changes *out, const struct cli *cli,
                         const struct control *c, const int64_t *ids, int n,
                         struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct lock_holder holder;
    struct db *db = NULL;
    bool asked = lock_held(&holder, cli->session.db_path);
    enum status st = OK;

    if (!asked && lock_take(&lock, cli->session.db_path, NULL) != OK)
        asked = true; /* one has just begun */
    st = lock_db(&db, cli->session.db_path, err);
    if (st == OK && !asked && strcmp(c->wish, "cancel") == 0)
        st = slurm_cancel_runs(&out->cancelled, db, ids, n, err);
    if (st == OK)
        st = write_all(db, ids, n, asked ? ask_sql : change_sql,
                       asked ? c->wish : c->to, err);
    out->asked = asked;
    out->changed = n;
    if (st == OK && !asked)
        st = count_runs(&out->changed, db, ids, n, changed_sql, c->to, err);
    if (st == OK && !asked)
        st = count_runs(&out->slurm, db, ids, n, slurm_sql, c->to, err);
    out->left = n - out->changed;
    db_close(db);
    lock_release(&lock);
    return st;
}

static void tell_slurm(const struct cli *cli, const struct slurm_cancelled *s)
{
    if (s->tasks > 0)
        cli_note(cli, "%d Slurm task%s cancelled", s->tasks,
                 s->tasks == 1 ? "" : "s");
    if (*s->why)
        cli_note(cli,
                 "Slurm was not told (%s); what was cancelled is not begun "
                 "there all the same",
                 s->why);
    if (s->begun > 0)
        cli_note(cli,
                 "%d of them may have begun: %s workers are told, save and "
                 "stop; 'qlaw collect' sees what became of %s",
                 s->begun, s->begun == 1 ? "its" : "their",
                 s->begun == 1 ? "it" : "them");
}

/* Runs that were set to pending, given to Slurm at once. */
static enum status resubmit(const struct cli *cli, const int64_t *ids, int n,
                            const char *args, struct err *err)
{
    const struct submit_options o = { .args = args };
    struct submitted s;
    const enum status st =
        slurm_submit_runs(&s, &cli->session, ids, n, &o, err);

    if (st == OK)
        cli_note(cli, "submitted %d run%s: %s", s.runs, s.runs == 1 ? "" : "s",
                 str_text(&s.jobs));
    submitted_release(&s);
    return st;
}

static void report(const struct cli *cli, const struct control *c,
                   const struct changes *o)
{
    struct str s = { 0 };
    const int n = o->changed;
    const bool asked = o->asked;

    if (!cli_flag(cli, "json")) {
        if (asked && n > 0)
            cli_note(cli, "the scheduler is asked about %d run%s", n,
                     n == 1 ? "" : "s");
        else
            cli_note(cli, "%d run%s %s", n, n == 1 ? "" : "s", c->asked);
        return;
    }
    str_add(&s, "{");
    str_addf(&s, "\"schema\":\"qlaw/%s/1\"", c->wish);
    json_add_number(&s, "runs", n);
    json_add_number(&s, "left", o->left);
    str_addf(&s, ",\"asked\":%s}", asked ? "true" : "false");
    puts(str_text(&s));
    str_release(&s);
}

/* What was not done is no success. */
static enum status verdict(const struct control *c, const struct changes *o,
                           struct err *err)
{
    if (o->left == 0)
        return OK;
    if (o->slurm > 0)
        return err_set(err, ERR_REFUSED,
                       "%d run%s left as %s, %d of them in Slurm's hands; "
                       "'qlaw cancel' gives them up there, and 'qlaw collect' "
                       "sees what became of them",
                       o->left, o->left == 1 ? " is" : "s are",
                       o->left == 1 ? "it is" : "they are", o->slurm);
    return err_set(err, ERR_REFUSED,
                   "%d run%s left as %s: running, as it seems, though no "
                   "scheduler is there to be asked; 'qlaw run' or 'qlaw "
                   "collect' sees what became of %s, then %s again",
                   o->left, o->left == 1 ? " is" : "s are",
                   o->left == 1 ? "it is" : "they are",
                   o->left == 1 ? "it" : "them", c->wish);
}

static enum status control(struct cli *cli, const struct control *c,
                           const char *states, struct err *err)
{
    const char *args = cli_value(cli, "slurm-args", NULL);
    int64_t *ids = NULL;
    int n = 0;
    struct changes o = { 0 };
    enum status st;

    if (cli->n_args == 0 && !cli_value(cli, "where", NULL))
        return err_set(err, ERR_USAGE, "name a grid or a run, or say --where");
    st = choose(&ids, &n, cli, states, err);
    if (st == OK && n > 0)
        st = apply(&o, cli, c, ids, n, err);
    if (st == OK)
        report(cli, c, &o);
    if (st == OK)
        tell_slurm(cli, &o.cancelled);
    if (st == OK && n > 0 && !o.asked && args)
        st = resubmit(cli, ids, n, args, err);
    if (st == OK)
        st = verdict(c, &o, err);
    free(ids);
    return st;
}

/* clang-format off */
#define CONTROL_OPTIONS                                                       \
    { "where", 0, "COND", "only these (SQL on runs, outcome, message, host)" }, \
    { "json", 0, NULL, "report as JSON" }
/* clang-format on */

static const struct cli_option options[] = {
    CONTROL_OPTIONS,
    { NULL, 0, NULL, NULL },
};

static enum status cancel(struct cli *cli, struct err *err)
{
    return control(cli, &cancel_control, cancel_control.from, err);
}

const struct verb verb_cancel = {
    .name = "cancel",
    .args = "[GRID|RUN...]",
    .max_args = -1,
    .summary = "give up runs that are not finished",
    .example = "qlaw cancel quickstart --where 'N > 50000'",
    .options = options,
    .detail = "Running ones save their state and end; 'qlaw retry --cancelled' "
              "takes them up\nagain.",
    .run = cancel,
};

static enum status pause_runs(struct cli *cli, struct err *err)
{
    return control(cli, &pause_control, pause_control.from, err);
}

const struct verb verb_pause = {
    .name = "pause",
    .args = "[GRID|RUN...]",
    .max_args = -1,
    .summary = "leave runs out of the session that is running",
    .example = "qlaw pause quickstart --where \"fmt = 'e2m0'\"",
    .options = options,
    .detail = "Running ones save their state and end.  The next 'qlaw run' "
              "goes on with them;\n'qlaw retry --paused' lets this one.",
    .run = pause_runs,
};

static const struct cli_option retry_options[] = {
    CONTROL_OPTIONS,
    { "failed", 0, NULL, "failed and timed out ones (the default)" },
    { "diverged", 0, NULL, "also diverged ones" },
    { "cancelled", 0, NULL, "also cancelled ones" },
    { "skipped", 0, NULL, "also those the trainer did not support" },
    { "paused", 0, NULL, "also paused ones" },
    { "slurm-args", 0, "ARGS",
      "submit them at once, with these words for "
      "sbatch (may be empty)" },
    { NULL, 0, NULL, NULL },
};

static enum status retry(struct cli *cli, struct err *err)
{
    static const char *const more[] = { "diverged", "cancelled", "skipped",
                                        "paused" };
    struct str states = { 0 };
    enum status st;

    str_add(&states, retry_control.from);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (cli_flag(cli, more[i]))
            str_addf(&states, " %s", more[i]);
    st = control(cli, &retry_control, str_text(&states), err);
    str_release(&states);
    return st;
}

const struct verb verb_retry = {
    .name = "retry",
    .args = "[GRID|RUN...]",
    .max_args = -1,
    .summary = "let failed runs be run again",
    .example = "qlaw retry quickstart --where \"outcome = 'signal'\"",
    .options = retry_options,
    .detail = "They become pending; 'qlaw run GRID.ini' runs them, or the "
              "scheduler that is\nrunning does.  Nothing is deleted.",
    .run = retry,
};
