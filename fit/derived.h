/* derived.h - questions whose answer is a function of the law, with intervals.
 *
 * Training costs 6 N D operations; with quantized operands of P bits, the
 * share P/16 of that (arXiv:2501.02423, section 4).  Answers are found
 * numerically from the formula, so that a law of one's own can be asked too;
 * intervals come from the bootstrap, else from the delta method on the
 * logarithm of the answer. */
#ifndef FIT_DERIVED_H
#define FIT_DERIVED_H

#include "fit/fit.h"

struct derived_ask; /* a question at a setting */

/* A question is a row. */
struct derived_question {
    const char *name;
    const char *needs;   /* settings beyond the law's own: "C" */
    const char *finds;   /* the variable that need not be given, or NULL */
    const char *meaning; /* of the answer */
    double (*answer)(const struct derived_ask *ask, const double *theta);
};

/* NULL past the end. */
const struct derived_question *derived_at(int i);

struct derived {
    const struct derived_question *question;
    double value;  /* NaN: there is none, as when an optimum does not exist */
    double lo, hi; /* 95 %; NaN: unknown */
    int none;      /* bootstrap replicates without an answer */
};

/* Ask a question of parameters theta of m, at settings as predict_slots takes
 * them and those in needs.  f may be NULL (published constants): there is no
 * interval then. */
enum status derived_find(struct derived *out, const char *name,
                         const struct model *m, const double *theta,
                         const struct fit *f, char *const *settings, int n,
                         struct err *err);

#endif
