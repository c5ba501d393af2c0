/* compare.h - which law: criteria, cross-validation and tests of one claim. */
#ifndef FIT_COMPARE_H
#define FIT_COMPARE_H

#include "base/str.h"
#include "fit/fit.h"

/* Root mean square of the residuals of rows predicted without their unit, in
 * ten folds of units: configurations, or clusters when the fit has them. */
double compare_cross_validate(const struct fit *f, uint64_t seed);

struct contender {
    const struct law *law; /* NULL: a formula */
    char *name;            /* the law's, or the formula */
    int n_params, dof;
    double *mu;                             /* [rows] fitted, or NULL */
    double *theta;                          /* of its model's parameters */
    double rss, sigma, aicc, bic, cv, held; /* held: rmse of held-out rows */
    bool sound;
    char *failure; /* why there is no fit, or NULL */
};

/* One contender that another holds as a special case, tested by F. */
struct nesting {
    int inner, outer; /* of comparison.laws */
    double f, p;
    int df1, df2;
};

struct comparison {
    struct contender *laws; /* the best first */
    int n;
    struct nesting *nested;
    int n_nested;
    size_t rows; /* usable by every law; the same for all */
    int dropped; /* usable by some only */
    bool has_held;
};

/* Fit the n laws and formulas to the rows that all of them can use; settings of
 * spec that name a parameter apply where it exists.  All must be of one
 * response.  held may be NULL: rows to be predicted instead of fitted.
 *
 * Of two of different size, the smaller is a special case of the larger when
 * the larger passes through its fitted values; then F tests it (least squares
 * only). */
enum status compare_run(struct comparison *c, const struct table *t,
                        const bool *held, const struct fit_spec *spec,
                        const char *const *names, int n, struct err *err);

/* "chinchilla,kaplan" is two laws, "loss = E + A/N^a" one formula: append them
 * to a list that the caller frees with its texts. */
void compare_names(char ***names, int *n, const char *text);
void comparison_release(struct comparison *c);
void comparison_text(struct str *out, const struct comparison *c,
                     const struct fit_spec *spec);
void comparison_json(struct str *out, const struct comparison *c);

/* A hypothesis that fixes a parameter or ties two. */
struct nested {
    char *claim;      /* "alpha=beta" */
    double statistic; /* F; its bootstrap twin for robust losses */
    int df1, df2;
    bool one_sided;     /* the value claimed is a bound */
    double p;           /* of F; NaN for robust losses */
    double p_bootstrap; /* NaN: not asked for */
    int replicates;
};

/* Test the claim against the fit f of spec on t.  replicates > 0: also by
 * refitting responses drawn from the claim's own fit (residuals are resampled,
 * or keep their place and change sign by cluster). */
enum status nested_run(struct nested *n, const struct fit *f,
                       const struct table *t, const struct fit_spec *spec,
                       const char *claim, int replicates, struct err *err);
void nested_release(struct nested *n);
void nested_text(struct str *out, const struct nested *n);
void nested_json(struct str *out, const struct nested *n);

#endif
