/* model.h - a law bound to the rows of a table: residuals and derivatives.
 *
 * Names of the formula are variables (columns) or parameters.  A parameter has
 * one value, or one for each value of a column; its values may be held, tied to
 * one another, or free.  The free ones are moved in coordinates u: the value
 * itself, or the logarithm of its size, which makes power laws nearly linear.
 *
 * Rows that cannot be used are left out, each with its reason. */
#ifndef FIT_MODEL_H
#define FIT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/expr.h"
#include "fit/spec.h"
#include "fit/table.h"

struct model_name { /* a name of the formula; its index is its slot */
    char *name;
    bool is_var;
    /* variables */
    double *values; /* [rows], or NULL: constant */
    double constant;
    /* parameters */
    int first, count; /* of model.params */
    int *group;       /* [rows]: which of the count; NULL: one value */
    char *column;     /* that tells them apart */
};

struct model_param {
    char *name; /* "A", "k[int4]" */
    int slot;
    int free;    /* index of its coordinate, -1 when held */
    double held; /* its value when held */
    double lo, hi;
    double start;                /* given by the user, else NaN */
    const struct law_param *law; /* NULL for a user's formula */
    char *why;                   /* of a held or tied one */
};

struct model_left_out {
    int64_t number; /* line or run */
    char *why;
};

struct model {
    const struct law *law;
    char *formula;  /* as given */
    char *response; /* left side, as written */
    struct expr *expr;
    struct model_name *names;
    int n_names;
    struct model_param *params;
    int n_params, n_free;
    enum fit_space space;
    struct fit_loss loss;
    bool start_only; /* no starts but those given */
    size_t rows;
    double *y, *log_y;
    double *scale; /* 1 / standard deviation in the fit's space; 1 */
    bool has_sigma;
    int64_t *number;    /* line or run of each row */
    size_t *source_row; /* row of the table */
    const char *noun;
    struct model_left_out *left_out;
    int n_left_out;
};

/* Names of a user's formula that are no columns are parameters; ERR_USAGE when
 * one is misspelt for a column, or none is a column. */
enum status fit_model_new(struct model **out, const struct table *t,
                          const struct fit_spec *spec, struct err *err);
/* Rows to be predicted only: nothing need be identifiable in them, and
 * parameters are not settled. */
enum status fit_model_new_test(struct model **out, const struct table *t,
                               const struct fit_spec *spec, struct err *err);
void fit_model_free(struct model *m);

/* A law without rows, every parameter single and free: for constants that come
 * from elsewhere. */
enum status model_of_law(struct model **out, const struct law *law,
                         struct err *err);

int model_find_param(const struct model *m, const char *name);

/* The first parameter that coordinate f moves. */
int model_param_of(const struct model *m, int f);

/* --- evaluation ----------------------------------------------------------- */

struct model_work {
    const struct model *m;
    bool *is_log;  /* [n_free] the coordinate is log |value| */
    double *sign;  /* [n_free] of the value then */
    double *theta; /* [n_params] */
    /* private */
    struct expr_work *expr;
    struct expr_input *inputs;
    double *mu, *grad, *common, *gather;
    bool *filled;     /* coordinates whose column of the Jacobian is begun */
    int *param_slots; /* slots differentiated, in order */
    int n_slots;
};

/* Coordinates are plain values at first. */
struct model_work *model_work_new(const struct model *m);
void model_work_free(struct model_work *w);

/* Let coordinate f be log |value| for values of the sign of value. */
void model_use_log(struct model_work *w, int f, double value);
void model_use_plain(struct model_work *w, int f);

void model_theta(const struct model_work *w, double *theta, const double *u);
void model_coordinates(const struct model_work *w, double *u,
                       const double *theta);
void model_box(const struct model_work *w, double *lo, double *hi);

/* mu[rows], and unless grad is NULL d mu / d each parameter slot:
 * grad[k * rows + i] for slot param_slots[k]. */
void model_law(struct model_work *w, const double *theta, double *mu,
               double *grad);

/* Residuals in the fit's space over their standard deviation, for solve.h:
 * ctx is a struct model_work.  For Cauchy's loss they are transformed so that
 * half their squares sum to the objective. */
bool model_residuals(void *ctx, const double *u, double *r, double *jac);

/* The residual of one row from its law's value, untransformed. */
double model_residual(const struct model *m, size_t row, double mu);

#endif
