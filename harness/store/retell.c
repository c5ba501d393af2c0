#include "harness/store/retell.h"

#include <math.h>
#include <stdio.h>

bool retell_is_result(const struct metrics_line *m)
{
    return m->final && isfinite(m->loss);
}

void retell_begin(struct retelling *t, const struct attempt_begin *b)
{
    t->number = b->number;
    t->open = t->first = true;
    t->final = (struct metrics_line){ .loss = NAN };
    journal_begin(t->journal, t->run_id, b, t->log_path);
}

void retell_line(struct retelling *t, const struct metrics_line *m)
{
    if (!t->open)
        return;
    if (m->final) {
        t->final = *m;
        t->final.extra = NULL; /* the reader's, who frees it */
        t->final.n_extra = 0;
    }
    journal_line(t->journal, t->run_id, m, t->first);
    t->first = false;
}

void retell_end(struct retelling *t, const struct attempt_end *e)
{
    if (!t->open)
        return;
    t->open = false;
    if (e->state == RUN_DONE && !retell_is_result(&t->final)) {
        struct attempt_end lost = *e;

        lost.state = RUN_PENDING;
        lost.outcome = OUTCOME_LOST;
        snprintf(lost.message, sizeof lost.message,
                 "its records have an end and no final line with a loss");
        journal_end(t->journal, t->run_id, t->number, &lost, NULL);
        return;
    }
    journal_end(t->journal, t->run_id, t->number, e,
                e->state == RUN_DONE ? &t->final : NULL);
}

struct attempt_end retell_missing_end(const struct retelling *t)
{
    const struct attempt_facts facts = {
        .final = t->final.final,
        .diverged = t->final.diverged,
        .stopped = t->final.stopped,
        .finite = isfinite(t->final.loss),
    };
    struct attempt_end e = { .state = RUN_PENDING,
                             .outcome = OUTCOME_LOST,
                             .exit_code = -1,
                             .wall_s = NAN,
                             .cpu_s = NAN,
                             .message = "its scheduler ended" };

    if (facts.final) {
        const struct verdict v = verdict_of(&facts);

        e.state = v.state;
        e.outcome = v.outcome;
        snprintf(e.message, sizeof e.message, "%s",
                 v.state == RUN_DONE ? "" : t->final.reason);
    }
    return e;
}
