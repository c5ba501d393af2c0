/* contrast_arms.h - two formats side by side over all cells that both have:
 * how much the one costs more, in nats and as a ratio, with the interval that
 * docs/intervals.md prescribes; how close they are shown to be; and by group,
 * size and tokens. */
#ifndef HARNESS_STUDY_CONTRAST_ARMS_H
#define HARNESS_STUDY_CONTRAST_ARMS_H

#include "base/str.h"
#include "harness/study/measured.h"

struct arms_part { /* the cells of one group, N or D */
    char *label;   /* "G = 32", "N = 106k" */
    struct cells_mean diff;
    double lo, hi; /* 95 % for all parts of its variable together
                      (Bonferroni); NaN: no interval */
};

struct contrast_arms {
    char *grid, *name_a, *name_b;
    struct measured_contrast all;
    struct arms_part *parts;
    int n_parts;
    double within; /* the same to within this many nats, at 95 % (two one-sided
                      tests); NaN without an error */
    double margin; /* that was asked for; NaN: none */
};

/* Names as measured_side takes them.  grid NULL: the one grid of the file in
 * which both are; ERR_USAGE lists them where there are several. */
enum status contrast_arms_make(struct contrast_arms *c, struct db *db,
                               const char *grid, const char *a, const char *b,
                               double margin, struct err *err);
void contrast_arms_release(struct contrast_arms *c);

/* "different", "the same" (to within the margin), "not told apart" or "not
 * known". */
const char *contrast_arms_verdict(const struct contrast_arms *c);

/* Lines of at most 80 columns, and one line of JSON: {"schema":
 * "qlaw/arms/1","grid","a","b","cells","twins","error","difference","lo95",
 * "hi95","dof","p","cost_a","cost_a_lo95","cost_a_hi95","cost_b",..,"ratio",
 * "ratio_lo95","ratio_hi95","within","verdict","seeds_needed","parts":
 * [{"what","cells","difference","lo95","hi95"}]}. */
void contrast_arms_text(struct str *out, const struct contrast_arms *c);
void contrast_arms_json(struct str *out, const struct contrast_arms *c);

#endif
