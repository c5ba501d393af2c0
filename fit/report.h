/* report.h - a fit as a person reads it, and as a program does.
 *
 * The JSON is one line:
 *   {"schema":"qlaw/fit/1","law","formula","space","loss","objective","rss",
 *    "n_points","n_params","dof","converged","sigma","noise",
 *    "params":[{"name","value","se","lo95","hi95","interval","at_bound",
 *               "why"}],
 *    "condition","aicc","bic","warnings":[{"code","text"}],"notes":[...],
 *    "left_out":[{"row","why"}],"starts":{"n","reached_best"},
 *    "bootstrap":{"n","units"},
 *    "range":[{"name","min","max"}]}
 * `fit` adds "holdout", "tests", "sensitivity" (sensitivity.h) and "fit_id".
 * Numbers that cannot be given are null. */
#ifndef FIT_REPORT_H
#define FIT_REPORT_H

#include "base/str.h"
#include "fit/fit.h"

/* Lines of at most 80 columns, ending in a line break. */
void report_text(struct str *out, const struct fit *f, const char *source);

/* The object without its closing brace, so that a caller can add to it. */
void report_json(struct str *out, const struct fit *f);

/* A line of the table of parameters: value, standard error, interval, kind. */
void report_estimate(struct str *out, const char *name,
                     const struct fit_estimate *e);

/* The objective in words: "sum of Huber losses (delta 0.001) of log y - log
 * law". */
void report_objective_name(struct str *out, const struct model *m);

/* Append text wrapped to 80 columns: the first line after lead, the others
 * indented by indent. */
void report_wrapped(struct str *out, const char *lead, const char *text,
                    size_t indent);

#endif
