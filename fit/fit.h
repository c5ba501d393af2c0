/* fit.h - a finished fit: estimates with intervals, and what is wrong.
 *
 * Least squares give Wald intervals from Student's t: on the logarithm for
 * coefficients, on the value for exponents.  Robust losses have no likelihood
 * that would justify such a formula, so their intervals are bootstrap
 * percentiles.  Where no honest number can be given, se, lo and hi are NaN and
 * the estimate says why. */
#ifndef FIT_FIT_H
#define FIT_FIT_H

#include "fit/bootstrap.h"
#include "fit/covariance.h"
#include "fit/few_clusters.h"
#include "fit/model.h"
#include "fit/optimum.h"

struct fit_estimate {
    double value, se, lo, hi; /* 95 % */
    const char *interval;     /* "wald", "profile", "bootstrap", "jackknife",
                             "one-sided", "held" or "none" */
    bool at_bound;
    char *why; /* of "held" and "none" */
};

/* Codes are stable; docs/fitting.md says when each fires. */
#define FIT_WARNINGS(CODE)                                                     \
    CODE(NOT_IDENTIFIABLE, "not_identifiable")                                 \
    CODE(AT_BOUND, "at_bound")                                                 \
    CODE(FEW_POINTS, "few_points")                                             \
    CODE(LACK_OF_FIT, "lack_of_fit")                                           \
    CODE(OUTLIERS, "outliers")                                                 \
    CODE(ROWS_LEFT_OUT, "rows_left_out")                                       \
    CODE(EXTRAPOLATION, "extrapolation")                                       \
    CODE(CLUSTERED_ROWS, "clustered_rows")                                     \
    CODE(ARMS_POOLED, "arms_pooled")                                           \
    CODE(ROWS_POOLED, "rows_pooled")                                           \
    CODE(NAME_TAKEN, "name_taken")                                             \
    CODE(WRONG_SIDE, "wrong_side")                                             \
    CODE(REFITS_FAILED, "refits_failed")                                       \
    CODE(NOT_CONVERGED, "not_converged")

enum fit_code {
#define CODE_ENUM(name, text) FIT_##name,
    FIT_WARNINGS(CODE_ENUM) FIT_CODE_COUNT
#undef CODE_ENUM
};

const char *fit_code_text(enum fit_code code);

struct fit_warning {
    enum fit_code code;
    char *text;
    char *column; /* of clustered_rows: that rows are alike by; else NULL */
};

struct fit {
    const struct model *m;
    struct optimum best;
    double rss;            /* sum of squared residuals, whatever the loss */
    double sigma;          /* sqrt(rss / dof); NaN without degrees of freedom */
    int dof;               /* rows - parameters free and off their bounds */
    int n_params;          /* free parameters */
    double *mu, *residual; /* [rows] */
    struct model_work *work; /* coordinates at the minimum */
    struct covariance cov;
    struct fit_estimate *est; /* [m->n_params] */
    struct bootstrap boot;    /* n = 0: none was made */
    struct bootstrap jack;    /* refits without one cluster each; n = 0: none */
    struct few_clusters *few; /* of jack; NULL: none was made */
    int *alike; /* [rows] units whose rows err together most, or NULL */
    int n_alike;
    bool *rival; /* [n_free] another minimum within the noise has it elsewhere;
                    NULL: there is none */
    bool is_linear; /* the law is linear in all that is free */
    bool obeyed;    /* resampled because a warning demands it (resample.h) */
    int *unit;      /* [rows] cluster of each, NULL: rows */
    int units;
    double noise; /* sd of replicates in the fit's space; NaN */
    int noise_dof;
    double loglik; /* of least squares; NaN otherwise */
    struct fit_warning *warnings;
    int n_warnings;
    char **notes; /* sentences without a code */
    int n_notes;
};

/* Fit, judge and estimate.  ERR_FIT only when there is nothing to report; a
 * fit that is not identifiable or did not converge is reported with its
 * warnings (fit_is_sound tells). */
enum status fit_run(struct fit *f, const struct model *m, const struct table *t,
                    const struct fit_spec *spec, struct err *err);
void fit_release(struct fit *f);

/* Neither not_identifiable nor not_converged. */
bool fit_is_sound(const struct fit *f);
bool fit_has(const struct fit *f, enum fit_code code);

void fit_warn(struct fit *f, enum fit_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void fit_note(struct fit *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Akaike's and Schwarz's criteria, sigma counted as a parameter. */
double fit_aicc(const struct fit *f);
double fit_bic(const struct fit *f);

#endif
