/* table_running.h - expressions that look back along a run (table_expr.c only).
 *
 *   cumsum(X by RUN)          the sum of X over a run's rows up to this one
 *   cumsum(X, F by RUN)       with a memory: F times the sum before, and X
 *   lag(X by RUN)             X on the run's row before; missing on the first
 *   lag(X, FIRST by RUN)      FIRST on the first
 *   ... by RUN, STEP)         a run's rows in the order of STEP
 *
 * RUN and STEP are columns; rows of one value of RUN are a run, in the order in
 * which they stand unless STEP says another.  Without `by` all rows are one
 * run.  X, F and FIRST are expressions, which may look back themselves.  Where
 * X or F is missing, so is the sum from there on. */
#ifndef FIT_TABLE_RUNNING_H
#define FIT_TABLE_RUNNING_H

#include "fit/table.h"

struct running {
    char *text;     /* the expression; calls have become names */
    double **value; /* [n][rows] of the name running_name(i) */
    int n;
    bool whole; /* a call names no run */
};

/* Compute the calls in text, innermost first. */
enum status running_read(struct running *out, const struct table *t,
                         const char *text, struct err *err);
void running_release(struct running *r);

/* The index that a name of the rewritten text stands for, or -1. */
int running_find(const struct running *r, const char *name);

#endif
