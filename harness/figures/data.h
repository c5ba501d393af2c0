/* data.h - the points of a grid and a fit of them, as figures and the
 * report see them. */
#ifndef HARNESS_FIGURES_DATA_H
#define HARNESS_FIGURES_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "harness/study/findings.h"
#include "harness/study/request.h"

/* One configuration, its seeds folded.  What was not measured is NaN. */
struct plot_point {
    char *id, *fmt, *arm, *gran, *act_fmt, *scale;
    char *quant;  /* ARM_QUANT_SQL of arm.h */
    char *family; /* the arm without its group size: "int4 W+A" */
    bool base;    /* an unquantized twin */
    double N, D;  /* parameters as the fit counts them, tokens */
    double G;     /* elements that share a scale */
    double E, M, bits, gmse;
    double stored_bits; /* with the share of the scales */
    double n_layer, d_model, flops;
    int seeds;       /* finished */
    double loss, se; /* their mean, its standard error from 2 seeds on */
    int pairs;       /* seeds of which the twin is finished too */
    double delta, delta_se;
    /* Runs of the grid by state; runs is their sum.  left_out: cancelled or
     * skipped.  A twin that another grid made has none. */
    int runs, done, diverged, failed, left_out, waiting;
    double wall_s; /* of all finished runs together, as they measured it */
    double slot_s; /* of all attempts, start-up and lost ones included */
    bool in_fit;   /* some of its runs were fitted */
    bool known;    /* the fit knows its family: the law may be drawn */
};

/* A parameter of a stored fit; grouped ones have a group: k[int4]. */
struct plot_param {
    char *name;         /* as stored */
    char *stem, *group; /* "k", "int4"; group NULL: one value */
    double value, se, lo, hi;
    bool at_bound;
};

struct plot_fit {
    int64_t id;
    char *name, *law, *formula, *response, *n_def, *selection;
    char *loss_fn, *status, *data_sha256, *created_at;
    int n_points, n_params, n_starts;
    double rmse, r2;
    bool converged;
    struct plot_param *params;
    int n_stored;
    struct expr *expr; /* the right side, or NULL with the reason in why */
    char *why;
    int *slot_param; /* of each grouped name: its first parameter */
    int n_grouped;
};

struct plot_again;

struct plot_data {
    char *db_path;
    char *grid;        /* NULL: every point of the database */
    int64_t grid_id;   /* its latest text */
    char *description; /* "" when it has none */
    struct plot_point *points;
    int n;
    struct measured measured;  /* the finished runs, for costs with errors */
    struct findings *findings; /* plot_data_findings */
    struct plot_fit *fit;      /* NULL: none */
    struct plot_fit *stale;    /* made from other rows than there are now, so */
    struct fit_rows rows;      /* not drawn; rows says how many; NULL: none */
    struct db *db;             /* open for reading */
    struct plot_again *again;  /* plot_data_again */
    struct plot_again *costs;  /* plot_data_costs */
};

/* "G = 32", or "by row", "by tensor": a row's width is no group that anybody
 * chose.  buf holds 32 bytes. */
const char *plot_group_name(char buf[32], const struct plot_point *p);

/* Read the points of a grid (NULL: all) and a fit: fit_id, or with 0 the
 * latest of this grid, or with -1 none. */
enum status plot_data_read(struct plot_data **out, const char *db_path,
                           const char *grid, int64_t fit_id, struct err *err);
void plot_data_free(struct plot_data *d);

/* What is to be said where a fit is needed and there is none; caller frees. */
char *plot_data_no_fit(const struct plot_data *d);

/* The settings of a point, as predict.h and derived.h take them: those that the
 * law asks for, without the names in `without` ("ND"). */
struct plot_settings {
    char *text[16];
    int n;
};
struct plot_settings plot_settings_of(const struct plot_again *a,
                                      const struct plot_fit *f,
                                      const struct plot_point *p,
                                      const char *without);
void plot_settings_add(struct plot_settings *s, char *text); /* takes text */
void plot_settings_release(struct plot_settings *s);

void plot_again_free(struct plot_again *a); /* may be NULL */

/* The fit made once more from its request: for its warnings, for predictions
 * with intervals and for what is drawn from refits.  Made on the first call;
 * why says what kept it when ok is false.  NULL: there is no fit. */
struct plot_again {
    bool ok;
    char *why;
    struct fit_request request;
    struct model *model;
    struct fit fit;
};
const struct plot_again *plot_data_again(struct plot_data *d);

/* What the finished runs say; made on the first call. */
const struct findings *plot_data_findings(struct plot_data *d);

/* The law of the cost: the paired form of the fit's law, or of the grid's,
 * fitted to the differences with each twin and seed counted once.  Made on the
 * first call; NULL without a grid, and where there are more than forty
 * families. */
const struct plot_again *plot_data_costs(struct plot_data *d);

/* --- the fit (figures/fit.c) ------------------------------------------------- */

enum status plot_fit_read(struct plot_fit **out, struct db *db,
                          const char *grid, int64_t fit_id, struct err *err);
void plot_fit_free(struct plot_fit *f);

/* The law's value at a point's settings, or of its unquantized twin; NaN when
 * there is no fit, or the law cannot say. */
double plot_fit_value(const struct plot_fit *f, const struct plot_point *p);
double plot_fit_base(const struct plot_fit *f, const struct plot_point *p);

/* Loss, and loss above the twin, whichever of them was fitted. */
double plot_fit_loss(const struct plot_fit *f, const struct plot_point *p);
double plot_fit_delta(const struct plot_fit *f, const struct plot_point *p);

/* The size of the unquantized model with the same loss, as a share of N; NaN
 * when there is none. */
double plot_fit_share(const struct plot_fit *f, const struct plot_point *p);

/* The group of a parameter that a point, or its twin, belongs to; NULL. */
const char *plot_fit_group(const struct plot_fit *f, const char *stem,
                           const struct plot_point *p, bool base);

const struct plot_param *plot_fit_param(const struct plot_fit *f,
                                        const char *name);

/* Does the law depend on this variable? */
bool plot_fit_uses(const struct plot_fit *f, const char *name);

#endif
