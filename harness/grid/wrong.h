/* wrong.h - all that is wrong at once: sentences, a line each.
 *
 * Who reads many things notes each failure, goes on with the next, and fails in
 * the end with all of them.  What depends on what was read is looked at only
 * when nothing is wrong so far, so that no sentence is about another one. */
#ifndef HARNESS_GRID_WRONG_H
#define HARNESS_GRID_WRONG_H

#include "base/err.h"
#include "base/str.h"

struct wrong {
    struct str text;
    int n, left_out; /* left_out: of n, those there was no room for */
    enum status first;
};

/* Unless st is OK, take the sentence of err. */
void wrong_note(struct wrong *w, enum status st, const struct err *err);

/* OK, or the first status and all sentences in err; w is empty again. */
enum status wrong_end(struct wrong *w, struct err *err);

#endif
