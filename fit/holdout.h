/* holdout.h - rows kept aside, then predicted: the test that a law's form, and
 * not only its constants, has to pass.
 *
 * Rules:
 *   N >= 1M         an expression over the columns: these rows are held out
 *   largest:K       the rows of the K largest values of N
 *   largest:K:COL   of another column
 *   rolling:K[:COL] for each of the K largest values: fit everything below it,
 *                   predict it */
#ifndef FIT_HOLDOUT_H
#define FIT_HOLDOUT_H

#include "base/str.h"
#include "fit/fit.h"

struct holdout_step {
    double level; /* the value predicted; NaN for an expression */
    int n_train, n_test;
    double rmse, mean; /* of the residuals in the fit's space: observed minus
                          predicted */
    double covered;    /* share inside the 95 % interval of a new run; NaN */
    double beyond;     /* largest factor outside the range of the training */
};

struct holdout_row {
    int64_t number; /* line or run */
    double observed, predicted;
};

struct holdout {
    char *rule;
    int unpredicted;         /* rows whose format the training has not seen */
    struct holdout_step all; /* the final split */
    struct holdout_step *steps; /* of rolling */
    int n_steps;
    struct holdout_row *rows; /* of the final split */
    int n_rows;
};

/* Which rows the rule holds out; for rolling, those of the largest value. */
enum status holdout_split(bool **held, const struct table *t, const char *rule,
                          struct err *err);

/* Judge a fit of the other rows.  For rolling, spec is fitted again for each
 * step. */
enum status holdout_judge(struct holdout *h, const struct fit *f,
                          const struct table *t, const bool *held,
                          const struct fit_spec *spec, const char *rule,
                          struct err *err);
void holdout_release(struct holdout *h);

void holdout_text(struct str *out, const struct holdout *h,
                  const struct model *m);

/* "holdout":{...}, with a leading comma. */
void holdout_json(struct str *out, const struct holdout *h);

#endif
