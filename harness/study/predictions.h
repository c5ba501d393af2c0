/* predictions.h - what a law says of many settings, as a table.
 *
 * A row is a setting: the columns of the table it came from as they stand
 * there, the lists of the command line, then
 *
 *   value, mean_lo95, mean_hi95 (of the law), run_lo95, run_hi95 (of one new
 *   run), a column for each term of the law, extrapolation (1 within the data)
 *
 * or, of answers derived from the law, value, lo95, hi95.  As JSON, one line:
 *   {"schema":"qlaw/predictions/1","law","response","rows":[{"row","at":{...},
 *    "value",...,"extrapolation","terms":[{"name","value"}]}],
 *    "left_out":[{"row","why"}],"warnings":[{"code","text"}]}
 * A column of the table that is called as one of ours gets ".was" behind its
 * name.  CSV and JSON have numbers in full, "table" and "md" are for people. */
#ifndef HARNESS_STUDY_PREDICTIONS_H
#define HARNESS_STUDY_PREDICTIONS_H

#include "fit/predict.h"
#include "harness/study/settings.h"

struct predictions;

enum predictions_format {
    PREDICTIONS_TABLE,
    PREDICTIONS_CSV,
    PREDICTIONS_JSON,
    PREDICTIONS_MD,
};
enum status predictions_format_parse(enum predictions_format *out,
                                     const char *text, struct err *err);

/* what: the question of --solve, or NULL for the law's own value.  s and m
 * outlive it. */
struct predictions *predictions_new(const struct settings *s,
                                    const struct model *m, const char *what,
                                    enum predictions_format format);
void predictions_free(struct predictions *p);

/* Combination i has this answer, or none for a reason. */
void predictions_add(struct predictions *p, size_t i,
                     const struct prediction *answer);
void predictions_leave_out(struct predictions *p, size_t i, const char *why);

/* The sentence for what has none; OK when all have one. */
enum status predictions_missing(const struct predictions *p, struct err *err);

/* f, whose warnings are told, may be NULL; narrow: what its intervals do not
 * know of, or NULL. */
void predictions_text(struct str *out, const struct predictions *p,
                      const struct fit *f, const char *narrow);

/* An object of a list of warnings. */
void predictions_warning(struct str *out, int *n, enum fit_code code,
                         const char *text);

#endif
