/* law.h - scaling laws, one row each.
 *
 * A law is a formula of base/expr.h with the roles of its names: variables are
 * columns of the data, everything else is a parameter.  A user's own formula
 * takes the same path; a row only adds what is known beforehand: where to look
 * for starts, which parameters exist once per number format, and the constants
 * that were published.  Gradients come from the formula.
 *
 * N and D are plain counts (parameters, tokens), loss is in nats per token. */
#ifndef FIT_LAW_H
#define FIT_LAW_H

#include <stdbool.h>

#include "base/err.h"

/* The residual of a row with response y and law mu. */
#define FIT_SPACES(SPACE)                                                      \
    SPACE(LOG, "log", "log y - log law")                                       \
    SPACE(LINEAR, "linear", "y - law")                                         \
    SPACE(RELATIVE, "relative", "1 - law/y")

enum fit_space {
#define SPACE_ENUM(name, text, residual) FIT_##name,
    FIT_SPACES(SPACE_ENUM)
#undef SPACE_ENUM
        FIT_SPACE_COUNT
};

const char *fit_space_name(enum fit_space space);
const char *fit_space_residual(enum fit_space space);

enum law_flag {
    LAW_PER_FORMAT = 1,  /* one value a number format, where there are some */
    LAW_FIXED = 2,       /* stays at lo unless asked for */
    LAW_SIGNED = 4,      /* may be negative; the others are >= 0 */
    LAW_UNITY = 8,       /* 1 for unquantized rows */
    LAW_PER_BUDGET = 16, /* one value a compute budget, a value of column C */
};

struct law_param {
    const char *name;
    double lo, hi; /* where starts are drawn; evenly in the logarithm when
                          hi > 20 lo > 0 */
    unsigned flags;
    const char *scale; /* the start is multiplied by this expression over the
                          geometric means of variables and response and the
                          parameters before it; NULL: 1 */
    const char *meaning;
};

struct law_var {
    const char *name;
    const char *meaning;
    double absent;  /* value when the table has no such column; NaN: needed */
    bool quantizes; /* describes the format; plain is then its value for */
    double plain;   /* an unquantized run */
};

struct law_set { /* published constants */
    const char *name;
    const char *values; /* "E=1.69 A=406.4 ..." */
    const char *source;
};

#define LAW_PARAMS 20
#define LAW_VARS   8
#define LAW_SETS   8

struct law {
    const char *name;
    const char *formula; /* "loss = E + A/N^alpha + B/D^beta" */
    const char *source;
    const char *terms;  /* what the summands of the formula are, in order */
    const char *note;   /* a trap worth knowing, or NULL */
    const char *paired; /* law of the paired differences alone, or NULL */
    enum fit_space space;
    struct law_param params[LAW_PARAMS];
    struct law_var vars[LAW_VARS];
    struct law_set sets[LAW_SETS];
};

/* The built-in laws; NULL past the end, or when there is no such name. */
const struct law *law_at(int i);
const struct law *law_find(const char *name);

/* law_find with a sentence and a suggestion. */
enum status law_need(const struct law **out, const char *name, struct err *err);

int law_param_count(const struct law *law);
/* Is a constant of any law called so? */
bool law_names_param(const char *name);
const struct law_param *law_param(const struct law *law, const char *name);
const struct law_var *law_var(const struct law *law, const char *name);

/* A set by name (NULL: the first), or NULL. */
const struct law_set *law_set(const struct law *law, const char *name);

/* The value of a parameter in a set; NaN when the source does not give it. */
double law_set_value(const struct law_set *set, const char *name);

#endif
