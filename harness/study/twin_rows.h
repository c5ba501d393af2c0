/* twin_rows.h - which rows of somebody's table are unquantized twins.
 *
 * Rows with G (or B) = 1, and rows whose fmt is called none, unquantized, base
 * or fp32, are; `--base fmt=bf16` names others, `--base none` says that there
 * are none.  bf16 and fp16 are not taken for granted: they may be the format
 * that was tried. */
#ifndef HARNESS_STUDY_TWIN_ROWS_H
#define HARNESS_STUDY_TWIN_ROWS_H

#include "fit/table.h"

struct twin_rule {
    int column; /* -1: none was named */
    char *value;
    bool none;
};

/* text: of --base, or NULL.  ERR_USAGE when it is not COLUMN=VALUE, or no row
 * has the value. */
enum status twin_rule_read(struct twin_rule *out, const char *text,
                           const struct table *t, struct err *err);
void twin_rule_release(struct twin_rule *r);

/* Elements that share a scale, by column G or B; NaN: none. */
double twin_group(const struct table *t, size_t row);

bool twin_row(const struct twin_rule *r, const struct table *t, size_t row);

/* A name in column fmt that often stands for the unquantized model, when no
 * row is a twin; NULL when there is none. */
const char *twin_candidate(const struct twin_rule *r, const struct table *t);

/* Give twins what removes the quantization term, where their cells are empty:
 * groups of 1, the bits of fp32, no error.  The same as a grid's twins have. */
void twin_fill(struct table *t, const struct twin_rule *r);

#endif
