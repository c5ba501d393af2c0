/* envelope.h - the best size of each budget along training curves.
 *
 * Approach 1 of Hoffmann et al. 2022 (arXiv 2203.15556): the loss of every run
 * is read along its training, at C = 6 N D operations so far; at each of many
 * budgets the run with the least loss gives N*(C), and a line in the logarithms
 * the exponents.  Budgets at which the smallest or the largest of the runs that
 * reach them is best say only that N* lies beyond and are left out.  Curves are
 * read between their points by straight lines in log C.
 *
 * A run's loss before its learning rate has come down is higher than that of a
 * run planned to end there, so that this suits constant rates. */
#ifndef FIT_ENVELOPE_H
#define FIT_ENVELOPE_H

#include "base/str.h"
#include "fit/table.h"

#define ENVELOPE_BUDGETS 400

struct envelope_stretch { /* budgets at which one run is best */
    double n, from, to;
};

struct envelope {
    size_t rows;
    int runs, sizes;
    int budgets, inside; /* tried; where neither end is best */
    struct envelope_stretch *stretches;
    int n;
    double a, lo, hi, log_g; /* N* = exp(log_g) C^a; lo is NaN: not known */
};

/* Columns N, D and loss, a run by the column run.  ERR_FIT when fewer than two
 * sizes are best inside. */
enum status envelope_run(struct envelope *out, const struct table *t,
                         const char *run, struct err *err);
void envelope_release(struct envelope *e);
void envelope_text(struct str *out, const struct envelope *e,
                   const char *source);
void envelope_json(struct str *out, const struct envelope *e);

#endif
