/* design.h - what runs would tell, before they are made.
 *
 * Near given constants, the information of a run is the outer product of the
 * law's gradient there.  A set of runs is judged by the covariance that it
 * promises; the next run is the one that lowers a chosen variance most, or
 * raises the determinant of the information most (D-optimal), per operation
 * (Fedorov 1972; greedy). */
#ifndef FIT_DESIGN_H
#define FIT_DESIGN_H

#include "base/str.h"
#include "fit/fit.h"

struct design {
    struct model *m; /* rows: those made, then the candidates */
    double *theta;   /* assumed */
    double sigma;    /* assumed standard deviation in the model's space */
    struct model_work *work;
    double *gradient; /* [rows][n_free], over sigma */
    bool *made;       /* [rows] */
    double *cost;     /* [rows] operations; 1 when unknown */
    double *info;     /* [n_free][n_free], of the rows made so far */
    double *scale;    /* [n_free] information of all rows together */
    char **missing;   /* parameters whose constants were guessed */
    int n_missing;
};

/* Where the assumed constants come from: a fit, or the spec's starts, or a
 * published set of its law (the first when set is NULL), or, where there is
 * none, the middle of the law's own range; k[int4] takes k. */
struct design_source {
    const struct fit *fit; /* or NULL */
    const char *set;
};

/* The left side of the spec's formula; the caller frees it.  Has any row of the
 * table a value of it? */
char *design_response(const struct fit_spec *spec);
bool design_has_response(const struct table *t, const char *response);

/* made and candidates are tables with the law's variables; the response of
 * candidates is ignored, and that of made may be missing throughout: runs that
 * are certain to be made.  Either may be NULL.  Costs come from a column
 * `flops` or `C`, else 6 N D, else 1. */
enum status design_open(struct design *d, const struct table *made,
                        const struct table *candidates,
                        const struct fit_spec *spec,
                        const struct design_source *source, double sigma,
                        struct err *err);
void design_close(struct design *d);

/* Count a row as made. */
void design_make(struct design *d, size_t row);

/* Standard error promised for each coordinate (infinite where nothing is
 * known), and the scaled condition number. */
void design_errors(double *se, double *condition, const struct design *d);

/* Do the rows made tell all parameters apart?  From what design_errors says. */
bool design_identifiable(const struct design *d, const double *se,
                         double condition);

/* Standard error promised for the law's value at settings (relative in log
 * space). */
enum status design_prediction(double *se, const struct design *d,
                              char *const *settings, int n, struct err *err);

/* What is to become certain: everything (D-optimal), one parameter, or the law
 * at a setting. */
struct design_goal {
    const char *param;     /* or NULL */
    char *const *settings; /* or NULL */
    int n_settings;
};

struct design_pick {
    size_t row;
    double cost;
    double se; /* of the goal after this pick; determinant: the geometric mean
                  of the standard errors */
};

/* Choose up to count candidates, cheapest gain first, within a budget of
 * operations; returns how many.  *before is the goal's standard error now. */
enum status design_choose(struct design_pick *picks, int *n, double *before,
                          struct design *d, const struct design_goal *goal,
                          int count, double budget, struct err *err);

/* The verdict on a plan, a few lines: which law, how many parameters, whether
 * they can be told apart, and the standard errors to expect. */
void design_verdict(struct str *out, bool *identifiable,
                    const struct design *d);

#endif
