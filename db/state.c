#include "db/state.h"

#include <string.h>

const char *const run_states[RUN_STATES] = {
#define STATE(name, word, kind) word,
#include "db/state.def"
#undef STATE
};

static const enum run_kind kinds[RUN_STATES + 1] = {
#define STATE(name, word, kind) KIND_##kind,
#include "db/state.def"
#undef STATE
    RUN_KINDS
};

const char *const run_kinds[RUN_KINDS] = {
    [KIND_WAITING] = "waiting", [KIND_RUNNING] = "running",
    [KIND_DONE] = "done",       [KIND_DIVERGED] = "diverged",
    [KIND_FAILED] = "failed",   [KIND_LEFT_OUT] = "left out",
};

enum run_state run_state_find(const char *word)
{
    for (int i = 0; i < RUN_STATES; i++)
        if (strcmp(run_states[i], word) == 0)
            return (enum run_state)i;
    return RUN_STATES;
}

enum run_kind run_kind_of(enum run_state state)
{
    return kinds[state];
}

bool run_state_open(enum run_state state, bool retry_failed)
{
    const enum run_kind kind = run_kind_of(state);

    return kind == KIND_WAITING || kind == KIND_RUNNING ||
           (kind == KIND_FAILED && retry_failed);
}
