/* verdict.h - what the end of an attempt means for its run.
 *
 * One table, from facts to a verdict; nothing is looked up or remembered here.
 * Success is a final record with a finite loss, never an exit code alone. */
#ifndef HARNESS_PROTO_VERDICT_H
#define HARNESS_PROTO_VERDICT_H

#include <stdbool.h>

#include "db/state.h"

enum outcome {
    OUTCOME_OK,
    OUTCOME_DIVERGED,
    OUTCOME_ERROR,
    OUTCOME_SIGNAL,
    OUTCOME_TIMEOUT,
    OUTCOME_OOM,
    OUTCOME_PREEMPTED,
    OUTCOME_LOST,
    OUTCOME_CANCELLED,
    OUTCOMES
};
extern const char *const outcomes[OUTCOMES];

/* What a user asked of one run. */
enum wish { WISH_NONE, WISH_CANCEL, WISH_PAUSE };

struct attempt_facts {
    bool final, diverged, stopped; /* a final record, and what it said */
    bool finite;                   /* with a finite loss */
    bool unread_final; /* a line that was to be one cannot be used */
    int exit_code;     /* -1: killed */
    int term_signal;   /* 0: not killed */
    bool timed_out, asked_to_stop, refused;
    enum wish wish;
    bool memory_kill; /* the kernel killed for memory meanwhile */
    bool progress;    /* it came further than the attempts before */
    bool folder_busy; /* another process still trained in its folder */
};

struct verdict {
    enum run_state state; /* RUN_PENDING: to be tried again at once */
    enum outcome outcome;
    bool failure;    /* counts towards run.retries */
    bool retry;      /* a failure that another try may mend */
    const char *why; /* for people, a few words; "" when the state says it */
};

struct verdict verdict_of(const struct attempt_facts *f);

#endif
