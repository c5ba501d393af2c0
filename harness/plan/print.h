/* print.h - a plan as text, as a list of runs, as JSON. */
#ifndef HARNESS_PLAN_PRINT_H
#define HARNESS_PLAN_PRINT_H

#include "base/str.h"
#include "harness/plan/plan.h"

/* What is said of the law: lines, empty when nothing is. */
struct plan_law {
    bool judged, identifiable;
    struct str verdict;
};

void plan_print(const struct plan *p, const struct plan_law *law,
                const char *db_path);
void plan_print_list(const struct plan *p);
void plan_print_json(const struct plan *p, const struct plan_law *law);

/* Seconds of the plan; NaN where no speed is known. */
double plan_seconds(const struct plan *p, double seconds);

/* "w=int4/g32 x=int8 group=32", "none": what a configuration quantizes, as it
 * was written; the caller frees it. */
char *quant_summary(const struct config *c);

#endif
