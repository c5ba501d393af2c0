/* compare.h - which law: criteria, cross-validation and tests of one claim. */
#ifndef FIT_COMPARE_H
#define FIT_COMPARE_H

#include "base/str.h"
#include "fit/fit.h"

/* Root mean square of the residuals of rows predicted without their unit, in
 * ten folds of units: configurations, or clusters when the fit has them. */
double compare_cross_validate(const struct fit *f, uint64_t seed);

struct contender {
    const struct law *law;
    int n_params;
    double rss, sigma, aicc, bic, cv, held; /* held: rmse of held-out rows */
    bool sound;
    char *failure; /* why there is no fit, or NULL */
};

struct comparison {
    struct contender *laws;
    int n;
    size_t rows; /* usable by every law; the same for all */
    int dropped; /* usable by some only */
    bool has_held;
};

/* Fit the laws named in a comma-separated list to the rows that all of them can
 * use; settings of spec that name a parameter apply where it exists.  held may
 * be NULL: rows to be predicted instead of fitted. */
enum status compare_run(struct comparison *c, const struct table *t,
                        const bool *held, const struct fit_spec *spec,
                        const char *laws, struct err *err);
void comparison_release(struct comparison *c);
void comparison_text(struct str *out, const struct comparison *c,
                     const struct fit_spec *spec);
void comparison_json(struct str *out, const struct comparison *c);

/* A hypothesis that fixes a parameter or ties two. */
struct nested {
    char *claim; /* "alpha=beta" */
    double statistic; /* F; its bootstrap twin for robust losses */
    int df1, df2;
    bool one_sided; /* the value claimed is a bound */
    double p;       /* of F; NaN for robust losses */
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
