/* why.h - why a run is, or is not, taken from the database. */
#ifndef HARNESS_PLAN_WHY_H
#define HARNESS_PLAN_WHY_H

#include "harness/plan/plan.h"

/* Explain the point whose identity starts with text, a point of the plan or
 * one of the database: its state, or the stored (else planned) point with the
 * fewest keys that differ, and these keys.  ERR_USAGE when text names no point
 * or several. */
enum status plan_why(const struct plan *p, const char *db_path,
                     const char *text, struct err *err);

#endif
