/* predict.h - what a law says of settings that were not run.
 *
 * The mean's interval holds the law's error alone; a new run's also has the
 * scatter of runs about the law.  Both come from the same place as the fit's
 * intervals: Student's t with the gradient of the law, or the bootstrap. */
#ifndef FIT_PREDICT_H
#define FIT_PREDICT_H

#include "base/str.h"
#include "fit/fit.h"

#define PREDICT_TERMS 12

struct prediction {
    double value;
    double mean_lo, mean_hi;    /* 95 % for the law's value; NaN: unknown */
    double run_lo, run_hi;      /* 95 % for one new run */
    double term[PREDICT_TERMS]; /* summands of the law */
    int n_terms;
    double beyond;     /* largest factor by which a variable leaves its range; 1
                      inside */
    char *beyond_what; /* "3.6x in N, 5.1x in D", or NULL */
};

/* Does the law ask for a setting of this name: a variable, or a column of
 * grouped parameters? */
bool predict_knows(const struct model *m, const char *name);

/* Slots of the formula from texts NAME=VALUE: numbers with suffixes for
 * variables, words for the columns of grouped parameters.  theta holds the
 * parameters.  The caller frees *slots and, when chosen is not NULL, *chosen:
 * the parameter that each slot takes its value from, -1 for variables. */
enum status predict_slots(double **slots, int **chosen, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err);

/* What predictions of one law share, made once: its summands, the range of the
 * rows, refits by parameter.  f NULL: constants that come from elsewhere,
 * without intervals.  m, theta and f outlive it. */
struct predictor;
struct predictor *predictor_new(const struct model *m, const double *theta,
                                const struct fit *f);
void predictor_free(struct predictor *p);

/* ERR_USAGE where the settings do not do, or the law has no finite value. */
enum status predictor_ask(struct prediction *out, struct predictor *p,
                          char *const *settings, int n, struct err *err);

/* Row of another model of the same law (other rows, perhaps fewer formats);
 * false when the fit has no value of a parameter that the row needs. */
bool predict_row(struct prediction *out, struct predictor *p,
                 const struct model *other, size_t row);

/* One setting alone. */
enum status predict_point(struct prediction *out, const struct fit *f,
                          char *const *settings, int n, struct err *err);
void prediction_release(struct prediction *p);

/* Append the name of the i-th summand: the law's own word for it ("floor"),
 * else its text. */
void predict_term_name(struct str *out, const struct model *m, int i);

/* The parameters of a law from a published set; NaN where the source gives
 * none.  The caller frees *theta. */
enum status predict_published(double **theta, const struct model *m,
                              const char *set, struct err *err);

/* The law's value and its summands at settings, for given parameters: no
 * intervals. */
enum status predict_value(struct prediction *out, const struct model *m,
                          const double *theta, char *const *settings, int n,
                          struct err *err);

#endif
