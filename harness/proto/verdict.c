#include "harness/proto/verdict.h"

#include <signal.h>
#include <string.h>

const char *const outcomes[OUTCOMES] = {
    [OUTCOME_OK] = "ok",
    [OUTCOME_DIVERGED] = "diverged",
    [OUTCOME_ERROR] = "error",
    [OUTCOME_SIGNAL] = "signal",
    [OUTCOME_TIMEOUT] = "timeout",
    [OUTCOME_OOM] = "oom",
    [OUTCOME_PREEMPTED] = "preempted",
    [OUTCOME_LOST] = "lost",
    [OUTCOME_CANCELLED] = "cancelled",
};

/* --- the table, first match wins ------------------------------------------------ */

typedef bool is_so(const struct attempt_facts *f);

static bool succeeded(const struct attempt_facts *f)
{
    return f->final && f->finite && !f->diverged && f->exit_code != 65;
}

static bool diverged(const struct attempt_facts *f)
{
    return f->exit_code == 65 || (f->final && (f->diverged || !f->finite));
}

/* A rule of the grid gave it up: asked for, only not by hand. */
static bool given_up(const struct attempt_facts *f)
{
    return f->final && f->stopped && !f->diverged;
}

static bool cancelled(const struct attempt_facts *f)
{
    return f->wish == WISH_CANCEL;
}

static bool paused(const struct attempt_facts *f)
{
    return f->wish == WISH_PAUSE || (f->asked_to_stop && !f->timed_out);
}

static bool refused(const struct attempt_facts *f)
{
    return f->refused;
}

/* A worker of a killed scheduler may take a moment to end. */
static bool folder_busy(const struct attempt_facts *f)
{
    return f->folder_busy;
}

static bool timed_out_further(const struct attempt_facts *f)
{
    return f->timed_out && f->exit_code == 75 && f->progress;
}

static bool timed_out(const struct attempt_facts *f)
{
    return f->timed_out;
}

static bool saved_further(const struct attempt_facts *f)
{
    return f->exit_code == 75 && f->progress;
}

static bool saved_in_vain(const struct attempt_facts *f)
{
    return f->exit_code == 75;
}

static bool unsupported(const struct attempt_facts *f)
{
    return f->exit_code == 64;
}

static bool out_of_memory(const struct attempt_facts *f)
{
    return f->term_signal == SIGKILL && f->memory_kill;
}

static bool killed(const struct attempt_facts *f)
{
    return f->term_signal != 0;
}

/* It would be written in the same way again, after the same training. */
static bool unread_final(const struct attempt_facts *f)
{
    return f->unread_final;
}

/* Usage, configuration, a missing tool: the same answer would come again. */
static bool hopeless(const struct attempt_facts *f)
{
    return f->exit_code >= 2 && f->exit_code <= 4;
}

static bool silent(const struct attempt_facts *f)
{
    return f->exit_code == 0;
}

static bool always(const struct attempt_facts *f)
{
    (void)f;
    return true;
}

static const struct {
    is_so *is_so;
    struct verdict verdict;
} table[] = {
    { given_up, { RUN_CANCELLED, OUTCOME_CANCELLED, false, false, "" } },
    { succeeded, { RUN_DONE, OUTCOME_OK, false, false, "" } },
    { diverged, { RUN_DIVERGED, OUTCOME_DIVERGED, false, false, "" } },
    { cancelled,
      { RUN_CANCELLED, OUTCOME_CANCELLED, false, false, "asked for" } },
    { refused,
      { RUN_FAILED, OUTCOME_ERROR, true, false,
        "its records are not usable" } },
    { paused, { RUN_PAUSED, OUTCOME_PREEMPTED, false, false, "" } },
    { folder_busy,
      { RUN_PENDING, OUTCOME_PREEMPTED, false, false,
        "another process still trained in its folder" } },
    { timed_out_further,
      { RUN_PENDING, OUTCOME_TIMEOUT, false, false,
        "longer than run.timeout" } },
    { timed_out,
      { RUN_TIMEOUT, OUTCOME_TIMEOUT, true, false,
        "longer than run.timeout" } },
    { saved_further,
      { RUN_PENDING, OUTCOME_PREEMPTED, false, false, "stopped by itself" } },
    { saved_in_vain,
      { RUN_FAILED, OUTCOME_ERROR, true, true,
        "stopped by itself without getting further" } },
    { unsupported,
      { RUN_SKIPPED, OUTCOME_ERROR, false, false,
        "the trainer does not support it" } },
    { out_of_memory,
      { RUN_FAILED, OUTCOME_OOM, true, true, "killed, out of memory" } },
    { killed, { RUN_FAILED, OUTCOME_SIGNAL, true, true, "killed" } },
    { unread_final,
      { RUN_FAILED, OUTCOME_ERROR, true, false,
        "its final record cannot be used" } },
    { hopeless, { RUN_FAILED, OUTCOME_ERROR, true, false, "" } },
    { silent,
      { RUN_FAILED, OUTCOME_ERROR, true, true,
        "ended without a final record" } },
    { always, { RUN_FAILED, OUTCOME_ERROR, true, true, "" } },
};

struct verdict verdict_of(const struct attempt_facts *f)
{
    int i = 0;

    while (!table[i].is_so(f))
        i++;
    return table[i].verdict;
}
