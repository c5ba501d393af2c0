/* spec.h - what a person asks of a fit, in the words of the command line. */
#ifndef FIT_SPEC_H
#define FIT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "fit/law.h"

/* The loss rho of a residual r, summed over the rows. */
enum fit_loss_kind {
    FIT_L2,     /* r^2: the objective is the sum of squares */
    FIT_L1,     /* |r| */
    FIT_HUBER,  /* r^2/2 up to s, then s (|r| - s/2): plain, not divided */
    FIT_CAUCHY, /* s^2/2 log(1 + r^2/s^2) */
};

struct fit_loss {
    enum fit_loss_kind kind;
    double scale;
};

/* "l2", "l1", "huber:1e-3", "cauchy:0.01" and back. */
enum status fit_loss_parse(struct fit_loss *out, const char *text,
                           struct err *err);
const char *fit_loss_text(char buf[48], const struct fit_loss *loss);
/* The loss of one residual; for least squares half its square. */
double fit_rho(const struct fit_loss *loss, double r);
enum status fit_space_parse(enum fit_space *out, const char *text,
                            struct err *err);

struct fit_setting { /* NAME = value, or NAME = another name */
    char *name, *to;
    double value;
};

struct fit_bound {
    char *name;
    double lo, hi;
};

struct fit_group { /* one value of the parameter for each of the column */
    char *param, *column;
};

struct fit_spec {
    const struct law *law; /* NULL for a user's formula */
    const char *formula;
    enum fit_space space;
    struct fit_loss loss;
    const char *sigma;   /* column of standard deviations, or NULL */
    const char *cluster; /* column whose values are resampled, or NULL */
    struct fit_setting *starts, *fixes;
    struct fit_bound *bounds;
    struct fit_group *groups;
    int n_starts, n_fixes, n_bounds, n_groups;
    uint64_t seed;
    int bootstrap; /* replicates; 0: none, -1: as the loss needs */
    bool profile;
    bool bare;       /* the minimum alone: nobody reads intervals or warnings */
    bool start_only; /* search from the given starts alone */
    bool obey;       /* take the intervals that warnings demand (resample.h) */
    bool strict;     /* refuse rows that would be left out */
};

/* A law's own space, or linear space for a formula; least squares. */
void fit_spec_init(struct fit_spec *s, const struct law *law,
                   const char *formula);
void fit_spec_release(struct fit_spec *s);

/* Options, each of which may be given several times: "a=1,b=2"; "E>=0",
 * "alpha<=2"; "alpha=beta", "E=0", "k[BF16]=1"; "k:fmt". */
enum status fit_spec_start(struct fit_spec *s, const char *text,
                           struct err *err);
enum status fit_spec_bound(struct fit_spec *s, const char *text,
                           struct err *err);
enum status fit_spec_fix(struct fit_spec *s, const char *text, struct err *err);
enum status fit_spec_group(struct fit_spec *s, const char *text,
                           struct err *err);

#endif
