/* state.h - the states of a run, and what each counts as.
 *
 * A new state is a row of state.def, and of the view run_states in schema.sql,
 * from which all SQL takes its sets; and, as table run lists the words, an
 * upgrade. */
#ifndef DB_STATE_H
#define DB_STATE_H

#include <stdbool.h>

enum run_state {
#define STATE(name, word, kind) RUN_##name,
#include "db/state.def"
#undef STATE
    RUN_STATES
};

enum run_kind {
    KIND_WAITING, /* to be run */
    KIND_RUNNING,
    KIND_DONE,     /* has a loss */
    KIND_DIVERGED, /* a result, too */
    KIND_FAILED,
    KIND_LEFT_OUT,
    RUN_KINDS
};

/* The words of the database; RUN_STATES for an unknown one. */
extern const char *const run_states[RUN_STATES];
enum run_state run_state_find(const char *word);

/* RUN_KINDS of RUN_STATES.  The words are those of run_states.kind. */
extern const char *const run_kinds[RUN_KINDS];
enum run_kind run_kind_of(enum run_state state);

/* For SQL: "state IN (" RUN_STATES_OF "'failed')". */
#define RUN_STATES_OF "SELECT state FROM run_states WHERE kind = "

/* Does a run in this state still want to be run by `qlaw run`? */
bool run_state_open(enum run_state state, bool retry_failed);

#endif
