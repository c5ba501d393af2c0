/* sensitivity.h - what a fit owes to its choice of loss and space, and to single
 * rows.
 *
 * The same law is fitted to the same rows in every space that they allow, by
 * least squares, least absolute values and Huber's loss at a half, 1.345 and 3
 * standard deviations of the noise; 1.345 keeps 95 % of the efficiency of least
 * squares when errors are normal (Holland and Welsch 1977) and is what is
 * suggested.  The noise is that of replicates, or where there are too few the
 * middle of the residuals, which includes what the law misses. */
#ifndef FIT_SENSITIVITY_H
#define FIT_SENSITIVITY_H

#include "base/str.h"
#include "fit/fit.h"

struct sensitivity_case {
    enum fit_space space;
    struct fit_loss loss;
    struct optimum best;
    char *failure; /* why there is none, or NULL */
    bool is_own;   /* the loss and space of the fit itself */
};

struct sensitivity_row { /* left out */
    size_t row;
    int param; /* that moves most, as a share of half its interval */
    double before, after, share;
};

#define SENSITIVITY_ROWS 5

struct sensitivity {
    const struct fit *f;
    struct sensitivity_case *cases;
    int n;
    char *no_space;            /* why only one space could be tried, or NULL */
    double noise;              /* in the fit's own space; 0: exact */
    int noise_dof;             /* 0: from the residuals */
    struct fit_loss suggested; /* in the fit's own space */
    int beyond;                /* rows beyond its delta */
    struct sensitivity_row rows[SENSITIVITY_ROWS]; /* the most telling first */
    int n_rows, tried; /* tried: rows left out one at a time */
};

/* f is the fit of spec to t. */
void sensitivity_run(struct sensitivity *s, const struct fit *f,
                     const struct table *t, const struct fit_spec *spec);
void sensitivity_release(struct sensitivity *s);

/* Is the case's value of parameter i outside of the fit's own 95 % interval?
 * Never where the fit has none. */
bool sensitivity_is_outside(const struct sensitivity *s, int k, int i);

/* Lines of at most 80 columns; a member "sensitivity" of an open object. */
void sensitivity_text(struct str *out, const struct sensitivity *s);
void sensitivity_json(struct str *out, const struct sensitivity *s);

#endif
