/* retell.h - the records of a run, told to the journal attempt by attempt. */
#ifndef HARNESS_STORE_RETELL_H
#define HARNESS_STORE_RETELL_H

#include "harness/store/journal.h"

struct retelling {
    struct journal *journal;
    int64_t run_id;
    char *log_path;
    int number; /* of the attempt that is open */
    bool open;
    bool first; /* no line of it was told yet */
    struct metrics_line final;
};

/* An attempt begins; what was open is forgotten. */
void retell_begin(struct retelling *t, const struct attempt_begin *b);

/* Nothing when no attempt is open. */
void retell_line(struct retelling *t, const struct metrics_line *m);
void retell_end(struct retelling *t, const struct attempt_end *e);

/* Does a line end a run with a loss?  One that was changed may say anything. */
bool retell_is_result(const struct metrics_line *m);

/* The end of an attempt whose scheduler did not live to record it: as its final
 * line says if it came, else lost.  e->at is left empty. */
struct attempt_end retell_missing_end(const struct retelling *t);

#endif
